import type { Msat } from '../amount/index.ts'
import { printable } from '../amount/index.ts'
import type { Code } from '../errors.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { StoredToken } from './token-store.ts'

/** How a call ended, as far as money is concerned. */
export type Outcome = 'not_paid' | 'paid_delivered' | 'paid_not_delivered' | 'unknown' | 'refused'

/** What a call bought. `JSON.stringify` takes it; amounts become digits. */
export type Purchase = {
  /** `paid_not_delivered`: the answer is an error that leaves open whether the token was accepted. */
  readonly outcome: 'paid_delivered' | 'paid_not_delivered'
  /** 64 hex digits: the name of the payment, and what `resume` takes. */
  readonly paymentHash: string
  /** Who was paid for: scheme, host and port. */
  readonly origin: string
  readonly amountMsat: Msat
  readonly feeMsat: Msat
  /** What was bought, as the token says; `undefined` when it does not. */
  readonly service: string | undefined
  readonly capability: string | undefined
  readonly validUntilSeconds: number | undefined
  /** The payment was begun by an earlier call, and found settled by this one. */
  readonly resumed: boolean
}

/** How a call ended, for programs: one form for the library, the command line and MCP. */
export type CallOutcome = {
  readonly outcome: Outcome
  /** The HTTP status, when there was an answer. */
  readonly status: number | undefined
  /** Of what was thrown, when it was an error of this library. */
  readonly code: Code | undefined
  /** `details.reason` or `details.limit` of that. */
  readonly reason: string | undefined
  /** What to do about it. */
  readonly hint: string | undefined
  readonly origin: string | undefined
  /** Of what was bought or would have been; or of the stored token that the answer came with. */
  readonly paymentHash: string | undefined
  readonly amountMsat: Msat | undefined
  readonly feeMsat: Msat | undefined
  /** What `resume` takes, when the outcome is `paid_not_delivered` or `unknown`. */
  readonly resume: string | undefined
  /** Of a question to the operator that has no answer yet. */
  readonly approvalId: string | undefined
}

const byCode: Partial<Record<Code, Outcome>> = {
  PAYMENT_UNKNOWN: 'unknown',
  PAYMENT_NOT_DELIVERED: 'paid_not_delivered',
  PAYMENT_FAILED: 'not_paid',
  NODE_UNAVAILABLE: 'not_paid',
  STORE_UNAVAILABLE: 'not_paid',
  JOURNAL_UNUSABLE: 'not_paid',
}

/**
 * What an error of this client says about money. Total: an error that is not of this library comes
 * from the network, before anything was paid.
 *
 * @spec client.md R-PAY-70
 */
export function outcomeOf(error: unknown): Outcome {
  if (!isL402Error(error)) return 'not_paid'
  return byCode[error.code] ?? 'refused'
}

/** What is known about something that was bought. */
export function describePurchase(
  stored: StoredToken,
  outcome: Purchase['outcome'],
  resumed: boolean,
): Purchase {
  const { paymentHash, origin, amountMsat, feeMsat, facts } = stored
  return printable({
    outcome,
    paymentHash,
    origin,
    amountMsat,
    feeMsat,
    service: facts?.service,
    capability: facts?.capability,
    validUntilSeconds: facts?.validUntilSeconds,
    resumed,
  })
}

/** Money was paid, and the credential was not accepted or never arrived. */
export function notDelivered(
  bought: Pick<StoredToken, 'paymentHash' | 'origin' | 'amountMsat' | 'feeMsat'> &
    Partial<Pick<StoredToken, 'usesSeen'>>,
  status: number | undefined,
  cause?: unknown,
): L402Error {
  const { paymentHash, origin, amountMsat, feeMsat } = bought
  const sums = { amountMsat: String(amountMsat), feeMsat: String(feeMsat) }
  // It was good once: that answer, which broke off, may have used it up.
  const isUsed = status === 402 && (bought.usesSeen ?? 0) > 0
  const answer = { ...(status !== undefined && { status }), ...(isUsed && { isUsed }) }
  return new L402Error('PAYMENT_NOT_DELIVERED', { paymentHash, origin, ...sums, ...answer }, cause)
}
