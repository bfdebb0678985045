import { hash } from 'node:crypto'
import type { Receipt, ReceiptKind } from './journal.ts'
import { unusable } from './unusable.ts'

/** `previous` of the first line. */
export const noLine: string = '0'.repeat(64)

/** The longest line there can be, in bytes, without its line break. */
export const maxLineBytes = 8192

const kinds: ReadonlySet<string> = new Set<ReceiptKind>([
  'intent',
  'sending',
  'settled',
  'failed',
  'unknown',
  'abandoned',
  'approval',
  'refused',
  'delivered',
  'not-delivered',
])

/**
 * One receipt as one line of JSON, without its line break. The order of the members is fixed, so
 * that a receipt has one spelling, and its digest one value.
 */
export function formatReceipt(receipt: Receipt): string {
  return JSON.stringify({
    seq: receipt.seq,
    time: receipt.time,
    kind: receipt.kind,
    paymentHash: receipt.paymentHash,
    origin: receipt.origin,
    method: receipt.method,
    path: receipt.path,
    amountMsat: receipt.amountMsat,
    maxFeeMsat: receipt.maxFeeMsat,
    feeMsat: receipt.feeMsat,
    decidedBy: receipt.decidedBy,
    code: receipt.code,
    reason: receipt.reason,
    status: receipt.status,
    previous: receipt.previous,
  })
}

/**
 * Reads what {@link formatReceipt} wrote, and nothing else: another order, spacing, escape or member
 * is refused.
 *
 * @param line - At most 8192 characters, without its line break.
 * @throws {L402Error} JOURNAL_UNUSABLE, with `details.reason` `receipt-line`.
 * @spec journal.md R-RCT-11
 */
export function readReceipt(line: string): Receipt {
  if (line.length > maxLineBytes) throw malformed('length')
  const fields = fieldsOf(line)
  for (const [name, isSound] of Object.entries(members)) {
    const value = fields[name]
    if (value === undefined && !required.has(name)) continue
    if (!isSound(value)) throw malformed(name)
  }
  const receipt = fields as unknown as Receipt
  if (formatReceipt(receipt) !== line) throw malformed('form')
  return receipt
}

/** SHA-256 of a line without its line break: what the next line names as its `previous`. */
export function digestOf(line: string): string {
  return hash('sha256', line)
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isHash = (value: unknown): boolean =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isAmount = (value: unknown): boolean =>
  typeof value === 'string' && /^(0|[1-9]\d{0,19})$/.test(value)

const members: Readonly<Record<keyof Receipt, (value: unknown) => boolean>> = {
  seq: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  time: isTime,
  kind: (value) => typeof value === 'string' && kinds.has(value),
  paymentHash: isHash,
  origin: isText,
  method: isText,
  path: isText,
  amountMsat: isAmount,
  maxFeeMsat: isAmount,
  feeMsat: isAmount,
  decidedBy: (value) => value === 'policy' || value === 'approval',
  code: isText,
  reason: isText,
  status: (value) => Number.isSafeInteger(value),
  previous: isHash,
}
const required: ReadonlySet<string> = new Set(['seq', 'time', 'kind', 'previous'])

function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const ms = Date.parse(value)
  return Number.isFinite(ms) && new Date(ms).toISOString() === value
}

function fieldsOf(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw malformed('json')
}

function malformed(part: string): Error {
  return unusable('receipt-line', 'compare the receipts with a copy of them', { part })
}
