import { encodeUtf8, hmacSha256 } from '../bytes/index.ts'
import type { Claims } from './claims.ts'

const keyGenerator = encodeUtf8('macaroons-key-generator')

/**
 * The key that signs, from a root key of any length.
 *
 * @spec macaroon.md R-MAC-1
 */
export function deriveKey(rootKey: Uint8Array): Uint8Array {
  return hmacSha256(keyGenerator, rootKey)
}

/**
 * The HMAC state after the identifier, and after each caveat: one more than there are caveats. The
 * last one is the signature.
 *
 * @spec macaroon.md R-MAC-2, R-MAC-10
 */
export function chainStates(key: Uint8Array, claims: Claims): readonly Uint8Array[] {
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

/** HMAC(key, HMAC(key, first) ‖ HMAC(key, second)). */
export function hmacPair(key: Uint8Array, first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(64)
  both.set(hmacSha256(key, first), 0)
  both.set(hmacSha256(key, second), 32)
  return hmacSha256(key, both)
}
