import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon } from './macaroon.ts'
import { malformed } from './malformed.ts'
import { varintLength } from './varint.ts'

/** The length of every signature: an HMAC-SHA-256. */
export const signatureBytes = 32

/**
 * The length of the V2 form, in bytes: what every form of the macaroon is judged by.
 *
 * @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE when it has none.
 */
export function measureMacaroon(macaroon: Macaroon): number {
  if (macaroon.signature.length !== signatureBytes) throw malformed('signature length')
  const caveats = macaroon.unverifiedCaveats
  if (caveats.length > limits.caveats) throw tooLarge('caveats', caveats.length)

  let length = 1 + fieldLength(macaroon.location) + fieldLength(macaroon.identifier) + 1
  for (const caveat of caveats) length += caveatLength(caveat)
  length += 1 + fieldLength(macaroon.signature)
  if (length > limits.tokenBytes) throw tooLarge('tokenBytes', length)
  return length
}

function caveatLength({ identifier, location, verificationId }: Caveat): number {
  if (verificationId === undefined && location !== undefined) {
    throw malformed('first-party location')
  }
  if (verificationId?.length === 0) throw malformed('empty verification id')
  return fieldLength(location) + fieldLength(identifier) + fieldLength(verificationId) + 1
}

function fieldLength(content: Uint8Array | undefined): number {
  if (content === undefined) return 0
  if (content.length > limits.fieldBytes) throw tooLarge('fieldBytes', content.length)
  return 1 + varintLength(content.length) + content.length
}
