import type { Msat } from '../amount/index.ts'
import type { Invoice, Network, PaymentHash, Preimage } from '../invoice/index.ts'

/** How an invoice of ours stands. Only `settled` means money. */
export type InvoiceStatus =
  /** It can still be paid, or a payment is on its way or held. */
  | { readonly status: 'open' }
  | { readonly status: 'settled'; readonly amountMsat: Msat; readonly settledAtSeconds: number }
  /** Expired or cancelled: it can no longer be paid. */
  | { readonly status: 'closed' }
  | { readonly status: 'not-found' }

/** One invoice of ours that was paid in full. */
export type Settlement = {
  readonly paymentHash: PaymentHash
  readonly amountMsat: Msat
  readonly settledAtSeconds: number
}

/**
 * A node that can be paid. The server needs this and nothing else of a Lightning node.
 *
 * Every method rejects with NODE_UNAVAILABLE when the node cannot be reached or answers nonsense,
 * and when the caller's signal aborts.
 *
 * @spec lightning.md R-LN-1 to R-LN-6
 */
export type Payee = {
  /** The network its invoices are for. */
  readonly network: Network
  /** Amounts are multiples of it: 1000 of a wallet that knows whole sat only. Left out: 1. */
  readonly amountStepMsat?: Msat
  /** The longest description it takes, in bytes of UTF-8. Left out: 639, what an invoice can hold. */
  readonly maxDescriptionBytes?: number
  /**
   * Makes a plain BOLT 11 invoice with a preimage of the node's own. There is no way to ask for a
   * given payment hash: whoever chose the hash would know the preimage without paying.
   *
   * @throws {RangeError} for an amount of zero, a description of more than 639 bytes, an expiry
   *   outside its range, and for what this wallet cannot say exactly in an invoice.
   */
  createInvoice(request: {
    readonly amountMsat: Msat
    readonly description: string
    /** From 1 to 31 536 000. */
    readonly expirySeconds: number
    readonly signal?: AbortSignal
  }): Promise<{ readonly invoice: string }>
  lookupInvoice(hash: PaymentHash, signal?: AbortSignal): Promise<InvoiceStatus>
  /**
   * Settlements from this call on, each once, in the order they happened, until `signal` aborts.
   * What settles between two reads waits for the next read.
   *
   * A stream that breaks rejects with NODE_UNAVAILABLE and is over. Its reader opens a new one and
   * then looks up what it still waits for: nothing is told twice.
   */
  settlements(signal: AbortSignal): AsyncIterable<Settlement>
}

/** Why a payment ended without money moving. */
export type FailureReason =
  | 'no-route'
  | 'insufficient-balance'
  | 'fee-limit'
  | 'expired'
  /**
   * The invoice was paid by someone. A node that forgot its own payment says the same, so look the
   * hash up before believing that the money of this order is still there.
   */
  | 'already-paid'
  | 'rejected'
  | 'wrong-network'

/**
 * How a payment stands. `unknown` is not a failure: money may still leave. Whoever retries on
 * `unknown` pays twice, so there is no boolean here to misread.
 */
export type PaymentOutcome =
  | {
      readonly status: 'settled'
      /** As the node gave it. Whoever needs the proof checks it against the payment hash. */
      readonly preimage: Preimage
      readonly amountMsat: Msat
      readonly feeMsat: Msat
    }
  /** Final: no money moved and none will. */
  | { readonly status: 'failed'; readonly reason: FailureReason }
  | { readonly status: 'unknown' }

/**
 * A node that can pay. The client needs this and nothing else of a Lightning node.
 *
 * @spec lightning.md R-LN-7 to R-LN-14
 */
export type Payer = {
  /** The network it can pay on. */
  readonly network: Network
  /**
   * Names the wallet, so that no other one is asked about its payments in earnest: the same after a
   * restart, another for another wallet, of at most 128 characters. Not a secret.
   */
  readonly id?: string
  /**
   * How long an order may still be on its way to the wallet once the process that gave it is gone,
   * in seconds. Left out: nobody knows, and a dead process counts as busy until its lease is over.
   */
  readonly orderLagSeconds?: number
  /**
   * Pays one invoice, at most once: a second call for the same payment hash rejoins the first. Only
   * a payment that failed is tried anew.
   *
   * Never rejects for the payment's sake: a lost connection, a time-out or an abort of `signal`
   * after the order may have been given resolves to `unknown`. So does an abort before the call.
   * Rejects with NODE_UNAVAILABLE only when the order was certainly not given.
   */
  pay(
    invoice: Invoice,
    limits: { readonly maxFeeMsat: Msat; readonly signal?: AbortSignal },
  ): Promise<PaymentOutcome>
  /**
   * What became of a payment. `undefined`: the node never saw it, and it cannot still be under way.
   * Rejects with NODE_UNAVAILABLE when the node cannot tell.
   */
  lookupPayment(hash: PaymentHash, signal?: AbortSignal): Promise<PaymentOutcome | undefined>
}

/** What a credential lets its holder do with the wallet. `undefined`: nobody can tell from here. */
export type WalletPowers = {
  readonly receive: boolean | undefined
  readonly spend: boolean | undefined
  /** What it allows beyond paying and being paid, for people: `open channels`, `withdraw on chain`. */
  readonly beyond: readonly string[]
}

/** What a wallet tells of itself, for whoever sets it up. */
export type WalletFacts = {
  /** The network that it is on. `undefined`: it does not tell. */
  readonly network: Network | undefined
  /** Why it cannot be used at this moment, though it answers: `it is locked`. */
  readonly notReady: string | undefined
  readonly powers: WalletPowers
  /** Its time, in seconds since 1970, where it tells it. */
  readonly nowSeconds: number | undefined
}

/** A wallet as its adapter gives it: what it can do of paying and being paid. */
export type Wallet = {
  /** Scheme of its URI: `lnd`, `cln`, `phoenixd`. */
  readonly kind: string
  readonly network: Network
  readonly payee: Payee | undefined
  readonly payer: Payer | undefined
  /**
   * Asks the wallet how it is and what the credential may do. Moves no money and makes no invoice.
   *
   * @throws {L402Error} NODE_UNAVAILABLE with `details.reason`, when it cannot be reached or refuses
   *   the credential; the reason says what to mend. `details.refused` is true where the wallet itself
   *   refused the credential: asking again does not help.
   */
  examine(signal?: AbortSignal): Promise<WalletFacts>
  /**
   * What it has to pay with; `undefined`: it does not tell. Left out: its adapter does not ask.
   *
   * @throws {L402Error} NODE_UNAVAILABLE, also where the credential does not allow to ask.
   */
  balanceMsat?(signal?: AbortSignal): Promise<Msat | undefined>
  /** Ends its connections. What is under way is told as `unknown` or NODE_UNAVAILABLE. */
  close(): void
}
