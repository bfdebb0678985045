import { encodeUtf8 } from '../bytes/index.ts'
import { encodeBech32 } from './bech32.ts'
import { maxInvoiceLength, timestampWords } from './decode.ts'
import { hasRightLength, maxFallbackVersion } from './fallback.ts'
import { maxFeatureBit, wordsOfFeatureBits } from './features.ts'
import { tags } from './fields.ts'
import type { Fallback, InvoiceFields, RouteHop } from './invoice.ts'
import { formatPrefix } from './prefix.ts'
import { bytesOfRoute, maxHops } from './route.ts'
import { isPrivateKey, publicKeyOf, sign, signingHash } from './signature.ts'
import { maxNumber, wordsOfBytes, wordsOfFixedNumber, wordsOfNumber } from './words.ts'

/**
 * What the caller chooses. A field that is left out is not written, and a reader then takes
 * BOLT 11's default; only `featureBits` is `[8, 14]` instead of empty, because an invoice with a
 * payment secret says that it has one. Exactly one of `description` and `descriptionHash`.
 */
export type InvoiceRequest = Pick<
  InvoiceFields,
  'network' | 'amountMsat' | 'timestampSeconds' | 'paymentHash' | 'paymentSecret'
> &
  Partial<
    Omit<
      InvoiceFields,
      'network' | 'amountMsat' | 'timestampSeconds' | 'paymentHash' | 'paymentSecret'
    >
  > & {
    /** Adds field `n`. Default false: payers recover the key from the signature. */
    readonly includePayee?: boolean
  }

/** Onion and payment secret, both required, as in the examples of BOLT 11. */
const defaultFeatureBits: readonly number[] = [8, 14]

/** Longest field, in bytes: 1023 words. */
const maxFieldBytes = 639
const maxUint16 = 0xffff
const maxUint32 = 0xffff_ffff
const maxTimestamp: number = 2 ** 35 - 1

/**
 * Encodes and signs an invoice: the inverse of `decodeInvoice`, for every request. About 0.5 ms.
 *
 * @param request - Timestamp up to 2^35 - 1; expiry and final CLTV expiry up to 2^50 - 1;
 *   description and metadata up to 639 bytes; up to 12 hops in a route.
 * @param privateKey - 32 bytes. The payee's.
 * @returns Lower case, without `lightning:`, at most 7089 characters. The same request and key
 *   always give the same text.
 * @throws {TypeError} for a value of the wrong kind, and unless exactly one description is given.
 * @throws {RangeError} for a value out of range, and for an invoice that would be too long.
 * @spec invoice.md R-INV-25 to R-INV-29
 */
export function encodeInvoice(request: InvoiceRequest, privateKey: Uint8Array): string {
  requireBytes('privateKey', privateKey, 32)
  if (!isPrivateKey(privateKey)) throw new RangeError('privateKey: not a number of the group')
  const prefix = formatPrefix(request)
  requireInteger('timestampSeconds', request.timestampSeconds, maxTimestamp)

  const payee = request.includePayee === true ? publicKeyOf(privateKey) : undefined
  const words = Uint8Array.from([
    ...wordsOfFixedNumber(request.timestampSeconds, timestampWords),
    ...wordsOfFields(request, payee),
  ])
  const signature = sign(signingHash(prefix, words, words.length), privateKey)
  const text = encodeBech32({ prefix, words: Uint8Array.from([...words, ...signature]) })
  if (text.length > maxInvoiceLength) {
    throw new RangeError(`invoice: longer than ${maxInvoiceLength} characters`)
  }
  return text
}

/** The tagged fields, in the order of the examples of BOLT 11. */
function wordsOfFields(request: InvoiceRequest, payee: Uint8Array | undefined): number[] {
  requireBytes('paymentSecret', request.paymentSecret, 32)
  requireBytes('paymentHash', request.paymentHash, 32)
  const { metadata, expirySeconds, minFinalCltvExpiry } = request

  const words = [
    ...field(tags.s, wordsOfBytes(request.paymentSecret)),
    ...field(tags.p, wordsOfBytes(request.paymentHash)),
    ...wordsOfDescription(request),
  ]
  if (metadata !== undefined) {
    requireBytes('metadata', metadata)
    words.push(...field(tags.m, wordsOfBytes(metadata)))
  }
  if (payee !== undefined) words.push(...field(tags.n, wordsOfBytes(payee)))
  if (expirySeconds !== undefined) {
    requireInteger('expirySeconds', expirySeconds, maxNumber)
    words.push(...field(tags.x, wordsOfNumber(expirySeconds)))
  }
  if (minFinalCltvExpiry !== undefined) {
    requireInteger('minFinalCltvExpiry', minFinalCltvExpiry, maxNumber)
    words.push(...field(tags.c, wordsOfNumber(minFinalCltvExpiry)))
  }
  for (const fallback of request.fallbacks ?? []) words.push(...wordsOfFallback(fallback))
  for (const route of request.routes ?? []) words.push(...wordsOfRoute(route))

  const featureBits = request.featureBits ?? defaultFeatureBits
  for (const bit of featureBits) requireInteger('featureBits', bit, maxFeatureBit)
  if (featureBits.length > 0) words.push(...field(tags[9], wordsOfFeatureBits(featureBits)))
  return words
}

function wordsOfDescription({ description, descriptionHash }: InvoiceRequest): number[] {
  if ((description === undefined) === (descriptionHash === undefined)) {
    throw new TypeError('request: expected exactly one of description and descriptionHash')
  }
  if (descriptionHash !== undefined) {
    requireBytes('descriptionHash', descriptionHash, 32)
    return field(tags.h, wordsOfBytes(descriptionHash))
  }
  if (typeof description !== 'string' || !description.isWellFormed()) {
    throw new TypeError('description: expected well-formed Unicode text')
  }
  const bytes = encodeUtf8(description)
  requireBytes('description', bytes)
  return field(tags.d, wordsOfBytes(bytes))
}

function wordsOfFallback(fallback: Fallback): number[] {
  requireInteger('fallbacks: version', fallback.version, maxFallbackVersion)
  requireBytes('fallbacks: program', fallback.program)
  if (!hasRightLength(fallback)) throw new RangeError('fallbacks: program of a wrong length')
  return field(tags.f, [fallback.version, ...wordsOfBytes(fallback.program)])
}

function wordsOfRoute(hops: readonly RouteHop[]): number[] {
  if (hops.length < 1 || hops.length > maxHops) {
    throw new RangeError(`routes: expected 1 to ${maxHops} hops in a route`)
  }
  for (const hop of hops) {
    requireBytes('routes: nodeId', hop.nodeId, 33)
    requireBytes('routes: shortChannelId', hop.shortChannelId, 8)
    requireInteger('routes: feeBaseMsat', hop.feeBaseMsat, maxUint32)
    requireInteger('routes: feeProportionalMillionths', hop.feeProportionalMillionths, maxUint32)
    requireInteger('routes: cltvExpiryDelta', hop.cltvExpiryDelta, maxUint16)
  }
  return field(tags.r, wordsOfBytes(bytesOfRoute(hops)))
}

function field(tag: number, data: readonly number[]): number[] {
  return [tag, ...wordsOfFixedNumber(data.length, 2), ...data]
}

function requireInteger(name: string, value: number, max: number): void {
  if (!Number.isInteger(value)) throw new TypeError(`${name}: expected a whole number`)
  if (value < 0 || value > max) throw new RangeError(`${name}: expected 0 to ${max}`)
}

/** @param length - Exactly; when it is left out, anything that fits in a field. */
function requireBytes(name: string, value: Uint8Array, length?: number): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: expected bytes`)
  if (length !== undefined && value.length !== length) {
    throw new RangeError(`${name}: expected ${length} bytes`)
  }
  if (value.length > maxFieldBytes) {
    throw new RangeError(`${name}: expected at most ${maxFieldBytes} bytes`)
  }
}
