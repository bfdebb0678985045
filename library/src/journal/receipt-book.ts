import { lstatSync } from 'node:fs'
import type { SQLInputValue } from 'node:sqlite'
import type { Database } from './database.ts'
import type { Receipt, ReceiptBook } from './journal.ts'
import { checkReceipts } from './receipt-check.ts'
import { formatCsv } from './receipt-csv.ts'
import { readReceipt } from './receipt-line.ts'
import { createReceiptMirror } from './receipt-mirror.ts'
import { writeReceipt } from './receipt-writer.ts'
import type { Seal } from './seal.ts'

export type ReceiptBookOptions = {
  /** The file that receipts are appended to. */
  readonly path: string
  /** Opens the preimages that prove settled payments. */
  readonly seal: Seal
}

type ListFilter = NonNullable<Parameters<ReceiptBook['list']>[0]>

/**
 * The receipts of a journal: a hash-chained table, written in the transactions of what it tells,
 * and its copy in a file, which is written a moment later.
 *
 * @spec journal.md R-RCT-10 to R-RCT-20
 */
export function createReceiptBook(
  database: Database,
  { path, seal }: ReceiptBookOptions,
): ReceiptBook & { close(): Promise<void> } {
  const mirror = createReceiptMirror(database, path)
  return {
    path,
    async note(note) {
      const { atSeconds, kind, origin, paymentHash } = note
      const row =
        kind === 'refused' ? note : { atSeconds, kind, origin, paymentHash, status: note.status }
      // No money moves with it: a power cut may take the last notes, and the order stays.
      await database.transact(false, (db) => writeReceipt(db, row))
    },
    list: (filter = {}) => listReceipts(database, filter),
    verify: () => checkReceipts(database, path, mirror, seal),
    async exportCsv() {
      return formatCsv(await listReceipts(database, { kinds: [...csvKinds] }))
    },
    async restore() {
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
        throw new RangeError(`${path} is there: move it away first, and keep it`)
      }
      await database.transact(true, (db) => db.exec('DELETE FROM receipt_files'))
      await mirror.sync()
    },
    close: () => mirror.close(),
  }
}

const csvKinds = ['intent', 'settled', 'delivered', 'not-delivered'] as const

async function listReceipts(
  database: Database,
  { sinceSeconds, origin, paymentHash, kinds, limit }: ListFilter,
): Promise<readonly Receipt[]> {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new RangeError('limit: expected a whole number of zero or more')
  }
  const conditions: (readonly [sql: string, values: readonly SQLInputValue[]])[] = []
  if (sinceSeconds !== undefined) conditions.push(['at >= ?', [sinceSeconds]])
  if (origin !== undefined) conditions.push(['origin = ?', [origin]])
  if (paymentHash !== undefined) conditions.push(['payment_hash = ?', [paymentHash]])
  if (kinds !== undefined) {
    conditions.push([`kind IN (${kinds.map(() => '?').join(', ')})`, kinds])
  }
  const where = ['1', ...conditions.map(([sql]) => sql)].join(' AND ')
  const values = conditions.flatMap(([, bound]) => bound)
  const rows = await database.read((db) =>
    db
      .prepare(`SELECT line FROM receipts WHERE ${where} ORDER BY seq DESC LIMIT ?`)
      .all(...values, limit ?? -1),
  )
  return rows.reverse().map((row) => readReceipt(String(row['line'])))
}
