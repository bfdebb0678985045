import { decodeUtf8 } from '../bytes/index.ts'
import { alphabet } from './bech32.ts'
import { hasRightLength, maxFallbackVersion } from './fallback.ts'
import { readFeatureBits } from './features.ts'
import type { Fallback, IgnoredField, RouteHop } from './invoice.ts'
import type { PaymentHash } from './payment.ts'
import { paymentHash } from './payment.ts'
import { malformed } from './refusal.ts'
import { readRoute } from './route.ts'
import { readBytes, readNumber } from './words.ts'

/** The tags that BOLT 11 defines, by their letter. R-INV-9 */
export const tags = {
  p: 1,
  r: 3,
  9: 5,
  x: 6,
  f: 9,
  d: 13,
  s: 16,
  n: 19,
  h: 23,
  c: 24,
  m: 27,
} as const

/** Words of a 32-byte field. */
const hashWords = 52
/** Words of a 33-byte field. */
const publicKeyWords = 53
/** Words before the data of a field: the tag and two for the length. */
const headerWords = 3

/** What the tagged fields of an invoice say; `undefined` where a field is absent. */
export type TaggedFields = {
  paymentHash: PaymentHash | undefined
  paymentSecret: Uint8Array | undefined
  description: string | undefined
  descriptionHash: Uint8Array | undefined
  claimedPayee: Uint8Array | undefined
  expirySeconds: number | undefined
  minFinalCltvExpiry: number | undefined
  metadata: Uint8Array | undefined
  featureBits: readonly number[] | undefined
  readonly fallbacks: Fallback[]
  readonly routes: (readonly RouteHop[])[]
  readonly ignoredFields: IgnoredField[]
}

/**
 * Reads the tagged fields that stand in `words` from `start` up to, and without, `end`, where the
 * signature begins.
 *
 * @throws {L402Error} INVOICE_MALFORMED for a field that ends after `end`, that is not encoded as
 *   its tag requires, or that appears twice although the payment hangs on it.
 * @spec invoice.md R-INV-9 to R-INV-17
 */
export function readFields(words: Uint8Array, start: number, end: number): TaggedFields {
  const fields: TaggedFields = {
    paymentHash: undefined,
    paymentSecret: undefined,
    description: undefined,
    descriptionHash: undefined,
    claimedPayee: undefined,
    expirySeconds: undefined,
    minFinalCltvExpiry: undefined,
    metadata: undefined,
    featureBits: undefined,
    fallbacks: [],
    routes: [],
    ignoredFields: [],
  }
  for (let at = start; at < end; ) {
    // A field that is cut here reads its length from what follows, and is too long in any case.
    const dataAt = at + headerWords
    const next = dataAt + (words[at + 1]! << 5) + words[at + 2]!
    if (next > end) throw malformed('a field is cut')

    const tag = words[at]!
    const reason = readField(fields, tag, words, dataAt, next)
    if (reason !== 'used') fields.ignoredFields.push({ tag: alphabet[tag]!, reason })
    at = next
  }
  return fields
}

/** Takes one field into `fields`, or says why not. */
function readField(
  fields: TaggedFields,
  tag: number,
  words: Uint8Array,
  start: number,
  end: number,
): 'used' | IgnoredField['reason'] {
  const length = end - start
  switch (tag) {
    case tags.p:
      if (length !== hashWords) return 'wrong length'
      if (fields.paymentHash !== undefined) throw malformed('two payment hashes')
      fields.paymentHash = paymentHash(readBytes(words, start, end))
      return 'used'
    case tags.s:
      if (length !== hashWords) return 'wrong length'
      if (fields.paymentSecret !== undefined) throw malformed('two payment secrets')
      fields.paymentSecret = readBytes(words, start, end)
      return 'used'
    case tags.d:
      if (fields.description !== undefined) return 'repeated'
      fields.description = readText(readBytes(words, start, end))
      return 'used'
    case tags.h:
      if (length !== hashWords) return 'wrong length'
      if (fields.descriptionHash !== undefined) return 'repeated'
      fields.descriptionHash = readBytes(words, start, end)
      return 'used'
    case tags.n:
      if (length !== publicKeyWords) return 'wrong length'
      if (fields.claimedPayee !== undefined) return 'repeated'
      fields.claimedPayee = readBytes(words, start, end)
      return 'used'
    case tags.x:
      if (fields.expirySeconds !== undefined) return 'repeated'
      fields.expirySeconds = readNumber(words, start, end)
      return 'used'
    case tags.c:
      if (fields.minFinalCltvExpiry !== undefined) return 'repeated'
      fields.minFinalCltvExpiry = readNumber(words, start, end)
      return 'used'
    case tags.m:
      if (fields.metadata !== undefined) return 'repeated'
      fields.metadata = readBytes(words, start, end)
      return 'used'
    case tags[9]:
      if (fields.featureBits !== undefined) return 'repeated'
      fields.featureBits = readFeatureBits(words, start, end)
      return 'used'
    case tags.f:
      return readFallback(fields, words, start, end)
    case tags.r:
      fields.routes.push(readRoute(readBytes(words, start, end)))
      return 'used'
    default:
      return 'unknown'
  }
}

function readFallback(
  fields: TaggedFields,
  words: Uint8Array,
  start: number,
  end: number,
): 'used' | IgnoredField['reason'] {
  if (start === end) return 'wrong length'
  const version = words[start]!
  if (version > maxFallbackVersion) return 'unknown' // BOLT 11: kept for address forms to come
  const fallback = { version, program: readBytes(words, start + 1, end) }
  if (!hasRightLength(fallback)) return 'wrong length'
  fields.fallbacks.push(fallback)
  return 'used'
}

function readText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch {
    throw malformed('the description is not UTF-8')
  }
}
