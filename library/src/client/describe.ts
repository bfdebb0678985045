import { printable } from '../amount/index.ts'
import type { Code, L402Error } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import type { Trail } from './deliver.ts'
import { amountOf, reasonOf, textOf } from './notes.ts'
import type { CallOutcome } from './outcome.ts'
import { outcomeOf } from './outcome.ts'

/** What to do about errors that do not say it themselves. */
const hints: Partial<Record<Code, string>> = {
  PAYMENT_UNKNOWN: 'do not pay again; resume with the payment hash finds out and goes on',
  PAYMENT_NOT_DELIVERED:
    'it is paid; resume with the payment hash asks for it again without paying',
  PAYMENT_FAILED: 'no money moved; it can be tried again',
  NODE_UNAVAILABLE: 'nothing was ordered; see that the wallet runs, and try again',
  STORE_UNAVAILABLE: 'nothing can be paid without the journal; see that its disk is sound',
  JOURNAL_UNUSABLE: 'nothing is paid until the journal is sound',
}

const nothing: CallOutcome = {
  outcome: 'not_paid',
  status: undefined,
  code: undefined,
  reason: undefined,
  hint: undefined,
  origin: undefined,
  paymentHash: undefined,
  amountMsat: undefined,
  feeMsat: undefined,
  resume: undefined,
  approvalId: undefined,
}

/**
 * How a call ended, as its response tells.
 *
 * @spec client.md R-PAY-70
 */
export function describeResponse(
  { status }: Response,
  { purchase, opened }: Partial<Pick<Trail, 'purchase' | 'opened'>> = {},
): CallOutcome {
  if (purchase === undefined) {
    return printable({ ...nothing, status, paymentHash: opened?.paymentHash })
  }
  const { outcome, origin, paymentHash, amountMsat, feeMsat } = purchase
  const isOpen = outcome === 'paid_not_delivered'
  return printable({
    ...nothing,
    outcome,
    status,
    hint: isOpen ? hints.PAYMENT_NOT_DELIVERED : undefined,
    origin,
    paymentHash,
    amountMsat,
    feeMsat,
    resume: isOpen ? paymentHash : undefined,
  })
}

/**
 * How a call ended, as what it threw tells. Total.
 *
 * @spec client.md R-PAY-70
 */
export function describeError(error: unknown): CallOutcome {
  if (!isL402Error(error)) return printable({ ...nothing })
  const outcome = outcomeOf(error)
  const paymentHash = textOf(error, 'paymentHash')
  const isOpen = outcome === 'unknown' || outcome === 'paid_not_delivered'
  return printable({
    ...nothing,
    outcome,
    status: statusOf(error),
    code: error.code,
    reason: reasonOf(error),
    hint: textOf(error, 'hint') ?? hints[error.code],
    origin: textOf(error, 'origin'),
    paymentHash,
    amountMsat: amountOf(error),
    feeMsat: amountOf(error, 'feeMsat'),
    resume: isOpen ? paymentHash : undefined,
    approvalId: textOf(error, 'approvalId'),
  })
}

function statusOf({ details }: L402Error): number | undefined {
  const { status } = details
  return typeof status === 'number' ? status : undefined
}
