import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { transact } from './transact.ts'

/** How many reservations one session may make: more than a process does in three years. */
const sessionSize = 2n ** 40n

type Charge = { readonly counter: bigint; readonly cost: bigint }

/**
 * Whose reservations are whose. A session is one life of one process; the ids of its reservations
 * lie in a range of their own, so that they can be given back when it is gone.
 */
export class Sessions {
  readonly #database: DatabaseSync
  readonly #owner: string
  readonly #id: bigint
  readonly #take: StatementSync
  readonly #giveBack: StatementSync
  readonly #forget: StatementSync

  /**
   * Begins the session of this process. An earlier one of the same owner is over: its name was
   * unique.
   */
  constructor(database: DatabaseSync, owner: string) {
    this.#database = database
    this.#owner = owner
    this.#take = database.prepare(
      'DELETE FROM reservations WHERE id >= ? AND id < ? RETURNING counter, cost',
    )
    this.#take.setReadBigInts(true)
    this.#giveBack = database.prepare(
      'UPDATE counters SET taken = taken - :cost, complement = complement + :cost WHERE id = :counter',
    )
    this.#forget = database.prepare('DELETE FROM sessions WHERE id = ?')
    this.#id = transact(database, () => {
      this.#end((other) => other === owner)
      const begin = database.prepare('INSERT INTO sessions (owner) VALUES (?)')
      return BigInt(begin.run(owner).lastInsertRowid)
    })
  }

  /** The first id of this session's reservations. */
  get firstReservation(): bigint {
    return this.#id * sessionSize
  }

  /** Gives back what the sessions of one owner had reserved. */
  releaseOf(owner: string): void {
    if (owner === this.#owner) throw new TypeError('releaseOf: this process is still there')
    transact(this.#database, () => this.#end((other) => other === owner))
  }

  /** Gives back what was reserved by all others than this process and those that live. */
  releaseAbandoned(liveOwners: readonly string[]): void {
    const alive = new Set([this.#owner, ...liveOwners])
    transact(this.#database, () => this.#end((other) => !alive.has(other)))
  }

  /** Ends this session. What is still reserved stays, and is given back at the next start. */
  close(): void {
    const any = this.#database
      .prepare('SELECT 1 FROM reservations WHERE id >= ? AND id < ? LIMIT 1')
      .get(this.firstReservation, this.firstReservation + sessionSize)
    if (any === undefined) this.#forget.run(this.#id)
  }

  #end(isOver: (owner: string) => boolean): void {
    const sessions = this.#database.prepare('SELECT id, owner FROM sessions').all()
    for (const { id, owner } of sessions) {
      if (!isOver(String(owner))) continue
      const first = BigInt(Number(id)) * sessionSize
      const charges = this.#take.all(first, first + sessionSize) as unknown as readonly Charge[]
      for (const { counter, cost } of charges) this.#giveBack.run({ counter, cost })
      this.#forget.run(id!)
    }
  }
}
