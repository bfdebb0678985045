import type { DatabaseSync } from 'node:sqlite'
import type { CostedLimit, UseStore } from 'satway/server'
import type { ElapsedClock } from './elapsed-clock.ts'
import { hashBytes, keyBytes } from './hex-key.ts'
import { StateFileError } from './state-file-error.ts'
import type { CounterRow, PurchaseRow, UseStatements } from './use-statements.ts'
import { prepareUseStatements } from './use-statements.ts'
import type { WriteQueue } from './write-queue.ts'

/** How long a counter outlives its purchase, in seconds. R-SRV-45 */
export const retentionSeconds = 3600
const maxCountersPerPurchase = 10_000n
const maxCountersPerLineage = 1000n
/** The largest whole number of SQLite. A limit above it ends there: more msat than there are. */
const maxTaken = 2n ** 63n - 1n
/** How far ahead of the clock the ends of forgotten purchases are believed. */
const maxAheadSeconds = 86_400
/** `keep_until` is moved when it is off by more than this: two clocks never agree to the second. */
const keepSlackSeconds = 60n

/** The lineage of what was bought: the payment hash, counted with the purchase itself. */
const ownLineage = ''

type Limit = Omit<CostedLimit, 'cost'>
type Answer = { readonly reserved: string } | { readonly exhausted: Limit }
type Charge = { readonly counter: bigint; readonly cost: bigint }

/** A limit in the terms of the file. */
type Claim = {
  readonly limit: Limit
  readonly cost: bigint
  readonly unit: number
  readonly key: Uint8Array
  readonly name: string
  readonly lineage: string
}

export type UseStoreOptions = {
  readonly database: DatabaseSync
  readonly queue: WriteQueue
  readonly file: string
  readonly now: () => number
  readonly elapsed: ElapsedClock
  readonly firstReservation: bigint
}

/**
 * Counts uses in the file: a reservation is a row until it is committed (the row goes, the count
 * stays) or released (both go). So a process that dies between the two leaves what it had reserved
 * to be given back, and nothing that was answered.
 *
 * @spec server.md R-SRV-40 to R-SRV-45, gateway.md R-STATE-10 to R-STATE-16
 */
export class FileUseStore implements UseStore {
  readonly #options: UseStoreOptions
  readonly #sql: UseStatements
  /** Reserved by this process and not yet ended. */
  readonly #open = new Map<string, readonly Charge[]>()
  /** Answered, but the file could not be written. */
  readonly #owed = new Map<string, readonly Charge[]>()
  #nextReservation: bigint

  constructor(options: UseStoreOptions) {
    this.#options = options
    this.#sql = prepareUseStatements(options.database)
    this.#nextReservation = options.firstReservation
  }

  async reserve(
    limits: readonly CostedLimit[],
    expiresAtSeconds: number,
    purchase: string,
  ): Promise<Answer> {
    const hash = hashBytes(purchase)
    const claims = limits.map((limit) => claimOf(limit, purchase))
    const expiresAt = BigInt(Math.ceil(expiresAtSeconds))
    const outcome = await this.#options.queue.add(() => this.#reserve(claims, expiresAt, hash))
    if ('exhausted' in outcome) return outcome
    this.#open.set(outcome.reserved, outcome.charges)
    return { reserved: outcome.reserved }
  }

  async commit(reservation: string): Promise<void> {
    const charges = this.#end(reservation)
    if (charges !== undefined) await this.#writeCommit(reservation, charges)
  }

  async release(reservation: string): Promise<void> {
    const charges = this.#end(reservation)
    if (charges === undefined) return
    await this.#options.queue.add(() => {
      // None there: somebody took this process for dead, and gave them back already.
      if (!this.#takeReservation(reservation, charges)) return
      for (const { counter, cost } of charges) {
        this.#sql.changeCounter.run({ counter, cost: -cost })
      }
    })
  }

  /** Commits again what could not be written. Rejects with the first failure. */
  async settleOwed(): Promise<void> {
    const owed = [...this.#owed]
    this.#owed.clear()
    await Promise.all(owed.map(([reservation, charges]) => this.#writeCommit(reservation, charges)))
  }

  async #writeCommit(reservation: string, charges: readonly Charge[]): Promise<void> {
    try {
      await this.#options.queue.add(() => this.#commit(reservation, charges))
    } catch (error) {
      // It was answered, or is about to be. Forgotten, it would be given back at the next start.
      this.#owed.set(reservation, charges)
      throw error
    }
  }

  /** At once, and not when it is written: a reservation ends once. */
  #end(reservation: string): readonly Charge[] | undefined {
    const charges = this.#open.get(reservation)
    this.#open.delete(reservation)
    return charges
  }

  #reserve(
    claims: readonly Claim[],
    expiresAt: bigint,
    hash: Uint8Array,
  ): { readonly exhausted: Limit } | { readonly reserved: string; readonly charges: Charge[] } {
    const known = this.#sql.findPurchase.get(hash) as PurchaseRow | undefined
    const first = claims[0]
    if (first !== undefined && this.#isForgotten(known, expiresAt)) {
      return { exhausted: first.limit }
    }
    const found = new Map<string, { claim: Claim; counter: CounterRow | undefined }>()
    const grown = new Map<string, bigint>()
    for (const claim of claims) {
      const { limit, name } = claim
      const counter = found.get(name)?.counter ?? this.#findCounter(known, claim)
      const max = limit.max < maxTaken ? limit.max : maxTaken
      if ((counter?.taken ?? 0n) + claim.cost > max) return { exhausted: limit }
      if (counter === undefined && !found.has(name)) {
        if (this.#isFull(known, claim.lineage, grown)) return { exhausted: limit }
        grown.set(claim.lineage, (grown.get(claim.lineage) ?? 0n) + 1n)
      }
      // One counter, one cost: a counter that two limits name is charged once, against both.
      found.set(name, { claim, counter })
    }
    const reserved = this.#nextReservation++
    if (first === undefined) return { reserved: String(reserved), charges: [] }

    const purchase = this.#keepPurchase(known, expiresAt, hash, grown)
    const charges = [...found.values()].map(({ claim, counter }) =>
      this.#charge(purchase, claim, counter),
    )
    for (const [i, { counter, cost }] of charges.entries()) {
      this.#sql.addReservation.run({ id: reserved + BigInt(i), counter, cost })
    }
    this.#nextReservation = reserved + BigInt(charges.length)
    return { reserved: String(reserved), charges }
  }

  /**
   * Whether counters of this purchase may have been deleted. They were only when it had ended by
   * the clock and by the time that passed, so a token that works all the same means that the clock
   * was set back since. Where it is off by more than a day, it was the clock that was wrong then:
   * buyers of today must not pay for that.
   */
  #isForgotten(known: PurchaseRow | undefined, expiresAt: bigint): boolean {
    if (known !== undefined) return known.isOver === 1n
    const forgottenUntil = (this.#sql.forgottenUntil.get() as { readonly seconds: bigint }).seconds
    if (expiresAt > forgottenUntil) return false
    return Number(forgottenUntil) - this.#options.now() < maxAheadSeconds
  }

  #findCounter(known: PurchaseRow | undefined, claim: Claim): CounterRow | undefined {
    if (known === undefined) return undefined
    const { unit, key } = claim
    const counter = this.#sql.findCounter.get(known.id, unit, key) as CounterRow | undefined
    if (counter === undefined || counter.complement === ~counter.taken) return counter
    throw new StateFileError(this.#options.file, 'is damaged: a counter cannot be read.')
  }

  #isFull(
    known: PurchaseRow | undefined,
    lineage: string,
    grown: ReadonlyMap<string, bigint>,
  ): boolean {
    let ofPurchase = known?.counters ?? 0n
    for (const more of grown.values()) ofPurchase += more
    if (ofPurchase >= maxCountersPerPurchase) return true
    const ofLineage = this.#countersOf(known, lineage) + (grown.get(lineage) ?? 0n)
    return ofLineage >= maxCountersPerLineage
  }

  #countersOf(known: PurchaseRow | undefined, lineage: string): bigint {
    if (known === undefined) return 0n
    if (lineage === ownLineage) return known.ownCounters
    const row = this.#sql.findLineage.get(known.id, keyBytes(lineage))
    return (row?.['counters'] as bigint | undefined) ?? 0n
  }

  /** @returns The id of the purchase. */
  #keepPurchase(
    known: PurchaseRow | undefined,
    expiresAt: bigint,
    hash: Uint8Array,
    grown: ReadonlyMap<string, bigint>,
  ): bigint {
    const until = max(known?.expiresAt ?? 0n, expiresAt)
    const left = until + BigInt(retentionSeconds) - BigInt(Math.floor(this.#options.now()))
    const keepUntil = max(known?.keepUntil ?? 0n, BigInt(this.#options.elapsed.now()) + left)
    let counters = known?.counters ?? 0n
    for (const more of grown.values()) counters += more
    const own = (known?.ownCounters ?? 0n) + (grown.get(ownLineage) ?? 0n)
    const id = known?.id ?? this.#addPurchase(hash, until, keepUntil, counters, own)
    const isChanged =
      known !== undefined &&
      (grown.size > 0 || until > known.expiresAt || keepUntil > known.keepUntil + keepSlackSeconds)
    if (isChanged) this.#sql.changePurchase.run(until, keepUntil, counters, own, id)
    for (const [lineage, more] of grown) {
      if (lineage !== ownLineage) this.#sql.growLineage.run(id, keyBytes(lineage), more)
    }
    return id
  }

  #addPurchase(hash: Uint8Array, ...numbers: readonly bigint[]): bigint {
    return BigInt(this.#sql.addPurchase.run(hash, ...numbers).lastInsertRowid)
  }

  #charge(purchase: bigint, claim: Claim, counter: CounterRow | undefined): Charge {
    const { cost, unit, key } = claim
    if (counter === undefined) {
      const added = this.#sql.addCounter.run({ purchase, unit, key, cost })
      return { counter: BigInt(added.lastInsertRowid), cost }
    }
    this.#sql.changeCounter.run({ counter: counter.id, cost })
    return { counter: counter.id, cost }
  }

  #commit(reservation: string, charges: readonly Charge[]): void {
    if (this.#takeReservation(reservation, charges)) return
    // Somebody took this process for dead and gave it back. It is alive, and answered: count again.
    for (const { counter, cost } of charges) this.#sql.changeCounter.run({ counter, cost })
  }

  /** @returns Whether it was still there. */
  #takeReservation(reservation: string, charges: readonly Charge[]): boolean {
    const first = BigInt(reservation)
    const { changes } = this.#sql.takeReservation.run(first, first + BigInt(charges.length))
    return Number(changes) > 0
  }
}

/** @throws {TypeError} for a key that is not lower-case hex, and for a negative cost. */
function claimOf({ cost, ...limit }: CostedLimit, purchase: string): Claim {
  if (cost < 0n) throw new TypeError('reserve: expected a cost of zero or more')
  keyBytes(limit.lineage)
  return {
    limit,
    cost,
    unit: limit.unit === 'use' ? 0 : 1,
    key: limit.key === purchase ? new Uint8Array(0) : keyBytes(limit.key),
    name: `${limit.unit} ${limit.key}`,
    lineage: limit.lineage === purchase ? ownLineage : limit.lineage,
  }
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
