import type { Database } from './database.ts'
import type { TokenBook } from './journal.ts'
import { prepared } from './prepared.ts'
import type { Seal } from './seal.ts'
import { changeBy, insertToken, tokenById, tokenOfRow, tokenTable } from './token-row.ts'

/** A limit that is none. */
const everything = -1

/** What was good for a number of requests and brought so many answers. */
const usedUp = "standing = 'good' AND uses_seen >= coalesce(json_extract(facts, '$.uses'), 9e99)"

/**
 * The tokens in the file. What the ledger records as settled is here in the same transaction.
 *
 * @spec client.md R-PAY-40 to R-PAY-45
 */
export function createSqliteTokenStore(database: Database, seal: Seal): TokenBook {
  return {
    async put(token) {
      const isKnown = await database.read((db) => tokenById(db, token.id) !== undefined)
      if (!isKnown) await database.transact(true, (db) => insertToken(db, token, seal))
    },
    // What a mark says can be learned again: a power cut may take the last ones.
    mark: (id, mark) =>
      database.transact(false, (db) => {
        const row = tokenById(db, id)
        if (row === undefined) return
        tokenTable.update(db, row, changeBy(row, mark))
      }),
    find: (id) =>
      database.read((db) => {
        const row = tokenById(db, id)
        return row === undefined ? undefined : tokenOfRow(row, seal)
      }),
    usable: (origin, nowSeconds) =>
      database.read((db) =>
        tokenTable
          .select(db, 'WHERE origin = ? AND opens_until > ? ORDER BY id DESC', origin, nowSeconds)
          .map((row) => tokenOfRow(row, seal)),
      ),
    countOwed: (host, nowSeconds) =>
      database.read((db) => {
        const sql = `SELECT count(*) AS owed FROM tokens
          WHERE host = ? AND standing = 'owed' AND opens_until > ?`
        return Number(prepared(db, sql).get(host, nowSeconds)?.['owed'])
      }),
    list: () =>
      database.read((db) =>
        tokenTable.select(db, 'ORDER BY id').map((row) => tokenOfRow(row, seal)),
      ),
    latest: ({ origin = null, standing = null, openAtSeconds = null, limit = everything } = {}) =>
      database.read((db) => {
        const where = `WHERE (?1 IS NULL OR origin = ?1) AND (?2 IS NULL OR standing = ?2)
          AND (?3 IS NULL OR (opens_until > ?3 AND NOT (${usedUp}))) ORDER BY id DESC LIMIT ?4`
        const values = [origin, standing, openAtSeconds, limit]
        return tokenTable.select(db, where, ...values).map((row) => tokenOfRow(row, seal))
      }),
    named: (digits) =>
      database.read((db) => {
        const range = [digits, `${digits}g`] // no digit is more than f
        const where =
          'WHERE (token_id >= ? AND token_id < ?) OR (payment_hash >= ? AND payment_hash < ?) ORDER BY id'
        return tokenTable.select(db, where, ...range, ...range).map((row) => tokenOfRow(row, seal))
      }),
  }
}
