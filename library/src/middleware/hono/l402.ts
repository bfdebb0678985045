import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import type { Gate, Receipt } from '../../server/index.ts'
import { clientGone, requireArguments } from '../../server/index.ts'
import { followResponse } from '../node-http/index.ts'
import type { NodeEnvironment } from '../web/index.ts'
import { hasLeft, readWebRequest, toResponse, withHeaders } from '../web/index.ts'

/** What `c.get('l402')` gives: what was bought; `undefined` when the request was free. */
export type PaidVariables = { l402: Receipt | undefined }

export type HonoOptions = {
  /**
   * Who the client is. Default: the address of the socket on Node, nothing elsewhere. Behind a
   * proxy, read the header that this proxy sets, and only if nobody else can reach the server.
   */
  readonly clientAddress?: (c: Context) => string | undefined
}

/**
 * Puts a gate before Hono routes.
 *
 * The handler sees the credential in the request's headers; do not log them.
 *
 * @throws {TypeError} for a gate that is none, and for an option that is not known.
 * @example
 * app.get('/weather', l402(gate), (c) => c.json({ paid: c.get('l402') }))
 */
export function l402(
  gate: Gate,
  options: HonoOptions = {},
): MiddlewareHandler<{ Variables: PaidVariables }> {
  requireArguments('l402', { gate, options }, { clientAddress: 'function' })
  const clientAddress = options.clientAddress ?? socketAddress
  return async (c, next) => {
    const decision = await gate(readWebRequest(c.req.raw, clientAddress(c)))
    if (decision.status === 'refused') return toResponse(decision.response)
    c.set('l402', decision.receipt)

    const outgoing = nodeResponse(c)
    if (outgoing !== undefined) {
      if (!followResponse(outgoing, decision)) return c.body(null)
      await next()
      return undefined
    }
    try {
      await next()
    } catch (error) {
      await decision.finish(hasLeft(c.req.raw, c.env) ? clientGone : undefined)
      throw error
    }
    const { res } = c
    const headers = decision.responseHeaders((name) => res.headers.get(name) ?? undefined)
    const finished = headers.length === 0 ? res : withHeaders(res, headers)
    if (finished !== res) {
      // Hono merges the headers of the response before, which are the ones to be replaced.
      c.res = undefined
      c.res = finished
    }
    // Hono turns what a handler throws into a response before it gets here.
    await decision.finish(res.status >= 500 && hasLeft(c.req.raw, c.env) ? clientGone : res.status)
    return undefined
  }
}

/**
 * What Node will write the response to, where it is Node that serves over HTTP/1. Its head is a plain
 * record when it is written, and changing that costs a fraction of changing a `Response`.
 */
function nodeResponse(c: Context): ServerResponse | undefined {
  const { incoming, outgoing } = (c.env ?? {}) as Partial<HttpBindings>
  return incoming?.httpVersionMajor === 1 && typeof outgoing?.writeHead === 'function'
    ? outgoing
    : undefined
}

/** What `@hono/node-server` passes beside the request. */
type HttpBindings = { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse }

function socketAddress(c: Context): string | undefined {
  return nodeEnvironment(c).incoming?.socket?.remoteAddress
}

function nodeEnvironment(c: Context): NodeEnvironment {
  return (c.env ?? {}) as NodeEnvironment
}
