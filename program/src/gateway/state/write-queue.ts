import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isBusy } from './sqlite-errors.ts'

/** What one transaction takes at most: about two milliseconds, in which this process does nothing else. */
const maxBatch = 200
/** How long a write waits for another process, in ms. Less than the five seconds of a paywall. */
const patienceMs = 4000

type Write = {
  /** Runs within the transaction. What it throws rejects this write alone. */
  readonly work: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  readonly queuedAtMs: number
}

/**
 * Writes to the file, as many at once as came together. One transaction for each would be mostly
 * transaction. A write that resolves is committed.
 *
 * The lock is asked for without waiting: while another process has it, this one goes on serving
 * and asks again a millisecond later.
 */
export class WriteQueue {
  readonly #database: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #waiting: Write[] = []
  #isScheduled = false
  #isClosed = false

  /** @param database - A connection with a busy timeout of 0, for this queue alone. */
  constructor(database: DatabaseSync) {
    this.#database = database
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  /**
   * Writes once, soon.
   *
   * @param work - Synchronous. May run again after an attempt that was rolled back.
   * @returns What `work` returned, once it is committed. Rejects with what it threw, and when the
   *   file cannot be written, after four seconds when another process keeps it locked.
   */
  add<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the state file is closed'))
        return
      }
      const write = { work, resolve, reject, queuedAtMs: performance.now() }
      this.#waiting.push(write as Write)
      this.#schedule()
    })
  }

  /**
   * Writes what waits, now, and takes nothing more.
   *
   * @throws the first failure. Everything else is written all the same.
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const failures: unknown[] = []
    this.#waiting = this.#waiting.map((write) => ({
      ...write,
      reject: (error) => {
        failures.push(error)
        write.reject(error)
      },
    }))
    this.#database.exec(`PRAGMA busy_timeout = ${patienceMs}`)
    while (this.#waiting.length > 0) this.#write()
    if (failures.length > 0) throw failures[0]
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After the sockets that are ready were read: their requests share a transaction.
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    const isFree = this.#write()
    if (this.#waiting.length === 0) return
    if (isFree) {
      this.#schedule()
      return
    }
    this.#isScheduled = true
    setTimeout(() => this.#run(), 1)
  }

  /** @returns Whether the file could be locked. */
  #write(): boolean {
    const batch = this.#takeBatch()
    if (batch.length === 0) return true
    try {
      this.#begin.run()
    } catch (error) {
      this.#refuse(batch, error)
      return false
    }
    const results: unknown[] = []
    try {
      for (const { work } of batch) results.push(work())
      this.#commit.run()
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      if (batch.length === 1) batch[0]!.reject(error)
      else this.#writeOneByOne(batch)
      return true
    }
    for (const [i, { resolve }] of batch.entries()) resolve(results[i])
    return true
  }

  /** Whoever failed must not take the others along. */
  #writeOneByOne(batch: readonly Write[]): void {
    const later = this.#waiting
    const busy: Write[] = []
    for (const write of batch) {
      this.#waiting = [write]
      this.#write()
      busy.push(...this.#waiting)
    }
    this.#waiting = [...busy, ...later]
  }

  #takeBatch(): readonly Write[] {
    if (this.#waiting.length > maxBatch) return this.#waiting.splice(0, maxBatch)
    const batch = this.#waiting
    this.#waiting = []
    return batch
  }

  /** Another process has the lock: what can still wait goes back to the front. */
  #refuse(batch: readonly Write[], error: unknown): void {
    const nowMs = performance.now()
    const canWait = (write: Write): boolean =>
      isBusy(error) && !this.#isClosed && nowMs - write.queuedAtMs < patienceMs
    for (const write of batch) if (!canWait(write)) write.reject(error)
    this.#waiting = [...batch.filter(canWait), ...this.#waiting]
  }
}
