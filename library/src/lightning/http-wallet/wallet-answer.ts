import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { decodeBase64Any, decodeHex, encodeHex } from '../../bytes/index.ts'
import type { PaymentHash, Preimage } from '../../invoice/index.ts'
import { preimage, provesPayment } from '../../invoice/index.ts'
import type { FailureReason } from '../index.ts'

/** Where a wallet puts what it says. `undefined`: under one of the usual names. */
export type AnswerPaths = {
  readonly preimage: readonly string[] | undefined
  readonly paid: readonly string[] | undefined
  readonly fee: readonly string[] | undefined
}

/** What an answer says about one payment, as far as it can be relied on. */
export type WalletAnswer =
  /** It carries the preimage. That alone is proof; what else it says does not count. */
  | { readonly says: 'settled'; readonly preimage: Preimage; readonly feeMsat: Msat | undefined }
  /** It says *failed*, about this very payment, and nothing to the contrary. */
  | { readonly says: 'failed'; readonly reason: FailureReason }
  /** It says that there is no such payment, and names the hash. */
  | { readonly says: 'not-found' }
  /** It says that it was paid, without a preimage that proves it. */
  | { readonly says: 'paid' }
  /** Anything else that is a JSON object. */
  | { readonly says: 'nothing' }

/** The longest answer that is read, in bytes. */
export const maxAnswerBytes: number = 64 * 1024

const preimageNames = ['paymentPreimage', 'payment_preimage', 'preimage', 'preImage'] as const
const paidNames = ['isPaid', 'is_paid', 'paid', 'settled'] as const
const feeNames = ['feeMsat', 'fee_msat', 'feesMsat', 'fees_msat'] as const
const hashNames = ['paymentHash', 'payment_hash'] as const
const stateNames = ['status', 'state'] as const
const reasonNames = ['reason', 'failureReason', 'failure_reason'] as const
/** Where some wallets wrap what they say. */
const wrappers = ['data', 'result'] as const

const notFoundStates: ReadonlySet<string> = new Set(['not-found', 'not_found'])
const reasons: ReadonlySet<unknown> = new Set<FailureReason>([
  'no-route',
  'insufficient-balance',
  'fee-limit',
  'expired',
  'already-paid',
  'rejected',
  'wrong-network',
])

type Members = Readonly<Record<string, unknown>>

/**
 * Reads what a wallet answered about one payment. Total.
 *
 * A word of failure counts only beside *not paid* or the payment's own hash: an envelope that says
 * `"status": "failed"` may mean the request, not the payment. An answer that names another payment
 * says nothing.
 *
 * @param text - At most {@link maxAnswerBytes}; a longer one cannot be read.
 * @returns `undefined` for what is no JSON object.
 * @spec lightning.md R-HW-6, R-HW-7
 */
export function readAnswer(
  text: string,
  hash: PaymentHash,
  paths: AnswerPaths,
): WalletAnswer | undefined {
  if (text.length > maxAnswerBytes) return undefined
  const root = asMembers(parseJson(text))
  if (root === undefined) return undefined
  const parts = [root]
  for (const name of wrappers) {
    const inner = asMembers(member(root, name))
    if (inner !== undefined) parts.push(inner)
  }

  const secret = readPreimage(root, parts, hash, paths)
  if (secret !== undefined) {
    return { says: 'settled', preimage: secret, feeMsat: readFee(root, parts, paths) }
  }
  const hashHex = encodeHex(hash)
  const named = parts.flatMap((part) => valuesOf(part, hashNames))
  if (named.some((value) => !isHash(value, hashHex))) return { says: 'nothing' }
  const paid =
    paths.paid === undefined
      ? parts.flatMap((part) => valuesOf(part, paidNames))
      : [at(root, paths.paid)]
  if (paid.includes(true)) return { says: 'paid' }

  // The innermost that tells a state means the payment; what is around it may mean the request.
  const telling = parts.findLast((part) => stateOf(part) !== undefined)
  const state = telling === undefined ? undefined : stateOf(telling)
  const isAboutThis = named.length > 0
  if (state === 'failed' && (isAboutThis || paid.includes(false))) {
    return { says: 'failed', reason: reasonOf(telling) }
  }
  if (state !== undefined && notFoundStates.has(state) && isAboutThis) return { says: 'not-found' }
  return { says: 'nothing' }
}

function readPreimage(
  root: Members,
  parts: readonly Members[],
  hash: PaymentHash,
  paths: AnswerPaths,
): Preimage | undefined {
  const candidates =
    paths.preimage === undefined
      ? parts.flatMap((part) => valuesOf(part, preimageNames))
      : [at(root, paths.preimage)]
  for (const candidate of candidates) {
    const bytes = typeof candidate === 'string' ? decode32(candidate) : undefined
    if (bytes !== undefined && provesPayment(preimage(bytes), hash)) return preimage(bytes)
  }
  return undefined
}

/** 64 hex digits, or base64 in any of its spellings. */
function decode32(text: string): Uint8Array | undefined {
  if (text.length < 43 || text.length > 64) return undefined
  try {
    const bytes = text.length === 64 ? decodeHex(text) : decodeBase64Any(text)
    return bytes.length === 32 ? bytes : undefined
  } catch {
    return undefined
  }
}

function readFee(root: Members, parts: readonly Members[], { fee }: AnswerPaths): Msat | undefined {
  const told =
    fee === undefined ? parts.flatMap((part) => valuesOf(part, feeNames))[0] : at(root, fee)
  const digits = typeof told === 'number' && Number.isSafeInteger(told) ? String(told) : told
  if (typeof digits !== 'string' || !/^\d{1,19}$/.test(digits)) return undefined
  try {
    return msat(BigInt(digits))
  } catch {
    return undefined
  }
}

/** Lower case. Two different words at one place are none that can be relied on. */
function stateOf(part: Members): string | undefined {
  const words = valuesOf(part, stateNames).filter((value) => typeof value === 'string')
  const states = new Set(words.map((word) => word.toLowerCase()))
  return states.size > 1 ? 'contradictory' : [...states][0]
}

function reasonOf(part: Members | undefined): FailureReason {
  const told = part === undefined ? [] : valuesOf(part, reasonNames)
  const known = told.find((value) => reasons.has(value))
  return known === undefined ? 'rejected' : (known as FailureReason)
}

function isHash(value: unknown, hashHex: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === hashHex
}

function at(root: Members, path: readonly string[]): unknown {
  let value: unknown = root
  for (const name of path) {
    const members = asMembers(value)
    if (members === undefined) return undefined
    value = member(members, name)
  }
  return value
}

function valuesOf(part: Members, names: readonly string[]): unknown[] {
  return names.map((name) => member(part, name)).filter((value) => value !== undefined)
}

/** Only what the text says: `constructor` is no member of an empty object. */
function member(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function asMembers(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return value as Members
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
