import type { Socket } from 'node:net'

/** How long a peer that was answered may take to end its side. */
const lingerMs = 2000

/**
 * Ends our side of a connection, and drops what still comes until the peer has ended its own. To
 * close at once would reset the connection while the peer is still sending, and a reset takes the
 * answer with it.
 */
export function closeGently(socket: Socket, forMs: number = lingerMs): void {
  if (socket.destroyed) return
  socket.end()
  const timer = setTimeout(() => socket.destroy(), forMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}
