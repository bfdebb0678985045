/** Answers kept at a time. */
const maxEntries = 10_000

/** No answer is kept longer. */
const maxSeconds = 86_400

type Entry<Value> = { readonly value: Value; readonly untilMs: number }

/** Answers that may be used again for a while. The oldest go when there are too many. */
export class AnswerCache<Value> {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry<Value>>()

  /** @param now - Milliseconds; never goes back. */
  constructor(now: () => number) {
    this.#now = now
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (this.#now() < entry.untilMs) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** @param seconds - 0 keeps nothing; more than a day counts as a day. */
  set(key: string, value: Value, seconds: number): void {
    this.#entries.delete(key)
    if (seconds <= 0) return
    if (this.#entries.size >= maxEntries) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
    const untilMs = this.#now() + Math.min(seconds, maxSeconds) * 1000
    this.#entries.set(key, { value, untilMs })
  }
}
