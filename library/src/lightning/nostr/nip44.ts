import { chacha20 } from '@noble/ciphers/chacha.js'
import {
  concatBytes,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  equalBytes,
  hmacSha256,
  randomBytes,
} from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'

const version = 2
const salt = encodeUtf8('nip44-v2')
const nonceBytes = 32
const macBytes = 32
const minTextBytes = 1
const maxTextBytes = 65_535
/** In characters of base64. */
const minPayload = 132
const maxPayload = 87_472

/** What two key pairs encrypt with: the same for both of them. Secret. */
export function conversationKey(sharedX: Uint8Array): Uint8Array {
  return hmacSha256(salt, sharedX)
}

/**
 * Encrypts a text (NIP-44, version 2).
 *
 * @param text - From 1 to 65 535 bytes of UTF-8.
 * @param nonce - 32 bytes, never twice. Default: the operating system's generator.
 * @throws {RangeError} for a text outside its range.
 */
export function encryptNip44(
  text: string,
  key: Uint8Array,
  nonce: Uint8Array = randomBytes(nonceBytes),
): string {
  const bytes = encodeUtf8(text)
  if (bytes.length < minTextBytes || bytes.length > maxTextBytes) {
    throw new RangeError(`text: expected ${minTextBytes} to ${maxTextBytes} bytes`)
  }
  const padded = new Uint8Array(2 + paddedLength(bytes.length))
  padded[0] = bytes.length >> 8
  padded[1] = bytes.length & 0xff
  padded.set(bytes, 2)
  const keys = messageKeys(key, nonce)
  const ciphertext = chacha20(keys.cipher, keys.cipherNonce, padded)
  const mac = hmacSha256(keys.mac, concatBytes(nonce, ciphertext))
  return encodeBase64(concatBytes(Uint8Array.of(version), nonce, ciphertext, mac))
}

/**
 * The inverse of {@link encryptNip44}. Total.
 *
 * @returns `undefined` for another version, another key, and whatever was altered or cut.
 */
export function decryptNip44(payload: string, key: Uint8Array): string | undefined {
  if (payload.length < minPayload || payload.length > maxPayload) return undefined
  const bytes = readBase64(payload)
  if (bytes === undefined || bytes[0] !== version) return undefined
  const nonce = bytes.subarray(1, 1 + nonceBytes)
  const ciphertext = bytes.subarray(1 + nonceBytes, -macBytes)
  const keys = messageKeys(key, nonce)
  const mac = hmacSha256(keys.mac, concatBytes(nonce, ciphertext))
  if (!equalBytes(mac, bytes.subarray(-macBytes))) return undefined
  return unpad(chacha20(keys.cipher, keys.cipherNonce, ciphertext))
}

/** How long a text of so many bytes is made, so that its length tells little. */
export function paddedLength(length: number): number {
  if (length <= 32) return 32
  const nextPower = 2 ** (Math.floor(Math.log2(length - 1)) + 1)
  const chunk = nextPower <= 256 ? 32 : nextPower / 8
  return chunk * (Math.floor((length - 1) / chunk) + 1)
}

function unpad(padded: Uint8Array): string | undefined {
  const length = (padded[0]! << 8) | padded[1]!
  if (length < minTextBytes || padded.length !== 2 + paddedLength(length)) return undefined
  try {
    return decodeUtf8(padded.subarray(2, 2 + length))
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}

/** HKDF-Expand (RFC 5869) to 76 bytes: three rounds of 32. */
function messageKeys(
  key: Uint8Array,
  nonce: Uint8Array,
): { readonly cipher: Uint8Array; readonly cipherNonce: Uint8Array; readonly mac: Uint8Array } {
  const first = hmacSha256(key, concatBytes(nonce, Uint8Array.of(1)))
  const second = hmacSha256(key, concatBytes(first, nonce, Uint8Array.of(2)))
  const third = hmacSha256(key, concatBytes(second, nonce, Uint8Array.of(3)))
  const all = concatBytes(first, second, third)
  return {
    cipher: all.subarray(0, 32),
    cipherNonce: all.subarray(32, 44),
    mac: all.subarray(44, 76),
  }
}

function readBase64(text: string): Uint8Array | undefined {
  try {
    return decodeBase64(text)
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}
