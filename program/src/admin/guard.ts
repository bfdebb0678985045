import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { AdminProblem } from './problem.ts'

/**
 * Checks that a request was meant for this listener and was not sent by a web page.
 *
 * A page that makes its own name lead to 127.0.0.1 is told by the Host, another page by the Origin.
 *
 * @param configured - The host of the listener, beside the names of the loopback.
 * @throws {AdminProblem} ADMIN_HOST, ADMIN_ORIGIN, ADMIN_MALFORMED.
 * @spec gateway.md R-ADM-1, R-ADM-2
 */
export function guard(incoming: IncomingMessage, configured: string): void {
  const hosts = valuesOf(incoming, 'host')
  const name = hosts.length === 1 ? hostName(hosts[0]!) : undefined
  if (name === undefined || !isAllowed(name, configured)) {
    throw new AdminProblem('ADMIN_HOST', 'The Host of the request is not this listener.')
  }
  if (!incoming.url?.startsWith('/') || incoming.url.startsWith('//')) {
    throw new AdminProblem('ADMIN_MALFORMED', 'The target is not an absolute path.')
  }
  const site = incoming.headers['sec-fetch-site']
  const isFromPage = valuesOf(incoming, 'origin').length > 0
  if (isFromPage || (site !== undefined && site !== 'none')) {
    throw new AdminProblem('ADMIN_ORIGIN', 'The request comes from a web page.')
  }
}

/** Whether a host is one that only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host === 'localhost'
}

/** Without the port, and without the brackets of IPv6. Any port: it may be forwarded by SSH. */
function hostName(host: string): string | undefined {
  return (
    /^\[([\da-f:.]{2,45})\](?::\d{1,5})?$/i.exec(host)?.[1] ??
    /^([\w.-]{1,253})(?::\d{1,5})?$/.exec(host)?.[1]
  )?.toLowerCase()
}

function isAllowed(name: string, configured: string): boolean {
  return ['localhost', '127.0.0.1', '::1', configured.toLowerCase()].includes(name)
}

/** Node keeps the first of several Host lines; here every line counts. */
function valuesOf(incoming: IncomingMessage, name: string): readonly string[] {
  return incoming.headersDistinct[name] ?? []
}
