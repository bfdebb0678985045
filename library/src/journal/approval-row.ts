import type { SQLOutputValue } from 'node:sqlite'
import { msat } from '../amount/index.ts'
import type { Approval, ApprovalReason, ApprovalState } from './journal.ts'

/** What {@link approvalOf} reads. Amounts as text: they may be larger than a number is exact. */
export const columns: string = `id, state, asked_because, origin, method, url,
  CAST(amount_msat AS TEXT) AS amount_msat, CAST(max_fee_msat AS TEXT) AS max_fee_msat,
  payee, payment_hash, description, capability, created_at, expires_at, decided_at`

export function approvalOf(row: Record<string, SQLOutputValue>, nowSeconds: number): Approval {
  const text = (name: string): string => String(row[name])
  const expiresAtSeconds = Number(row['expires_at'])
  return {
    id: text('id'),
    state: stateAt(text('state') as ApprovalState, expiresAtSeconds, nowSeconds),
    proposal: {
      askedBecause: text('asked_because') as ApprovalReason,
      origin: text('origin'),
      method: text('method'),
      url: text('url'),
      amountMsat: msat(BigInt(text('amount_msat'))),
      maxFeeMsat: msat(BigInt(text('max_fee_msat'))),
      payee: text('payee'),
      paymentHash: text('payment_hash'),
      description: text('description'),
      capability: row['capability'] === null ? undefined : text('capability'),
    },
    createdAtSeconds: Number(row['created_at']),
    expiresAtSeconds,
    decidedAtSeconds: row['decided_at'] === null ? undefined : Number(row['decided_at']),
  }
}

/** Half open: in force before the second at which it expires, and no longer from it on. */
function stateAt(
  state: ApprovalState,
  expiresAtSeconds: number,
  nowSeconds: number,
): ApprovalState {
  if (state === 'used' || nowSeconds < expiresAtSeconds) return state
  return 'expired'
}
