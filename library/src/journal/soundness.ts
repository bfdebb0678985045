import type { DatabaseSync } from 'node:sqlite'
import { approvalTable, clockTable } from './approval-row.ts'
import type { CheckedTable } from './checked-table.ts'
import { paymentTable } from './payment-row.ts'
import { tokenTable } from './token-row.ts'
import { hostTable, totalsTable } from './totals.ts'

const mib = 2 ** 20
/** Up to here every page and index is read when the file is opened: about 1 ms for each MiB. */
const maxPagesChecked = 64 * mib
/** Up to here every row and sum is held against what it was: about 4 ms for each MiB. */
const maxRowsChecked = 8 * mib

const cost = 'amount_msat + fee_msat'
const ceiling = 'amount_msat + max_fee_msat'
const isOpen = "state IN ('intent', 'sending', 'unknown')"
const isSettled = "state = 'settled'"

const checkedTables: readonly CheckedTable[] = [
  totalsTable,
  hostTable,
  paymentTable,
  tokenTable,
  approvalTable,
  clockTable,
]

/** What is written in two places and has to agree. Each gives a row when it does not. */
const contradictions: readonly string[] = [
  `SELECT 1 FROM (SELECT
      coalesce(sum(CASE WHEN ${isOpen} THEN ${ceiling} END), 0) AS held,
      coalesce(sum(CASE WHEN ${isSettled} THEN ${cost} END), 0) AS settled
      FROM payments)
    WHERE held <> coalesce((SELECT held_msat FROM totals), 0)
      OR settled <> coalesce((SELECT settled_msat FROM totals), 0)`,
  `SELECT 1 FROM totals WHERE hour_msat <>
    (SELECT coalesce(sum(${cost}), 0) FROM payments WHERE ${isSettled} AND ended_at > hour_from)`,
  `SELECT 1 FROM totals WHERE day_msat <>
    (SELECT coalesce(sum(${cost}), 0) FROM payments WHERE ${isSettled} AND ended_at > day_from)`,
  `SELECT 1 FROM (SELECT host,
      sum(CASE WHEN ${isOpen} THEN ${ceiling} WHEN ${isSettled} THEN ${cost} ELSE 0 END) AS taken,
      sum(${isSettled}) AS settled
      FROM payments GROUP BY host) p
    FULL JOIN hosts h ON h.host = p.host
    -- A payment that was never sent may have begun anew at another host, and left one without any.
    WHERE coalesce(h.taken_msat, 0) <> coalesce(p.taken, 0)
      OR coalesce(h.settled_payments, 0) <> coalesce(p.settled, 0)`,
  `SELECT 1 FROM payments WHERE (position IS NOT NULL) <>
    (${isOpen} OR (${isSettled} AND token_stored = 0))`,
]

/**
 * Whether a file is whole. Of one that is small everything is read: pages, indexes, rows and sums.
 * Of a larger one the sums and what has not ended; a row that is damaged is noticed when it is used.
 *
 * @throws {L402Error} JOURNAL_UNUSABLE for a row that is damaged.
 */
export function isSound(db: DatabaseSync): boolean {
  db.exec('BEGIN')
  try {
    return isWhole(db)
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}

function isWhole(db: DatabaseSync): boolean {
  const bytes = numberOf(db, 'page_count') * numberOf(db, 'page_size')
  if (bytes <= maxPagesChecked) {
    const findings = db.prepare('PRAGMA integrity_check(1)').all()
    if (findings[0]?.['integrity_check'] !== 'ok') return false
  }
  if (bytes > maxRowsChecked) {
    totalsTable.select(db, '')
    paymentTable.select(db, 'WHERE position IS NOT NULL')
    return true
  }
  for (const table of checkedTables) readAll(db, table)
  return contradictions.every((sql) => db.prepare(`${sql} LIMIT 1`).get() === undefined)
}

function readAll(db: DatabaseSync, table: CheckedTable): void {
  table.select(db, '')
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
}
