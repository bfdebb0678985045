import type { Limit } from '../l402/index.ts'
import { systemClock } from './clock.ts'
import type { CostedLimit, DenyList, UseStore } from './store.ts'

/** How long a counter outlives its purchase, in seconds: a clock set back must not refill it. */
const retentionSeconds = 3600
/** How many branches of one purchase are counted. Beyond it, a new branch has no uses. */
const maxCountersPerPurchase = 10_000

type Counter = { taken: bigint }
type Purchase = { readonly counters: Map<string, Counter>; expiresAtSeconds: number }
type Reservation = readonly { readonly counter: Counter; readonly cost: bigint }[]

/** Counters and what is set aside change together, without an `await` in between. */
class MemoryUseStore implements UseStore {
  readonly #now: () => number
  readonly #purchases = new Map<string, Purchase>()
  readonly #reservations = new Map<string, Reservation>()
  #reservationCount = 0
  #nextSweepSeconds = 0

  constructor(now: () => number) {
    this.#now = now
  }

  async reserve(
    limits: readonly CostedLimit[],
    expiresAtSeconds: number,
    purchase: string,
  ): Promise<{ readonly reserved: string } | { readonly exhausted: Limit }> {
    this.#sweep()
    const known = this.#purchases.get(purchase)
    const counters = known?.counters ?? new Map<string, Counter>()
    // One counter, one cost: a counter that two limits name is charged once, against both.
    const costs = new Map<string, bigint>()
    for (const { cost, ...limit } of limits) {
      const name = `${limit.unit} ${limit.key}`
      const counter = counters.get(name)
      if ((counter?.taken ?? 0n) + cost > limit.max) return { exhausted: limit }
      if (counter === undefined && counters.size + costs.size >= maxCountersPerPurchase) {
        return { exhausted: limit }
      }
      costs.set(name, cost)
    }

    const reservation = [...costs].map(([name, cost]) => {
      const counter = counters.get(name) ?? { taken: 0n }
      counter.taken += cost
      counters.set(name, counter)
      return { counter, cost }
    })
    const until = Math.max(known?.expiresAtSeconds ?? 0, expiresAtSeconds)
    this.#purchases.set(purchase, { counters, expiresAtSeconds: until })
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

  /** Forgets what expired, at most once a minute. */
  #sweep(): void {
    const nowSeconds = this.#now()
    if (nowSeconds < this.#nextSweepSeconds) return
    this.#nextSweepSeconds = nowSeconds + 60
    for (const [purchase, { expiresAtSeconds }] of this.#purchases) {
      if (expiresAtSeconds + retentionSeconds <= nowSeconds) this.#purchases.delete(purchase)
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
 * purchase ended; a purchase has at most 10 000 counters, and a branch beyond that has no uses.
 *
 * @param options - `now`: seconds since 1970. Default: the system clock.
 * @spec server.md R-SRV-40 to R-SRV-45
 */
export function createMemoryUseStore(options: { readonly now?: () => number } = {}): UseStore {
  return new MemoryUseStore(options.now ?? systemClock)
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
