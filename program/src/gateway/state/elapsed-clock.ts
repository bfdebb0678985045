import type { DatabaseSync, StatementSync } from 'node:sqlite'

/**
 * Seconds that a gateway ran on this file, by a clock that nobody can set. It goes on where the
 * last process left it, and is never ahead of the truth: time in which nothing ran does not count.
 */
export class ElapsedClock {
  readonly #elapsed: () => number
  readonly #raise: StatementSync
  #offset: number

  /** @param elapsed - Seconds since any moment, from a clock that nobody can set. */
  constructor(database: DatabaseSync, elapsed: () => number) {
    this.#elapsed = elapsed
    this.#raise = database.prepare(
      'UPDATE marks SET elapsed = max(elapsed, ?) RETURNING elapsed AS seconds',
    )
    const stored = database.prepare('SELECT elapsed AS seconds FROM marks').get()
    this.#offset = Number(stored?.['seconds']) - elapsed()
  }

  /** Whole seconds. */
  now(): number {
    return Math.floor(this.#offset + this.#elapsed())
  }

  /** Keeps how far it got, and learns how far the others are. Within a transaction. */
  store(): void {
    const stored = Number(this.#raise.get(this.now())?.['seconds'])
    if (stored > this.now()) this.#offset = stored - this.#elapsed()
  }
}
