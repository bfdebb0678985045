import type { Msat } from '../../amount/index.ts'
import { decodeHex, equalBytes } from '../../bytes/index.ts'
import type { Network, PaymentHash, Preimage } from '../../invoice/index.ts'
import { preimage, provesPayment } from '../../invoice/index.ts'
import type { Fields } from '../adapter/index.ts'
import { asFields, readFields, readMsat } from '../adapter/index.ts'

/** What a wallet answered to one request. */
export type WalletAnswer = {
  readonly result: Fields
  /** Of an error. `OTHER` where it names none that could be one. `undefined`: it is a success. */
  readonly code: string | undefined
}

/** One payment or invoice, as a wallet tells of it. What it does not tell, or not so, is `undefined`. */
export type Transaction = {
  readonly type: 'incoming' | 'outgoing' | undefined
  readonly state: string | undefined
  /** One that hashes to the payment hash. */
  readonly preimage: Preimage | undefined
  readonly amountMsat: Msat | undefined
  readonly feeMsat: Msat | undefined
  readonly createdAtSeconds: number | undefined
  readonly settledAtSeconds: number | undefined
}

const networks: Readonly<Record<string, Network>> = {
  mainnet: 'bitcoin',
  bitcoin: 'bitcoin',
  testnet: 'testnet',
  testnet3: 'testnet',
  testnet4: 'testnet',
  signet: 'signet',
  mutinynet: 'signet',
  regtest: 'regtest',
  simnet: 'simnet',
}

/**
 * Reads the decrypted content of an answer. Total.
 *
 * @returns `undefined` for what is no answer to this method.
 */
export function readAnswer(text: string, method: string): WalletAnswer | undefined {
  const answer = readFields(text)
  if (answer === undefined) return undefined
  const { result_type: type, error } = answer
  const result = asFields(answer['result']) ?? {}
  if (error !== undefined && error !== null) {
    // A wallet that could not read the request does not know what it was about.
    const isOurs = type === method || type === undefined || type === ''
    return isOurs ? { result, code: codeOf(error) } : undefined
  }
  const isOurs = type === method && asFields(answer['result']) !== undefined
  return isOurs ? { result, code: undefined } : undefined
}

/** Reads the decrypted content of a notification. Total. */
export function readNotification(
  text: string,
): { readonly type: string; readonly about: Fields } | undefined {
  const { notification_type: type, notification } = readFields(text) ?? {}
  const about = asFields(notification)
  return typeof type === 'string' && about !== undefined ? { type, about } : undefined
}

/**
 * Reads what a wallet tells of one payment hash. Total.
 *
 * @returns `undefined` when it tells of another one.
 */
export function readTransaction(members: Fields, hash: PaymentHash): Transaction | undefined {
  const { type, state, payment_hash: told } = members
  const toldHash = readHex(told)
  const isOther =
    toldHash === undefined ? told !== undefined && told !== '' : !equalBytes(toldHash, hash)
  if (isOther) return undefined
  return {
    type: type === 'incoming' || type === 'outgoing' ? type : undefined,
    state: typeof state === 'string' && state !== '' ? state.toLowerCase() : undefined,
    preimage: provingPreimage(members['preimage'], hash),
    amountMsat: readMsat(members['amount']),
    feeMsat: readMsat(members['fees_paid']),
    createdAtSeconds: readSeconds(members['created_at']),
    settledAtSeconds: readSeconds(members['settled_at']),
  }
}

/** A preimage that proves the payment; another one is none. */
export function provingPreimage(value: unknown, hash: PaymentHash): Preimage | undefined {
  const bytes = readHex(value)
  if (bytes === undefined) return undefined
  const given = preimage(bytes)
  return provesPayment(given, hash) ? given : undefined
}

/** @returns 32 bytes. */
export function readHex(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/i.test(value)) return undefined
  return decodeHex(value.toLowerCase())
}

/** @returns `undefined` for a network that is not known here, too. */
export function readNetwork(value: unknown): Network | undefined {
  const name = String(value).toLowerCase()
  return Object.hasOwn(networks, name) ? networks[name] : undefined
}

/** Zero means never: some wallets say so. */
function readSeconds(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

function codeOf(error: unknown): string {
  const code = asFields(error)?.['code']
  return typeof code === 'string' && /^[A-Z][A-Z_]{0,39}$/.test(code) ? code : 'OTHER'
}
