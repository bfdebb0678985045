import type { Code } from 'satway'
import { codes, msat, msatToSatCeil } from 'satway'
import type { CallOutcome, PaidInvoice, PaymentEntry } from 'satway/client'
import { ProxyProblem, proxyCodes } from './proxy-problem.ts'

/** What is written back. */
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

const everyAnswer = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const
const json = { 'content-type': 'application/json', ...everyAnswer } as const
const problemJson = { 'content-type': 'application/problem+json', ...everyAnswer } as const

/** What is not simply refused. Everything that the client refuses before paying is 403. */
const statuses: Partial<Record<Code, readonly [status: number, title: string]>> = {
  PAYMENT_FAILED: [422, 'Payment Failed'],
  PAYMENT_UNKNOWN: [504, 'Payment Unknown'],
  NODE_UNAVAILABLE: [503, 'Wallet Unavailable'],
  STORE_UNAVAILABLE: [503, 'Journal Unavailable'],
  JOURNAL_UNUSABLE: [503, 'Journal Unusable'],
}

/** A health check, and nothing else. */
export const healthy: Answer = { status: 200, headers: json, body: { status: 'ok' } }

/** The preimage of an invoice that was paid, now or before. */
export function paidAnswer({
  paymentHash,
  preimage,
  amountMsat,
  feeMsat,
  before,
}: PaidInvoice): Answer {
  const body = {
    isPaid: true,
    status: 'settled',
    paymentPreimage: preimage,
    paymentHash,
    // Whole sat, rounded up: a number, as other wallets write it.
    amount: Number(msatToSatCeil(amountMsat)),
    amountMsat: `${amountMsat}`,
    feeMsat: `${feeMsat}`,
    before,
  }
  return { status: 200, headers: json, body }
}

/** How a payment of the journal stands. `isPaid` is null as long as nobody can tell. */
export function standingAnswer(entry: PaymentEntry): Answer {
  const { paymentHash, state, preimage, amountMsat, feeMsat, failure } = entry
  if (state === 'settled' && preimage !== undefined) {
    const fee = feeMsat ?? msat(0n)
    return paidAnswer({ paymentHash, preimage, amountMsat, feeMsat: fee, before: true })
  }
  if (state === 'failed') {
    const body = { isPaid: false, status: 'failed', paymentHash, reason: failure ?? null }
    return { status: 200, headers: json, body }
  }
  return pendingAnswer(paymentHash)
}

/** No payment of this hash was begun here, and none is about to. */
export function notFoundAnswer(paymentHash: string): Answer {
  return { status: 404, headers: json, body: { isPaid: false, status: 'not-found', paymentHash } }
}

/** A payment that has begun, or is about to, and has no end. */
export function pendingAnswer(paymentHash: string): Answer {
  return { status: 200, headers: json, body: { isPaid: null, status: 'unknown', paymentHash } }
}

/**
 * What the client threw, as problem details.
 *
 * @param isPaid - `false` only where it is certain that the invoice was not paid and is not being
 *   paid; `null` where nobody can tell.
 */
export function refusalAnswer(
  outcome: CallOutcome,
  isPaid: false | null,
  paymentHash: string | null,
): Answer {
  const { code } = outcome
  const known = code === undefined ? undefined : statuses[code]
  const [status, title] = known ?? [403, 'Refused']
  if (code === undefined || (known === undefined && outcome.outcome !== 'refused')) {
    const fault = new ProxyProblem('PROXY_FAULT', 'The order could not be carried out.')
    return problemAnswer(fault, paymentHash)
  }
  const body = {
    type: typeOf(code),
    title,
    status,
    detail: codes[code],
    code,
    hint: hintFor(code, outcome),
    outcome: outcome.outcome,
    isPaid,
    reason: outcome.reason ?? null,
    approvalId: outcome.approvalId ?? null,
    paymentHash,
  }
  return { status, headers: { ...problemJson, ...retryAfter(status) }, body }
}

/** A refusal of the proxy itself. `isPaid` stays open: the journal was not asked. */
export function problemAnswer(problem: ProxyProblem, paymentHash: string | null): Answer {
  const { status, title, hint } = proxyCodes[problem.code]
  const body = {
    type: typeOf(problem.code),
    title,
    status,
    detail: problem.message,
    code: problem.code,
    hint,
    isPaid: null,
    paymentHash,
  }
  return { status, headers: { ...problemJson, ...retryAfter(status), ...problem.headers }, body }
}

function typeOf(code: string): string {
  return `urn:satway:problem:${code.toLowerCase().replaceAll('_', '-')}`
}

function retryAfter(status: number): Readonly<Record<string, string>> {
  return status === 503 ? { 'retry-after': '2' } : {}
}

/** In the words of whoever asked here: the client speaks of its own methods. */
const byCode: Partial<Record<Code, string>> = {
  PAYMENT_UNKNOWN:
    'Do not pay this invoice elsewhere. Ask again, here or with GET /payments/{hash}: it is never paid twice.',
  PAYMENT_FAILED: 'No money moved. The same invoice may be sent again.',
  NODE_UNAVAILABLE:
    'The wallet cannot be reached. Ask again later; `satway wallet status` tells more.',
  STORE_UNAVAILABLE: 'Ask again later: an invoice is never paid twice. `satway doctor` tells more.',
  BUDGET_EXCEEDED: 'A limit is in the way: `satway policy spending` shows what is left.',
}
const byReason: Readonly<Record<string, string>> = {
  invoices: 'The operator’s policy file does not say `invoices: true`.',
  'approval-pending':
    'The operator was asked: `satway approvals approve` with the approvalId. Ask again after that.',
  'other-origin': 'This payment was made for something else; its preimage is not told here.',
}

function hintFor(code: Code, { reason, hint }: CallOutcome): string {
  if (code.startsWith('INVOICE_')) return 'It cannot be paid. Ask the payee for another invoice.'
  const known = byReason[reason ?? ''] ?? byCode[code] ?? hint
  return known ?? 'The operator’s policy forbids it: `satway policy show`.'
}
