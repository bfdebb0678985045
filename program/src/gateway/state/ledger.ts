import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hashBytes } from './hex-key.ts'
import type { OpenSales } from './open-sales.ts'
import type { State } from './state.ts'
import type { WriteQueue } from './write-queue.ts'

type Settlement = Parameters<State['noteSettlement']>[0]
type Token = Parameters<State['noteToken']>[0]

/** A token that was seen since the last flush. */
type Sighting = Token & { readonly firstSeen: number; lastSeen: number; uses: number }

/** Beyond it, a flush does not wait for its second. */
const flushAt = 1000
/** While the file cannot be written. What is beyond it is missing in the ledger, and nowhere else. */
const maxWaiting = 100_000
const maxAmount = 2n ** 63n - 1n
const secondsPerDay = 86_400

/**
 * Writes the ledger of revenue: settlements at once, tokens in batches. A token that is seen again
 * costs one look in a map.
 *
 * @spec gateway.md R-STATE-23 to R-STATE-26
 */
export class Ledger {
  readonly #queue: WriteQueue
  readonly #sales: OpenSales
  readonly #now: () => number
  readonly #onFailure: (error: unknown) => void
  readonly #settle: StatementSync
  readonly #seeAgain: StatementSync
  readonly #see: StatementSync
  readonly #countUses: StatementSync
  #sightings = new Map<string, Sighting>()
  /** Settlements that could not be written yet. */
  #unwritten = new Map<string, Settlement>()

  constructor(
    database: DatabaseSync,
    queue: WriteQueue,
    sales: OpenSales,
    now: () => number,
    onFailure: (error: unknown) => void,
  ) {
    this.#queue = queue
    this.#sales = sales
    this.#now = now
    this.#onFailure = onFailure
    const isDenied = 'EXISTS (SELECT 1 FROM denials WHERE is_denied = 1 AND id IN (:hash, :token))'
    // What the payee said of a payment stands; what was only seen gives way to it. Who sold it may
    // tell later what it was for.
    const sold = (column: string): string =>
      `coalesce(:${column}, (SELECT ${column} FROM open_sales WHERE payment_hash = unhex(:hash)))`
    const known = (column: string): string =>
      `iif(is_reported = 1, coalesce(${column}, excluded.${column}), coalesce(excluded.${column}, ${column}))`
    this.#settle = database.prepare(`
      INSERT INTO payments (payment_hash, amount_msat, settled_at, service, capability,
        is_reported, uses, is_revoked)
      VALUES (unhex(:hash), :amount, :at, ${sold('service')}, ${sold('capability')}, 1, 0, ${isDenied})
      ON CONFLICT DO UPDATE SET is_reported = 1,
        amount_msat = iif(is_reported = 1, amount_msat, excluded.amount_msat),
        settled_at = iif(is_reported = 1, settled_at, excluded.settled_at),
        service = ${known('service')}, capability = ${known('capability')}
      WHERE is_reported = 0 OR (service IS NULL AND excluded.service IS NOT NULL)`)
    this.#seeAgain = database.prepare(`
      UPDATE payments SET uses = uses + ?, last_seen = max(last_seen, ?)
      WHERE payment_hash = ? AND token_id IS NOT NULL`)
    this.#see = database.prepare(`
      INSERT INTO payments (payment_hash, token_id, amount_msat, settled_at, service, capability,
        is_reported, uses, valid_until, last_seen, is_revoked)
      VALUES (unhex(:hash), unhex(:token), :amount, :at, :service, :capability, 0, :uses, :until,
        :seen, ${isDenied})
      ON CONFLICT DO UPDATE SET token_id = excluded.token_id, uses = uses + excluded.uses,
        service = coalesce(service, excluded.service),
        capability = coalesce(capability, excluded.capability),
        valid_until = excluded.valid_until, last_seen = excluded.last_seen,
        is_revoked = excluded.is_revoked`)
    this.#countUses = database.prepare(`
      INSERT INTO days VALUES (?, ?, 0, 0, ?)
      ON CONFLICT DO UPDATE SET uses = uses + excluded.uses`)
  }

  noteSettlement(settlement: Settlement): void {
    hashBytes(settlement.paymentHash)
    requireAmount(settlement.amountMsat)
    requireSeconds(settlement.settledAtSeconds)
    this.#sales.forgetWaiting(settlement.paymentHash)
    void this.#writeSettlement(settlement).catch(this.#onFailure)
  }

  noteToken(token: Token): void {
    const known = this.#sightings.get(token.paymentHash)
    if (known !== undefined) {
      known.uses++
      known.lastSeen = Math.floor(this.#now())
      return
    }
    hashBytes(token.paymentHash)
    hashBytes(token.tokenId)
    requireAmount(token.amountMsat)
    requireSeconds(token.validUntilSeconds)
    const now = Math.floor(this.#now())
    this.#remember({ ...token, firstSeen: now, lastSeen: now, uses: 1 })
    if (this.#sightings.size === flushAt) void this.flush().catch(this.#onFailure)
  }

  /** Writes what waits. Rejects with the first failure; what was not written waits on. */
  async flush(): Promise<void> {
    const sightings = this.#sightings
    this.#sightings = new Map()
    const settlements = [...this.#unwritten.values()].map((one) => this.#writeSettlement(one))
    const tokens = [...sightings.values()].map((one) => this.#writeSighting(one))
    const outcomes = await Promise.allSettled([...settlements, ...tokens])
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #writeSettlement(settlement: Settlement): Promise<void> {
    const { paymentHash, amountMsat, settledAtSeconds, service, capability } = settlement
    if (this.#unwritten.size < maxWaiting) this.#unwritten.set(paymentHash, settlement)
    await this.#queue.add(() => {
      this.#settle.run({
        hash: paymentHash,
        token: paymentHash,
        amount: amountMsat,
        at: Math.floor(settledAtSeconds),
        service: service ?? null,
        capability: capability ?? null,
      })
      this.#sales.delete(paymentHash)
    })
    this.#unwritten.delete(paymentHash)
  }

  async #writeSighting(sighting: Sighting): Promise<void> {
    const { paymentHash, tokenId, service, uses, lastSeen } = sighting
    try {
      await this.#queue.add(() => {
        const again = this.#seeAgain.run(uses, lastSeen, hashBytes(paymentHash))
        if (Number(again.changes) === 0) {
          this.#see.run({
            hash: paymentHash,
            token: tokenId,
            amount: sighting.amountMsat,
            at: sighting.firstSeen,
            service,
            capability: sighting.capability,
            uses,
            until: Math.floor(sighting.validUntilSeconds),
            seen: lastSeen,
          })
        }
        this.#countUses.run(Math.floor(lastSeen / secondsPerDay), service, uses)
      })
    } catch (error) {
      this.#remember(sighting)
      throw error
    }
  }

  #remember(sighting: Sighting): void {
    const known = this.#sightings.get(sighting.paymentHash)
    if (known !== undefined) known.uses += sighting.uses
    else if (this.#sightings.size < maxWaiting) this.#sightings.set(sighting.paymentHash, sighting)
  }
}

/** @throws {RangeError} for what the file cannot hold. */
function requireAmount(amountMsat: bigint): void {
  if (amountMsat >= 0n && amountMsat <= maxAmount) return
  throw new RangeError('amountMsat: expected zero or more, and less than 2^63')
}

/** @throws {RangeError} for no number, and for one that is not a time. */
function requireSeconds(seconds: number): void {
  if (seconds >= 0 && seconds <= Number.MAX_SAFE_INTEGER) return
  throw new RangeError('expected seconds since 1970')
}
