import { secp256k1 } from '@noble/curves/secp256k1.js'
import {
  concatBytes,
  decodeHex,
  encodeHex,
  encodeUtf8,
  equalBytes,
  randomBytes,
  sha256,
} from '../../bytes/index.ts'
import { pointOf, publicKeyOf } from './keys.ts'

// Signatures of BIP 340, with what is the same for every message of a key kept. The library that does
// the arithmetic signs as well, but finds out the public key anew each time and verifies what it has
// signed: six times the work, for every event.

/** A secret key that signs. */
export type Signer = {
  /** In hex. */
  readonly publicKey: string
  /**
   * @param message - 32 bytes.
   * @param auxiliary - 32 bytes of chance. Default: the operating system's generator.
   * @returns 64 bytes.
   */
  sign(message: Uint8Array, auxiliary?: Uint8Array): Uint8Array
}

const { BASE, Fn, Fp } = secp256k1.Point
/** Of a table that costs as much as seven signatures to verify, and saves more than half of each. */
const windowBits = 5

const auxiliaryHash = taggedHash('BIP0340/aux')
const nonceHash = taggedHash('BIP0340/nonce')
const challengeHash = taggedHash('BIP0340/challenge')

/** @throws {RangeError} for a secret key that is none. */
export function createSigner(secretKey: Uint8Array): Signer {
  const publicKey = publicKeyOf(secretKey)
  if (publicKey === undefined) throw new RangeError('expected a secret key of secp256k1')
  const keyBytes = decodeHex(publicKey)
  const scalar = ofEvenPoint(Fn.fromBytes(secretKey)).scalar
  const scalarBytes = Fn.toBytes(scalar)
  return {
    publicKey,
    sign: (message, auxiliary = randomBytes(32)) => {
      const mask = auxiliaryHash(auxiliary)
      const masked = scalarBytes.map((byte, i) => byte ^ mask[i]!)
      const nonce = ofEvenPoint(scalarOf(nonceHash(masked, keyBytes, message)))
      const challenge = scalarOf(challengeHash(nonce.x, keyBytes, message))
      const answer = Fn.add(nonce.scalar, Fn.mul(challenge, scalar))
      return concatBytes(nonce.x, Fn.toBytes(answer))
    },
  }
}

/** Tells whether a signature (64 bytes) is of a message (32 bytes) and of one key. */
export type Verifier = (message: Uint8Array, signature: Uint8Array) => boolean

/**
 * Prepares to verify many signatures of one key.
 *
 * @param publicKey - In hex.
 * @throws {RangeError} for a key that is none.
 */
export function createVerifier(publicKey: string): Verifier {
  const key = pointOf(publicKey).precompute(windowBits)
  const keyBytes = decodeHex(publicKey)
  return (message, signature) => {
    const x = signature.subarray(0, 32)
    const answer = numberOf(signature.subarray(32))
    if (answer === 0n || answer >= Fn.ORDER) return false
    const challenge = scalarOf(challengeHash(x, keyBytes, message))
    const nonce = BASE.multiplyUnsafe(answer).add(key.multiplyUnsafe(Fn.neg(challenge)))
    if (nonce.is0()) return false
    const point = nonce.toAffine()
    return isEven(point.y) && equalBytes(Fp.toBytes(point.x), x)
  }
}

/** The x coordinate of a scalar's point, and the scalar or its negative: the one whose point is even. */
function ofEvenPoint(scalar: bigint): { readonly scalar: bigint; readonly x: Uint8Array } {
  const { x, y } = BASE.multiply(scalar).toAffine()
  return { scalar: isEven(y) ? scalar : Fn.neg(scalar), x: Fp.toBytes(x) }
}

function isEven(y: bigint): boolean {
  return (y & 1n) === 0n
}

function taggedHash(tag: string): (...parts: readonly Uint8Array[]) => Uint8Array {
  const hash = sha256(encodeUtf8(tag))
  return (...parts) => sha256(concatBytes(hash, hash, ...parts))
}

function scalarOf(hash: Uint8Array): bigint {
  return Fn.create(numberOf(hash))
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${encodeHex(bytes)}`)
}
