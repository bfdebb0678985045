/** One restriction, as its holder claims it. First party when `verificationId` is absent. */
export type Caveat = {
  /** First party: the text of the condition, in UTF-8. Third party: opaque to us. */
  readonly identifier: Uint8Array
  /** 72 bytes: nonce and sealed caveat key. Third-party caveats only. */
  readonly verificationId?: Uint8Array
  /** Third-party caveats only. Unsigned: a hint where to ask for a discharge. */
  readonly location?: Uint8Array
}

/** A bearer token that any holder can narrow and nobody can widen. A value: nothing changes it. */
export type Macaroon = {
  /** Unsigned; a hint, never a fact. */
  readonly location?: Uint8Array
  readonly identifier: Uint8Array
  /** What the holder claims. Good for display and for nothing else; use what `verify` returns. */
  readonly unverifiedCaveats: readonly Caveat[]
  /** 32 bytes. Whoever has it can narrow the token: a secret. */
  readonly signature: Uint8Array
}

declare const checked: unique symbol

/** A first-party caveat under a signature that was checked. */
export type VerifiedCaveat = {
  /** The caveat's text. */
  readonly text: string
  /**
   * The HMAC state after this caveat, 32 bytes: the identity of the branch that the caveat opened.
   * Everyone below it shares this value, and nobody beside it. Not the token's signature unless the
   * caveat is the last one; as secret as that.
   */
  readonly branch: Uint8Array
}

/**
 * Caveats whose signature has been checked, in order. Only `verify` and `verifyWithDischarges` can
 * make one; the latter puts the caveats of a discharge where the caveat stood that it discharges.
 */
export type VerifiedCaveats = readonly VerifiedCaveat[] & { readonly [checked]: true }
