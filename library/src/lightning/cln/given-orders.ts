import type { FailureReason } from '../index.ts'

/** What is known of the last order of one payment that this process gave. */
export type GivenOrder = {
  /** Resolves when nothing more is sent or waited for. */
  readonly ended: Promise<void>
  /** Until when the node may make attempts, on the clock that never jumps, in ms. */
  readonly activeUntilMs: number
  /** Why it failed, if that is how it ended. */
  readonly reason: FailureReason | undefined
}

/** How many are remembered. What may still be active is never forgotten. */
const maxGiven = 1000

/**
 * The orders of this process, by payment hash in hex.
 *
 * A list of payments alone does not tell an order that goes on from one that is over: between two
 * attempts the node lists the payment as failed.
 */
export class GivenOrders {
  readonly #orders = new Map<string, GivenOrder>()

  find(hashHex: string): GivenOrder | undefined {
    return this.#orders.get(hashHex)
  }

  /** @returns what to call when it is over. Active for ever until then. */
  begin(hashHex: string): (end: Pick<GivenOrder, 'activeUntilMs' | 'reason'>) => void {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    // Deleted first, so that the order of the map is that of the orders.
    this.#orders.delete(hashHex)
    this.#orders.set(hashHex, { ended, activeUntilMs: Number.POSITIVE_INFINITY, reason: undefined })
    this.#forgetOldest()
    return (end) => {
      this.#orders.set(hashHex, { ended, ...end })
      resolve()
    }
  }

  #forgetOldest(): void {
    if (this.#orders.size <= maxGiven) return
    for (const [hashHex, { activeUntilMs }] of this.#orders) {
      if (activeUntilMs > performance.now()) continue
      this.#orders.delete(hashHex)
      return
    }
  }
}
