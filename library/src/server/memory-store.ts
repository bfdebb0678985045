import type { Limit } from '../l402/index.ts'
import { systemClock, systemElapsed } from './clock.ts'
import type { CostedLimit, DenyList, UseStore } from './store.ts'

/** How long a counter outlives its purchase, in seconds: a clock set back must not refill it. */
const retentionSeconds = 3600
/** How many branches of one purchase are counted. Beyond it, a new branch has no uses. */
const maxCountersPerPurchase = 10_000
/** And how many of one lineage, so that one delegate leaves room for the others. */
const maxCountersPerLineage = 1000

type Counter = { taken: bigint }
type Purchase = {
  readonly counters: Map<string, Counter>
  /** How many counters each lineage has. */
  readonly lineages: Map<string, number>
  expiresAtSeconds: number
  /** By the clock that nobody can set: neither clock alone lets a purchase be forgotten. */
  keepUntilElapsed: number
}
type Reservation = readonly { readonly counter: Counter; readonly cost: bigint }[]

/** Counters and what is set aside change together, without an `await` in between. */
class MemoryUseStore implements UseStore {
  readonly #now: () => number
  readonly #elapsed: () => number
  readonly #purchases = new Map<string, Purchase>()
  readonly #reservations = new Map<string, Reservation>()
  #reservationCount = 0
  #nextSweepElapsed = 0

  constructor(now: () => number, elapsed: () => number) {
    this.#now = now
    this.#elapsed = elapsed
  }

  async reserve(
    limits: readonly CostedLimit[],
    expiresAtSeconds: number,
    purchase: string,
  ): Promise<{ readonly reserved: string } | { readonly exhausted: Limit }> {
    const elapsed = this.#elapsed()
    this.#sweep(elapsed)
    const known = this.#purchases.get(purchase)
    const counters = known?.counters ?? new Map<string, Counter>()
    const lineages = known?.lineages ?? new Map<string, number>()
    const opened = new Map<string, number>()
    // One counter, one cost: a counter that two limits name is charged once, against both.
    const costs = new Map<string, bigint>()
    for (const { cost, ...limit } of limits) {
      const name = `${limit.unit} ${limit.key}`
      const counter = counters.get(name)
      if ((counter?.taken ?? 0n) + cost > limit.max) return { exhausted: limit }
      if (counter === undefined && !costs.has(name)) {
        const ofLineage = (opened.get(limit.lineage) ?? lineages.get(limit.lineage) ?? 0) + 1
        const ofPurchase = counters.size + costs.size + 1
        const isFull = ofLineage > maxCountersPerLineage || ofPurchase > maxCountersPerPurchase
        if (isFull) return { exhausted: limit }
        opened.set(limit.lineage, ofLineage)
      }
      costs.set(name, cost)
    }
    for (const [lineage, count] of opened) lineages.set(lineage, count)

    const reservation = [...costs].map(([name, cost]) => {
      const counter = counters.get(name) ?? { taken: 0n }
      counter.taken += cost
      counters.set(name, counter)
      return { counter, cost }
    })
    const until = Math.max(known?.expiresAtSeconds ?? 0, expiresAtSeconds)
    const keepUntil = elapsed + until + retentionSeconds - this.#now()
    this.#purchases.set(purchase, {
      counters,
      lineages,
      expiresAtSeconds: until,
      keepUntilElapsed: Math.max(known?.keepUntilElapsed ?? 0, keepUntil),
    })
    const reserved = String(++this.#reservationCount)
    this.#reservations.set(reserved, reservation)
    return { reserved }
  }

  async commit(reservation: string): Promise<void> {
    this.#reservations.delete(reservation)
  }

  async release(reservation: string): Promise<void> {
    for (const { counter, cost } of this.#reservations.get(reservation) ?? []) counter.taken -= cost
    this.#reservations.delete(reservation)
  }

  /**
   * Forgets what expired, at most once a minute. By both clocks: one that is set forward and back
   * again would make a token that is used up work again.
   */
  #sweep(elapsed: number): void {
    if (elapsed < this.#nextSweepElapsed) return
    this.#nextSweepElapsed = elapsed + 60
    const nowSeconds = this.#now()
    for (const [purchase, { expiresAtSeconds, keepUntilElapsed }] of this.#purchases) {
      const isOver = expiresAtSeconds + retentionSeconds <= nowSeconds
      if (isOver && keepUntilElapsed <= elapsed) this.#purchases.delete(purchase)
    }
  }

  toJSON(): { readonly purchases: number; readonly reservations: number } {
    return { purchases: this.#purchases.size, reservations: this.#reservations.size }
  }
}

/**
 * Counts uses in this process. They are lost with it, and no other process sees them: several
 * instances need a store they share.
 *
 * Grows with what was paid for and with nothing else. A counter is forgotten an hour after its
 * purchase ended; a purchase has at most 10 000 counters, 1000 of them of one lineage, and a branch
 * beyond that has no uses.
 *
 * @param options - `now`: seconds since 1970. Default: the system clock. `elapsed`: seconds since
 *   any moment, from a clock that nobody can set. Default: the one of `performance`.
 * @spec server.md R-SRV-40 to R-SRV-45
 */
export function createMemoryUseStore(
  options: { readonly now?: () => number; readonly elapsed?: () => number } = {},
): UseStore {
  return new MemoryUseStore(options.now ?? systemClock, options.elapsed ?? systemElapsed)
}

/**
 * A deny list in this process.
 *
 * @returns The list, with `deny` and its inverse `allow`. An id is a payment hash or a token id in
 *   hex, or a delegation id.
 * @spec server.md R-SRV-27
 */
export function createMemoryDenyList(): DenyList & {
  deny(id: string): void
  allow(id: string): void
} {
  const denied = new Set<string>()
  return {
    deny: (id) => void denied.add(id),
    allow: (id) => void denied.delete(id),
    isDenied: ({ paymentHash, tokenId, delegationIds }) =>
      denied.size > 0 &&
      (denied.has(paymentHash) ||
        denied.has(tokenId) ||
        delegationIds.some((id) => denied.has(id))),
  }
}
