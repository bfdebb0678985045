import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from './checked-table.ts'
import { checkedTable } from './checked-table.ts'

const table = checkedTable('things', ['amount', 'at', 'name', 'secret'])

function newDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  db.exec(`CREATE TABLE things (id INTEGER PRIMARY KEY, amount INTEGER, at REAL, name TEXT,
    secret BLOB, checksum INTEGER NOT NULL) STRICT`)
  return db
}

const row = { amount: 5n, at: 1.5, name: 'a', secret: new Uint8Array([1, 2]) }
const value = {
  amount: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  at: fc.option(fc.double({ noNaN: true })),
  name: fc.option(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\0', 'a\0b', '\ud800', 'x\udfffy')),
  ),
  secret: fc.option(fc.uint8Array({ maxLength: 40 })),
}

describe('R-JRN-26 a row that carries its checksum', () => {
  test('comes back as it went in, whatever is in it', () => {
    const db = newDatabase()
    fc.assert(
      fc.property(fc.record(value), fc.record(value), (one, change) => {
        table.insert(db, one)
        const inserted = table.selectOne(db, 'ORDER BY id DESC')!
        expect(inserted).toMatchObject(normal(one))
        table.update(db, inserted, change)
        expect(table.selectOne(db, 'ORDER BY id DESC')).toMatchObject(normal(change))
      }),
    )
    db.close()
  })

  for (const sql of [
    'amount = amount + 1',
    'amount = amount | 1 << 40',
    'amount = NULL',
    'at = 1.25',
    "name = 'b'",
    "name = ''",
    'name = NULL',
    "secret = x'0103'",
    "secret = x''",
    'secret = NULL',
    'checksum = checksum + 1',
    "name = '5', amount = 0",
  ]) {
    test(`is refused once it is damaged: ${sql}`, () => {
      const db = newDatabase()
      table.insert(db, row)
      expect(table.select(db, '').length).toBe(1)
      db.exec(`UPDATE things SET ${sql}`)
      const damaged = expect.objectContaining({ code: 'JOURNAL_UNUSABLE' })
      expect(() => table.select(db, '')).toThrow(damaged)
      expect(() => table.selectOne(db, 'WHERE id = ?', 1)).toThrow(damaged)
      db.close()
    })
  }

  test('has every column and no other', () => {
    const db = newDatabase()
    const { name: _, ...less } = row
    expect(() => table.insert(db, less)).toThrow(RangeError)
    expect(() => table.insert(db, { ...row, more: 1 })).toThrow(RangeError)
    expect(table.select(db, '')).toEqual([])
    db.close()
  })
})

function normal(one: Record<string, Value>): Record<string, unknown> {
  const { at, name } = one
  return {
    ...one,
    // SQLite has no negative zero, and no half of a surrogate pair.
    at: at === 0 ? 0 : at,
    name: typeof name === 'string' ? name.toWellFormed() : name,
  }
}
