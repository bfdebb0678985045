import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How connections to a listener are bounded. */
export type ConnectionLimits = {
  /** At once. */
  readonly most: number
  /** Until the first byte of the first request. */
  readonly silentMs: number
}

/**
 * Keeps those who connect and ask nothing from keeping others out: whoever says nothing is let go
 * soon, and where all places are taken, the one who has asked nothing for longest makes room. A request
 * that is being answered is never broken off for that.
 *
 * @spec agent.md R-WPX-10
 * @spec mcp.md R-MCP-55
 */
export function boundConnections(server: Server, { most, silentMs }: ConnectionLimits): void {
  /** Without a request, the one that waits for longest first. */
  const idle = new Set<Socket>()
  const busy = new Map<Socket, number>()

  server.on('connection', (socket: Socket) => {
    idle.add(socket)
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0) socket.destroy()
    }, silentMs)
    socket.once('close', () => {
      clearTimeout(timer)
      idle.delete(socket)
      busy.delete(socket)
    })
    if (idle.size + busy.size <= most) return
    const [first] = idle
    first?.destroy()
    if (first !== undefined) idle.delete(first)
  })
  server.on('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    idle.delete(socket)
    busy.set(socket, (busy.get(socket) ?? 0) + 1)
    outgoing.once('close', () => {
      const left = (busy.get(socket) ?? 1) - 1
      if (left > 0) {
        busy.set(socket, left)
        return
      }
      busy.delete(socket)
      if (!socket.destroyed) idle.add(socket)
    })
  })
}
