import { decodeMacaroonV1 } from './binary-v1.ts'
import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon } from './macaroon.ts'
import { malformed } from './malformed.ts'
import { measureMacaroon, signatureBytes } from './measure.ts'
import { readVarint, varintLength, writeVarint } from './varint.ts'

const version = 2
const fieldTypes = { end: 0, location: 1, identifier: 2, verificationId: 4, signature: 6 } as const

/**
 * Writes the V2 binary form.
 *
 * @returns At most 16 384 bytes.
 * @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE for a macaroon put together by hand that
 *   {@link decodeMacaroon} would refuse.
 * @spec macaroon.md R-MAC-20, R-MAC-26
 */
export function encodeMacaroon(macaroon: Macaroon): Uint8Array {
  const bytes = new Uint8Array(measureMacaroon(macaroon))
  bytes[0] = version
  let at = 1
  at = writeField(bytes, at, fieldTypes.location, macaroon.location)
  at = writeField(bytes, at, fieldTypes.identifier, macaroon.identifier)
  at++ // the end of a section is a zero byte, which is there already
  for (const caveat of macaroon.unverifiedCaveats) {
    at = writeField(bytes, at, fieldTypes.location, caveat.location)
    at = writeField(bytes, at, fieldTypes.identifier, caveat.identifier)
    at = writeField(bytes, at, fieldTypes.verificationId, caveat.verificationId)
    at++
  }
  at++
  writeField(bytes, at, fieldTypes.signature, macaroon.signature)
  return bytes
}

/**
 * Reads a macaroon in binary form: V2, or V1 by its first four hexadecimal digits.
 *
 * Nothing in it has been verified. For V2 {@link encodeMacaroon} gives back the same bytes, for V1
 * `encodeMacaroonV1` does: one macaroon has one spelling in each form.
 *
 * @param bytes - At most 16 384 of them. Copied: the macaroon does not change with them.
 * @throws {L402Error} MACAROON_MALFORMED with `reason` and `position`; MACAROON_TOO_LARGE.
 * @spec macaroon.md R-MAC-20 to R-MAC-26, R-MAC-60
 */
export function decodeMacaroon(bytes: Uint8Array): Macaroon {
  if (bytes.length > limits.tokenBytes) throw tooLarge('tokenBytes', bytes.length)
  return decodeOwnedBytes(new Uint8Array(bytes))
}

/**
 * {@link decodeMacaroon} for bytes that nobody else holds, at most 16 384 of them: the fields of the
 * macaroon are views of them.
 */
export function decodeOwnedBytes(bytes: Uint8Array): Macaroon {
  if (bytes.length === 0) throw malformed('empty')
  if (bytes[0] === version) return decodeV2(bytes)
  if (startsLikeV1(bytes)) return decodeMacaroonV1(bytes)
  throw malformed('version', 0)
}

/** Whether the bytes start like a macaroon of either version. */
export function startsLikeMacaroon(bytes: Uint8Array): boolean {
  return bytes[0] === version || startsLikeV1(bytes)
}

function writeField(
  bytes: Uint8Array,
  position: number,
  type: number,
  content: Uint8Array | undefined,
): number {
  if (content === undefined) return position
  bytes[position] = type
  const at = writeVarint(bytes, position + 1, content.length)
  bytes.set(content, at)
  return at + content.length
}

function startsLikeV1(bytes: Uint8Array): boolean {
  for (let i = 0; i < 4; i++) {
    const byte = bytes[i] ?? 0
    const isDigit = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66)
    if (!isDigit) return false
  }
  return true
}

function decodeV2(bytes: Uint8Array): Macaroon {
  const fields = new FieldReader(bytes)
  const location = fields.optional(fieldTypes.location)
  const identifier = fields.required(fieldTypes.identifier)
  fields.end()

  const unverifiedCaveats: Caveat[] = []
  while (!fields.atEnd()) {
    if (unverifiedCaveats.length === limits.caveats) {
      throw tooLarge('caveats', unverifiedCaveats.length + 1)
    }
    unverifiedCaveats.push(readCaveat(fields))
  }
  fields.end()

  const signature = fields.required(fieldTypes.signature)
  if (signature.length !== signatureBytes) throw malformed('signature length', fields.position)
  if (fields.position !== bytes.length) throw malformed('trailing bytes', fields.position)

  const macaroon = { identifier, unverifiedCaveats, signature }
  return location === undefined ? macaroon : { ...macaroon, location }
}

function readCaveat(fields: FieldReader): Caveat {
  const location = fields.optional(fieldTypes.location)
  const identifier = fields.required(fieldTypes.identifier)
  const verificationId = fields.optional(fieldTypes.verificationId)
  if (verificationId?.length === 0) throw malformed('empty verification id', fields.position)
  if (verificationId === undefined && location !== undefined) {
    throw malformed('first-party location', fields.position)
  }
  fields.end()
  if (verificationId === undefined) return { identifier }
  return location === undefined
    ? { identifier, verificationId }
    : { identifier, verificationId, location }
}

/**
 * Walks forward over the fields of a V2 macaroon. A field that is not the one asked for is left in
 * place, so that an unknown, repeated or misplaced one stops whoever needs the next.
 */
class FieldReader {
  readonly #bytes: Uint8Array
  #at = 1 // behind the version byte

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get position(): number {
    return this.#at
  }

  optional(type: number): Uint8Array | undefined {
    if (this.#bytes[this.#at] !== type) return undefined
    const length = readVarint(this.#bytes, this.#at + 1)
    if (length > limits.fieldBytes) throw tooLarge('fieldBytes', length)
    const start = this.#at + 1 + varintLength(length)
    const end = start + length
    if (end > this.#bytes.length) throw malformed('truncated', start)
    this.#at = end
    return this.#bytes.subarray(start, end)
  }

  required(type: number): Uint8Array {
    const content = this.optional(type)
    if (content === undefined) throw this.#unexpected()
    return content
  }

  atEnd(): boolean {
    return this.#bytes[this.#at] === fieldTypes.end
  }

  end(): void {
    if (!this.atEnd()) throw this.#unexpected()
    this.#at++
  }

  #unexpected(): Error {
    return malformed(this.#at < this.#bytes.length ? 'field' : 'truncated', this.#at)
  }
}
