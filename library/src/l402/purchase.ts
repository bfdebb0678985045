import type { Msat } from '../amount/index.ts'

/** What a token is sold for: everything that was quoted. */
export type Purchase = {
  /** `[a-z][a-z0-9-]{0,31}` */
  readonly service: string
  /** 0 to 255. */
  readonly tier: number
  /** The capability of the route, `[a-z0-9][a-z0-9.-]{0,63}`. */
  readonly capability: string
  /** Seconds since 1970: the first second at which the token no longer works. */
  readonly validUntilSeconds: number
  /** The price of the challenge. */
  readonly amountMsat: Msat
  /** How many requests the token is good for; `undefined`: any number until it expires. */
  readonly uses?: number
  /** Digest of what the price depended on, 32 hex digits. */
  readonly scope?: string
}
/** The caveats of a sold token, in the order in which they are minted. @throws {RangeError} */
export declare function purchaseCaveats(purchase: Purchase): readonly string[]
/** Caveats that tie a credential to one request for a minute: `exp=` and `req=`. */
export declare function requestCaveats(request: {
  readonly method: string
  readonly target: string
  readonly nowSeconds: number
}): readonly string[]
