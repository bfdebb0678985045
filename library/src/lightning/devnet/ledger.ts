import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'

/** One balance in the ledger, by its number. */
export type Account = number

/** Money that has left its payer and not yet arrived: an amount for the payee, a fee for the route. */
export type Lock = {
  readonly payer: Account
  readonly amountMsat: Msat
  readonly feeMsat: Msat
}

/**
 * Every msat of the network: balances, locks and collected fees. Their sum changes in {@link open}
 * and nowhere else. Synchronous throughout, so that nothing comes between a check and its change.
 *
 * @spec lightning.md R-LN-20
 */
export class Ledger {
  readonly #balances: Msat[] = []
  readonly #locks = new Set<Lock>()
  #feesMsat: Msat = msat(0n)

  /** @throws {RangeError} when the network would hold more money than there can be. */
  open(balanceMsat: Msat): Account {
    msat(this.totalMsat() + balanceMsat)
    return this.#balances.push(balanceMsat) - 1
  }

  balanceMsat(account: Account): Msat {
    return this.#balances[account]!
  }

  /** Takes amount and fee from the payer. `undefined`: the balance does not cover them. */
  lock(payer: Account, amountMsat: Msat, feeMsat: Msat): Lock | undefined {
    const rest = this.#balances[payer]! - amountMsat - feeMsat
    if (rest < 0n) return undefined
    const lock = { payer, amountMsat, feeMsat }
    this.#balances[payer] = msat(rest)
    this.#locks.add(lock)
    return lock
  }

  /** Brings a lock to its end. @throws {RangeError} when it has already ended. */
  settle(lock: Lock, payee: Account): void {
    this.#end(lock)
    this.#balances[payee] = msat(this.#balances[payee]! + lock.amountMsat)
    this.#feesMsat = msat(this.#feesMsat + lock.feeMsat)
  }

  /** Gives a lock back to its payer. @throws {RangeError} when it has already ended. */
  release(lock: Lock): void {
    this.#end(lock)
    this.#balances[lock.payer] = msat(this.#balances[lock.payer]! + lock.amountMsat + lock.feeMsat)
  }

  totalMsat(): Msat {
    let total: bigint = this.#feesMsat
    for (const balance of this.#balances) total += balance
    for (const lock of this.#locks) total += lock.amountMsat + lock.feeMsat
    return msat(total)
  }

  #end(lock: Lock): void {
    if (!this.#locks.delete(lock)) throw new RangeError('lock: ends once')
  }
}
