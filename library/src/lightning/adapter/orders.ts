import type { Msat } from '../../amount/index.ts'
import type { PaymentOutcome } from '../index.ts'

/** One order that this process gave. */
export type GivenOrder = {
  readonly amountMsat: Msat
  readonly maxFeeMsat: Msat
  /** How it ends. Rejects when it was not given after all. */
  readonly ending: Promise<PaymentOutcome>
  /** How it ended, as far as is known. `undefined`: the wallet is being asked. */
  outcome: PaymentOutcome | undefined
  /** When nothing more was sent or waited for, on the clock that never jumps, in ms. */
  overAtMs: number | undefined
  /** Whether an attempt of before failed: what a look-up calls failed may be that one. */
  isRetry: boolean
  /** Whether the wallet did not say how it ended, so that it may still be on its way there. */
  wasLost: boolean
}

/** How many ended orders are remembered. Those without an end are all. */
const maxEnded = 1000

/**
 * The orders of this process, by payment hash in hex: what was ordered once is not ordered again while
 * nobody knows how it ended.
 */
export class Orders {
  readonly #orders = new Map<string, GivenOrder>()
  /** Ended ones, oldest first. */
  readonly #ended = new Set<string>()

  find(hash: string): GivenOrder | undefined {
    return this.#orders.get(hash)
  }

  /** Remembers an order from before it is sent. One that was not given after all leaves what was before. */
  add(
    hash: string,
    order: Pick<GivenOrder, 'amountMsat' | 'maxFeeMsat' | 'isRetry'>,
    send: () => Promise<PaymentOutcome>,
  ): GivenOrder {
    const before = this.#orders.get(hash)
    const ending = send()
    const state = { outcome: undefined, overAtMs: undefined, wasLost: false }
    const given: GivenOrder = { ...order, ending, ...state }
    this.#orders.set(hash, given)
    this.#ended.delete(hash)
    ending.then(
      (outcome) => {
        given.overAtMs ??= performance.now()
        this.end(hash, given, outcome)
      },
      () => {
        this.forget(hash, given)
        if (before?.outcome === undefined) return
        this.#orders.set(hash, before)
        this.end(hash, before, before.outcome)
      },
    )
    return given
  }

  /** Nothing more is sent or waited for. */
  over(hash: string, wasLost: boolean): void {
    const order = this.#orders.get(hash)
    if (order === undefined) return
    order.overAtMs = performance.now()
    order.wasLost = wasLost
  }

  markRetry(hash: string): void {
    const order = this.#orders.get(hash)
    if (order !== undefined) order.isRetry = true
  }

  /** What was certainly not given, or never arrived. Another order of the hash stays. */
  forget(hash: string, order: GivenOrder): void {
    if (this.#orders.get(hash) === order) this.#orders.delete(hash)
  }

  /** Notes how an order stands. What has settled stays so, and so does another order of the hash. */
  end(hash: string, order: GivenOrder, outcome: PaymentOutcome): void {
    if (this.#orders.get(hash) !== order || order.outcome?.status === 'settled') return
    order.outcome = outcome
    if (outcome.status === 'unknown') return
    this.#ended.delete(hash)
    this.#ended.add(hash)
    if (this.#ended.size <= maxEnded) return
    const [oldest] = this.#ended
    this.#ended.delete(oldest!)
    this.#orders.delete(oldest!)
  }
}
