import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon } from './macaroon.ts'

/** What a macaroon claims, read once: what is checked is what is returned. */
export type Claims = {
  readonly identifier: Uint8Array
  readonly caveats: readonly Caveat[]
  readonly signature: Uint8Array
}

export function readClaims(macaroon: Macaroon): Claims {
  return {
    identifier: macaroon.identifier,
    caveats: macaroon.unverifiedCaveats.map(readCaveat),
    signature: macaroon.signature,
  }
}

/**
 * Bounds the work of a verification by the size of what came in, before any of it is done.
 *
 * @throws {L402Error} MACAROON_TOO_LARGE
 * @spec macaroon.md R-MAC-6
 */
export function checkSize(tokens: readonly Claims[]): void {
  let count = 0
  for (const { caveats } of tokens) {
    count += caveats.length
    if (count > limits.verifiedCaveats) throw tooLarge('verifiedCaveats', count)
    for (const { identifier, verificationId } of caveats) {
      const bytes = identifier.length + (verificationId?.length ?? 0)
      if (bytes > limits.verifiedCaveatBytes) throw tooLarge('verifiedCaveatBytes', bytes)
    }
  }
}

function readCaveat({ identifier, verificationId }: Caveat): Caveat {
  return verificationId === undefined ? { identifier } : { identifier, verificationId }
}
