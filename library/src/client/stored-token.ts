import type { Msat } from '../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import type { Scheme } from '../l402/index.ts'
import type { Hop } from './call.ts'
import { routeOfTarget } from './ledger.ts'
import { readTokenFacts } from './token-facts.ts'
import type { StoredToken } from './token-store.ts'

/** Method, path and query: HEAD buys what GET buys. */
export function targetOf({ method, url }: Pick<Hop, 'method' | 'url'>): string {
  return `${method === 'HEAD' ? 'GET' : method} ${url.pathname}${url.search}`
}

/** Method and path. */
export function routeOf(hop: Pick<Hop, 'method' | 'url'>): string {
  return routeOfTarget(targetOf(hop))
}

/**
 * Names a token: 32 hex digits. The same text at another origin is another token, and so is one that
 * was sold again with another invoice.
 *
 * @spec client.md R-PAY-47
 */
export function tokenIdOf(origin: string, token: string, paymentHash: string): string {
  const name = `${origin} ${paymentHash} ${token}`
  return encodeHex(sha256(encodeUtf8(name))).slice(0, 32)
}

/** A token as it is kept when it has just been paid for, or comes from elsewhere. */
export function tokenOf(
  bought: {
    readonly origin: string
    readonly scheme: Scheme
    readonly token: string
    readonly paymentHash: string
    readonly amountMsat: Msat
    readonly target: string
    readonly enforces: readonly string[]
  },
  proof: { readonly preimage: string; readonly feeMsat: Msat; readonly boughtAtSeconds: number },
): StoredToken {
  const { origin, scheme, token, paymentHash, amountMsat, target, enforces } = bought
  const { preimage, feeMsat, boughtAtSeconds } = proof
  return {
    id: tokenIdOf(origin, token, paymentHash),
    origin,
    scheme,
    token,
    paymentHash,
    amountMsat,
    target,
    enforces,
    preimage,
    feeMsat,
    boughtAtSeconds,
    facts: readTokenFacts(token),
    standing: 'new',
    usesSeen: 0,
    servedRoutes: [],
    refusedTargets: [],
  }
}
