import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes, decodeHex, encodeHex } from '../../bytes/index.ts'

type Point = ReturnType<typeof secp256k1.Point.fromBytes>

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
  return readPoint(text) !== undefined
}

/**
 * The point of even y that a public key means.
 *
 * @throws {RangeError} for a key that is none.
 */
export function pointOf(publicKey: string): Point {
  const point = readPoint(publicKey)
  if (point === undefined) throw new RangeError('expected a public key of secp256k1')
  return point
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

function readPoint(publicKey: string): Point | undefined {
  if (!hexKey.test(publicKey)) return undefined
  try {
    return secp256k1.Point.fromBytes(compressed(publicKey))
  } catch {
    return undefined
  }
}

function compressed(publicKey: string): Uint8Array {
  return concatBytes(Uint8Array.of(2), decodeHex(publicKey))
}
