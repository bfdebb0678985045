import { decodeBase64Any, encodeBase64 } from '../bytes/index.ts'
import { decodeOwnedBytes, encodeMacaroon, startsLikeMacaroon } from './binary.ts'
import { limits, tooLarge } from './limits.ts'
import type { Macaroon } from './macaroon.ts'
import { malformed } from './malformed.ts'

/**
 * Writes the text that a challenge carries: standard base64, padded, of the V2 binary form.
 *
 * @returns At most 16 384 characters.
 * @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE for a macaroon that has no such form.
 * @spec macaroon.md R-MAC-50
 */
export function encodeToken(macaroon: Macaroon): string {
  const text = encodeBase64(encodeMacaroon(macaroon))
  if (text.length > limits.tokenBytes) throw tooLarge('tokenBytes', text.length)
  return text
}

/**
 * Reads a token as it is found in the wild: V1 or V2, in standard or URL-safe base64, with padding or
 * without, and in one more layer of base64, as some servers send it. Nothing in it has been verified.
 *
 * @param text - At most 16 384 characters.
 * @throws {L402Error} MACAROON_MALFORMED with `reason` and, inside the base64, `position`;
 *   MACAROON_TOO_LARGE.
 * @spec macaroon.md R-MAC-51, R-MAC-52, R-MAC-60
 */
export function decodeToken(text: string): Macaroon {
  if (text.length > limits.tokenBytes) throw tooLarge('tokenBytes', text.length)
  const bytes = readBase64(text)
  if (bytes === undefined) throw malformed('base64')
  if (startsLikeMacaroon(bytes)) return decodeOwnedBytes(bytes)

  // R-MAC-52: the inner text of a macaroon starts with a letter that neither version starts with.
  const inner = readBase64(String.fromCharCode(...bytes))
  if (inner === undefined) throw malformed('version', 0)
  return decodeOwnedBytes(inner)
}

function readBase64(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Any(text)
  } catch {
    return undefined
  }
}
