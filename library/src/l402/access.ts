import type { Msat } from '../amount/index.ts'
import type { CanonicalTarget } from './request-target.ts'

/** What the request is trying to do. Built by the server from the request, never from the token. */
export type Access = {
  /** The least tier that opens the route. */
  readonly tier: number
  /** The capability that the matched route names. */
  readonly capability: string
  /** Upper case. HEAD counts as GET. */
  readonly method: string
  readonly target: CanonicalTarget
  readonly nowSeconds: number
  /** The price of this request now, grace deducted. */
  readonly priceMsat: Msat
  /** Digest of what the price depended on; `undefined` where it depends on nothing. */
  readonly scope: string | undefined
  readonly clientAddress: string | undefined
  /** The `Origin` header. */
  readonly origin: string | undefined
  /** SHA-256 of the body in hex, where the server has it. A caveat that needs it fails without. */
  readonly bodySha256: string | undefined
}

/** A limit that needs a counter. Every limit of a token holds: the purchase's and each ancestor's. */
export type Limit = {
  /** Under what it is counted: the payment hash, or a digest of the branch. Not a secret. */
  readonly key: string
  readonly unit: 'use' | 'msat'
  readonly max: bigint
  /**
   * Through whose hands it came: a digest of the first branch that a holder made of the purchase, or
   * the payment hash where the purchase sets the limit. A store can bound by it what one delegate
   * makes it count.
   */
  readonly lineage: string
  /** Who set it: decides between 402 (buy again) and 403 (the holder's own restriction). */
  readonly setBy: 'purchase' | 'attenuation'
}

/** What a token allows, once it has been found to allow this request. */
export type Grant = {
  readonly service: string
  readonly tier: number
  readonly capability: string
  /** What the token was sold for. */
  readonly amountMsat: Msat
  /** The earliest expiry of all. */
  readonly validUntilSeconds: number
  readonly limits: readonly Limit[]
  /** Delegation ids, outermost first, for the deny list. */
  readonly delegationIds: readonly string[]
  /** Conditions that were not enforced: another service's, or unknown under `skip`. */
  readonly skipped: readonly string[]
}
