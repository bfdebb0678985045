import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import type { PaymentEntry, PaymentIntent, PaymentState } from '../client/index.ts'
import type { CheckedTable, Row } from './checked-table.ts'
import { checkedTable } from './checked-table.ts'
import type { Seal } from './seal.ts'

export const paymentTable: CheckedTable = checkedTable('payments', [
  'payment_hash',
  'attempt',
  'ordered',
  'state',
  'position',
  'abandoned',
  'token_stored',
  'amount_msat',
  'max_fee_msat',
  'fee_msat',
  'created_at',
  'ended_at',
  'lease_until',
  'owner',
  'wallet_id',
  'order_lag',
  'origin',
  'host',
  'target',
  'route',
  'coverage',
  'method',
  'has_body',
  'scheme',
  'enforces',
  'decided_by',
  'failure',
  'url',
  'invoice',
  'token',
  'preimage',
])

/** A payment that begins. */
export function rowOf(
  intent: PaymentIntent,
  begun: {
    readonly owner: string
    readonly position: number
    readonly seal: Seal
    /** What is known of this payment hash. */
    readonly known: Row | undefined
  },
): Row {
  const { paymentHash, token } = intent
  const { known } = begun
  return {
    payment_hash: paymentHash,
    attempt: known === undefined ? 1 : attemptOf(known) + 1,
    ordered: known?.['ordered'] ?? 0,
    state: 'intent',
    position: begun.position,
    abandoned: 0,
    token_stored: 0,
    amount_msat: intent.amountMsat,
    max_fee_msat: intent.maxFeeMsat,
    fee_msat: null,
    created_at: intent.createdAtSeconds,
    ended_at: null,
    lease_until: intent.leaseUntilSeconds,
    owner: begun.owner,
    wallet_id: intent.walletId ?? null,
    order_lag: intent.orderLagSeconds ?? null,
    origin: intent.origin,
    host: intent.host,
    target: intent.target,
    route: routeOf(intent.target),
    coverage: intent.coverage ?? null,
    method: intent.method,
    has_body: intent.hasBody ? 1 : 0,
    scheme: intent.scheme,
    enforces: JSON.stringify(intent.enforces),
    decided_by: intent.decidedBy,
    failure: null,
    url: intent.url,
    invoice: intent.invoice,
    token: token === undefined ? null : begun.seal.seal(token, tokenContext(paymentHash)),
    preimage: null,
  }
}

/** @throws {L402Error} JOURNAL_UNUSABLE when a sealed value does not open. */
export function entryOf(row: Row, seal: Seal, leaseUntilSeconds: number): PaymentEntry {
  const paymentHash = row['payment_hash'] as string
  return {
    paymentHash,
    origin: row['origin'] as string,
    host: row['host'] as string,
    method: row['method'] as string,
    url: row['url'] as string,
    target: row['target'] as string,
    coverage: (row['coverage'] as string | null) ?? undefined,
    hasBody: Number(row['has_body']) === 1,
    scheme: row['scheme'] as PaymentEntry['scheme'],
    token: openedToken(row, seal),
    invoice: row['invoice'] as string,
    amountMsat: amountOf(row, 'amount_msat'),
    maxFeeMsat: amountOf(row, 'max_fee_msat'),
    enforces: JSON.parse(row['enforces'] as string) as readonly string[],
    decidedBy: row['decided_by'] as PaymentEntry['decidedBy'],
    createdAtSeconds: row['created_at'] as number,
    leaseUntilSeconds,
    walletId: (row['wallet_id'] as string | null) ?? undefined,
    orderLagSeconds: (row['order_lag'] as number | null) ?? undefined,
    attempt: attemptOf(row),
    state: stateOf(row),
    preimage: openedPreimage(row, seal),
    feeMsat: row['fee_msat'] === null ? undefined : amountOf(row, 'fee_msat'),
    failure: (row['failure'] as NonNullable<PaymentEntry['failure']> | null) ?? undefined,
    endedAtSeconds: (row['ended_at'] as number | null) ?? undefined,
    tokenStored: Number(row['token_stored']) === 1,
    abandoned: Number(row['abandoned']) === 1,
  }
}

export function attemptOf(row: Row): number {
  return Number(row['attempt'])
}

export function stateOf(row: Row): PaymentState {
  return row['state'] as PaymentState
}

/** Whether it may still cost money. */
export function isOpenRow(row: Row): boolean {
  const state = stateOf(row)
  return state !== 'settled' && state !== 'failed'
}

/** What is set aside while it has not ended. */
export function ceilingOf(row: Row): Msat {
  return msat(amountOf(row, 'amount_msat') + amountOf(row, 'max_fee_msat'))
}

export function amountOf(row: Row, column: string): Msat {
  return msat(BigInt(row[column] as bigint | number))
}

export function openedPreimage(row: Row, seal: Seal): string | undefined {
  const sealed = row['preimage'] as Uint8Array | null
  return sealed === null ? undefined : seal.open(sealed, preimageContext(row['payment_hash']))
}

function openedToken(row: Row, seal: Seal): string | undefined {
  const sealed = row['token'] as Uint8Array | null
  return sealed === null ? undefined : seal.open(sealed, tokenContext(row['payment_hash']))
}

/** Method and path of a target. */
export function routeOf(target: string): string {
  const [route = ''] = target.split('?', 1)
  return route
}

export function preimageContext(paymentHash: unknown): string {
  return `payments.preimage:${paymentHash}`
}

function tokenContext(paymentHash: unknown): string {
  return `payments.token:${paymentHash}`
}
