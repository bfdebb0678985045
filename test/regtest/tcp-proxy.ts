import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** A cable to one port of this machine, which can be cut. */
export type TcpProxy = {
  readonly port: number
  /** Cuts every connection and refuses new ones, or lets them through again. */
  setReachable(reachable: boolean): Promise<void>
  /**
   * What becomes of the next connection, once. `dead`: it is closed before a byte was read. `deaf`:
   * what its client says arrives, and nothing that is said to it comes back after the TLS handshake.
   */
  spoilNext(how: 'dead' | 'deaf'): void
  close(): Promise<void>
}

export async function openTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let next: 'dead' | 'deaf' | undefined

  const server = createServer((client) => {
    const how = next
    next = undefined
    if (how === 'dead') {
      client.destroy()
      return
    }
    const node = connect(target, '127.0.0.1')
    join(client, node, how === 'deaf')
    for (const socket of [client, node]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const cut = async (): Promise<void> => {
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port,
    setReachable: async (reachable) => {
      if (!reachable) return cut()
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    spoilNext: (how) => {
      next = how
    },
    close: cut,
  }
}

/** Joins the two ends. */
function join(client: Socket, node: Socket, isDeaf: boolean): void {
  let hasNodeSpoken = false
  let isShut = false
  client.on('data', (chunk) => {
    // TLS 1.3: what the client says after the node's first words ends the handshake.
    if (isDeaf && hasNodeSpoken) isShut = true
    node.write(chunk)
  })
  node.on('data', (chunk) => {
    hasNodeSpoken = true
    if (!isShut) client.write(chunk)
  })
  // Nor is it told that the node has gone.
  node.on('close', () => isShut || client.destroy())
  node.on('error', () => isShut || client.destroy())
  client.on('close', () => node.destroy())
  client.on('error', () => node.destroy())
}
