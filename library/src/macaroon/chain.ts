import { decodeUtf8, encodeUtf8, equalBytes, hmacSha256 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon, VerifiedCaveat, VerifiedCaveats } from './macaroon.ts'

const keyGenerator = encodeUtf8('macaroons-key-generator')

/**
 * Makes a token.
 *
 * @param token - `rootKey`: the secret, of any length; 32 random bytes, or derived from such.
 *   `identifier`: tells the verifier which root key it was. `location`: an unsigned hint.
 *   `caveats`: at most 32, each at most 256 bytes of UTF-8: what {@link verify} takes.
 * @throws {RangeError} for more or longer caveats, and for text that is not well-formed Unicode.
 * @spec macaroon.md R-MAC-1 to R-MAC-3, R-MAC-9
 */
export function mint(token: {
  readonly rootKey: Uint8Array
  readonly identifier: Uint8Array
  readonly location?: string
  readonly caveats?: readonly string[]
}): Macaroon {
  const caveats = token.caveats ?? []
  const bare: Macaroon = {
    identifier: new Uint8Array(token.identifier),
    unverifiedCaveats: [],
    signature: hmacSha256(deriveKey(token.rootKey), token.identifier),
  }
  const located =
    token.location === undefined ? bare : { ...bare, location: encodeUtf8(token.location) }
  if (caveats.length > limits.verifiedCaveats) throw new RangeError('mint: too many caveats')
  const minted = attenuate(located, ...caveats)
  const fits = minted.unverifiedCaveats.every(isVerifiable)
  if (!fits) throw new RangeError('mint: a caveat is too long')
  return minted
}

/**
 * A narrower copy; the original is untouched, so that one token can be handed to many children.
 *
 * Needs no key: anyone who holds a macaroon can narrow it, and nobody can widen it. How many caveats
 * a token may carry is the affair of whoever verifies it.
 *
 * @throws {RangeError} for text that is not well-formed Unicode: it would be signed as other text.
 * @spec macaroon.md R-MAC-2, R-MAC-4, R-MAC-9
 * @example
 * attenuate(token, 'method=GET', 'exp=1900000000')
 */
export function attenuate(parent: Macaroon, ...caveats: readonly string[]): Macaroon {
  const added = caveats.map((text) => ({ identifier: encodeCaveat(text) }))
  let signature = parent.signature
  for (const { identifier } of added) signature = hmacSha256(signature, identifier)
  return { ...parent, unverifiedCaveats: [...parent.unverifiedCaveats, ...added], signature }
}

/**
 * Checks that a macaroon was minted with a root key and only narrowed since.
 *
 * Says nothing about what the caveats allow. A token with third-party caveats needs
 * `verifyWithDischarges`, which brings a cipher along; this function does not.
 *
 * @returns The caveats, in order, and the branch that each of them opened.
 * @throws {L402Error} MACAROON_TOO_LARGE, before anything is hashed, for more than 32 caveats or one
 *   of more than 256 bytes; MACAROON_SIGNATURE for another root key or an altered macaroon;
 *   MACAROON_DISCHARGE for an authentic one with a third-party caveat; CAVEAT_MALFORMED for an
 *   authentic one with a caveat that is not UTF-8.
 * @spec macaroon.md R-MAC-5 to R-MAC-8, R-MAC-14
 */
export function verify(macaroon: Macaroon, rootKey: Uint8Array): VerifiedCaveats {
  const claims = readClaims(macaroon)
  checkSize([claims])
  const states = chain(deriveKey(rootKey), claims)
  if (!equalBytes(states.at(-1)!, claims.signature)) throw new L402Error('MACAROON_SIGNATURE')

  const verified = claims.caveats.map((caveat, index) => {
    if (caveat.verificationId !== undefined) {
      throw new L402Error('MACAROON_DISCHARGE', { caveat: index })
    }
    return verifiedCaveat(caveat, index, states[index + 1]!)
  })
  return seal(verified)
}

/** What a macaroon claims, read once: what is checked is what is returned. */
export type Claims = {
  readonly identifier: Uint8Array
  readonly caveats: readonly Caveat[]
  readonly signature: Uint8Array
}

export function readClaims(macaroon: Macaroon): Claims {
  return {
    identifier: macaroon.identifier,
    caveats: macaroon.unverifiedCaveats.map(({ identifier, verificationId }) =>
      verificationId === undefined ? { identifier } : { identifier, verificationId },
    ),
    signature: macaroon.signature,
  }
}

/** R-MAC-6: bounds the work of a verification by its input's size, before any of it is done. */
export function checkSize(tokens: readonly Claims[]): void {
  let count = 0
  for (const { caveats } of tokens) {
    count += caveats.length
    if (count > limits.verifiedCaveats) throw tooLarge('verifiedCaveats', count)
    for (const caveat of caveats) {
      if (!isVerifiable(caveat)) throw tooLarge('verifiedCaveatBytes', caveatBytes(caveat))
    }
  }
}

/** The key that signs: R-MAC-1. */
export function deriveKey(rootKey: Uint8Array): Uint8Array {
  return hmacSha256(keyGenerator, rootKey)
}

/** The HMAC state after the identifier, and after each caveat: one more than there are caveats. */
export function chain(key: Uint8Array, claims: Claims): readonly Uint8Array[] {
  let state = hmacSha256(key, claims.identifier)
  const states = [state]
  for (const { identifier, verificationId } of claims.caveats) {
    state =
      verificationId === undefined
        ? hmacSha256(state, identifier)
        : hmacPair(state, verificationId, identifier)
    states.push(state)
  }
  return states
}

/** HMAC(key, HMAC(key, first) ‖ HMAC(key, second)): R-MAC-10 and R-MAC-12. */
export function hmacPair(key: Uint8Array, first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(64)
  both.set(hmacSha256(key, first), 0)
  both.set(hmacSha256(key, second), 32)
  return hmacSha256(key, both)
}

/** @throws {L402Error} CAVEAT_MALFORMED unless the caveat is UTF-8. R-MAC-7: refused, not skipped. */
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

function isVerifiable(caveat: Caveat): boolean {
  return caveatBytes(caveat) <= limits.verifiedCaveatBytes
}

function caveatBytes({ identifier, verificationId }: Caveat): number {
  return identifier.length + (verificationId?.length ?? 0)
}

function encodeCaveat(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new RangeError('attenuate: a caveat is not well-formed Unicode')
  return encodeUtf8(text)
}
