import type { Msat } from '../../amount/index.ts'
import { maxMsat, msat, msatToSatCeil } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import type { Code } from '../../errors.ts'
import { codes, L402Error } from '../../errors.ts'
import type { PaymentHash, Preimage } from '../../invoice/index.ts'
import { preimage } from '../../invoice/index.ts'
import type { FailureReason, PaymentOutcome } from '../index.ts'
import { readObject } from './json-object.ts'

/** What a wallet endpoint tells about its node. */
export type WalletInfo = {
  readonly network: 'regtest'
  readonly name: string | undefined
  /** Compressed public key, 33 bytes. */
  readonly nodeId: Uint8Array | undefined
  readonly balanceMsat: Msat | undefined
}

/** An order to pay, as it crosses the wire. */
export type PayRequest = { readonly invoice: string; readonly maxFeeMsat: Msat | undefined }

/** Longest body in either direction, in bytes: an invoice has at most 7089 characters. */
export const maxBodyBytes = 16_384

const reasons = [
  'no-route',
  'insufficient-balance',
  'fee-limit',
  'expired',
  'already-paid',
  'rejected',
  'wrong-network',
] as const satisfies readonly FailureReason[]

export function formatPayRequest({ invoice, maxFeeMsat }: PayRequest): string {
  return JSON.stringify({ invoice, maxFeeMsat: maxFeeMsat?.toString() })
}

/**
 * Reads an order to pay. A member that is not known is refused: a misspelt `maxFeeMsat` must not
 * become "no limit".
 *
 * @throws {L402Error} REQUEST_MALFORMED
 * @spec lightning.md R-LN-41
 */
export function parsePayRequest(text: string): PayRequest {
  const members = readBounded(text, ['invoice', 'maxFeeMsat'])
  if (members === undefined) throw malformedRequest('not a JSON object of invoice and maxFeeMsat')
  const { invoice } = members
  if (typeof invoice !== 'string' || invoice === '') throw malformedRequest('invoice')
  if (members['maxFeeMsat'] === undefined) return { invoice, maxFeeMsat: undefined }
  const maxFeeMsat = readMsat(members['maxFeeMsat'])
  if (maxFeeMsat === undefined) throw malformedRequest('maxFeeMsat')
  return { invoice, maxFeeMsat }
}

/** The answer to an order or a lookup. `undefined`: the node never saw the payment. */
export function formatAnswer(hash: PaymentHash, outcome: PaymentOutcome | undefined): string {
  const status = outcome?.status ?? 'not-found'
  const head = { status, isPaid: status === 'settled', paymentHash: encodeHex(hash) }
  if (outcome?.status === 'failed') return JSON.stringify({ ...head, reason: outcome.reason })
  if (outcome?.status !== 'settled') return JSON.stringify(head)
  return JSON.stringify({
    ...head,
    paymentPreimage: encodeHex(outcome.preimage),
    amount: Number(msatToSatCeil(outcome.amountMsat)),
    amountMsat: outcome.amountMsat.toString(),
    feeMsat: outcome.feeMsat.toString(),
  })
}

/**
 * Reads an answer about one payment. Does not check the preimage against the hash.
 *
 * @throws {L402Error} NODE_UNAVAILABLE for anything that is not a whole answer about this hash.
 * @spec lightning.md R-LN-42
 */
export function parseAnswer(text: string, hash: PaymentHash): PaymentOutcome | undefined {
  const members = readBounded(text)
  if (members === undefined || members['paymentHash'] !== encodeHex(hash)) throw nonsense()
  const { status } = members
  if (members['isPaid'] !== (status === 'settled')) throw nonsense()

  switch (status) {
    case 'settled':
      return readSettled(members)
    case 'failed': {
      const reason = reasons.find((known) => known === members['reason'])
      if (reason === undefined) throw nonsense()
      return { status, reason }
    }
    case 'unknown':
      return { status }
    case 'not-found':
      return undefined
    default:
      throw nonsense()
  }
}

/** A refusal. At this endpoint every problem says that no order to pay was given. */
export function formatProblem(error: L402Error, status: number): string {
  const { code, message } = error
  return JSON.stringify({ type: 'about:blank', title: codes[code], status, code, detail: message })
}

/**
 * The code of a problem.
 *
 * @throws {L402Error} NODE_UNAVAILABLE for anything that is not a problem of this library.
 * @spec lightning.md R-LN-44
 */
export function parseProblem(text: string): Code {
  const code = readBounded(text)?.['code']
  if (typeof code !== 'string' || !Object.hasOwn(codes, code)) throw nonsense()
  return code as Code
}

export function formatInfo(info: WalletInfo): string {
  const { network, name, nodeId, balanceMsat } = info
  const nodeIdHex = nodeId === undefined ? undefined : encodeHex(nodeId)
  return JSON.stringify({ network, name, nodeId: nodeIdHex, balanceMsat: balanceMsat?.toString() })
}

/**
 * @throws {L402Error} NODE_UNAVAILABLE for anything that is not such a text, and for a network other
 *   than regtest.
 * @spec lightning.md R-LN-43
 */
export function parseInfo(text: string): WalletInfo {
  const members = readBounded(text)
  if (members?.['network'] !== 'regtest') throw nonsense()
  const name = optional(members['name'], (value) => {
    return typeof value === 'string' ? cut(value) : undefined
  })
  const nodeId = optional(members['nodeId'], (value) => readBytes(value, 33))
  const balanceMsat = optional(members['balanceMsat'], readMsat)
  return { network: 'regtest', name, nodeId, balanceMsat }
}

function readSettled(members: Readonly<Record<string, unknown>>): PaymentOutcome {
  const secret = readPreimage(members['paymentPreimage'])
  const amountMsat = readMsat(members['amountMsat'])
  const feeMsat = readMsat(members['feeMsat'])
  if (secret === undefined || amountMsat === undefined || feeMsat === undefined) throw nonsense()
  return { status: 'settled', preimage: secret, amountMsat, feeMsat }
}

function readBounded(
  text: string,
  names?: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  return text.length > maxBodyBytes ? undefined : readObject(text, names)
}

function readMsat(value: unknown): Msat | undefined {
  if (typeof value !== 'string' || !/^(?:0|[1-9]\d{0,18})$/.test(value)) return undefined
  const amount = BigInt(value)
  return amount > maxMsat ? undefined : msat(amount)
}

function readPreimage(value: unknown): Preimage | undefined {
  const bytes = readBytes(value, 32)
  return bytes === undefined ? undefined : preimage(bytes)
}

function readBytes(value: unknown, length: number): Uint8Array | undefined {
  if (typeof value !== 'string' || value.length !== 2 * length) return undefined
  return /^[0-9a-f]+$/.test(value) ? decodeHex(value) : undefined
}

/** A member may be missing; one that is there and cannot be read spoils the whole. */
function optional<T>(value: unknown, read: (value: unknown) => T | undefined): T | undefined {
  if (value === undefined) return undefined
  const result = read(value)
  if (result === undefined) throw nonsense()
  return result
}

function cut(text: string): string {
  return text.replace(/\p{Cc}/gu, '').slice(0, 64)
}

function malformedRequest(reason: string): L402Error {
  return new L402Error('REQUEST_MALFORMED', { reason })
}

function nonsense(): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: 'the wallet answered nonsense' })
}
