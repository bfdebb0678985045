import { L402Error } from '../../errors.ts'
import type { Settlement } from '../index.ts'

/**
 * The settlements of one node, and streams over them.
 *
 * A stream is a position in the log and holds nothing of its own: a reader that falls behind costs
 * no memory, and what settles between two reads is still there at the next.
 */
export class SettlementLog {
  readonly #log: Settlement[] = []
  readonly #waiting = new Set<() => void>()
  #reachable = true

  add(settlement: Settlement): void {
    this.#log.push(settlement)
    this.#wake()
  }

  /** While false, every read rejects with NODE_UNAVAILABLE, also one that already waits. */
  setReachable(reachable: boolean): void {
    this.#reachable = reachable
    this.#wake()
  }

  /**
   * Settlements from this call on.
   *
   * @param beforeRead - Called before each look at the log, so that what is due gets into it.
   * @spec lightning.md R-LN-5, R-LN-6
   */
  read(signal: AbortSignal, beforeRead: () => void): AsyncIterableIterator<Settlement> {
    let position = this.#log.length
    let over = false
    const onAbort = (): void => this.#wake()

    const end = (): IteratorResult<Settlement> => {
      over = true
      signal.removeEventListener('abort', onAbort)
      return { done: true, value: undefined }
    }
    const next = async (): Promise<IteratorResult<Settlement>> => {
      while (!over && !signal.aborted) {
        if (!this.#reachable) {
          end()
          throw new L402Error('NODE_UNAVAILABLE', { reason: 'the stream of settlements broke' })
        }
        beforeRead()
        const settlement = this.#log[position]
        if (settlement === undefined) {
          await new Promise<void>((resolve) => this.#waiting.add(resolve))
          continue
        }
        position++
        return { done: false, value: settlement }
      }
      return end()
    }

    signal.addEventListener('abort', onAbort, { once: true })
    const stream: AsyncIterableIterator<Settlement> = {
      next,
      return: async () => {
        const ended = end()
        this.#wake()
        return ended
      },
      [Symbol.asyncIterator]: () => stream,
    }
    return stream
  }

  /** Lets everyone who waits look again. */
  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const look of waiting) look()
  }
}
