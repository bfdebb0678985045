import type { DatabaseSync, StatementSync } from 'node:sqlite'

const byDatabase = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/**
 * A statement of one connection, prepared once. Its INTEGER columns are read as `bigint`.
 *
 * @param sql - One of a fixed set: each text stays for the life of the connection.
 */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  let statements = byDatabase.get(db)
  if (statements === undefined) {
    statements = new Map()
    byDatabase.set(db, statements)
  }
  const known = statements.get(sql)
  if (known !== undefined) return known
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  statements.set(sql, statement)
  return statement
}
