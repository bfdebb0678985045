import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { prepared } from './prepared.ts'
import { damaged } from './sqlite-errors.ts'

export type Value = null | number | bigint | string | Uint8Array
/** A row by the names of its columns. INTEGER columns are `bigint` when they were read. */
export type Row = Readonly<Record<string, Value>>

/**
 * A table whose rows carry a checksum of themselves. SQLite notices when its own structures are
 * damaged, and not when a bit of a value has flipped.
 */
export type CheckedTable = {
  readonly name: string
  /** @throws {RangeError} for a column that is missing or unknown. */
  insert(db: DatabaseSync, row: Row): void
  /** Writes `change` into a row that was read. */
  update(db: DatabaseSync, row: Row, change: Row): void
  /**
   * The rows that a condition selects, each held against its checksum.
   *
   * @param where - `WHERE`, `ORDER BY` and so on: one of a fixed set of texts.
   * @throws {L402Error} JOURNAL_UNUSABLE for a damaged row.
   */
  select(db: DatabaseSync, where: string, ...values: readonly Value[]): readonly Row[]
  /** As {@link CheckedTable.select}; the first of them. */
  selectOne(db: DatabaseSync, where: string, ...values: readonly Value[]): Row | undefined
}

/** @param columns - All but `id` and `checksum`. */
export function checkedTable(name: string, columns: readonly string[]): CheckedTable {
  const places = columns.map(() => '?').join(', ')
  const insertSql = `INSERT INTO ${name} (${columns.join(', ')}, checksum) VALUES (${places}, ?)`
  const selectSql = `SELECT id, ${columns.join(', ')}, checksum FROM ${name}`
  const updates = new Map<string, string>()

  const checked = (row: Row): Row => {
    if (Number(row['checksum']) !== checksumOf(row, columns)) throw damaged()
    return row
  }

  return {
    name,
    insert(db, row) {
      const values = columns.map((column) => row[column])
      if (values.includes(undefined) || Object.keys(row).length !== columns.length) {
        throw new RangeError(`${name}: a row has every column, and no other`)
      }
      prepared(db, insertSql).run(...(values as Value[]), checksumOf(row, columns))
    },
    update(db, row, change) {
      const names = Object.keys(change)
      const key = names.join()
      let sql = updates.get(key)
      if (sql === undefined) {
        const sets = names.map((column) => `${column} = ?`).join(', ')
        sql = `UPDATE ${name} SET ${sets}, checksum = ? WHERE id = ?`
        updates.set(key, sql)
      }
      const checksum = checksumOf({ ...row, ...change }, columns)
      prepared(db, sql).run(...Object.values(change), checksum, row['id']!)
    },
    select: (db, where, ...values) =>
      (prepared(db, `${selectSql} ${where}`).all(...values) as Row[]).map(checked),
    selectOne(db, where, ...values) {
      const row = prepared(db, `${selectSql} ${where}`).get(...values) as Row | undefined
      return row === undefined ? undefined : checked(row)
    },
  }
}

/** Numbers of both kinds are the same text, and what has no value is no text at all. */
function checksumOf(row: Row, columns: readonly string[]): number {
  let text = ''
  let sum = 0
  for (const column of columns) {
    const value = row[column]
    if (value instanceof Uint8Array) sum = crc32(value, sum)
    // A zero separates, so that nothing can move from one column to the next. Half a surrogate pair
    // comes back from the file as U+FFFD, and is no damage.
    else text += value === null ? '\0\0' : `${value}\0`.toWellFormed()
  }
  return crc32(text, sum)
}
