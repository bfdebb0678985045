import { lstatSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createApprovals } from './approval-book.ts'
import type { Database } from './database.ts'
import { openDatabase } from './database.ts'
import type { Journal, JournalOptions } from './journal.ts'
import { keepSettlements } from './kept-settlements.ts'
import { createLeases } from './leases.ts'
import { createPaymentLooks } from './payment-summary.ts'
import { createReceiptBook } from './receipt-book.ts'
import { findReceiptEnd, refuseOlder } from './receipt-end.ts'
import { newestSeq } from './receipt-mirror.ts'
import { createSalvage } from './salvage.ts'
import { getMeta, setMeta } from './schema.ts'
import type { Meta } from './seal.ts'
import { openSeal } from './seal.ts'
import { createSqliteLedger } from './sqlite-ledger.ts'
import { createSqliteTokenStore } from './sqlite-token-store.ts'

const defaults = { key: 'auto', now: (): number => Date.now() / 1000 } as const

/**
 * Opens a journal, and makes it where there is none.
 *
 * @throws {L402Error} JOURNAL_UNUSABLE when the file is not a journal, damaged, newer, sealed with
 *   another key or open to other users: nothing is mended or made anew, `details.hint` says what to
 *   do. STORE_UNAVAILABLE when it cannot be read and written at the moment.
 * @throws {RangeError} for a key of the caller's own that is not 32 bytes long.
 * @spec journal.md R-JRN-1 to R-JRN-34
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { key, now } = { ...defaults, ...options }
  const path = resolve(options.path)
  const folder = dirname(path)
  const receiptsPath = resolve(options.receiptsPath ?? join(folder, 'receipts.jsonl'))
  // Before the journal, which other processes write to first.
  const receiptEnd = findReceiptEnd(receiptsPath)
  if (receiptEnd !== undefined && isNew(path)) refuseOlder(receiptEnd, 0)
  const database = await openDatabase(path)
  try {
    refuseOlder(receiptEnd, await database.read(newestSeq))
    const meta = metaOf(database)
    const { seal, place } = await openSeal({ folder, choice: key, meta })
    const ledger = createSqliteLedger(database, { seal, leases: createLeases(database, now), now })
    const kept = keepSettlements(ledger, createSalvage(path, seal))
    await kept.restore()
    const receipts = createReceiptBook(database, {
      path: receiptsPath,
      seal,
    })
    return {
      path,
      ledger: { ...kept.ledger, ...createPaymentLooks(database) },
      tokens: createSqliteTokenStore(database, seal),
      receipts,
      approvals: createApprovals(database, { now }),
      keyPlace: place,
      async close() {
        try {
          await kept.close()
          await receipts.close()
        } finally {
          await database.close()
        }
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Whether there is nothing of a journal yet, not even a part that is no good. */
function isNew(path: string): boolean {
  return [path, `${path}-wal`].every((file) => {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined
  })
}

/** Most openings only look, and need no lock for it. */
function metaOf(database: Database): <Result>(work: (meta: Meta) => Result) => Promise<Result> {
  const change = Symbol('change')
  return async (work) => {
    try {
      return await database.read((db) =>
        work({
          get: (name) => getMeta(db, name),
          set: () => {
            throw change
          },
        }),
      )
    } catch (error) {
      if (error !== change) throw error
    }
    return await database.transact(true, (db) =>
      work({ get: (name) => getMeta(db, name), set: (name, value) => setMeta(db, name, value) }),
    )
  }
}
