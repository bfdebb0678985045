import type { DatabaseSync } from 'node:sqlite'
import { openFile } from './open-file.ts'
import { WorkQueue } from './work-queue.ts'

/** The file of a journal, as this process uses it. */
export type Database = {
  /**
   * Does `work` in a transaction that has the write lock, together with whatever else waits at that
   * moment: one lock and one flush of the disk for all of them. Work that throws is undone alone.
   *
   * @param durable - Whether it must outlive a power cut. Without, it outlives the end of the
   *   process in any form.
   * @param work - Synchronous. Changes nothing but the database.
   * @returns What `work` returned, once it is committed. Rejects with what it threw, with
   *   STORE_UNAVAILABLE when the file cannot be written, and with JOURNAL_UNUSABLE when it is damaged.
   */
  transact<T>(durable: boolean, work: (db: DatabaseSync) => T): Promise<T>
  /** Does `work` on one state of the file. Rejects as {@link Database.transact}. */
  read<T>(work: (db: DatabaseSync) => T): Promise<T>
  /** Finishes what waits, and lets go of the file. */
  close(): Promise<void>
}

/**
 * Opens the file of a journal, and makes it where there is none.
 *
 * @param path - Absolute.
 * @throws {L402Error} JOURNAL_UNUSABLE, STORE_UNAVAILABLE: see {@link openFile}.
 */
export async function openDatabase(path: string): Promise<Database> {
  const { db, isSame } = await openFile(path)
  const queue = new WorkQueue(db, isSame)
  return {
    transact: (durable, work) => queue.transact(durable, work),
    read: (work) => queue.read(work),
    close: () => queue.close(),
  }
}
