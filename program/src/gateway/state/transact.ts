import type { DatabaseSync } from 'node:sqlite'

/**
 * Does `work` in one transaction, which takes the lock at once: a transaction that begins by reading
 * could fail half way because another process wrote in between.
 *
 * @throws what `work` throws, and SQLite's own errors; then nothing of it has happened.
 */
export function transact<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
