import type { Settlement } from 'satway/lightning'
import { unavailable } from './messages.ts'

/** What may wait for a reader that does not read. Beyond it the stream breaks. */
const maxWaiting = 10_000

/** One reader's stream of settlements: what comes between two reads waits for the next. */
export class SettlementQueue implements AsyncIterableIterator<Settlement> {
  #waiting: Settlement[] = []
  #readers: {
    resolve(result: IteratorResult<Settlement>): void
    reject(error: Error): void
  }[] = []
  #end: 'open' | 'broken' | 'over' = 'open'
  #ended: () => void

  /** @param ended - Called once, when nothing more is wanted or can come. */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  push(settlement: Settlement): void {
    if (this.#end !== 'open') return
    const reader = this.#readers.shift()
    if (reader !== undefined) reader.resolve({ done: false, value: settlement })
    else if (this.#waiting.length >= maxWaiting) this.break()
    else this.#waiting.push(settlement)
  }

  /** What came already can still be read; then the next read rejects, once. */
  break(): void {
    if (this.#end !== 'open') return
    const [reader, ...others] = this.#readers.splice(0)
    this.#end = reader === undefined ? 'broken' : 'over'
    reader?.reject(unavailable('the stream of settlements broke'))
    for (const other of others) other.resolve({ done: true, value: undefined })
    this.#ended()
  }

  /** Ends it at once: what was not read is forgotten. */
  finish(): void {
    if (this.#end === 'open') this.#ended()
    this.#end = 'over'
    this.#waiting = []
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<Settlement>> {
    const settlement = this.#waiting.shift()
    if (settlement !== undefined) return Promise.resolve({ done: false, value: settlement })
    if (this.#end === 'over') return Promise.resolve({ done: true, value: undefined })
    if (this.#end === 'broken') {
      this.#end = 'over'
      return Promise.reject(unavailable('the stream of settlements broke'))
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
    })
  }

  return(): Promise<IteratorResult<Settlement>> {
    this.finish()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
