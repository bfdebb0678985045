import type { Request, RequestHandler } from 'express'
import type { Gate, Receipt } from '../../server/index.ts'
import { requireArguments } from '../../server/index.ts'
import { followResponse, readNodeRequest, sendRefusal, withhold } from '../node-http/index.ts'

declare module 'express-serve-static-core' {
  interface Request {
    /** What was bought; `undefined` when the request was free or passed no gate. */
    l402?: Receipt | undefined
  }
}

export type ExpressOptions = {
  /**
   * Who the client is. Default: the address of the socket. Behind a proxy that Express was told to
   * trust, `(request) => request.ip`.
   */
  readonly clientAddress?: (request: Request) => string | undefined
  /** Lets the handler see the credential in `request.headers`. Default false. */
  readonly keepCredential?: boolean
}

const kinds = { clientAddress: 'function', keepCredential: 'boolean' } as const

/**
 * Puts a gate before Express routes.
 *
 * @throws {TypeError} for a gate that is none, and for an option that is not known.
 * @example
 * app.get('/weather', l402(gate), (request, response) => response.json({ paid: request.l402 }))
 */
export function l402(gate: Gate, options: ExpressOptions = {}): RequestHandler {
  requireArguments('l402', { gate, options }, kinds)
  return async (request, response, next) => {
    const { clientAddress } = options
    // A mount cuts its path off `url`; what was received stays in `originalUrl`.
    const decision = await gate(
      readNodeRequest(
        request,
        clientAddress === undefined ? {} : { clientAddress: () => clientAddress(request) },
        request.originalUrl,
      ),
    )
    if (decision.status === 'refused') return sendRefusal(response, decision.response)
    if (!followResponse(response, decision)) return
    if (options.keepCredential !== true) withhold(request)
    request.l402 = decision.receipt
    next()
  }
}
