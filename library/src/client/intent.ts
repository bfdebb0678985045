import type { Msat } from '../amount/index.ts'
import { maxMsat, nearestMsat } from '../amount/index.ts'
import { decodeHex } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import type { PaymentHash } from '../invoice/index.ts'
import { paymentHash as toPaymentHash } from '../invoice/index.ts'
import type { FailureReason, Payer } from '../lightning/index.ts'
import type { Decision } from './decide.ts'
import type { PaymentIntent } from './ledger.ts'
import { tokenOf } from './stored-token.ts'
import type { StoredToken } from './token-store.ts'

/** The lease outlives the waiting for the wallet by half of it, and by this much at least and at most. */
const [minMarginSeconds, maxMarginSeconds] = [1, 30]

/** What is written down before the wallet is called. */
export function intentOf(
  { order, decidedBy }: Decision,
  payer: Payer,
  createdAtSeconds: number,
  paymentTimeoutMs: number,
): PaymentIntent {
  const { checked, purpose } = order
  const timeoutSeconds = paymentTimeoutMs / 1000
  const atLeast = Math.max(timeoutSeconds / 2, minMarginSeconds)
  const marginSeconds = Math.min(atLeast, maxMarginSeconds)
  return {
    ...purpose,
    paymentHash: checked.paymentHash,
    invoice: checked.invoice.text,
    amountMsat: checked.amountMsat,
    maxFeeMsat: checked.maxFeeMsat,
    decidedBy,
    createdAtSeconds,
    leaseUntilSeconds: createdAtSeconds + timeoutSeconds + marginSeconds,
    walletId: payer.id,
    orderLagSeconds: payer.orderLagSeconds,
  }
}

/**
 * Whether a payment was to be made by another wallet: then this one does not know of it, and what it
 * knows may be about an order of somebody else.
 *
 * @spec client.md R-PAY-87
 */
export function isOfOtherWallet({ walletId }: PaymentIntent, { id }: Payer): boolean {
  return id !== undefined && walletId !== undefined && id !== walletId
}

export function hashOf({ paymentHash }: PaymentIntent): PaymentHash {
  return toPaymentHash(decodeHex(paymentHash))
}

/** The token that an intent buys; `undefined`: it is a bare invoice. */
export function tokenIn(
  intent: PaymentIntent,
  proof: Parameters<typeof tokenOf>[1],
): StoredToken | undefined {
  const { token } = intent
  return token === undefined ? undefined : tokenOf({ ...intent, token }, proof)
}

/** What a payment cost on top of its invoice, whatever the wallet calls it; in all no more than there is. */
export function beyondInvoice(
  paid: { readonly amountMsat: Msat; readonly feeMsat: Msat },
  { amountMsat }: PaymentIntent,
): Msat {
  const surplusMsat = paid.amountMsat > amountMsat ? paid.amountMsat - amountMsat : 0n
  return nearestMsat(paid.feeMsat + surplusMsat, maxMsat - amountMsat)
}

export function failedPayment(
  { paymentHash, origin }: Pick<PaymentIntent, 'paymentHash' | 'origin'>,
  reason: FailureReason | 'never-sent',
): L402Error {
  return new L402Error('PAYMENT_FAILED', { reason, paymentHash, origin })
}

/**
 * A payment of which nobody can say yet how it ends. The handle for `resume` is its hash.
 *
 * @param payer - Who is asked about it; it says so where that is not the wallet that was to pay.
 */
export function unknownPayment(
  intent: PaymentIntent,
  payer: Payer | undefined,
  cause?: unknown,
): L402Error {
  const { paymentHash, origin, amountMsat } = intent
  const otherWallet = payer !== undefined && isOfOtherWallet(intent, payer)
  return new L402Error(
    'PAYMENT_UNKNOWN',
    { paymentHash, origin, amountMsat: String(amountMsat), ...(otherWallet && { otherWallet }) },
    cause,
  )
}
