import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gate, Receipt } from '../../server/index.ts'
import { clientGone, requireArguments } from '../../server/index.ts'
import type { NodeOptions } from './node-request.ts'
import { nodeOptionKinds, readNodeRequest, withhold } from './node-request.ts'
import { followResponse, hasLeft, sendRefusal } from './node-response.ts'

/** A request listener that is told what was bought; `undefined` when the request was free. */
export type PaidListener = (
  request: IncomingMessage,
  response: ServerResponse,
  receipt: Receipt | undefined,
) => unknown

/**
 * Puts a gate before a request listener of `node:http`.
 *
 * A request that asks for an upgrade comes here only while the server has no `upgrade` listener;
 * protect that one with {@link protectUpgrade}.
 *
 * @returns A request listener. Its promise rejects with what `listener` throws, after the use was
 *   given back if the client is still there; `node:http` treats that like a throw.
 * @throws {TypeError} for a gate that is none, a listener that is no function, and an option that is
 *   not known.
 * @example
 * createServer(protect(gate, (request, response, receipt) => response.end('paid')))
 */
export function protect(
  gate: Gate,
  listener: PaidListener,
  options: NodeOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  requireArguments('protect', { gate, handler: listener, options }, nodeOptionKinds)
  return async (request, response) => {
    const decision = await gate(readNodeRequest(request, options))
    if (decision.status === 'refused') return sendRefusal(response, decision.response)
    if (!followResponse(response, decision)) return
    if (options.keepCredential !== true) withhold(request)
    try {
      await listener(request, response, decision.receipt)
    } catch (error) {
      if (!response.headersSent) await decision.finish(hasLeft(response) ? clientGone : undefined)
      throw error
    }
  }
}
