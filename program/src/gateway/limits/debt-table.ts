import { hash, randomBytes } from 'node:crypto'

/** Places that are shared when there is none left. */
const sharedPlaces = 4096

/** Old entries that are looked at for each new one. */
const sweepSteps = 8

/**
 * Until when each key has something to pay off, within a bound of memory.
 *
 * Nothing that is still owed is ever forgotten: otherwise whoever has many addresses could wash a
 * debt away by filling the table. When every place holds a debt, new keys share the places of a
 * second, small table, chosen by a secret hash: a flood of new keys then limits itself, and who has a
 * place of his own notices nothing.
 *
 * @spec gateway.md R-LIM-7
 */
export class DebtTable {
  readonly #places: number
  readonly #own = new Map<string, number>()
  readonly #shared = new Float64Array(sharedPlaces)
  /** When nothing in the shared places is owed any more. */
  #sharedUntil = Number.NEGATIVE_INFINITY
  readonly #secret: string
  #hand: Iterator<[string, number]> = this.#own.entries()

  /**
   * @param places - Keys that have a place of their own.
   * @param secret - Chooses which keys share a place. Default: random.
   */
  constructor(places: number, secret: string = randomBytes(16).toString('hex')) {
    this.#places = places
    this.#secret = secret
  }

  /** @returns `undefined` when nothing is known, which is no debt. */
  get(key: string, now: number): number | undefined {
    const own = this.#own.get(key)
    if (own !== undefined || now >= this.#sharedUntil) return own
    return this.#shared[this.#sharedPlace(key)]
  }

  /**
   * @param clearAt - When the debt is paid off, on the same clock as `now`. What {@link get} gave
   *   before is counted in it.
   */
  set(key: string, clearAt: number, now: number): void {
    if (!this.#own.has(key)) this.#sweep(now)
    if (this.#own.has(key) || this.#own.size < this.#places) {
      this.#own.set(key, clearAt)
      return
    }
    this.#shared[this.#sharedPlace(key)] = clearAt
    this.#sharedUntil = Math.max(this.#sharedUntil, clearAt)
  }

  /** Goes on, from where it stopped last time, taking out what owes nothing any more. */
  #sweep(now: number): void {
    for (let i = 0; i < sweepSteps; i++) {
      const step = this.#hand.next()
      if (step.done === true) {
        this.#hand = this.#own.entries()
        return
      }
      const [key, clearAt] = step.value
      if (clearAt <= now) this.#own.delete(key)
    }
  }

  #sharedPlace(key: string): number {
    // With a secret, so that nobody can choose whose place he fills. In one shot: `createHmac` with a
    // raw key takes ten times as long.
    const digest = hash('sha256', this.#secret + key)
    return Number.parseInt(digest.slice(0, 8), 16) % sharedPlaces
  }
}
