import { encodeBase64, encodeHex, sha256 } from '../../bytes/index.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import type { FailureReason, InvoiceStatus, PaymentOutcome } from '../../lightning/index.ts'
import type { WireAnswer } from './look-alike.ts'

type StatusName =
  | 'permissionDenied'
  | 'noMacaroon'
  | 'notHex'
  | 'badMacaroon'
  | 'otherKey'
  | 'invoiceNotFound'
  | 'paymentNotInitiated'
  | 'alreadyPaid'
  | 'inTransition'
  | 'notFound'
  | 'badJson'
  | 'otherNetwork'
  | 'selfPayment'
  | 'noAmount'
  | 'starting'

/** What lnd says when it refuses, word for word, with its codes of gRPC. */
export const statuses: Readonly<Record<StatusName, GrpcStatus>> = {
  permissionDenied: [2, 'permission denied'],
  noMacaroon: [2, 'expected 1 macaroon, got 0'],
  notHex: [2, 'encoding/hex: invalid byte'],
  badMacaroon: [2, 'cannot determine data format of binary-encoded macaroon'],
  otherKey: [2, 'verification failed: signature mismatch after caveat verification'],
  invoiceNotFound: [5, 'unable to locate invoice'],
  paymentNotInitiated: [5, "payment isn't initiated"],
  alreadyPaid: [6, 'invoice is already paid'],
  inTransition: [6, 'payment is in transition'],
  notFound: [5, 'Not Found'],
  badJson: [3, 'invalid character in JSON'],
  otherNetwork: [2, "invoice not for current active network 'regtest'"],
  selfPayment: [2, 'self-payments not allowed'],
  noAmount: [2, 'amount must be specified when paying a zero amount invoice'],
  starting: [
    2,
    'the RPC server is in the process of starting up, but not yet ready to accept calls',
  ],
}

export type GrpcStatus = readonly [code: number, message: string]

/** How grpc-gateway maps the codes of gRPC. */
const httpStatuses: Readonly<Record<number, number>> = { 2: 500, 3: 400, 5: 404, 6: 409 }

/** A status, as a call with one answer tells it. */
export function statusAnswer([code, message]: GrpcStatus): WireAnswer {
  const body = JSON.stringify({ code, message, details: [] })
  return { status: httpStatuses[code] ?? 500, body }
}

/** A status, as a call whose answers are a stream tells it before the first of them. */
export function streamStatusAnswer([code, message]: GrpcStatus): WireAnswer {
  const body = `${JSON.stringify({ error: { code, message, details: [] } })}\n\n`
  return { status: httpStatuses[code] ?? 500, body }
}

/** One line of a stream. */
export function resultLine(result: unknown): string {
  return `${JSON.stringify({ result })}\n`
}

/** What is known of an invoice. */
export type InvoiceSheet = {
  readonly hash: PaymentHash
  /** `undefined` of one that was made behind the look-alike's back. */
  readonly invoice: Invoice | undefined
  readonly addIndex: number
  readonly settleIndex: number
}

/** An invoice as `LookupInvoice` and `SubscribeInvoices` tell it. */
export function invoiceMessage(sheet: InvoiceSheet, standing: InvoiceStatus): unknown {
  const { hash, invoice, addIndex, settleIndex } = sheet
  const settled = standing.status === 'settled' ? standing : undefined
  const valueMsat = invoice?.amountMsat ?? 0n
  return {
    memo: invoice?.description ?? '',
    // lnd tells the preimage of its invoices before they are paid. This one proves nothing.
    r_preimage: encodeBase64(sha256(hash)),
    r_hash: encodeBase64(hash),
    value: String(valueMsat / 1000n),
    value_msat: String(valueMsat),
    settled: settled !== undefined,
    creation_date: String(invoice?.timestampSeconds ?? 0),
    settle_date: String(settled?.settledAtSeconds ?? 0),
    payment_request: invoice?.text ?? '',
    description_hash: '',
    expiry: String(invoice?.expirySeconds ?? 0),
    cltv_expiry: '80',
    route_hints: [],
    private: false,
    add_index: String(addIndex),
    settle_index: String(settleIndex),
    amt_paid: String(settled?.amountMsat ?? 0n),
    amt_paid_sat: String((settled?.amountMsat ?? 0n) / 1000n),
    amt_paid_msat: String(settled?.amountMsat ?? 0n),
    state: invoiceStates[standing.status],
    htlcs: [],
    is_keysend: false,
    is_amp: false,
    is_blinded: false,
  }
}

const invoiceStates: Readonly<Record<InvoiceStatus['status'], string>> = {
  open: 'OPEN',
  settled: 'SETTLED',
  closed: 'CANCELED',
  'not-found': 'CANCELED',
}

/** A payment as `SendPaymentV2` and `TrackPaymentV2` tell it. */
export function paymentMessage(
  hash: PaymentHash,
  invoice: Invoice | undefined,
  outcome: PaymentOutcome,
): unknown {
  const settled = outcome.status === 'settled' ? outcome : undefined
  const valueMsat = settled?.amountMsat ?? invoice?.amountMsat ?? 0n
  const feeMsat = settled?.feeMsat ?? 0n
  return {
    payment_hash: encodeHex(hash),
    value: String(valueMsat / 1000n),
    creation_date: String(invoice?.timestampSeconds ?? 0),
    fee: String(feeMsat / 1000n),
    payment_preimage: encodeHex(settled?.preimage ?? new Uint8Array(32)),
    value_sat: String(valueMsat / 1000n),
    value_msat: String(valueMsat),
    payment_request: invoice?.text ?? '',
    status: paymentStates[outcome.status],
    fee_sat: String(feeMsat / 1000n),
    fee_msat: String(feeMsat),
    creation_time_ns: '0',
    htlcs: [],
    payment_index: '1',
    failure_reason: outcome.status === 'failed' ? reasons[outcome.reason] : 'FAILURE_REASON_NONE',
  }
}

const paymentStates: Readonly<Record<PaymentOutcome['status'], string>> = {
  settled: 'SUCCEEDED',
  failed: 'FAILED',
  unknown: 'IN_FLIGHT',
}

/** lnd knows fewer reasons: too dear is no route, and what the payee refuses are wrong details. */
const reasons: Readonly<Record<FailureReason, string>> = {
  'no-route': 'FAILURE_REASON_NO_ROUTE',
  'fee-limit': 'FAILURE_REASON_NO_ROUTE',
  'insufficient-balance': 'FAILURE_REASON_INSUFFICIENT_BALANCE',
  expired: 'FAILURE_REASON_INCORRECT_PAYMENT_DETAILS',
  'already-paid': 'FAILURE_REASON_INCORRECT_PAYMENT_DETAILS',
  rejected: 'FAILURE_REASON_INCORRECT_PAYMENT_DETAILS',
  'wrong-network': 'FAILURE_REASON_ERROR',
}
