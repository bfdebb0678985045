import { L402Error } from '../errors.ts'

const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const urlSafe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const isStandard = 1
const isUrlSafe = 2

/** For each character code: its six bits, or 255. */
const values = new Uint8Array(128).fill(255)
/** For each character code: the alphabets it belongs to. */
const alphabets = new Uint8Array(128)
for (let i = 0; i < 64; i++) {
  values[standard.charCodeAt(i)] = i
  values[urlSafe.charCodeAt(i)] = i
  alphabets[standard.charCodeAt(i)]! |= isStandard
  alphabets[urlSafe.charCodeAt(i)]! |= isUrlSafe
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encode(bytes, standard)
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/** URL-safe base64 without padding (RFC 4648 section 5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, urlSafe)
}

/**
 * Reads standard base64 with padding: the exact inverse of {@link encodeBase64}, so that one byte
 * string has one spelling.
 *
 * @throws {L402Error} BYTES_BASE64 for another alphabet, missing padding or non-zero spare bits.
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new L402Error('BYTES_BASE64', { length: text.length })
  return decode(text, isStandard)
}

/**
 * Reads base64 in the four spellings that are in use: standard or URL-safe alphabet, with padding
 * or without.
 *
 * @throws {L402Error} BYTES_BASE64 for a mixed alphabet, wrong padding, white space or non-zero
 *   spare bits.
 */
export function decodeBase64Any(text: string): Uint8Array {
  return decode(text, isStandard | isUrlSafe)
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = ''
  let i = 0
  for (; i + 2 < bytes.length; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text +=
      alphabet[bits >> 18]! +
      alphabet[(bits >> 12) & 63]! +
      alphabet[(bits >> 6) & 63]! +
      alphabet[bits & 63]!
  }
  const left = bytes.length - i
  if (left === 1) {
    const bits = bytes[i]! << 16
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!
  }
  if (left === 2) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8)
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]! + alphabet[(bits >> 6) & 63]!
  }
  return text
}

function decode(text: string, allowed: number): Uint8Array {
  const end = withoutPadding(text)
  if (end % 4 === 1) throw new L402Error('BYTES_BASE64', { length: text.length })

  const bytes = new Uint8Array(Math.floor((end * 3) / 4))
  let alphabet = allowed
  let bits = 0
  let count = 0
  let written = 0
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? values[code]! : 255
    alphabet &= code < 128 ? alphabets[code]! : 0
    if (value === 255 || alphabet === 0) throw new L402Error('BYTES_BASE64', { position: i })
    bits = ((bits << 6) | value) & 0xffff
    count += 6
    if (count < 8) continue
    count -= 8
    bytes[written++] = (bits >> count) & 0xff
  }
  if ((bits & ((1 << count) - 1)) !== 0) throw new L402Error('BYTES_BASE64', { spareBits: count })
  return bytes
}

/** The number of characters before the padding. Padding must be absent or exact. */
function withoutPadding(text: string): number {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end--
  const padding = text.length - end
  if (padding !== 0 && (text.length % 4 !== 0 || padding > 2)) {
    throw new L402Error('BYTES_BASE64', { padding })
  }
  return end
}
