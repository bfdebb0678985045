import type { Msat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds, paymentHash, provesPayment } from '../../invoice/index.ts'
import type { Fields, Told } from '../adapter/index.ts'
import { asFields, readFields, readMsat, readPreimage, readSeconds } from '../adapter/index.ts'
import type { FailureReason, InvoiceStatus } from '../index.ts'

/** One entry of the books of LNbits: money that came, comes, went or goes. */
export type Entry = {
  readonly isOutgoing: boolean
  readonly amountMsat: Msat
  /** What the wallet is charged beside the amount: the fee of the route, and that of the server. */
  readonly feeMsat: Msat
  readonly status: 'pending' | 'success' | 'failed'
  readonly fields: Fields
}

const statuses = ['pending', 'success', 'failed'] as const
/** Of two entries about one payment, the one that went furthest counts. */
const furthest = ['success', 'pending', 'failed'] as const
/** An entry in the wallet that earns the fees of the server, with the hash of what was paid. */
const isServiceFee = /^service_fee_/

/** @returns `undefined` for what is no entry about this hash. */
export function readEntry(fields: Fields | undefined, hash: PaymentHash): Entry | undefined {
  if (fields?.['payment_hash'] !== encodeHex(hash)) return undefined
  const { amount, fee, status } = fields
  const amountMsat = readMagnitude(amount)
  const feeMsat = readMagnitude(fee)
  const known = statuses.find((one) => one === status)
  if (amountMsat === undefined || feeMsat === undefined || known === undefined) return undefined
  return { isOutgoing: (amount as number) < 0, amountMsat, feeMsat, status: known, fields }
}

/**
 * The entries of one wallet about one hash.
 *
 * @returns `undefined` for anything else. Empty: LNbits says that there is none.
 */
export function readEntries(
  text: string | undefined,
  hash: PaymentHash,
): readonly Entry[] | undefined {
  const { data, total } = readFields(text) ?? {}
  if (!Array.isArray(data)) return undefined
  // A server that does not know the filter tells what there is, and the total of it.
  if (data.length === 0) return total === 0 ? [] : undefined
  const entries = data.map((one: unknown) => readEntry(asFields(one), hash))
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

export function outgoingOf(entries: readonly Entry[]): Entry | undefined {
  const outgoing = entries.filter(({ isOutgoing }) => isOutgoing)
  return furthest
    .map((wanted) => outgoing.find(({ status }) => status === wanted))
    .find((entry) => entry !== undefined)
}

export function incomingOf(entries: readonly Entry[]): Entry | undefined {
  return entries.find(
    ({ isOutgoing, fields }) => !isOutgoing && !isServiceFee.test(String(fields['checking_id'])),
  )
}

/** How a payment of ours stands. What was paid without a proof is not known to be. */
export function toldBy({ status, fields, amountMsat, feeMsat }: Entry, hash: PaymentHash): Told {
  if (status === 'failed') return { status: 'failed', reason: 'rejected' }
  const preimage = status === 'success' ? readPreimage(fields['preimage']) : undefined
  if (preimage === undefined || !provesPayment(preimage, hash)) return { status: 'unknown' }
  return { status: 'settled', preimage, amountMsat, feeMsat }
}

/** How an invoice of ours stands. @returns `undefined` when the entry does not say. */
export function invoiceStatusOf(
  { status, fields, amountMsat }: Entry,
  nowSeconds: number,
): InvoiceStatus | undefined {
  const { bolt11, updated_at: updatedAt } = fields
  if (status === 'failed') return { status: 'closed' }
  if (status === 'success') {
    const settledAtSeconds = readTime(updatedAt)
    if (settledAtSeconds === undefined) return undefined
    return { status: 'settled', amountMsat, settledAtSeconds }
  }
  const expiresAt = typeof bolt11 === 'string' ? readExpiry(bolt11) : undefined
  if (expiresAt === undefined) return undefined
  return { status: nowSeconds >= expiresAt ? 'closed' : 'open' }
}

/** The hash of the money that came, by what a WebSocket tells. `undefined`: nothing came. */
export function readReceived(text: string): PaymentHash | undefined {
  const payment = asFields(readFields(text)?.['payment'])
  const { payment_hash: hash, amount } = payment ?? {}
  if (typeof hash !== 'string' || typeof amount !== 'number' || amount <= 0) return undefined
  return /^[0-9a-f]{64}$/.test(hash) ? paymentHash(decodeHex(hash)) : undefined
}

/** An error as LNbits writes it. `status`: of a payment, how it stands. */
export type LnbitsError = { readonly detail: string; readonly status: unknown }

/** @returns `undefined` for what LNbits does not write. */
export function readError(text: string | undefined): LnbitsError | undefined {
  const fields = readFields(text)
  if (fields === undefined || typeof fields['detail'] !== 'string') return undefined
  return { detail: fields['detail'], status: fields['status'] }
}

/** LNbits gives its reasons as sentences for people; some are those of the node behind. */
const reasons: readonly (readonly [RegExp, FailureReason])[] = [
  [/already paid/i, 'already-paid'],
  [/insufficient|must reserve/i, 'insufficient-balance'],
  [/route/i, 'no-route'],
]

export function reasonOf(detail: string): FailureReason {
  return reasons.find(([pattern]) => pattern.test(detail))?.[1] ?? 'rejected'
}

/** Money that goes is below zero, and so are most fees. */
function readMagnitude(value: unknown): Msat | undefined {
  return typeof value === 'number' ? readMsat(Math.abs(value)) : undefined
}

/** Seconds, or ISO 8601; without a zone it is UTC. */
function readTime(value: unknown): number | undefined {
  if (typeof value === 'number') return readSeconds(Math.floor(value))
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/.test(value))
    return undefined
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(value)
  return readSeconds(Math.floor(Date.parse(hasZone ? value : `${value}Z`) / 1000))
}

function readExpiry(text: string): number | undefined {
  try {
    return expiresAtSeconds(decodeInvoice(text))
  } catch {
    return undefined
  }
}
