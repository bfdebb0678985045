import type { Gate, Receipt } from '../../server/index.ts'
import { clientGone, requireArguments } from '../../server/index.ts'
import { hasLeft } from './client-left.ts'
import { readWebRequest } from './web-request.ts'
import { toResponse, withHeaders } from './web-response.ts'

/** A fetch handler that is told what was bought; `undefined` when the request was free. */
export type PaidHandler<Rest extends readonly unknown[]> = (
  request: Request,
  receipt: Receipt | undefined,
  ...rest: Rest
) => Response | Promise<Response>

export type WebOptions<Rest extends readonly unknown[]> = {
  /**
   * Who the client is: what the runtime tells beside the request. Without it, a challenge is never
   * handed out twice, all clients share one issuance limit, and `ip=` caveats refuse.
   */
  readonly clientAddress?: (request: Request, ...rest: Rest) => string | undefined
}

/**
 * Puts a gate before a fetch handler: Deno, Bun, Workers, or anything else that speaks `Request` and
 * `Response`. What the runtime passes beside the request is passed on.
 *
 * The handler sees the credential in the request's headers; they cannot be changed here.
 *
 * @throws {TypeError} for a gate that is none, a handler that is no function, and an option that is
 *   not known.
 * @example
 * export const fetch = protect(gate, (request, receipt) => new Response('paid'))
 */
export function protect<Rest extends readonly unknown[] = []>(
  gate: Gate,
  handler: PaidHandler<Rest>,
  options: WebOptions<Rest> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  requireArguments('protect', { gate, handler, options }, { clientAddress: 'function' })
  return async (request, ...rest) => {
    const decision = await gate(readWebRequest(request, options.clientAddress?.(request, ...rest)))
    if (decision.status === 'refused') return toResponse(decision.response)
    try {
      const response = await handler(request, decision.receipt, ...rest)
      const headers = decision.responseHeaders((name) => response.headers.get(name) ?? undefined)
      const finished = withHeaders(response, headers)
      const { status } = response
      await decision.finish(status >= 500 && hasLeft(request, rest[0]) ? clientGone : status)
      return finished
    } catch (error) {
      await decision.finish(hasLeft(request, rest[0]) ? clientGone : undefined)
      throw error
    }
  }
}
