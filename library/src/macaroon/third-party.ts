import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { concatBytes, encodeUtf8, equalBytes, randomBytes } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import { chainStates, deriveKey, hmacPair } from './chain.ts'
import type { Claims } from './claims.ts'
import { checkSize, readClaims } from './claims.ts'
import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon, VerifiedCaveat, VerifiedCaveats } from './macaroon.ts'
import { authenticStates, seal, undischarged, verifiedCaveat } from './verify.ts'

const nonceBytes = 24
const keyBytes = 32
const bindingKey = new Uint8Array(keyBytes)

/**
 * A copy that is only good together with a discharge: another macaroon, minted with `caveatKey` and
 * the same `identifier` by whoever the caveat leaves the decision to.
 *
 * @param caveat - `caveatKey`: shared with the third party, any length. `identifier`: tells the third
 *   party which key and what to check; at most 184 bytes for `verifyWithDischarges`. `location`: an
 *   unsigned hint where to ask. `nonce`: 24 bytes, never used twice with one token; default random.
 * @throws {RangeError} for a nonce of another length.
 * @spec macaroon.md R-MAC-10, R-MAC-11
 */
export function addThirdPartyCaveat(
  parent: Macaroon,
  caveat: {
    readonly caveatKey: Uint8Array
    readonly identifier: Uint8Array
    readonly location?: string
    readonly nonce?: Uint8Array
  },
): Macaroon {
  const nonce = caveat.nonce ?? randomBytes(nonceBytes)
  if (nonce.length !== nonceBytes) throw new RangeError('addThirdPartyCaveat: nonce of 24 bytes')

  const sealed = xsalsa20poly1305(parent.signature, nonce).encrypt(deriveKey(caveat.caveatKey))
  const verificationId = concatBytes(nonce, sealed)
  const identifier = new Uint8Array(caveat.identifier)
  const location = encodeUtf8(caveat.location ?? '')
  const bare: Caveat = { identifier, verificationId }
  const added = location.length === 0 ? bare : { ...bare, location }
  return {
    ...parent,
    unverifiedCaveats: [...parent.unverifiedCaveats, added],
    signature: hmacPair(parent.signature, verificationId, identifier),
  }
}

/**
 * Ties a discharge to the one token that it is sent with, so that it is of no use to anyone who sees
 * it. Bind after the token has got its last caveat.
 *
 * @spec macaroon.md R-MAC-12
 */
export function bindDischarge(root: Macaroon, discharge: Macaroon): Macaroon {
  return { ...discharge, signature: bind(root.signature, discharge.signature) }
}

/**
 * Checks a macaroon that carries third-party caveats, with the bound discharges sent along.
 *
 * @param discharges - In any order, for the caveats of the token and of the discharges themselves.
 *   Each is used exactly once.
 * @returns The first-party caveats of all of them; those of a discharge stand where the caveat stood
 *   that it discharges.
 * @throws {L402Error} MACAROON_TOO_LARGE, before anything is hashed, for more than 32 caveats in all;
 *   MACAROON_SIGNATURE for another root key or an altered token; MACAROON_DISCHARGE for a discharge
 *   that is missing, forged, bound to another token or left over; CAVEAT_MALFORMED for a caveat that
 *   is not UTF-8.
 * @spec macaroon.md R-MAC-5 to R-MAC-8, R-MAC-13
 */
export function verifyWithDischarges(
  macaroon: Macaroon,
  rootKey: Uint8Array,
  discharges: readonly Macaroon[],
): VerifiedCaveats {
  if (discharges.length > limits.verifiedCaveats) {
    throw tooLarge('verifiedCaveats', discharges.length)
  }
  const root = readClaims(macaroon)
  const unused = new Set(discharges.map(readClaims))
  checkSize([root, ...unused])
  const states = authenticStates(root, rootKey)
  const verified = collect(root, states, root.signature, unused)
  if (unused.size > 0) throw new L402Error('MACAROON_DISCHARGE', { unused: unused.size })
  return seal(verified)
}

/** The first-party caveats of an authentic macaroon; takes out of `unused` what it needs. */
function collect(
  claims: Claims,
  states: readonly Uint8Array[],
  rootSignature: Uint8Array,
  unused: Set<Claims>,
): VerifiedCaveat[] {
  return claims.caveats.flatMap((caveat, index) => {
    if (caveat.verificationId === undefined) {
      return verifiedCaveat(caveat, index, states[index + 1]!)
    }
    const discharge = [...unused].find(({ identifier }) =>
      equalBytes(identifier, caveat.identifier),
    )
    if (discharge === undefined) throw undischarged(index)
    unused.delete(discharge) // before its own caveats: a discharge cannot discharge itself

    const key = openCaveatKey(states[index]!, caveat.verificationId, index)
    const inner = chainStates(key, discharge)
    if (!equalBytes(bind(rootSignature, inner.at(-1)!), discharge.signature)) {
      throw undischarged(index)
    }
    return collect(discharge, inner, rootSignature, unused)
  })
}

function openCaveatKey(state: Uint8Array, verificationId: Uint8Array, index: number): Uint8Array {
  try {
    const nonce = verificationId.subarray(0, nonceBytes)
    const key = xsalsa20poly1305(state, nonce).decrypt(verificationId.subarray(nonceBytes))
    if (key.length === keyBytes) return key
  } catch {
    // Falls through: not sealed with this key, or not sealed at all.
  }
  throw undischarged(index)
}

function bind(rootSignature: Uint8Array, signature: Uint8Array): Uint8Array {
  if (equalBytes(rootSignature, signature)) return rootSignature
  return hmacPair(bindingKey, rootSignature, signature)
}
