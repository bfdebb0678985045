import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { WorkQueue } from './work-queue.ts'

const undo: (() => void)[] = []
afterEach(() => {
  for (const one of undo.splice(0).reverse()) one()
})

type Desk = {
  readonly queue: WorkQueue
  /** A second connection, as of another process. */
  readonly other: DatabaseSync
  isSame: boolean
}

function newDesk(waitMs?: number): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'satway-queue-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const open = (): DatabaseSync => {
    const db = new DatabaseSync(join(folder, 'queue.db'), { timeout: 0 })
    undo.push(() => (db.isOpen ? db.close() : undefined))
    return db
  }
  const other = open()
  other.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (n INTEGER UNIQUE) STRICT')
  const desk: Desk = {
    queue: new WorkQueue(open(), () => desk.isSame, waitMs),
    other,
    isSame: true,
  }
  return desk
}

const add =
  (n: number) =>
  (db: DatabaseSync): number => {
    db.prepare('INSERT INTO rows VALUES (?)').run(n)
    return n
  }

const rows = (db: DatabaseSync): readonly unknown[] =>
  db
    .prepare('SELECT n FROM rows ORDER BY n')
    .all()
    .map((row) => row['n'])

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((reason: unknown) => reason)
  return isL402Error(error, 'STORE_UNAVAILABLE') ? error.details['reason'] : error
}

describe('R-JRN-5 work that waits at one moment', () => {
  test('is one transaction, and resolves once that is committed', async () => {
    const { queue, other } = newDesk()
    const one = queue.transact(true, add(1))
    const two = queue.transact(true, (db) => {
      // Of the same transaction, and nobody else's business yet.
      expect(rows(db)).toEqual([1])
      expect(rows(other)).toEqual([])
      return add(2)(db)
    })
    expect(await one).toBe(1)
    expect(rows(other)).toEqual([1, 2])
    expect(await two).toBe(2)
  })

  test('is undone alone where it throws', async () => {
    const { queue, other } = newDesk()
    const failure = new RangeError('no')
    const all = await Promise.allSettled([
      queue.transact(false, add(1)),
      queue.transact(false, (db) => {
        add(2)(db)
        throw failure
      }),
      queue.transact(false, add(1)),
      queue.transact(false, add(3)),
    ])
    expect(all.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect((all[1] as PromiseRejectedResult).reason).toBe(failure)
    expect(rows(other)).toEqual([1, 3])
  })

  for (const [durable, level] of [
    [[false, false], 1],
    [[false, true], 2],
    [[true, true], 2],
  ] as const) {
    test(`flushes the disk when any of it is durable: ${durable.join(', ')}`, async () => {
      const { queue } = newDesk()
      const levels = await Promise.all(
        durable.map((one) =>
          queue.transact(one, (db) => db.prepare('PRAGMA synchronous').get()?.['synchronous']),
        ),
      )
      expect(levels).toEqual([level, level])
    })
  }

  test('is all done, in its order, however much it is', async () => {
    const { queue, other } = newDesk()
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    const order: number[] = []
    await Promise.all(
      numbers.map((n) =>
        queue.transact(false, (db) => {
          order.push(n)
          add(n)(db)
        }),
      ),
    )
    expect(order).toEqual(numbers)
    expect(rows(other).length).toBe(1000)
  })
})

describe('R-JRN-6 while another process has the lock', () => {
  test('work waits, the process goes on, and reading goes on', async () => {
    const { queue, other } = newDesk()
    other.exec('BEGIN IMMEDIATE; INSERT INTO rows VALUES (7)')
    const waiting = queue.transact(true, add(1))
    for (let tick = 0; tick < 20; tick++) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      expect(await queue.read(rows)).toEqual([])
    }
    other.exec('COMMIT')
    await waiting
    expect(rows(other)).toEqual([1, 7])
  })

  test('for too long, it is STORE_UNAVAILABLE and nothing happened', async () => {
    const { queue, other } = newDesk(50)
    other.exec('BEGIN IMMEDIATE')
    expect(await reasonOf(queue.transact(true, add(1)))).toBe('locked')
    other.exec('COMMIT')
    expect(rows(other)).toEqual([])
    expect(await queue.transact(true, add(2))).toBe(2)
  })
})

test('R-JRN-7 closing finishes what waits, and takes nothing more', async () => {
  const { queue, other } = newDesk()
  const waiting = queue.transact(true, add(1))
  const closed = queue.close()
  expect(await reasonOf(queue.transact(true, add(2)))).toBe('closed')
  await closed
  expect(await waiting).toBe(1)
  expect(await reasonOf(queue.read(rows))).toBe('closed')
  await queue.close()
  expect(rows(other)).toEqual([1])
})

test('R-JRN-3 a file that is replaced while it is written to is not one that was written', async () => {
  const desk = newDesk()
  const work = desk.queue.transact(true, (db) => {
    add(1)(db)
    desk.isSame = false
  })
  expect(await reasonOf(work)).toBe('replaced')
  expect(await reasonOf(desk.queue.transact(true, add(2)))).toBe('replaced')
  expect(await reasonOf(desk.queue.read(rows))).toBe('replaced')
})

test('R-JRN-8 a reader sees one state, and its own failure is its own', async () => {
  const { queue, other } = newDesk()
  const seen = await queue.read((db) => {
    const before = rows(db)
    other.exec('INSERT INTO rows VALUES (1)')
    return [before, rows(db)]
  })
  expect(seen).toEqual([[], []])
  const failure = new Error('mine')
  await expect(
    queue.read(() => {
      throw failure
    }),
  ).rejects.toBe(failure)
  expect(await queue.read(rows)).toEqual([1])
})
