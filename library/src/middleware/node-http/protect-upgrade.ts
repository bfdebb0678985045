import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Gate, Receipt, RefusalResponse } from '../../server/index.ts'
import { clientGone, requireArguments } from '../../server/index.ts'
import type { NodeOptions } from './node-request.ts'
import { nodeOptionKinds, readNodeRequest, withhold } from './node-request.ts'

/** An `upgrade` listener that is told what was bought; `undefined` when the request was free. */
export type PaidUpgradeListener = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  receipt: Receipt | undefined,
) => unknown

/**
 * Puts a gate before an `upgrade` listener, such as a WebSocket server's: an upgrade never passes
 * through request listeners, so that {@link protect} alone does not see it.
 *
 * The use is settled when `listener` returns, and given back when it throws while the client is there.
 *
 * @throws {TypeError} for a gate that is none, a listener that is no function, and an option that is
 *   not known.
 * @example
 * server.on('upgrade', protectUpgrade(gate, (request, socket, head) => wss.handleUpgrade(…)))
 */
export function protectUpgrade(
  gate: Gate,
  listener: PaidUpgradeListener,
  options: NodeOptions = {},
): (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void> {
  requireArguments('protectUpgrade', { gate, handler: listener, options }, nodeOptionKinds)
  return async (request, socket, head) => {
    // Until the listener takes over, nobody else hears of a broken connection.
    socket.on('error', ignore)
    const decision = await gate(readNodeRequest(request, options))
    if (decision.status === 'refused') return sendRefusalToSocket(socket, decision.response)
    if (socket.destroyed) return decision.finish(undefined)
    socket.off('error', ignore)
    if (options.keepCredential !== true) withhold(request)
    try {
      await listener(request, socket, head, decision.receipt)
      await decision.finish(101)
    } catch (error) {
      const hasLeft = socket.destroyed || socket.readableEnded
      await decision.finish(hasLeft ? clientGone : undefined)
      socket.destroy()
      throw error
    }
  }
}

/** How long a client may take to read why its upgrade was refused. */
const refusalTimeoutMs = 2000

/**
 * Sends the paywall's own response to a request for an upgrade, for which there is no
 * `ServerResponse`, and closes the connection.
 */
export function sendRefusalToSocket(
  socket: Duplex,
  { status, headers, body }: RefusalResponse,
): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  const length = status === 204 ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  // Not imported: the adapters that share this folder also load where there is no Node.
  const reason = process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
  const start = `HTTP/1.1 ${status} ${reason}`
  // The server counts an upgraded socket no more: what ends it, also against a client that neither
  // reads nor closes, is here.
  const timer = setTimeout(() => socket.destroy(), refusalTimeoutMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  // Unread bytes would turn the end into a reset, and the refusal with it.
  socket.resume()
  socket.end([start, ...lines, ...length, 'Connection: close', '', body].join('\r\n'), () =>
    socket.destroy(),
  )
}

function ignore(): void {
  // The socket is destroyed by its error, and `socket.destroyed` tells.
}
