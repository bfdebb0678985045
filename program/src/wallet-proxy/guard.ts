import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ProxyProblem } from './proxy-problem.ts'

/** The names of this machine that a request may be for, with any port: it may be forwarded. */
const hosts = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/**
 * Checks that a request was meant for this listener and was not sent by a web page.
 *
 * A page that makes its own name lead to 127.0.0.1 is told by the Host, another page by the Origin.
 *
 * @throws {ProxyProblem} PROXY_HOST, PROXY_ORIGIN, PROXY_MALFORMED.
 * @spec agent.md R-WPX-2
 */
export function guard(incoming: IncomingMessage): void {
  const [host = '', ...more] = linesOf(incoming, 'host')
  if (more.length > 0 || !hosts.test(host)) {
    throw new ProxyProblem('PROXY_HOST', 'The Host of the request is not this listener.')
  }
  const site = incoming.headers['sec-fetch-site']
  if (linesOf(incoming, 'origin').length > 0 || (site !== undefined && site !== 'none')) {
    throw new ProxyProblem('PROXY_ORIGIN', 'The request comes from a web page.')
  }
  if (incoming.url?.startsWith('/') !== true) {
    throw new ProxyProblem('PROXY_MALFORMED', 'The target is not an absolute path.')
  }
}

/**
 * Checks the bearer token, in time that depends on its length alone.
 *
 * @throws {ProxyProblem} PROXY_UNAUTHENTICATED
 * @spec agent.md R-WPX-1
 */
export function requireBearer(incoming: IncomingMessage, token: string): void {
  const [line = '', ...more] = linesOf(incoming, 'authorization')
  const given = /^Bearer +([\w-]+)$/i.exec(line)?.[1] ?? ''
  if (more.length === 0 && isSame(given, token)) return
  throw new ProxyProblem('PROXY_UNAUTHENTICATED', 'The bearer token is missing or wrong.', {
    'www-authenticate': 'Bearer',
  })
}

function isSame(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Node joins or drops repeated lines of a name; here every line counts. */
function linesOf(incoming: IncomingMessage, name: string): readonly string[] {
  return incoming.headersDistinct[name] ?? []
}
