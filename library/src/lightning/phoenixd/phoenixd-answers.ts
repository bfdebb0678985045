import type { Msat } from '../../amount/index.ts'
import { nearestMsat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import type { Network, PaymentHash, Preimage } from '../../invoice/index.ts'
import { decodeInvoice, paymentHash, provesPayment } from '../../invoice/index.ts'
import type { Fields, Told } from '../adapter/index.ts'
import { readFields, readMsat, readPreimage, readSeconds } from '../adapter/index.ts'
import type { FailureReason, InvoiceStatus } from '../index.ts'

type Sentence =
  | 'wrongPassword'
  | 'notFound'
  | 'unknownEndpoint'
  | 'invoiceMissing'
  | 'invoiceUnreadable'

/** What phoenixd says in plain text, for people; nothing else says it in these words. */
export const says: Readonly<Record<Sentence, RegExp>> = {
  wrongPassword: /^Invalid authentication/,
  /** It looked, and there is none. */
  notFound: /^Not found$/,
  /** There is no such path. Old releases say it of a payment that they do not find, too. */
  unknownEndpoint: /^Unknown endpoint/,
  invoiceMissing: /^Request parameter invoice is missing/,
  invoiceUnreadable: /^Request parameter invoice couldn't be parsed/,
}

/** What it answered to an order, about this payment. */
export type OrderAnswer =
  | { readonly says: 'paid'; readonly preimage: Preimage; readonly routingFeeSat: bigint }
  | { readonly says: 'not-paid'; readonly reason: FailureReason }
  | { readonly says: 'under-way' }

/** @returns `undefined` for what says nothing reliable about this payment. */
export function readOrderAnswer(
  text: string | undefined,
  hash: PaymentHash,
): OrderAnswer | undefined {
  const fields = readFieldsOf(text, hash)
  if (fields === undefined) return undefined
  const { paymentPreimage, routingFeeSat, reason } = fields
  const preimage = readProof(paymentPreimage, hash)
  if (preimage !== undefined) {
    const feeMsat = readSat(routingFeeSat)
    return feeMsat === undefined
      ? undefined
      : { says: 'paid', preimage, routingFeeSat: feeMsat / 1000n }
  }
  if (typeof reason !== 'string' || paymentPreimage !== undefined) return undefined
  if (/in progress for that invoice/.test(reason)) return { says: 'under-way' }
  return { says: 'not-paid', reason: reasonOf(reason) }
}

/**
 * How a payment of ours stands. phoenixd tells the attempt that went furthest: paid, then under way,
 * then failed.
 *
 * @returns `undefined` for what is no answer about it.
 */
export function readOutgoing(text: string | undefined, hash: PaymentHash): Told | undefined {
  const fields = readFieldsOf(text, hash)
  if (fields === undefined) return undefined
  const { isPaid, preimage: secret, completedAt, fees, invoice } = fields
  if (isPaid === true) {
    const preimage = readProof(secret, hash)
    if (preimage === undefined) return { status: 'unknown' }
    const amountMsat = readInvoiceAmount(invoice, hash)
    return { status: 'settled', preimage, amountMsat, feeMsat: readMsat(fees) }
  }
  if (isPaid !== false) return undefined
  if (completedAt === undefined || completedAt === null) return { status: 'unknown' }
  if (readSeconds(completedAt) === undefined) return undefined
  // The look-up does not tell why.
  return { status: 'failed', reason: 'rejected' }
}

/** How an invoice of ours stands. @returns `undefined` for what is no answer about it. */
export function readIncoming(
  text: string | undefined,
  hash: PaymentHash,
): InvoiceStatus | undefined {
  const fields = readFieldsOf(text, hash)
  if (fields === undefined) return undefined
  const { isPaid, isExpired, completedAt } = fields
  if (isPaid === false) return { status: isExpired === true ? 'closed' : 'open' }
  const amountMsat = readPaidAmount(fields)
  const completedAtMs = readSeconds(completedAt)
  if (isPaid !== true || amountMsat === undefined || completedAtMs === undefined) return undefined
  return { status: 'settled', amountMsat, settledAtSeconds: Math.floor(completedAtMs / 1000) }
}

/** The payment that an event tells of. @returns `undefined` for other events. */
export function readReceived(text: string): PaymentHash | undefined {
  const { type, paymentHash: hash } = readFields(text) ?? {}
  if (type !== 'payment_received' || typeof hash !== 'string') return undefined
  return /^[0-9a-f]{64}$/.test(hash) ? paymentHash(decodeHex(hash)) : undefined
}

export type NodeInfo = {
  readonly network: Network | undefined
  readonly notReady: string | undefined
}

const networks: Readonly<Record<string, Network>> = {
  mainnet: 'bitcoin',
  testnet: 'testnet',
  testnet3: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
}

/** @returns `undefined` for what phoenixd does not say of itself. */
export function readInfo(text: string | undefined): NodeInfo | undefined {
  const { nodeId, chain, channels } = readFields(text) ?? {}
  if (typeof nodeId !== 'string' || !Array.isArray(channels)) return undefined
  const states = channels.map((channel: unknown) => stateOf(channel))
  const isIdle = states.length > 0 && !states.includes('Normal')
  return {
    network:
      typeof chain === 'string' && Object.hasOwn(networks, chain) ? networks[chain] : undefined,
    notReady: isIdle ? 'none of its channels can be used at this moment' : undefined,
  }
}

function stateOf(channel: unknown): unknown {
  return typeof channel === 'object' && channel !== null && 'state' in channel
    ? channel.state
    : undefined
}

/** Only what names this payment is about it. */
function readFieldsOf(text: string | undefined, hash: PaymentHash): Fields | undefined {
  const fields = readFields(text)
  return fields?.['paymentHash'] === encodeHex(hash) ? fields : undefined
}

function readProof(value: unknown, hash: PaymentHash): Preimage | undefined {
  const preimage = readPreimage(value)
  return preimage !== undefined && provesPayment(preimage, hash) ? preimage : undefined
}

function readSat(value: unknown): Msat | undefined {
  const sat = readMsat(value)
  return sat === undefined ? undefined : nearestMsat(sat * 1000n)
}

/**
 * What the payer paid. `receivedSat` is what is left of it after the fees of a channel that was opened
 * for it, rounded down: what was asked for was paid in any case.
 */
function readPaidAmount({ receivedSat, fees, requestedSat }: Fields): Msat | undefined {
  const received = readSat(receivedSat)
  const feesMsat = readMsat(fees)
  if (received === undefined || feesMsat === undefined) return undefined
  const toldMsat = nearestMsat(received + feesMsat)
  const askedMsat = readSat(requestedSat)
  return askedMsat === undefined || askedMsat < toldMsat ? toldMsat : askedMsat
}

function readInvoiceAmount(text: unknown, hash: PaymentHash): Msat | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const invoice = decodeInvoice(text)
    return encodeHex(invoice.paymentHash) === encodeHex(hash) ? invoice.amountMsat : undefined
  } catch {
    return undefined
  }
}

/** phoenixd gives its reasons as sentences for people. */
const reasons: readonly (readonly [RegExp, FailureReason])[] = [
  [/already been paid/, 'already-paid'],
  [/not enough funds|amount is too large/, 'insufficient-balance'],
  [
    /offline|unreachable|liquidity|in the route|fees are insufficient|attempts exhausted|existing channels/,
    'no-route',
  ],
]

function reasonOf(sentence: string): FailureReason {
  return reasons.find(([pattern]) => pattern.test(sentence))?.[1] ?? 'rejected'
}
