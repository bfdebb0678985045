import { encodeHex } from '../../bytes/index.ts'
import type { Invoice } from '../../invoice/index.ts'
import { expiresAtSeconds } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { PaymentOutcome } from '../../lightning/index.ts'

/** Of the server, not of a wallet. */
export type LnbitsFees = {
  /** `lnbits_reserve_fee_min`, in msat, and `lnbits_reserve_fee_percent`. Defaults 2000 and 1. */
  readonly reserveMinMsat: number
  readonly reservePercent: number
  /** `lnbits_service_fee`: of every payment, for who runs the server. Default 0. */
  readonly servicePercent: number
}

/** One entry of the books, as the table `apipayments` has it. */
export type Row = {
  readonly checkingId: string
  readonly invoice: Invoice
  /** Below zero: it goes. */
  readonly amountMsat: number
  readonly createdAt: number
  feeMsat: number
  status: 'pending' | 'success' | 'failed'
  preimage: string | null
  updatedAt: number
}

type Books = LnbitsFees & { readonly node: DevnetNode; readonly now: () => number }

/** The one wallet. */
export const walletId = 'b9f0f2a1c3d44e5f9a6b7c8d9e0f1a2b'

/** An entry of this moment. */
export function newRow(
  now: () => number,
  given: Pick<Row, 'invoice' | 'amountMsat'> & Partial<Row>,
): Row {
  return {
    checkingId: encodeHex(given.invoice.paymentHash),
    feeMsat: 0,
    status: 'pending',
    preimage: null,
    createdAt: now(),
    updatedAt: now(),
    ...given,
  }
}

/** Writes down how a payment ended. */
export function note(books: Books, row: Row, outcome: PaymentOutcome): void {
  if (outcome.status === 'unknown') return
  row.updatedAt = books.now()
  if (outcome.status === 'failed') {
    row.status = 'failed'
    return
  }
  row.status = 'success'
  row.preimage = encodeHex(outcome.preimage)
  row.feeMsat = -(Number(outcome.feeMsat) + serviceFee(books, -row.amountMsat))
}

export async function recheck(books: Books, row: Row): Promise<void> {
  if (row.status !== 'pending') return
  const { paymentHash } = row.invoice
  if (row.amountMsat < 0) {
    const outcome = await books.node.lookupPayment(paymentHash)
    if (outcome !== undefined) note(books, row, outcome)
    return
  }
  const found = await books.node.lookupInvoice(paymentHash)
  if (found.status === 'settled') receive(row, found.settledAtSeconds)
}

export function receive(row: Row, settledAtSeconds: number): void {
  row.status = 'success'
  row.updatedAt = settledAtSeconds
}

export function feeReserve(fees: LnbitsFees, amountMsat: number): number {
  const { reserveMinMsat, reservePercent } = fees
  const reserve = Math.max(reserveMinMsat, Math.trunc((amountMsat * reservePercent) / 100))
  return reserve + serviceFee(fees, amountMsat)
}

export function serviceFee({ servicePercent }: LnbitsFees, amountMsat: number): number {
  return Math.trunc((amountMsat / 100) * servicePercent)
}

export function asPayment(row: Row): Readonly<Record<string, unknown>> {
  const { invoice, createdAt, updatedAt } = row
  return {
    checking_id: row.checkingId,
    payment_hash: encodeHex(invoice.paymentHash),
    wallet_id: walletId,
    amount: row.amountMsat,
    fee: row.feeMsat,
    bolt11: invoice.text,
    payment_request: invoice.text,
    fiat_provider: null,
    status: row.status,
    memo: invoice.description ?? '',
    expiry: isoTime(expiresAtSeconds(invoice)),
    webhook: null,
    webhook_status: null,
    preimage: row.preimage,
    tag: null,
    extension: null,
    time: isoTime(createdAt),
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    labels: [],
    extra: {},
  }
}

/** As Python writes it. */
function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', '.250000+00:00')
}
