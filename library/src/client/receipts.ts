import type { Msat } from '../amount/index.ts'
import type { Code } from '../errors.ts'

/**
 * What became of a call, as far as no payment of the ledger tells it. Carries no secret: a URL is
 * written down without its query.
 */
export type Note =
  /** Nothing was paid, because a check, a limit or somebody who was asked said no. */
  | {
      readonly kind: 'refused'
      readonly atSeconds: number
      readonly method: string
      readonly origin: string
      readonly path: string
      readonly code: Code
      /** `details.reason` of POLICY_REFUSED, `details.limit` of BUDGET_EXCEEDED. */
      readonly reason: string | undefined
      readonly amountMsat: Msat | undefined
      readonly paymentHash: string | undefined
    }
  /** What was bought was answered, or was not. */
  | {
      readonly kind: 'delivered' | 'not-delivered'
      readonly atSeconds: number
      readonly origin: string
      readonly paymentHash: string
      /** `undefined`: no answer came. */
      readonly status: number | undefined
    }

/**
 * Where decisions are written down that moved no money. What moved money is in the ledger, which
 * writes its own receipts in the transaction that moves it.
 *
 * @spec client.md R-RCT-1
 */
export type Receipts = {
  /** Rejects with STORE_UNAVAILABLE; the call that is noted ends as it would have. */
  note(note: Note): Promise<void>
}
