import { createServer } from 'node:net'

/**
 * Whether several processes may listen on one port and the kernel deals out connections evenly.
 * Elsewhere `listen` with `reusePort` fails, or one process gets everything.
 */
export const canReusePort: boolean = process.platform === 'linux'

/**
 * Makes sure that an address is free before workers listen on it together: a port that may be shared
 * would be shared with a stranger too, without a word.
 *
 * @param port - 0 takes any free one.
 * @returns The port.
 * @throws {Error} EADDRINUSE, EACCES, EADDRNOTAVAIL and the like, as `listen` does.
 * @spec gateway.md R-WRK-13
 */
export function claimPort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const claimed = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(claimed))
    })
  })
}
