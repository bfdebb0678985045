import { encodeUtf8, hmacSha256 } from '../bytes/index.ts'
import { deriveKey } from './chain.ts'
import { limits } from './limits.ts'
import type { Macaroon } from './macaroon.ts'

/**
 * Makes a token.
 *
 * @param token - `rootKey`: the secret, of any length; 32 random bytes, or derived from such.
 *   `identifier`: tells the verifier which root key it was. `location`: an unsigned hint;
 *   empty is none. `caveats`: at most 32, each at most 256 bytes of UTF-8, which is what `verify` takes.
 * @throws {RangeError} for more or longer caveats, and for text that is not well-formed Unicode.
 * @spec macaroon.md R-MAC-1, R-MAC-2, R-MAC-9
 */
export function mint(token: {
  readonly rootKey: Uint8Array
  readonly identifier: Uint8Array
  readonly location?: string
  readonly caveats?: readonly string[]
}): Macaroon {
  const caveats = token.caveats ?? []
  if (caveats.length > limits.verifiedCaveats) throw new RangeError('mint: too many caveats')

  const bare: Macaroon = {
    identifier: new Uint8Array(token.identifier),
    unverifiedCaveats: [],
    signature: hmacSha256(deriveKey(token.rootKey), token.identifier),
  }
  const location = encodeUtf8(token.location ?? '')
  const macaroon = attenuate(location.length === 0 ? bare : { ...bare, location }, ...caveats)
  for (const { identifier } of macaroon.unverifiedCaveats) {
    if (identifier.length > limits.verifiedCaveatBytes) throw new RangeError('mint: long caveat')
  }
  return macaroon
}

/**
 * A narrower copy; the original is untouched, so that one token can be handed to many children.
 *
 * Needs no key: anyone who holds a macaroon can narrow it, and nobody can widen it. How many caveats
 * a token may carry is for its verifier to say: here it is 32 (`limits.verifiedCaveats`).
 *
 * @throws {RangeError} for text that is not well-formed Unicode: other text than it would be signed.
 * @throws {TypeError} for a parent that is no macaroon, such as the text of one: see `decodeToken`.
 * @spec macaroon.md R-MAC-2, R-MAC-4, R-MAC-9
 * @example
 * attenuate(token, 'method=GET', 'exp=1900000000')
 */
export function attenuate(parent: Macaroon, ...caveats: readonly string[]): Macaroon {
  requireMacaroon(parent)
  const added = caveats.map((text) => ({ identifier: encodeCaveat(text) }))
  let signature = parent.signature
  for (const { identifier } of added) signature = hmacSha256(signature, identifier)
  return { ...parent, unverifiedCaveats: [...parent.unverifiedCaveats, ...added], signature }
}

function requireMacaroon(value: unknown): void {
  if (typeof value === 'object' && value !== null && 'unverifiedCaveats' in value) return
  const got = typeof value === 'string' ? 'text' : typeof value
  throw new TypeError(`attenuate: expected a macaroon, as decodeToken gives; got ${got}`)
}

function encodeCaveat(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new RangeError('attenuate: a caveat is not well-formed Unicode')
  return encodeUtf8(text)
}
