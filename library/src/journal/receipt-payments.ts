import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { isL402Error } from '../errors.ts'
import type { Row } from './checked-table.ts'
import type { Database } from './database.ts'
import type { Receipt } from './journal.ts'
import { amountOf, openedPreimage, paymentTable, stateOf } from './payment-row.ts'
import { prepared } from './prepared.ts'
import { originText } from './receipt-writer.ts'
import type { Seal } from './seal.ts'
import { totalsTable } from './totals.ts'

const rowsAtOnce = 500

/** What all settled payments cost together, as the ledger counts it. */
export function settledTotal(db: DatabaseSync): bigint {
  return (totalsTable.selectOne(db, '')?.['settled_msat'] as bigint | undefined) ?? 0n
}

/**
 * Holds receipts of settlements against the payments that they tell of.
 *
 * @param settled - Receipts of the kind `settled`.
 * @param report - Is told what is wrong.
 * @returns How many payments are proven by a preimage in the journal.
 * @spec journal.md R-RCT-16, R-RCT-20
 */
export async function checkSettled(
  database: Database,
  settled: readonly Receipt[],
  seal: Seal,
  report: (problem: string) => void,
): Promise<number> {
  if (settled.length === 0) return 0
  const rows = await database.read((db) => settled.map((receipt) => settledRow(db, receipt)))
  let proven = 0
  for (const [i, receipt] of settled.entries()) {
    const row = rows[i]
    const problem = row === undefined ? 'the journal has no such payment' : differs(receipt, row)
    if (problem !== undefined) report(`receipt ${receipt.seq}: ${problem}`)
    if (row !== undefined && isProven(row, seal)) proven += 1
    else report(`receipt ${receipt.seq}: no preimage in the journal proves this payment`)
  }
  return proven
}

/**
 * Looks for settled payments of which the receipts do not tell, or tell twice.
 *
 * @param report - Is told what is wrong.
 * @spec journal.md R-RCT-20
 */
export async function checkPayments(
  database: Database,
  report: (problem: string) => void,
): Promise<void> {
  let after = 0n
  for (;;) {
    const rows = await database.read((db) => prepared(db, toldSql).all(after))
    for (const { payment_hash: paymentHash, told } of rows) {
      if (told === 1n) continue
      const times = told === 0n ? 'no receipt' : `${told} receipts`
      report(`payment ${String(paymentHash)}: ${times} of its settlement`)
    }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last['id'] as bigint
  }
}

const toldSql = `SELECT id, payment_hash, (
    SELECT count(*) FROM receipts r WHERE r.kind = 'settled' AND r.payment_hash = p.payment_hash
  ) AS told
  FROM payments p WHERE state = 'settled' AND id > ? ORDER BY id LIMIT ${rowsAtOnce}`

/** A row that is damaged is as good as none. */
function settledRow(db: DatabaseSync, { paymentHash }: Receipt): Row | undefined {
  if (paymentHash === undefined) return undefined
  try {
    const row = paymentTable.selectOne(db, 'WHERE payment_hash = ?', paymentHash)
    return row !== undefined && stateOf(row) === 'settled' ? row : undefined
  } catch (error) {
    if (isL402Error(error, 'JOURNAL_UNUSABLE')) return undefined
    throw error
  }
}

function differs({ amountMsat, feeMsat, origin }: Receipt, row: Row): string | undefined {
  if (amountMsat !== `${amountOf(row, 'amount_msat')}`) return 'the payment was of another amount'
  if (feeMsat !== `${amountOf(row, 'fee_msat')}`) return 'the payment had another fee'
  if (origin !== originText(row['origin'] as string)) return 'the payment went to another origin'
  return undefined
}

function isProven(row: Row, seal: Seal): boolean {
  const preimage = preimageIn(row, seal)
  if (preimage === undefined || !/^[0-9a-f]{64}$/i.test(preimage)) return false
  return hash('sha256', Buffer.from(preimage, 'hex')) === row['payment_hash']
}

/** One that does not open any more is none. */
function preimageIn(row: Row, seal: Seal): string | undefined {
  try {
    return openedPreimage(row, seal)
  } catch (error) {
    if (isL402Error(error, 'JOURNAL_UNUSABLE')) return undefined
    throw error
  }
}
