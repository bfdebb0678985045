/** A bucket of events: so many at once, and so many a second in the long run. */
export class EventAllowance {
  readonly #burst: number
  readonly #perMs: number
  readonly #now: () => number
  #left: number
  #atMs: number

  /** @param now - Milliseconds of a clock that nobody sets back. */
  constructor(burst: number, perSecond: number, now: () => number = () => performance.now()) {
    this.#burst = burst
    this.#perMs = perSecond / 1000
    this.#now = now
    this.#left = burst
    this.#atMs = now()
  }

  /** Takes one. False when none is left. */
  take(): boolean {
    const nowMs = this.#now()
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
