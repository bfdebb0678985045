import { sha256 as portableSha256 } from '@noble/hashes/sha2.js'
import { encodeHex } from './hex.ts'

// The one seam between Node's hashing and the portable one: everything in this library hashes here.
// One-shot `hash()` only. `createHmac` with a raw key costs six times as much on Node 24, and a
// macaroon takes a fresh key at every step (docs/dependencies.md). The digest is taken as a binary
// string and copied: a Buffer made by Node costs twice as much as the hashing itself.
type OneShot = (algorithm: string, data: Uint8Array, encoding: 'binary') => string
const native: OneShot | undefined = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash

const blockBytes = 64
const digestBytes = 32

// HMAC writes its two padded inputs here instead of allocating them. No call can find them half
// written by another: everything is synchronous, and every byte that is hashed was just set.
const longestScratch = 1024
const innerScratch = new Uint8Array(blockBytes + longestScratch)
const outerScratch = new Uint8Array(blockBytes + digestBytes)

/**
 * SHA-256 (FIPS 180-4). 32 bytes.
 *
 * @spec encodings.md R-BYTES-9
 */
export function sha256(data: Uint8Array): Uint8Array {
  if (native === undefined) return portableSha256(data)
  const text = native('sha256', data, 'binary')
  const digest = new Uint8Array(digestBytes)
  for (let i = 0; i < digestBytes; i++) digest[i] = text.charCodeAt(i)
  return digest
}

/**
 * HMAC-SHA-256 (RFC 2104). 32 bytes, for a key of any length.
 *
 * @spec encodings.md R-BYTES-9
 */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = key.length > blockBytes ? sha256(key) : key
  const innerBytes = blockBytes + data.length
  const inner =
    data.length > longestScratch ? new Uint8Array(innerBytes) : innerScratch.subarray(0, innerBytes)
  for (let i = 0; i < blockBytes; i++) {
    const byte = i < short.length ? short[i]! : 0
    inner[i] = byte ^ 0x36
    outerScratch[i] = byte ^ 0x5c
  }
  inner.set(data, blockBytes)
  outerScratch.set(sha256(inner), blockBytes)
  return sha256(outerScratch)
}

/** Names a secret in logs without giving it away: the first 8 hex digits of its SHA-256. */
export function fingerprint(secret: Uint8Array): string {
  return encodeHex(sha256(secret).subarray(0, 4))
}
