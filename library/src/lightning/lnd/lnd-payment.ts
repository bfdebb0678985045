import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { Fields, Told } from '../adapter/index.ts'
import { readMsat, readPreimage } from '../adapter/index.ts'
import type { FailureReason } from '../index.ts'

/**
 * What the reasons of lnd mean here. A payment whose status is FAILED has no HTLC on its way and gets
 * no more, whatever the reason: lnd reports one that it has given up as IN_FLIGHT until the last of them
 * has come back (payments/db/payment_status.go). So each of these is final, the time-out included.
 */
const reasons: ReadonlyMap<unknown, FailureReason> = new Map([
  /** No route worked in the time that was given. */
  ['FAILURE_REASON_TIMEOUT', 'no-route'],
  /** None, or none within the fee ceiling: lnd does not tell them apart. */
  ['FAILURE_REASON_NO_ROUTE', 'no-route'],
  ['FAILURE_REASON_INSUFFICIENT_BALANCE', 'insufficient-balance'],
  /** The payee does not know the invoice, it is paid, or it was cancelled: the payee does not say which. */
  ['FAILURE_REASON_INCORRECT_PAYMENT_DETAILS', 'rejected'],
  ['FAILURE_REASON_ERROR', 'rejected'],
  ['FAILURE_REASON_CANCELED', 'rejected'],
])

/** Reads a payment as `SendPaymentV2` and `TrackPaymentV2` tell it. `undefined`: not of this hash. */
export function readPayment(payment: Fields, hash: PaymentHash): Told | undefined {
  const { payment_hash: hashHex, status, failure_reason: reason } = payment
  if (typeof hashHex !== 'string' || hashHex.toLowerCase() !== encodeHex(hash)) return undefined
  switch (status) {
    case 'SUCCEEDED':
      return readSettled(payment)
    case 'FAILED':
      return { status: 'failed', reason: reasons.get(reason) ?? 'rejected' }
    case 'IN_FLIGHT':
    case 'INITIATED':
      return { status: 'unknown' }
    default:
      return undefined
  }
}

function readSettled(payment: Fields): Told | undefined {
  const preimage = readPreimage(payment['payment_preimage'])
  if (preimage === undefined) return undefined
  return {
    status: 'settled',
    preimage,
    amountMsat: readMsat(payment['value_msat']),
    feeMsat: readMsat(payment['fee_msat']),
  }
}
