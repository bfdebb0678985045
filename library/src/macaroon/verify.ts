import { decodeUtf8, equalBytes } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import { chainStates, deriveKey } from './chain.ts'
import type { Claims } from './claims.ts'
import { checkSize, readClaims } from './claims.ts'
import type { Caveat, Macaroon, VerifiedCaveat, VerifiedCaveats } from './macaroon.ts'

/**
 * Checks that a macaroon was minted with a root key and only narrowed since.
 *
 * Says nothing about what the caveats allow. A token with third-party caveats needs
 * `verifyWithDischarges`, which brings a cipher along; this function does not.
 *
 * @returns The caveats, in order, and the branch that each of them opened. Frozen.
 * @throws {L402Error} MACAROON_TOO_LARGE, before anything is hashed, for more than 32 caveats or one
 *   of more than 256 bytes; MACAROON_SIGNATURE for another root key or an altered macaroon;
 *   MACAROON_DISCHARGE for an authentic one with a third-party caveat; CAVEAT_MALFORMED for an
 *   authentic one with a caveat that is not UTF-8.
 * @spec macaroon.md R-MAC-5 to R-MAC-8, R-MAC-14
 */
export function verify(macaroon: Macaroon, rootKey: Uint8Array): VerifiedCaveats {
  const claims = readClaims(macaroon)
  checkSize([claims])
  const states = authenticStates(claims, rootKey)
  const verified = claims.caveats.map((caveat, index) => {
    if (caveat.verificationId !== undefined) throw undischarged(index)
    return verifiedCaveat(caveat, index, states[index + 1]!)
  })
  return seal(verified)
}

/**
 * The HMAC states of an authentic macaroon.
 *
 * @throws {L402Error} MACAROON_SIGNATURE
 * @spec macaroon.md R-MAC-5
 */
export function authenticStates(claims: Claims, rootKey: Uint8Array): readonly Uint8Array[] {
  const states = chainStates(deriveKey(rootKey), claims)
  if (equalBytes(states.at(-1)!, claims.signature)) return states
  throw new L402Error('MACAROON_SIGNATURE')
}

/**
 * @throws {L402Error} CAVEAT_MALFORMED for a caveat that is not UTF-8: refused, not skipped.
 * @spec macaroon.md R-MAC-7
 */
export function verifiedCaveat(caveat: Caveat, index: number, branch: Uint8Array): VerifiedCaveat {
  try {
    return Object.freeze({ text: decodeUtf8(caveat.identifier), branch })
  } catch {
    throw new L402Error('CAVEAT_MALFORMED', { reason: 'not UTF-8', caveat: index })
  }
}

/** The one place where caveats become {@link VerifiedCaveats}. */
export function seal(caveats: readonly VerifiedCaveat[]): VerifiedCaveats {
  return Object.freeze(caveats) as readonly VerifiedCaveat[] as VerifiedCaveats
}

/** @param caveat - The place of the third-party caveat in its macaroon, from 0. */
export function undischarged(caveat: number): L402Error {
  return new L402Error('MACAROON_DISCHARGE', { caveat })
}
