import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type PurchaseRow = {
  readonly id: bigint
  readonly expiresAt: bigint
  readonly keepUntil: bigint
  readonly counters: bigint
  readonly ownCounters: bigint
  readonly isOver: bigint
}

export type CounterRow = {
  readonly id: bigint
  readonly taken: bigint
  readonly complement: bigint
}

export type UseStatements = {
  readonly findPurchase: StatementSync
  readonly addPurchase: StatementSync
  readonly changePurchase: StatementSync
  readonly findCounter: StatementSync
  readonly addCounter: StatementSync
  readonly changeCounter: StatementSync
  readonly findLineage: StatementSync
  readonly growLineage: StatementSync
  readonly addReservation: StatementSync
  readonly takeReservation: StatementSync
  readonly forgottenUntil: StatementSync
}

/** What the use store says to the file. Whole numbers are read as bigint. */
export function prepareUseStatements(database: DatabaseSync): UseStatements {
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }
  return {
    findPurchase: prepare(`SELECT id, expires_at AS expiresAt, keep_until AS keepUntil, counters,
      own_counters AS ownCounters, is_over AS isOver FROM purchases WHERE payment_hash = ?`),
    addPurchase: prepare(`INSERT INTO purchases
      (payment_hash, expires_at, keep_until, counters, own_counters, is_over)
      VALUES (?, ?, ?, ?, ?, 0)`),
    changePurchase: prepare(`UPDATE purchases
      SET expires_at = ?, keep_until = ?, counters = ?, own_counters = ? WHERE id = ?`),
    findCounter: prepare(`SELECT id, taken, complement FROM counters
      WHERE purchase = ? AND unit = ? AND key = ?`),
    addCounter: prepare(`INSERT INTO counters (purchase, unit, key, taken, complement)
      VALUES (:purchase, :unit, :key, :cost, ~:cost)`),
    changeCounter: prepare(`UPDATE counters
      SET taken = taken + :cost, complement = complement - :cost WHERE id = :counter`),
    findLineage: prepare('SELECT counters FROM lineages WHERE purchase = ? AND lineage = ?'),
    growLineage: prepare(`INSERT INTO lineages (purchase, lineage, counters) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET counters = counters + excluded.counters`),
    addReservation: prepare(`INSERT INTO reservations (id, counter, cost, complement)
      VALUES (:id, :counter, :cost, ~:cost)`),
    takeReservation: prepare('DELETE FROM reservations WHERE id >= ? AND id < ?'),
    forgottenUntil: prepare('SELECT forgotten_until AS seconds FROM marks'),
  }
}
