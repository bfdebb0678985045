import { dirname, join, resolve } from 'node:path'
import { createApprovals } from './approval-book.ts'
import type { Database } from './database.ts'
import { openDatabase } from './database.ts'
import type { Journal, JournalOptions } from './journal.ts'
import { createLeases } from './leases.ts'
import { createReceiptBook } from './receipt-book.ts'
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
 * @spec journal.md R-JRN-1 to R-JRN-26
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { key, now } = { ...defaults, ...options }
  const path = resolve(options.path)
  const folder = dirname(path)
  const database = await openDatabase(path)
  try {
    const meta = metaOf(database)
    const { seal, place } = await openSeal({ folder, choice: key, meta })
    const ledger = createSqliteLedger(database, { seal, leases: createLeases(database, now), now })
    const receipts = createReceiptBook(database, {
      path: resolve(options.receiptsPath ?? join(folder, 'receipts.jsonl')),
      preimageOf: ledger.preimageOf,
    })
    return {
      path,
      ledger,
      tokens: createSqliteTokenStore(database, seal),
      receipts,
      approvals: createApprovals(database, { now }),
      keyPlace: place,
      async close() {
        try {
          // Only the time of the last look: what cannot be written now does no harm.
          await ledger.flush().catch(() => undefined)
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
