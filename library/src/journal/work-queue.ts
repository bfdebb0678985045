import type { DatabaseSync } from 'node:sqlite'
import type { IsSame } from './open-file.ts'
import { nextPauseMs, patienceMs, patiently } from './patience.ts'
import { prepared } from './prepared.ts'
import { isBusy, journalError } from './sqlite-errors.ts'
import { unavailable } from './unusable.ts'

/** What one transaction takes at most: a few tens of milliseconds, in which this process does nothing else. */
const maxBatch = 128

type Work = {
  readonly run: (db: DatabaseSync) => unknown
  readonly durable: boolean
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  readonly queuedAtMs: number
}

type Result = { readonly value: unknown } | { readonly error: unknown }

/**
 * Work on one file, as much at once as came together.
 *
 * The lock is asked for without waiting: while another process has it, this one goes on, and asks
 * again a moment later.
 */
export class WorkQueue {
  readonly #db: DatabaseSync
  readonly #isSame: IsSame
  readonly #patienceMs: number
  #waiting: Work[] = []
  #isScheduled = false
  #isClosing = false
  #isDurable: boolean | undefined
  #whenIdle: (() => void) | undefined

  /**
   * @param db - A connection with a busy timeout of 0, for this queue alone.
   * @param isSame - Whether the files are still those that the connection has open.
   * @param waitMs - How long work waits for another process.
   */
  constructor(db: DatabaseSync, isSame: IsSame, waitMs: number = patienceMs) {
    this.#db = db
    this.#isSame = isSame
    this.#patienceMs = waitMs
  }

  transact<T>(durable: boolean, run: (db: DatabaseSync) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosing) {
        reject(closed())
        return
      }
      const queuedAtMs = performance.now()
      this.#waiting.push({ run, durable, resolve: resolve as Work['resolve'], reject, queuedAtMs })
      this.#schedule()
    })
  }

  async read<T>(run: (db: DatabaseSync) => T): Promise<T> {
    try {
      return await patiently(() => this.#readOnce(run), this.#patienceMs)
    } catch (error) {
      throw journalError(error)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#waiting.length > 0 || this.#isScheduled) {
      await new Promise<void>((resolve) => {
        const before = this.#whenIdle
        this.#whenIdle = () => {
          before?.()
          resolve()
        }
      })
    }
    if (this.#db.isOpen) this.#db.close()
  }

  #readOnce<T>(run: (db: DatabaseSync) => T): T {
    if (!this.#db.isOpen) throw closed()
    if (!this.#isSame(false)) throw replaced()
    prepared(this.#db, 'BEGIN').run()
    try {
      return run(this.#db)
    } finally {
      if (this.#db.isTransaction) prepared(this.#db, 'ROLLBACK').run()
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After everything that is ready now was heard: it shares one transaction.
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    const isFree = this.#writeBatch()
    if (this.#waiting.length === 0) {
      this.#whenIdle?.()
      return
    }
    if (isFree) {
      this.#schedule()
      return
    }
    this.#isScheduled = true
    setTimeout(() => this.#run(), nextPauseMs())
  }

  /** @returns Whether the file could be locked. */
  #writeBatch(): boolean {
    const batch = this.#waiting.splice(0, maxBatch)
    if (batch.length === 0) return true
    const isDurable = batch.some(({ durable }) => durable)
    try {
      if (!this.#isSame(isDurable)) throw replaced()
      this.#setDurability(isDurable)
      prepared(this.#db, 'BEGIN IMMEDIATE').run()
    } catch (error) {
      this.#refuse(batch, error)
      return !isBusy(error)
    }
    let results: readonly Result[]
    try {
      results = batch.map((work) => this.#runWork(work))
      prepared(this.#db, 'COMMIT').run()
      // Written to a file that is not the journal any more, nobody else will ever see it.
      if (isDurable && !this.#isSame(true)) throw replaced()
    } catch (error) {
      this.#rollBack()
      for (const { reject } of batch) reject(journalError(error))
      return true
    }
    for (const [i, { resolve, reject }] of batch.entries()) {
      const result = results[i]!
      if ('error' in result) reject(result.error)
      else resolve(result.value)
    }
    return true
  }

  /** @throws when SQLite gave up the whole transaction, as it does when the disk is full. */
  #runWork({ run }: Work): Result {
    prepared(this.#db, 'SAVEPOINT work').run()
    try {
      const value = run(this.#db)
      prepared(this.#db, 'RELEASE work').run()
      return { value }
    } catch (error) {
      if (!this.#db.isTransaction) throw error
      prepared(this.#db, 'ROLLBACK TO work').run()
      prepared(this.#db, 'RELEASE work').run()
      return { error: journalError(error) }
    }
  }

  /** FULL flushes the log at every commit; with NORMAL it is the operating system's turn. */
  #setDurability(durable: boolean): void {
    if (this.#isDurable === durable) return
    this.#db.exec(durable ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL')
    this.#isDurable = durable
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) prepared(this.#db, 'ROLLBACK').run()
    } catch {
      // Whoever waited hears of the first failure; the next BEGIN says whether this one matters.
    }
  }

  /** Another process has the lock: what can still wait goes back to the front. */
  #refuse(batch: readonly Work[], error: unknown): void {
    const nowMs = performance.now()
    const canWait = (work: Work): boolean =>
      isBusy(error) && nowMs - work.queuedAtMs < this.#patienceMs
    for (const work of batch) if (!canWait(work)) work.reject(journalError(error))
    this.#waiting = [...batch.filter(canWait), ...this.#waiting]
  }
}

function closed(): Error {
  return unavailable('closed', 'the journal was closed; open it again')
}

function replaced(): Error {
  return unavailable(
    'replaced',
    'the file of the journal was deleted or replaced while it was open; put it back, and start again',
  )
}
