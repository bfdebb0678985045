const hexPairs = /^(?:[0-9a-f]{2}){1,64}$/
const hash = /^[0-9a-f]{64}$/

/**
 * Bytes of a key that the library gave as hex.
 *
 * @throws {TypeError} unless it is 1 to 64 bytes in lower-case hex: two texts of one key would be
 *   two counters.
 */
export function keyBytes(hex: string): Uint8Array {
  if (!hexPairs.test(hex)) throw new TypeError('expected a key of 1 to 64 bytes in lower-case hex')
  return Buffer.from(hex, 'hex')
}

/** @throws {TypeError} unless it is 32 bytes in lower-case hex. */
export function hashBytes(hex: string): Uint8Array {
  if (!hash.test(hex)) throw new TypeError('expected 32 bytes in lower-case hex')
  return Buffer.from(hex, 'hex')
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
