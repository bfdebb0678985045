import { isL402Error, L402Error } from '../errors.ts'
import type { CanonicalTarget } from '../l402/index.ts'
import { canonicalTarget } from '../l402/index.ts'
import { isPreflight, preflightHeaders } from './cross-origin.ts'
import type { Decision, IncomingRequest } from './paywall.ts'
import { refuse } from './refuse.ts'
import type { Shop } from './shop.ts'

/** What is neither served nor priced: it would echo the credential, or tunnel past the gate. */
const neverServed = ['TRACE', 'TRACK', 'CONNECT']
const served = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const usual = ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export type Screened =
  | { readonly decision: Decision }
  | { readonly decision: undefined; readonly method: string; readonly target: CanonicalTarget }

/**
 * What comes before any price: the method is served, a preflight is answered, and the target can be
 * read in one way only.
 *
 * @returns The method as it is priced, HEAD as GET, and the canonical target; or the answer.
 * @spec server.md R-SRV-10, R-SRV-12, R-SRV-13
 */
export function screen(shop: Shop, request: IncomingRequest): Screened | Promise<Screened> {
  const { method } = request
  if (!usual.includes(method)) {
    if (neverServed.includes(method) || !/^[A-Z][A-Z-]{0,31}$/.test(method)) {
      return refused(shop, new L402Error('REQUEST_METHOD', { allow: served }))
    }
  }
  if (shop.cors && isPreflight(request)) {
    const response = { status: 204, headers: preflightHeaders, body: '' }
    return { decision: { status: 'refused', response, refusal: undefined } }
  }
  const hosts = request.headerLines('host')
  // Where lines come joined, a comma tells: no host name has one.
  if (hosts.length > 1 || hosts[0]?.includes(',') === true) {
    return refused(shop, new L402Error('REQUEST_AMBIGUOUS', { reason: 'two Host lines' }))
  }
  try {
    const target = canonicalTarget(request.target)
    return { decision: undefined, method: method === 'HEAD' ? 'GET' : method, target }
  } catch (error) {
    if (!isL402Error(error)) throw error
    return refused(shop, error)
  }
}

async function refused(shop: Shop, error: L402Error): Promise<Screened> {
  return { decision: await refuse(shop, error, undefined, undefined) }
}
