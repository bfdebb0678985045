import type { DatabaseSync } from 'node:sqlite'
import type { PaymentState } from '../client/index.ts'
import type { Database } from './database.ts'
import type { PaymentBook, PaymentSummary } from './journal.ts'
import { amountOf } from './payment-row.ts'
import { prepared } from './prepared.ts'
import { damaged } from './sqlite-errors.ts'
import { hostTable } from './totals.ts'

/** What can be told of many payments without opening what is sealed in them. */
export function createPaymentLooks(database: Database): Pick<PaymentBook, 'summary' | 'named'> {
  return {
    summary: () => database.read(summaryOf),
    named: (digits) =>
      database.read((db) => {
        const sql = `SELECT payment_hash AS hash FROM payments
          WHERE payment_hash >= ? AND payment_hash < ? ORDER BY id`
        const end = `${digits}g` // no digit is more than f
        return prepared(db, sql)
          .all(digits, end)
          .map(({ hash }) => String(hash))
      }),
  }
}

function summaryOf(db: DatabaseSync): PaymentSummary {
  const where = 'WHERE taken_msat > 0 ORDER BY taken_msat DESC, host'
  const hosts = hostTable.select(db, where).map((row) => ({
    host: row['host'] as string,
    takenMsat: amountOf(row, 'taken_msat'),
  }))
  return { counts: countsOf(db), hosts }
}

function countsOf(db: DatabaseSync): PaymentSummary['counts'] {
  const counts: Record<PaymentState, number> = {
    intent: 0,
    sending: 0,
    unknown: 0,
    settled: 0,
    failed: 0,
  }
  const sql = 'SELECT state, count(*) AS payments FROM payments GROUP BY state'
  for (const { state, payments } of prepared(db, sql).all()) {
    // Rows are not held against their checksums here; a flipped bit makes no other state of one.
    if (!Object.hasOwn(counts, String(state))) throw damaged()
    counts[state as PaymentState] = Number(payments)
  }
  return counts
}
