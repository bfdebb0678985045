import type { Proposal } from '../client/index.ts'
import type { CheckedTable, Row } from './checked-table.ts'
import { checkedTable } from './checked-table.ts'
import type { Approval, ApprovalReason, ApprovalState } from './journal.ts'
import { amountOf } from './payment-row.ts'
import { plainText } from './plain-text.ts'

export const approvalTable: CheckedTable = checkedTable('approvals', [
  'approval_id',
  'state',
  'asked_because',
  'host',
  'origin',
  'method',
  'url',
  'amount_msat',
  'max_fee_msat',
  'payee',
  'payment_hash',
  'description',
  'capability',
  'body_sha256',
  'body_bytes',
  'created_at',
  'expires_at',
  'decided_at',
])

/** The latest time that was seen. At most one row. */
export const clockTable: CheckedTable = checkedTable('approval_clock', ['at'])

/** A question that is put now. */
export function rowOf(
  proposal: Proposal,
  put: { readonly id: string; readonly atSeconds: number; readonly untilSeconds: number },
): Row {
  const { origin, description, capability } = proposal
  return {
    approval_id: put.id,
    state: 'pending',
    asked_because: proposal.askedBecause,
    host: hostOf(origin),
    origin,
    method: proposal.method,
    url: proposal.url,
    amount_msat: proposal.amountMsat,
    max_fee_msat: proposal.maxFeeMsat,
    payee: proposal.payee,
    payment_hash: proposal.paymentHash,
    description: plainText(description),
    capability: capability === undefined ? null : plainText(capability),
    body_sha256: proposal.bodySha256 ?? null,
    body_bytes: proposal.bodyBytes ?? null,
    created_at: put.atSeconds,
    expires_at: put.untilSeconds,
    decided_at: null,
  }
}

export function approvalOf(row: Row, nowSeconds: number): Approval {
  const text = (name: string): string => String(row[name])
  const expiresAtSeconds = Number(row['expires_at'])
  return {
    id: text('approval_id'),
    state: stateAt(text('state') as ApprovalState, expiresAtSeconds, nowSeconds),
    proposal: {
      askedBecause: text('asked_because') as ApprovalReason,
      origin: text('origin'),
      method: text('method'),
      url: text('url'),
      amountMsat: amountOf(row, 'amount_msat'),
      maxFeeMsat: amountOf(row, 'max_fee_msat'),
      payee: text('payee'),
      paymentHash: text('payment_hash'),
      description: text('description'),
      capability: row['capability'] === null ? undefined : text('capability'),
      bodySha256: row['body_sha256'] === null ? undefined : text('body_sha256'),
      bodyBytes: row['body_bytes'] === null ? undefined : Number(row['body_bytes']),
    },
    createdAtSeconds: Number(row['created_at']),
    expiresAtSeconds,
    decidedAtSeconds: row['decided_at'] === null ? undefined : Number(row['decided_at']),
  }
}

/** What questions are counted by. */
export function hostOf(origin: string): string {
  const host = URL.parse(origin)?.hostname ?? ''
  return host === '' ? origin : host
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
