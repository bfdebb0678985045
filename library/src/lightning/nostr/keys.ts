import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes, decodeHex, encodeHex } from '../../bytes/index.ts'

const hexKey = /^[0-9a-f]{64}$/

/**
 * The public key of a secret one, in hex.
 *
 * @param secretKey - 32 bytes. Secret.
 * @returns `undefined` for zero and for what exceeds the order of the curve.
 */
export function publicKeyOf(secretKey: Uint8Array): string | undefined {
  if (secretKey.length !== 32 || !secp256k1.utils.isValidSecretKey(secretKey)) return undefined
  return encodeHex(schnorr.getPublicKey(secretKey))
}

/** Whether a text is a public key of BIP 340: 64 hex digits in lower case, of a point of the curve. */
export function isPublicKey(text: string): boolean {
  if (!hexKey.test(text)) return false
  try {
    secp256k1.Point.fromBytes(compressed(text))
    return true
  } catch {
    return false
  }
}

/**
 * What the holders of two key pairs have in common: the x coordinate of their shared point, unhashed.
 *
 * @throws {RangeError} for keys that are none.
 */
export function sharedX(secretKey: Uint8Array, publicKey: string): Uint8Array {
  const isUsable = publicKeyOf(secretKey) !== undefined && isPublicKey(publicKey)
  if (!isUsable) throw new RangeError('expected a secret key and a public key of secp256k1')
  return secp256k1.getSharedSecret(secretKey, compressed(publicKey)).subarray(1, 33)
}

/** The point of even y, as BIP 340 means it. */
function compressed(publicKey: string): Uint8Array {
  return concatBytes(Uint8Array.of(2), decodeHex(publicKey))
}
