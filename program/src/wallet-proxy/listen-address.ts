import { isIP } from 'node:net'
import { UsageMistake } from '../cli/failure.ts'

/** Where the proxy listens: an address that only this machine can reach. */
export type ListenAddress = { readonly host: string; readonly port: number }

export const defaultAddress = '127.0.0.1:8405'

/**
 * Reads `127.0.0.1:8405`, `[::1]:8405`, `localhost:8405` or a port alone.
 *
 * @throws {UsageMistake} for anything else, and for an address that is not the loopback.
 * @spec agent.md R-WPX-2
 */
export function readListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([\da-f:]+)\]:|([^:[\]]+):)?(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) {
    throw new UsageMistake(`--listen: expected an address and a port, such as ${defaultAddress}`)
  }
  const host = bracketed ?? plain ?? '127.0.0.1'
  if (isLoopback(host)) return { host: host === 'localhost' ? '127.0.0.1' : host, port }
  throw new UsageMistake(
    '--listen: the wallet is served on this machine alone: 127.0.0.1, [::1] or localhost',
  )
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host.toLowerCase() === 'localhost'
}
