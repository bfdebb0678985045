import type { Hop } from './call.ts'

/** The most redirects that one call follows, as in `fetch`. */
export const mostRedirects = 20

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Headers that describe a body, and go when it goes. */
const bodyHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-type',
]
/** Headers that the caller meant for one origin. */
const credentialHeaders = [
  'authorization',
  'cookie',
  'grpc-metadata-macaroon',
  'host',
  'macaroon',
  'proxy-authorization',
]

/** Whether a response sends the caller elsewhere. Without a `Location` it does not. */
export function isRedirect(response: Response): boolean {
  return redirectStatuses.has(response.status) && response.headers.has('location')
}

/**
 * The request that a redirect asks for, by the rules of `fetch`: 303, and 301 or 302 after POST,
 * become GET without a body; another origin gets none of the caller's credentials.
 *
 * @throws {TypeError} when the target is no http or https URL, or carries a password.
 * @spec client.md R-PAY-50, R-PAY-51
 */
export function followRedirect(hop: Hop, response: Response): Omit<Hop, 'isForeign'> {
  const url = URL.parse(response.headers.get('location') ?? '', hop.url.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError('redirected to something that is no http URL')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('redirected to a URL with a password')
  }

  const headers = new Headers(hop.headers)
  const becomesGet = dropsBody(response.status, hop.method)
  if (becomesGet) for (const name of bodyHeaders) headers.delete(name)
  if (url.origin !== hop.url.origin) for (const name of credentialHeaders) headers.delete(name)
  return {
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers,
    body: becomesGet ? undefined : hop.body,
  }
}

/** Whether following would send a body to an origin that the caller did not choose. */
export function carriesBodyAway(from: Hop, to: Pick<Hop, 'body' | 'url'>): boolean {
  return to.body !== undefined && from.url.origin !== to.url.origin
}

function dropsBody(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}
