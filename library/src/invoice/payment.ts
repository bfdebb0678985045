import { equalBytes, sha256 } from '../bytes/index.ts'
import { L402Error } from '../errors.ts'

declare const kind: unique symbol

/** SHA-256 of a {@link Preimage}. 32 bytes. Public. */
export type PaymentHash = Uint8Array & { readonly [kind]: 'payment-hash' }

/** The proof of payment. 32 bytes. Secret until the payment settles, and then half of a credential. */
export type Preimage = Uint8Array & { readonly [kind]: 'preimage' }

/**
 * Marks 32 bytes as a payment hash.
 *
 * @throws {L402Error} BYTES_LENGTH unless `bytes` is 32 bytes long.
 * @spec invoice.md R-INV-24
 */
export function paymentHash(bytes: Uint8Array): PaymentHash {
  return sized(bytes) as PaymentHash
}

/**
 * Marks 32 bytes as a preimage.
 *
 * @throws {L402Error} BYTES_LENGTH unless `bytes` is 32 bytes long.
 * @spec invoice.md R-INV-24
 */
export function preimage(bytes: Uint8Array): Preimage {
  return sized(bytes) as Preimage
}

/** The payment hash that a preimage proves. */
export function hashPreimage(secret: Preimage): PaymentHash {
  return sha256(secret) as PaymentHash
}

/**
 * Whether `secret` is the preimage of `hash`. In constant time.
 *
 * @spec invoice.md R-INV-24
 */
export function provesPayment(secret: Preimage, hash: PaymentHash): boolean {
  return equalBytes(sha256(secret), hash)
}

function sized(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 32) return bytes
  throw new L402Error('BYTES_LENGTH', { expected: 32, actual: bytes.length })
}
