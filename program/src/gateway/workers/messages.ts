import type { Msat, Network } from 'satway'
import { decodeHex, encodeHex, isL402Error, L402Error, msat, paymentHash } from 'satway'
import type { InvoiceStatus, Settlement } from 'satway/lightning'
import type { WalletLimits } from './wallet-limits.ts'

/**
 * What crosses the channel between primary and worker, as JSON. Amounts are digits, bytes are hex.
 * Both ends are the same program: a message that is not of these forms is ignored.
 */
export type ToPrimary =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'invoice'; readonly id: number; readonly order: InvoiceOrder }
  | { readonly kind: 'lookup'; readonly id: number; readonly hash: string }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'watch' }
  | { readonly kind: 'unwatch' }
  /** The end of what the primary asked for. */
  | { readonly kind: 'done'; readonly id: number; readonly text: string }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  /** What it counted, before it ends. */
  | { readonly kind: 'last'; readonly text: string }

export type ToWorker =
  | {
      readonly kind: 'welcome'
      readonly wallet: WalletMessage
      readonly name: string
      readonly owner: string
      readonly config: string
    }
  | { readonly kind: 'invoiced'; readonly id: number; readonly invoice: string }
  | { readonly kind: 'found'; readonly id: number; readonly status: StatusMessage }
  | { readonly kind: 'refused'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'settled'; readonly settlement: SettlementMessage }
  /** The stream of settlements broke: whoever reads it begins anew. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop' }

/** What the primary asks a worker for, and gets an answer to. */
export type Question =
  | { readonly kind: 'reload'; readonly config: string }
  | { readonly kind: 'collect' }
  | { readonly kind: 'ping' }

export type InvoiceOrder = {
  readonly amountMsat: string
  readonly description: string
  readonly expirySeconds: number
}

export type WalletMessage = {
  readonly network: Network
  readonly amountStepMsat?: string
  readonly maxDescriptionBytes?: number
}

export type StatusMessage =
  | { readonly status: 'open' | 'closed' | 'not-found' }
  | { readonly status: 'settled'; readonly amountMsat: string; readonly settledAtSeconds: number }

export type SettlementMessage = {
  readonly hash: string
  readonly amountMsat: string
  readonly settledAtSeconds: number
}

/** `range`: the caller's own mistake. Everything else is the wallet's. */
export type Fault = { readonly kind: 'range' | 'unavailable'; readonly reason: string }

export function encodeLimits({ amountStepMsat, ...rest }: WalletLimits): WalletMessage {
  return {
    ...rest,
    ...(amountStepMsat !== undefined && { amountStepMsat: String(amountStepMsat) }),
  }
}

export function decodeLimits({ amountStepMsat, ...rest }: WalletMessage): WalletLimits {
  return {
    ...rest,
    ...(amountStepMsat !== undefined && { amountStepMsat: decodeAmount(amountStepMsat) }),
  }
}

export function encodeStatus(status: InvoiceStatus): StatusMessage {
  if (status.status !== 'settled') return status
  return { ...status, amountMsat: status.amountMsat.toString() }
}

export function decodeStatus(message: StatusMessage): InvoiceStatus {
  if (message.status !== 'settled') return message
  return { ...message, amountMsat: decodeAmount(message.amountMsat) }
}

export function encodeSettlement(settlement: Settlement): SettlementMessage {
  const { paymentHash: hash, amountMsat, settledAtSeconds } = settlement
  return { hash: encodeHex(hash), amountMsat: amountMsat.toString(), settledAtSeconds }
}

export function decodeSettlement(message: SettlementMessage): Settlement {
  return {
    paymentHash: paymentHash(decodeHex(message.hash)),
    amountMsat: decodeAmount(message.amountMsat),
    settledAtSeconds: message.settledAtSeconds,
  }
}

export function decodeAmount(digits: string): Msat {
  return msat(BigInt(digits))
}

/** Ours carry nothing secret; what others say stays in the primary. */
export function encodeFault(error: unknown): Fault {
  if (error instanceof RangeError) return { kind: 'range', reason: error.message }
  if (!isL402Error(error)) return { kind: 'unavailable', reason: 'the wallet failed' }
  const { reason } = error.details
  return { kind: 'unavailable', reason: typeof reason === 'string' ? reason : error.code }
}

export function decodeFault({ kind, reason }: Fault): Error {
  return kind === 'range' ? new RangeError(reason) : unavailable(reason)
}

export function unavailable(reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason })
}

/** Whether a value has the outer form of a message; what is inside was written by this program. */
export function isMessage(value: unknown): value is { readonly kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value
}
