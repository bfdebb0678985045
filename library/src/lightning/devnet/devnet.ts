import type { Msat } from '../../amount/index.ts'
import type { PaymentHash, Preimage } from '../../invoice/index.ts'
import type { Payee, Payer } from '../ports.ts'

/** What goes wrong with the next payment of a node, or with the payment of one invoice. */
export type Fault =
  /** The caller sees `unknown`; the payment settles `settleAfterMs` later (0: at once, unseen). */
  | { readonly kind: 'timeout'; readonly settleAfterMs: number }
  | { readonly kind: 'in-flight' }
  | { readonly kind: 'fail'; readonly reason: 'no-route' | 'rejected' }
  | { readonly kind: 'wrong-preimage' }
  /** The order is carried out, and answered as a duplicate of an earlier one. */
  | { readonly kind: 'duplicate' }
  /** The node cannot be reached at all. */
  | { readonly kind: 'unavailable' }

export type DevnetOptions = {
  /** Seconds since 1970. Default: the system clock. */
  readonly now?: () => number
  /** Default: the operating system's generator. */
  readonly random?: (length: number) => Uint8Array
  /** Fee of every payment: base plus proportional. Defaults 1000 msat and 100 millionths. */
  readonly feeBaseMsat?: Msat
  readonly feeProportionalMillionths?: number
  /** Start although NODE_ENV is `production`. */
  readonly force?: boolean
}

/** One node of the embedded network: payee and payer over one balance. */
export type DevnetNode = Payee &
  Payer & {
    readonly name: string
    /** Compressed public key, 33 bytes. */
    readonly nodeId: Uint8Array
    balanceMsat(): Msat
    /** Makes an invoice that, once paid, waits for {@link settleHold} or {@link cancelHold}. */
    createHoldInvoice(request: {
      readonly amountMsat: Msat
      readonly description: string
      readonly expirySeconds: number
      readonly paymentHash: PaymentHash
    }): Promise<{ readonly invoice: string }>
    settleHold(preimage: Preimage): void
    cancelHold(hash: PaymentHash): void
    /** Scripts the next payment that this node makes, or the payment of one hash. Oldest first. */
    injectFault(fault: Fault, hash?: PaymentHash): void
  }

/** The embedded development network: nodes, balances, real signed `lnbcrt` invoices. No real money. */
export type Devnet = {
  addNode(name: string, options: { readonly balanceMsat: Msat }): DevnetNode
  /** Sum of all balances, held amounts and collected fees: never changes (conservation). */
  totalMsat(): Msat
}

/** @throws {L402Error} CONFIG_INVALID when NODE_ENV is `production` and `force` is not set. */
export declare function createDevnet(options?: DevnetOptions): Devnet
