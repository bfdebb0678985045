import { concatBytes, decodeHex, decodeUtf8 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import type { PaymentHash } from '../invoice/index.ts'
import { paymentHash } from '../invoice/index.ts'

/** What an L402 macaroon's identifier says (version 0). */
export type Identifier = {
  /** The payment that the token is bought with. */
  readonly paymentHash: PaymentHash
  /** 32 bytes, unique to the token. The first byte names the root key (`kid`). */
  readonly tokenId: Uint8Array
}

const version = Uint8Array.of(0, 0)
const hashEnd = version.length + 32
const identifierBytes = hashEnd + 32

/**
 * Writes the identifier of a token: version u16 = 0 ‖ payment hash ‖ token id.
 *
 * @returns 66 bytes.
 * @throws {RangeError} unless payment hash and token id are 32 bytes each.
 * @spec l402.md R-ID-1
 */
export function encodeIdentifier(identifier: Identifier): Uint8Array {
  const bytes = concatBytes(version, identifier.paymentHash, identifier.tokenId)
  if (identifier.tokenId.length === 32 && bytes.length === identifierBytes) return bytes
  throw new RangeError('encodeIdentifier: expected a payment hash and a token id of 32 bytes each')
}

/**
 * Reads the identifier of a token.
 *
 * @param bytes - 66 raw bytes, or those as 132 hex digits in ASCII, which is how lsat-js mints.
 * @throws {L402Error} IDENTIFIER_MALFORMED for another length, for text that is not hex, and for
 *   another version than 0.
 * @spec l402.md R-ID-1, R-ID-2, R-ID-3
 */
export function decodeIdentifier(bytes: Uint8Array): Identifier {
  const raw = bytes.length === 2 * identifierBytes ? fromHexDigits(bytes) : bytes
  if (raw.length !== identifierBytes) throw malformed({ length: bytes.length })
  const stated = (raw[0]! << 8) | raw[1]!
  if (stated !== 0) throw malformed({ version: stated })
  return {
    paymentHash: paymentHash(raw.slice(version.length, hashEnd)),
    tokenId: raw.slice(hashEnd),
  }
}

function fromHexDigits(bytes: Uint8Array): Uint8Array {
  try {
    return decodeHex(decodeUtf8(bytes))
  } catch (cause) {
    throw malformed({ length: bytes.length }, cause)
  }
}

function malformed(details: Readonly<Record<string, number>>, cause?: unknown): L402Error {
  return new L402Error('IDENTIFIER_MALFORMED', details, cause)
}
