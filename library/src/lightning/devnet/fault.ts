import { encodeHex } from '../../bytes/index.ts'
import { L402Error } from '../../errors.ts'
import type { PaymentHash } from '../../invoice/index.ts'

/**
 * What goes wrong with the next payment of a node, or with the payment of one invoice.
 *
 * A fault is used up by the first payment that would otherwise start; one that is refused anyway
 * (expired, too dear, …) leaves it for the next. `unavailable` is used up by the first call.
 *
 * @spec lightning.md R-LN-28
 */
export type Fault =
  /** The caller sees `unknown`; the payment settles `settleAfterMs` later (0: at once, unseen). */
  | { readonly kind: 'timeout'; readonly settleAfterMs: number }
  /** The order is carried out, but the caller hears nothing until its own signal aborts. */
  | { readonly kind: 'hang' }
  /** The caller sees `unknown`; the payment stays on its way until `resolvePayment`. */
  | { readonly kind: 'in-flight' }
  | { readonly kind: 'fail'; readonly reason: 'no-route' | 'rejected' }
  /** The money moves; the preimage that the payer is told, now and later, is not the right one. */
  | { readonly kind: 'wrong-preimage' }
  /** The order is carried out, and answered as a duplicate of an earlier one: `already-paid`. */
  | { readonly kind: 'duplicate' }
  /** The node cannot be reached: the call rejects, and no order is given. */
  | { readonly kind: 'unavailable' }

type Scripted = { readonly fault: Fault; readonly hashHex: string | undefined }

/** The faults that wait for the payments of one node, oldest first. */
export class FaultScript {
  readonly #waiting: Scripted[] = []

  /** @throws {RangeError} when `settleAfterMs` is not a number of milliseconds. */
  add(fault: Fault, hash: PaymentHash | undefined): void {
    if (fault.kind === 'timeout' && !isDelay(fault.settleAfterMs)) {
      throw new RangeError('settleAfterMs: expected 0 or more milliseconds')
    }
    this.#waiting.push({ fault, hashHex: hash === undefined ? undefined : encodeHex(hash) })
  }

  /** @throws {L402Error} NODE_UNAVAILABLE when that is the next fault for the payment. */
  takeUnavailable(hashHex: string): void {
    const at = this.#find(hashHex)
    if (this.#waiting[at]?.fault.kind !== 'unavailable') return
    this.#waiting.splice(at, 1)
    throw new L402Error('NODE_UNAVAILABLE', { reason: 'scripted' })
  }

  take(hashHex: string): Fault | undefined {
    const at = this.#find(hashHex)
    return at === -1 ? undefined : this.#waiting.splice(at, 1)[0]?.fault
  }

  #find(hashHex: string): number {
    return this.#waiting.findIndex(
      (scripted) => scripted.hashHex === undefined || scripted.hashHex === hashHex,
    )
  }
}

function isDelay(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0
}
