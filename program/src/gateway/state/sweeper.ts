import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { maxWindowSeconds } from './allowances.ts'
import type { ElapsedClock } from './elapsed-clock.ts'
import { retentionSeconds } from './use-store.ts'
import type { WriteQueue } from './write-queue.ts'

/** Rows that one step looks at, and deletes: about a millisecond. */
const stepRows = 100

type DuePurchase = {
  readonly id: number
  readonly expiresAt: number
  readonly keepUntil: number
  readonly counters: number
}

type Step = () => 'more' | 'done'

/**
 * Forgets what is over, a small step at a time: counters an hour after their purchase ended, free
 * windows that ended, rates that are at rest, sales that can no longer be paid.
 *
 * @spec server.md R-SRV-45, gateway.md R-STATE-16, R-STATE-33
 */
export class Sweeper {
  readonly #queue: WriteQueue
  readonly #now: () => number
  readonly #elapsed: ElapsedClock
  readonly #sameEnd: StatementSync
  readonly #laterEnd: StatementSync
  readonly #mark: StatementSync
  readonly #end: StatementSync
  readonly #forgetCounters: StatementSync
  readonly #forgetLineages: StatementSync
  readonly #forgetPurchase: StatementSync
  readonly #forgetWindows: StatementSync
  readonly #rates: StatementSync
  readonly #forgetRate: StatementSync
  readonly #sales: Step
  #isSweeping = false

  /** @param sales - One step of forgetting sales. */
  constructor(
    database: DatabaseSync,
    queue: WriteQueue,
    now: () => number,
    elapsed: ElapsedClock,
    sales: Step,
  ) {
    this.#queue = queue
    this.#sales = sales
    this.#now = now
    this.#elapsed = elapsed
    const columns = 'id, expires_at AS expiresAt, keep_until AS keepUntil, counters'
    // Two statements: SQLite would walk all that end in one second to find the next of them.
    this.#sameEnd = database.prepare(`SELECT ${columns} FROM purchases
      WHERE expires_at = ? AND id > ? ORDER BY id LIMIT ${stepRows}`)
    this.#laterEnd = database.prepare(`SELECT ${columns} FROM purchases
      WHERE expires_at > ? AND expires_at <= ? ORDER BY expires_at, id LIMIT ${stepRows}`)
    this.#mark = database.prepare('UPDATE marks SET forgotten_until = max(forgotten_until, ?)')
    this.#end = database.prepare('UPDATE purchases SET is_over = 1 WHERE id = ?')
    this.#forgetCounters = database.prepare(`DELETE FROM counters WHERE id IN
      (SELECT id FROM counters WHERE purchase = ? LIMIT ?)`)
    this.#forgetLineages = database.prepare(`DELETE FROM lineages WHERE purchase = :purchase
      AND lineage IN (SELECT lineage FROM lineages WHERE purchase = :purchase LIMIT :limit)`)
    this.#forgetPurchase = database.prepare('DELETE FROM purchases WHERE id = ?')
    // A window from the far future was begun by a clock that was wrong.
    this.#forgetWindows = database.prepare(`DELETE FROM free_windows WHERE key IN
      (SELECT key FROM free_windows WHERE ends_at <= ? OR ends_at > ? LIMIT ${stepRows})`)
    this.#rates = database.prepare(`SELECT key, rest_at AS restAt FROM rates WHERE key > ?
      ORDER BY key LIMIT ${stepRows}`)
    this.#rates.setReadBigInts(true)
    this.#forgetRate = database.prepare('DELETE FROM rates WHERE key = ?')
  }

  /** Sweeps once. Rejects when the file cannot be written. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      await this.#queue.add(() => this.#elapsed.store())
      for (const step of [this.#purchases(), this.#windows(), this.#idleRates(), this.#sales]) {
        while ((await this.#queue.add(step)) === 'more');
      }
    } finally {
      this.#isSweeping = false
    }
  }

  #purchases(): Step {
    const endedBefore = Math.floor(this.#now()) - retentionSeconds
    let at: readonly [number, number] = [Number.MIN_SAFE_INTEGER, 0]
    return () => {
      const same = this.#sameEnd.all(...at)
      const later = same.length === stepRows ? [] : this.#laterEnd.all(at[0], endedBefore)
      const due = [...same, ...later] as unknown as readonly DuePurchase[]
      let room = stepRows
      for (const purchase of due) {
        // By both clocks: one that is set forward and back would make what is used up work again.
        if (purchase.keepUntil <= this.#elapsed.now()) room -= this.#forget(purchase, room)
        if (room <= 0) return 'more'
        at = [purchase.expiresAt, purchase.id]
      }
      return due.length < stepRows ? 'done' : 'more'
    }
  }

  /** @returns How many rows it deleted; all of the purchase are gone when that is below `room`. */
  #forget({ id, expiresAt }: DuePurchase, room: number): number {
    this.#mark.run(expiresAt)
    const counters = Number(this.#forgetCounters.run(id, room).changes)
    const lineages = Number(this.#forgetLineages.run({ purchase: id, limit: room }).changes)
    const deleted = Math.max(counters, lineages)
    if (deleted === room) {
      // The rest of a large one comes later; until then it has no uses.
      this.#end.run(id)
      return room
    }
    this.#forgetPurchase.run(id)
    return deleted + 1
  }

  #windows(): Step {
    const nowSeconds = Math.floor(this.#now())
    return () => {
      const { changes } = this.#forgetWindows.run(nowSeconds, nowSeconds + maxWindowSeconds)
      return Number(changes) < stepRows ? 'done' : 'more'
    }
  }

  #idleRates(): Step {
    const nowMicros = Math.floor(this.#now() * 1e6)
    const farMicros = nowMicros + maxWindowSeconds * 1e6
    let at = ''
    return () => {
      const rates = this.#rates.all(at)
      for (const { key, restAt } of rates) {
        at = String(key)
        if (Number(restAt) <= nowMicros || Number(restAt) > farMicros) this.#forgetRate.run(at)
      }
      return rates.length < stepRows ? 'done' : 'more'
    }
  }
}
