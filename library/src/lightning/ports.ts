import type { Msat } from '../amount/index.ts'
import type { Invoice, Network, PaymentHash, Preimage } from '../invoice/index.ts'

/** How an invoice of ours stands. Only `settled` means money. */
export type InvoiceStatus =
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
 * Every method rejects with NODE_UNAVAILABLE when the node cannot be reached or answers nonsense.
 */
export type Payee = {
  /** The network its invoices are for. */
  readonly network: Network
  /**
   * Makes a plain BOLT 11 invoice with a preimage of the node's own. There is no way to ask for a
   * given payment hash: whoever chose the hash would know the preimage without paying.
   */
  createInvoice(request: {
    readonly amountMsat: Msat
    readonly description: string
    /** From 1 to 31 536 000. */
    readonly expirySeconds: number
    readonly signal?: AbortSignal
  }): Promise<{ readonly invoice: string }>
  lookupInvoice(hash: PaymentHash, signal?: AbortSignal): Promise<InvoiceStatus>
  /** Settlements from now on, until `signal` aborts. */
  settlements(signal: AbortSignal): AsyncIterable<Settlement>
}

/** Why a payment ended without money moving. */
export type FailureReason =
  | 'no-route'
  | 'insufficient-balance'
  | 'fee-limit'
  | 'expired'
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
      readonly preimage: Preimage
      readonly amountMsat: Msat
      readonly feeMsat: Msat
    }
  /** Final: no money moved and none will. */
  | { readonly status: 'failed'; readonly reason: FailureReason }
  | { readonly status: 'unknown' }

/** A node that can pay. The client needs this and nothing else of a Lightning node. */
export type Payer = {
  /** The network it can pay on. */
  readonly network: Network
  /**
   * Pays one invoice, at most once: a second call for the same payment hash rejoins the first.
   *
   * Never rejects for the payment's sake: a lost connection, a time-out or an abort of `signal`
   * after the order may have been given resolves to `unknown`. Rejects with NODE_UNAVAILABLE only
   * when the order was certainly not given.
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
