import type { Receipt } from './journal.ts'

const columns = [
  'time',
  'origin',
  'method',
  'path',
  'amount_msat',
  'fee_msat',
  'payment_hash',
  'decided_by',
  'delivery',
] as const

type Payment = Record<(typeof columns)[number], string>

/**
 * One line a settled payment, in the order in which they settled. Lines end with CRLF, as RFC 4180
 * says. A cell that a spreadsheet would take for a formula begins with an apostrophe.
 *
 * `delivery`: `delivered`, `not-delivered`, or nothing when neither was noted.
 *
 * @param receipts - Oldest first.
 * @spec journal.md R-RCT-18
 */
export function formatCsv(receipts: readonly Receipt[]): string {
  const payments = new Map<string, Payment>()
  const settled = new Set<Payment>()
  for (const receipt of receipts) {
    const { paymentHash } = receipt
    if (paymentHash === undefined) continue
    const payment = payments.get(paymentHash) ?? emptyPayment(paymentHash)
    payments.set(paymentHash, payment)
    take(payment, receipt)
    if (receipt.kind === 'settled') settled.add(payment)
  }
  const lines = [...settled].map((payment) => columns.map((name) => cell(payment[name])))
  return [columns, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('')
}

function emptyPayment(paymentHash: string): Payment {
  const empty = Object.fromEntries(columns.map((name) => [name, ''])) as Payment
  return { ...empty, payment_hash: paymentHash }
}

function take(payment: Payment, receipt: Receipt): void {
  if (receipt.kind === 'settled') payment.time = receipt.time
  if (receipt.kind === 'delivered' || receipt.kind === 'not-delivered') {
    payment.delivery = receipt.kind
    return
  }
  payment.origin = receipt.origin ?? payment.origin
  payment.method = receipt.method ?? payment.method
  payment.path = receipt.path ?? payment.path
  payment.amount_msat = receipt.amountMsat ?? payment.amount_msat
  payment.fee_msat = receipt.feeMsat ?? payment.fee_msat
  payment.decided_by = receipt.decidedBy ?? payment.decided_by
}

/** Also for the wide forms of the four signs, which some spreadsheets take for the signs. */
const startsFormula = /^[=+\-@\t\r\n＝＋－＠]/

function cell(text: string): string {
  const safe = startsFormula.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
