import type { DatabaseSync } from 'node:sqlite'
import type { Receipt, ReceiptKind } from './journal.ts'
import { plainText } from './plain-text.ts'
import { prepared } from './prepared.ts'
import { digestOf, formatReceipt, noLine } from './receipt-line.ts'

/** What is to be written down. What does not apply is left out. */
export type ReceiptRow = {
  readonly kind: ReceiptKind
  /** Seconds since 1970; fractions count. */
  readonly atSeconds: number
  readonly paymentHash?: string | undefined
  readonly origin?: string | undefined
  readonly method?: string | undefined
  /** With or without a query, which is not written down. Or the whole of `url`. */
  readonly path?: string | undefined
  readonly url?: string | undefined
  readonly amountMsat?: bigint | undefined
  readonly maxFeeMsat?: bigint | undefined
  readonly feeMsat?: bigint | undefined
  readonly decidedBy?: 'policy' | 'approval' | undefined
  readonly code?: string | undefined
  readonly reason?: string | undefined
  readonly status?: number | undefined
}

const maxOriginCharacters = 300
const maxPathCharacters = 512

const lastSql = 'SELECT seq, digest FROM receipts ORDER BY seq DESC LIMIT 1'
const insertSql = `INSERT INTO receipts (seq, at, kind, payment_hash, origin, digest, line)
  VALUES (?, ?, ?, ?, ?, ?, ?)`

const watchers = new Set<() => void>()

/**
 * Adds a receipt to the chain. Runs inside the transaction of what it tells: both happen, or
 * neither.
 *
 * @returns Its number.
 * @throws SQLite's own errors, and {RangeError} for a time that is none.
 * @spec journal.md R-RCT-10
 */
export function writeReceipt(db: DatabaseSync, row: ReceiptRow): number {
  const before = prepared(db, lastSql).get()
  const seq = before === undefined ? 1 : Number(before['seq']) + 1
  const previous = before === undefined ? noLine : String(before['digest'])
  const receipt = receiptOf(row, seq, previous)
  const line = formatReceipt(receipt)
  const { kind, paymentHash = null, origin = null } = receipt
  const values = [seq, row.atSeconds, kind, paymentHash, origin, digestOf(line), line]
  prepared(db, insertSql).run(...values)
  for (const wake of watchers) wake()
  return seq
}

/**
 * Calls `wake` whenever this process writes a receipt, whether or not it will be committed.
 *
 * @returns Ends it.
 */
export function watchReceipts(wake: () => void): () => void {
  watchers.add(wake)
  return () => watchers.delete(wake)
}

function receiptOf(row: ReceiptRow, seq: number, previous: string): Receipt {
  const text = (value: string | undefined, max?: number): string | undefined =>
    value === undefined ? undefined : plainText(value, max)
  const fields = {
    seq,
    time: new Date(row.atSeconds * 1000).toISOString(),
    kind: row.kind,
    paymentHash: /^[0-9a-f]{64}$/.test(row.paymentHash ?? '') ? row.paymentHash : undefined,
    origin: row.origin === undefined ? undefined : originText(row.origin),
    method: text(row.method),
    path: text(pathOf(row), maxPathCharacters),
    amountMsat: row.amountMsat?.toString(),
    maxFeeMsat: row.maxFeeMsat?.toString(),
    feeMsat: row.feeMsat?.toString(),
    decidedBy: row.decidedBy,
    code: text(row.code),
    reason: text(row.reason),
    status: row.status,
    previous,
  }
  // Members that do not apply are `undefined` here, and not in the line.
  return fields as Receipt
}

/** An origin as receipts have it. */
export function originText(origin: string): string {
  return plainText(origin, maxOriginCharacters)
}

/** A query may be a secret, and so may a fragment. */
function pathOf({ path, url }: ReceiptRow): string | undefined {
  if (path !== undefined) return path.split(/[?#]/, 1)[0]
  if (url === undefined) return undefined
  return URL.parse(url)?.pathname
}
