import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'
import type { UnverifiedInvoice } from './invoice.ts'
import { malformed } from './refusal.ts'
import { pack, wordsOfBytes } from './words.ts'

/** Words of a signature: r, s and the recovery id, 65 bytes, without padding. */
export const signatureWords = 104

/** A signature as it stands in an invoice. */
export type Signature = {
  /** r ‖ s, 64 bytes. */
  readonly signature: Uint8Array
  /** 0 to 3. */
  readonly recoveryId: number
}

/**
 * Reads the {@link signatureWords} words from `start` on.
 *
 * @throws {L402Error} INVOICE_MALFORMED for a recovery id above 3.
 * @spec invoice.md R-INV-18
 */
export function readSignature(words: Uint8Array, start: number): Signature {
  const signature = new Uint8Array(64)
  const last = start + signatureWords - 1
  const recoveryId = pack(words, start, last, signature, 0) | words[last]!
  if (recoveryId > 3) throw malformed('recovery id')
  return { signature, recoveryId }
}

/**
 * SHA-256 of what the payee signs: the human-readable part and the words before the signature, as
 * bytes, with zero bits to fill the last one.
 *
 * @spec invoice.md R-INV-18
 */
export function signingHash(prefix: string, words: Uint8Array, end: number): Uint8Array {
  const message = new Uint8Array(prefix.length + Math.ceil((5 * end) / 8))
  for (let i = 0; i < prefix.length; i++) message[i] = prefix.charCodeAt(i)
  const unfinished = pack(words, 0, end, message, prefix.length)
  if ((5 * end) % 8 !== 0) message[message.length - 1] = unfinished
  return sha256(message)
}

/**
 * The key that signed an invoice: that of field `n` where there is one, and else the one that is
 * recovered. 33 bytes.
 *
 * @throws {L402Error} INVOICE_SIGNATURE when no key made the signature, or not the key of `n`.
 * @spec invoice.md R-INV-19, R-INV-20
 */
export function signerOf(invoice: UnverifiedInvoice): Uint8Array {
  const { claimedPayee, signature, recoveryId, signingHash } = invoice
  if (claimedPayee === undefined) return recover(signature, recoveryId, signingHash)
  const options = { prehash: false, lowS: true }
  if (secp256k1.verify(signature, signingHash, claimedPayee, options)) return claimedPayee
  throw new L402Error('INVOICE_SIGNATURE', { payee: 'named' })
}

/**
 * Signs with the nonce of RFC 6979 and a low s, so that one invoice has one text.
 *
 * @returns The words of the signature.
 * @spec invoice.md R-INV-27
 */
export function sign(hash: Uint8Array, privateKey: Uint8Array): number[] {
  const signed = secp256k1.sign(hash, privateKey, { prehash: false, format: 'recovered' })
  return wordsOfBytes(Uint8Array.of(...signed.subarray(1), signed[0]!))
}

/** Whether the bytes are a private key: 32 bytes, a number from 1 up to the order of the group. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  return secp256k1.utils.isValidSecretKey(bytes)
}

/** The public key of a private key, compressed, 33 bytes. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(privateKey, true)
}

function recover(signature: Uint8Array, recoveryId: number, hash: Uint8Array): Uint8Array {
  const recoverable = Uint8Array.of(recoveryId, ...signature)
  try {
    return secp256k1.recoverPublicKey(recoverable, hash, { prehash: false })
  } catch {
    throw new L402Error('INVOICE_SIGNATURE', { payee: 'recovered' })
  }
}
