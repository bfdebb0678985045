import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DenyList } from 'satway/server'
import type { Denial } from './state.ts'
import { transact } from './transact.ts'

const maxIdLength = 256
const maxReasonLength = 500
/** With one look a second: what other processes denied is in force within two, or nothing is. */
const maxMissedLooks = 5

type Change = { readonly id: string; readonly isDenied: number; readonly change: number }

/**
 * Keeps in memory what is denied, so that asking costs nothing, and follows what other processes
 * change.
 *
 * @spec gateway.md R-STATE-20 to R-STATE-22
 */
export class FileDenyList implements DenyList {
  readonly #database: DatabaseSync
  readonly #now: () => number
  readonly #denied = new Set<string>()
  readonly #dataVersion: StatementSync
  readonly #changes: StatementSync
  #seenDataVersion: unknown
  #seenChange = 0
  #missedLooks = 0

  /** @param database - Not the connection of the write queue: its commits have to count as others'. */
  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database
    this.#now = now
    this.#dataVersion = database.prepare('PRAGMA data_version')
    this.#changes = database.prepare(`SELECT id, is_denied AS isDenied, change FROM denials
      WHERE change > ? ORDER BY change`)
    this.#load()
    this.look()
  }

  /** @throws when the file could not be read for five seconds: what was revoked is not known then. */
  isDenied({ paymentHash, tokenId, delegationIds }: Parameters<DenyList['isDenied']>[0]): boolean {
    if (this.#missedLooks >= maxMissedLooks) throw new Error('the deny list cannot be read')
    const denied = this.#denied
    if (denied.size === 0) return false
    return (
      denied.has(paymentHash) || denied.has(tokenId) || delegationIds.some((id) => denied.has(id))
    )
  }

  /** Takes in what others changed. Called every second. @throws when the file cannot be read. */
  look(): void {
    this.#missedLooks++
    const version = this.#dataVersion.get()?.['data_version']
    if (version !== this.#seenDataVersion) this.#takeIn()
    this.#seenDataVersion = version
    this.#missedLooks = 0
  }

  deny(id: string, reason: string): void {
    const key = keyOf(id)
    const text = reason.slice(0, maxReasonLength)
    transact(this.#database, () => {
      this.#database
        .prepare(`INSERT INTO denials (id, reason, denied_at, is_denied, change) VALUES (?, ?, ?, 1, ?)
          ON CONFLICT DO UPDATE SET reason = excluded.reason, is_denied = 1, change = excluded.change,
            denied_at = iif(is_denied = 1, denied_at, excluded.denied_at)`)
        .run(key, text, Math.floor(this.#now()), this.#nextChange())
      this.#markPayments(key)
    })
    this.#denied.add(key)
  }

  allow(id: string): boolean {
    const key = keyOf(id)
    const wasDenied = transact(this.#database, () => {
      const { changes } = this.#database
        .prepare('UPDATE denials SET is_denied = 0, change = ? WHERE id = ? AND is_denied = 1')
        .run(this.#nextChange(), key)
      this.#markPayments(key)
      return Number(changes) > 0
    })
    this.#denied.delete(key)
    return wasDenied
  }

  denials(): readonly Denial[] {
    return this.#database
      .prepare(`SELECT id, reason, denied_at AS deniedAtSeconds FROM denials
        WHERE is_denied = 1 ORDER BY denied_at DESC, id`)
      .all() as unknown as readonly Denial[]
  }

  /** A hundred thousand ids in some 30 ms: as arrays, and in the order in which they lie there. */
  #load(): void {
    this.#seenChange =
      (this.#database.prepare('SELECT max(change) AS change FROM denials').get()?.['change'] as
        | number
        | null) ?? 0
    const select = this.#database.prepare('SELECT id FROM denials WHERE is_denied = 1')
    select.setReturnArrays(true)
    const rows = select.all() as unknown as readonly (readonly [string])[]
    for (const [id] of rows) this.#denied.add(id)
  }

  #takeIn(): void {
    const changes = this.#changes.all(this.#seenChange) as unknown as readonly Change[]
    for (const { id, isDenied, change } of changes) {
      if (isDenied === 1) this.#denied.add(id)
      else this.#denied.delete(id)
      this.#seenChange = change
    }
  }

  #nextChange(): number {
    const row = this.#database
      .prepare(
        'UPDATE marks SET denial_change = denial_change + 1 RETURNING denial_change AS change',
      )
      .get()
    return Number(row?.['change'])
  }

  /** The ledger says of each payment whether it is revoked, so that it can be asked for quickly. */
  #markPayments(key: string): void {
    if (!/^[0-9a-f]{64}$/.test(key)) return
    const bytes = Buffer.from(key, 'hex')
    for (const column of ['payment_hash', 'token_id']) {
      this.#database
        .prepare(`UPDATE payments SET is_revoked = EXISTS (SELECT 1 FROM denials WHERE is_denied = 1
          AND id IN (lower(hex(payment_hash)), lower(hex(token_id)))) WHERE ${column} = ?`)
        .run(bytes)
    }
  }
}

/**
 * Hashes and token ids in lower case, as they are asked for. Delegation ids as they are.
 *
 * @throws {TypeError} for an id that is empty or longer than 256 characters.
 */
function keyOf(id: string): string {
  if (id.length < 1 || id.length > maxIdLength) {
    throw new TypeError(`expected an id of 1 to ${maxIdLength} characters`)
  }
  return /^[0-9a-fA-F]{64}$/.test(id) ? id.toLowerCase() : id
}
