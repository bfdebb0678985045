import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** The longest window and rate, in seconds: a year. */
export const maxWindowSeconds = 366 * 86_400
const maxKeyLength = 512
/** How far a clock may be set back before it is taken to have been wrong: a minute. */
const clockStepMicros = 60_000_000

/**
 * Free requests and rates that all processes share. Each is taken by one statement. Before it one
 * looks: who is refused, however often he asks, takes no lock that others need.
 */
export class Allowances {
  readonly #now: () => number
  readonly #isUsedUp: StatementSync
  readonly #takeFree: StatementSync
  readonly #takeRate: StatementSync
  readonly #restAt: StatementSync

  constructor(database: DatabaseSync, now: () => number) {
    this.#now = now
    this.#isUsedUp = database.prepare(`SELECT 1 FROM free_windows
      WHERE key = :key AND taken >= :requests AND abs(:now - started_at) < :seconds`)
    // A window that seems to begin long after now was begun by a clock that has been put right.
    this.#takeFree = database.prepare(`
      INSERT INTO free_windows (key, started_at, ends_at, taken)
      VALUES (:key, :now, :now + :seconds, 1)
      ON CONFLICT DO UPDATE SET
        taken = iif(abs(:now - started_at) < :seconds, taken + 1, 1),
        ends_at = iif(abs(:now - started_at) < :seconds, started_at, :now) + :seconds,
        started_at = iif(abs(:now - started_at) < :seconds, started_at, :now)
      WHERE taken < :requests OR abs(:now - started_at) >= :seconds
      RETURNING taken`)
    // So was a rate that would be at rest long after a full burst from now: it counts as one of which
    // a single request is left, and what is stored is right again.
    const restAt = `max(:now, iif(rest_at > :now + :interval * :burst + ${clockStepMicros},
      :now + :interval * (:burst - 1), rest_at))`
    this.#takeRate = database.prepare(`
      INSERT INTO rates (key, rest_at) VALUES (:key, :now + :interval)
      ON CONFLICT DO UPDATE SET rest_at = ${restAt} + :interval
      WHERE ${restAt} <= :now + :interval * (:burst - 1)
      RETURNING rest_at`)
    this.#takeRate.setReadBigInts(true)
    this.#restAt = database.prepare('SELECT rest_at AS micros FROM rates WHERE key = ?')
    this.#restAt.setReadBigInts(true)
  }

  takeFree(key: string, requests: number, windowSeconds: number): boolean {
    requireKey(key)
    requireWithin('requests', requests, 0, 1e9)
    requireWithin('windowSeconds', windowSeconds, 1, maxWindowSeconds)
    if (requests < 1) return false
    const now = Math.floor(this.#now())
    const window = { key, now, seconds: Math.floor(windowSeconds), requests: Math.floor(requests) }
    if (this.#isUsedUp.get(window) !== undefined) return false
    return this.#takeFree.get(window) !== undefined
  }

  takeRate(
    key: string,
    rate: { readonly requests: number; readonly perSeconds: number; readonly burst: number },
  ): number {
    requireKey(key)
    requireWithin('burst', rate.burst, 1, 1e6)
    const intervalSeconds = rate.perSeconds / rate.requests
    requireWithin('the time between two requests', intervalSeconds, 1e-6, maxWindowSeconds)
    requireWithin('the time of a burst', intervalSeconds * rate.burst, 1e-6, maxWindowSeconds)
    const now = Math.floor(this.#now() * 1e6)
    const interval = Math.round(intervalSeconds * 1e6)
    const burst = Math.floor(rate.burst)
    const waitMicros = (): number => {
      const restAt = Number(this.#restAt.get(key)?.['micros'] ?? 0)
      if (restAt > now + interval * burst + clockStepMicros) return 0
      return Math.max(0, restAt - interval * (burst - 1) - now)
    }
    const wait = waitMicros()
    if (wait > 0) return wait / 1e6
    // As integers: a REAL would have to be rounded by SQLite to be stored.
    const values = { key, now: BigInt(now), interval: BigInt(interval), burst: BigInt(burst) }
    if (this.#takeRate.get(values) !== undefined) return 0
    // Another process was faster.
    return Math.max(1, waitMicros()) / 1e6
  }
}

/** @throws {TypeError} */
function requireKey(key: string): void {
  if (key.length >= 1 && key.length <= maxKeyLength) return
  throw new TypeError(`expected a key of 1 to ${maxKeyLength} characters`)
}

/** @throws {RangeError} also for what is no number. */
function requireWithin(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw new RangeError(`${name}: expected ${least} to ${most}`)
}
