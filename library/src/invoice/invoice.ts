import type { Msat } from '../amount/index.ts'
import type { PaymentHash } from './payment.ts'

/** The networks an invoice can be for, by Bitcoin's names. `simnet` is btcsuite's, not in BOLT 11. */
export type Network = 'bitcoin' | 'testnet' | 'signet' | 'regtest' | 'simnet'

/** One hop of a private route to the payee (field `r`). */
export type RouteHop = {
  /** Compressed public key, 33 bytes. */
  readonly nodeId: Uint8Array
  /** 8 bytes. */
  readonly shortChannelId: Uint8Array
  readonly feeBaseMsat: number
  readonly feeProportionalMillionths: number
  readonly cltvExpiryDelta: number
}

/** An on-chain address to fall back to (field `f`): witness version or 17 (P2PKH), 18 (P2SH). */
export type Fallback = { readonly version: number; readonly program: Uint8Array }

/** A field that does not count: of an unknown tag, of a wrong length, or there already. */
export type IgnoredField = {
  /** The letter of the tag, for example `p`. */
  readonly tag: string
  readonly reason: 'unknown' | 'wrong length' | 'repeated'
}

/** What an invoice says. All of it is the payee's claim; see {@link UnverifiedInvoice}. */
export type InvoiceFields = {
  readonly network: Network
  /** `undefined`: the payer chooses. A client of this library never pays such an invoice. */
  readonly amountMsat: Msat | undefined
  /** Seconds since 1970, 35 bits. */
  readonly timestampSeconds: number
  readonly paymentHash: PaymentHash
  /** 32 bytes. Proves to the payee that the payer saw the invoice. */
  readonly paymentSecret: Uint8Array
  /** Text of the payee; at most 639 bytes. Exactly one of this and `descriptionHash` is set. */
  readonly description: string | undefined
  /** SHA-256 of a longer description, 32 bytes. */
  readonly descriptionHash: Uint8Array | undefined
  /** Seconds after the timestamp. Default 3600. */
  readonly expirySeconds: number
  /** Blocks. Default 18. */
  readonly minFinalCltvExpiry: number
  /** Set bits, ascending. */
  readonly featureBits: readonly number[]
  readonly fallbacks: readonly Fallback[]
  /** One entry a route, each a path of hops. */
  readonly routes: readonly (readonly RouteHop[])[]
  /** Field `m`, opaque to the payer. */
  readonly metadata: Uint8Array | undefined
}

declare const verified: unique symbol

/** A well-formed invoice whose signature has not been looked at. For display and for speed only. */
export type UnverifiedInvoice = InvoiceFields & {
  /** The invoice as text: lower case, without the `lightning:` prefix. */
  readonly text: string
  /** Field `n`: who the invoice says will be paid. 33 bytes. */
  readonly claimedPayee: Uint8Array | undefined
  /** Even feature bits that nobody here knows: a payer must not pay (BOLT 9). Ascending. */
  readonly unknownRequiredFeatures: readonly number[]
  readonly ignoredFields: readonly IgnoredField[]
  /** r ‖ s, 64 bytes. */
  readonly signature: Uint8Array
  /** 0 to 3. */
  readonly recoveryId: number
  /** SHA-256 of what was signed. 32 bytes. */
  readonly signingHash: Uint8Array
}

/**
 * An invoice whose signature verifies and whose features are all known. Only `decodeInvoice` and
 * `verifyInvoice` make one.
 */
export type Invoice = UnverifiedInvoice & {
  /**
   * The public key that signed, 33 bytes. Proves who signed, not who was meant: whoever changes an
   * invoice in transit signs it with another key, so compare it where the payee is known.
   */
  readonly payee: Uint8Array
  readonly [verified]: true
}
