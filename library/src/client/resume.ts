import { isL402Error, L402Error } from '../errors.ts'
import type { Call, FetchInit } from './call.ts'
import { readCall } from './call.ts'
import { unknownPayment } from './intent.ts'
import type { PaymentEntry } from './ledger.ts'
import { isOpen } from './ledger.ts'
import { refusesCredential } from './may-pay.ts'
import type { Parts } from './parts.ts'
import { tokenIdOf } from './stored-token.ts'
import { storing } from './storing.ts'
import type { StoredToken } from './token-store.ts'

/** A request that was paid for, and what was bought for it. */
export type Resumed = { readonly call: Call; readonly stored: StoredToken }

/**
 * Finds what a payment bought, and reads the request to send with it.
 *
 * @throws {RangeError} for a payment that the ledger does not know.
 * @throws {TypeError} as `Client.resume`.
 * @throws {L402Error} PAYMENT_UNKNOWN, PAYMENT_FAILED, POLICY_REFUSED, STORE_UNAVAILABLE.
 * @spec client.md R-PAY-72
 */
export async function findPurchase(
  parts: Parts,
  payment: unknown,
  init: FetchInit,
): Promise<Resumed> {
  const paymentHash = hashOf(payment)
  const entry = await storing(() => parts.ledger.find(paymentHash))
  if (entry === undefined) throw new RangeError('resume: no payment of this hash')
  const { url, method, hasBody, token } = entry
  if (token === undefined) throw new TypeError('resume: a bare invoice; call payInvoice again')
  if (init.method !== undefined && init.method.toUpperCase() !== method) {
    throw new TypeError(`resume: the request was a ${method}`)
  }
  const call = readCall(url, { ...init, method })
  if (hasBody && call.first.body === undefined) {
    throw new TypeError('resume: the body of the request was not kept; give it again')
  }
  const refusal = refusesCredential(parts, call, call.first, false)
  if (refusal !== undefined) throw refusal
  return { call, stored: await boughtBy(parts, entry, token, call.signal) }
}

/** The token that a payment bought, once it is certain that it did. */
async function boughtBy(
  parts: Parts,
  entry: PaymentEntry,
  token: string,
  signal: AbortSignal | undefined,
): Promise<StoredToken> {
  const { paymentHash, origin } = entry
  const { entry: now } = await parts.payments.settle(entry, signal)
  if (isOpen(now)) throw unknownPayment(now, parts.payer)
  if (now.state === 'failed') {
    const reason = now.failure ?? 'rejected'
    throw new L402Error('PAYMENT_FAILED', { reason, paymentHash, origin })
  }
  const stored = await storing(() => parts.tokens.find(tokenIdOf(origin, token, paymentHash)))
  if (stored !== undefined) return stored
  throw new L402Error('STORE_UNAVAILABLE', { reason: 'the token store lost a token' })
}

/** @throws {TypeError} */
function hashOf(payment: unknown): string {
  const hash = isL402Error(payment) ? payment.details['paymentHash'] : payment
  if (typeof hash === 'string') return hash
  throw new TypeError('resume: expected a payment hash, or an error that carries one')
}
