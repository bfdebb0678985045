import { sha256 as portableSha256 } from '@noble/hashes/sha2.js'
import { encodeHex } from './hex.ts'

// The one seam between Node's hashing and the portable one: everything in this library hashes here.
// One-shot `hash()` only. `createHmac` with a raw key costs six times as much on Node 24, and a
// macaroon takes a fresh key at every step (docs/dependencies.md).
type OneShot = (algorithm: string, data: Uint8Array, encoding: 'buffer') => Uint8Array
const native: OneShot | undefined = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash

const blockBytes = 64
const digestBytes = 32

/** SHA-256 (FIPS 180-4). 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return native === undefined ? portableSha256(data) : native('sha256', data, 'buffer')
}

/** HMAC-SHA-256 (RFC 2104). 32 bytes, for a key of any length. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = key.length > blockBytes ? sha256(key) : key
  const inner = new Uint8Array(blockBytes + data.length)
  const outer = new Uint8Array(blockBytes + digestBytes)
  inner.fill(0x36, 0, blockBytes)
  outer.fill(0x5c, 0, blockBytes)
  for (let i = 0; i < short.length; i++) {
    inner[i]! ^= short[i]!
    outer[i]! ^= short[i]!
  }
  inner.set(data, blockBytes)
  outer.set(sha256(inner), blockBytes)
  return sha256(outer)
}

/** Names a secret in logs without giving it away: the first 8 hex digits of its SHA-256. */
export function fingerprint(secret: Uint8Array): string {
  return encodeHex(sha256(secret).subarray(0, 4))
}
