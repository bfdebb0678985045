import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import type { PaymentHash } from '../invoice/index.ts'
import { preimage, provesPayment } from '../invoice/index.ts'
import type { FailureReason, PaymentOutcome } from '../lightning/index.ts'

const failureReasons: ReadonlySet<unknown> = new Set<FailureReason>([
  'no-route',
  'insufficient-balance',
  'fee-limit',
  'expired',
  'already-paid',
  'rejected',
  'wrong-network',
])

/**
 * Reads what a wallet said about a payment. Total: whatever is no outcome is `unknown`, because money
 * may have moved; so is a settlement whose preimage does not hash to the payment hash.
 *
 * What proves the payment is the preimage alone. An amount or a fee that cannot be read does not undo
 * it, and is taken to be all that the order allowed. One above that is taken as it is: it was spent.
 *
 * @param order - What the wallet was told: the budget has this set aside.
 * @spec client.md R-PAY-32, R-PAY-36
 */
export function readOutcome(
  answer: unknown,
  hash: PaymentHash,
  order: { readonly amountMsat: Msat; readonly maxFeeMsat: Msat },
): PaymentOutcome {
  try {
    return readUnguarded(answer, hash, order)
  } catch {
    return { status: 'unknown' }
  }
}

function readUnguarded(
  answer: unknown,
  hash: PaymentHash,
  order: { readonly amountMsat: Msat; readonly maxFeeMsat: Msat },
): PaymentOutcome {
  const said = answer as Readonly<Record<string, unknown>>
  const { status } = said
  if (status === 'failed') {
    const { reason } = said
    if (!failureReasons.has(reason)) return { status: 'unknown' }
    return { status, reason: reason as FailureReason }
  }
  if (status !== 'settled' || !(said['preimage'] instanceof Uint8Array))
    return { status: 'unknown' }

  const secret = preimage(Uint8Array.from(said['preimage']))
  if (!provesPayment(secret, hash)) return { status: 'unknown' }
  return {
    status,
    preimage: secret,
    amountMsat: readMsat(said['amountMsat']) ?? order.amountMsat,
    feeMsat: readMsat(said['feeMsat']) ?? order.maxFeeMsat,
  }
}

function readMsat(value: unknown): Msat | undefined {
  try {
    return typeof value === 'bigint' ? msat(value) : undefined
  } catch {
    return undefined
  }
}
