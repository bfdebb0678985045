import { L402Error } from '../errors.ts'

const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const urlSafe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const sixBits = 0x3f
const notStandard = 0x40
const notUrlSafe = 0x80

/** For each character code: its six bits, and the alphabets that it does not belong to. */
const cells: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  const inStandard = standard.indexOf(character)
  const inUrlSafe = urlSafe.indexOf(character)
  const value = Math.max(inStandard, inUrlSafe, 0)
  return value | (inStandard === -1 ? notStandard : 0) | (inUrlSafe === -1 ? notUrlSafe : 0)
})

const standardCodes: Uint8Array = Uint8Array.from(standard, (character) => character.charCodeAt(0))
const urlSafeCodes: Uint8Array = Uint8Array.from(urlSafe, (character) => character.charCodeAt(0))

/**
 * Standard base64 with padding (RFC 4648 section 4).
 *
 * @spec encodings.md R-BYTES-3
 */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encode(bytes, standardCodes)
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/**
 * URL-safe base64 without padding (RFC 4648 section 5).
 *
 * @spec encodings.md R-BYTES-3
 */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, urlSafeCodes)
}

/**
 * Reads standard base64 with padding: the exact inverse of {@link encodeBase64}, so that one byte
 * string has one spelling.
 *
 * @throws {L402Error} BYTES_BASE64 for another alphabet, missing padding or non-zero spare bits.
 * @spec encodings.md R-BYTES-4, R-BYTES-6
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new L402Error('BYTES_BASE64', { length: text.length })
  return decode(text, notStandard)
}

/**
 * Reads base64 in the four spellings that are in use: standard or URL-safe alphabet, with padding
 * or without.
 *
 * @throws {L402Error} BYTES_BASE64 for a mixed alphabet, wrong padding, white space or non-zero
 *   spare bits.
 * @spec encodings.md R-BYTES-5, R-BYTES-6
 */
export function decodeBase64Any(text: string): Uint8Array {
  return decode(text, notStandard | notUrlSafe)
}

function encode(bytes: Uint8Array, codes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3)
  let text = ''
  for (let i = 0; i < whole; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text += String.fromCharCode(
      codes[bits >> 18]!,
      codes[(bits >> 12) & sixBits]!,
      codes[(bits >> 6) & sixBits]!,
      codes[bits & sixBits]!,
    )
  }
  const left = bytes.length - whole
  if (left === 0) return text

  const bits = (bytes[whole]! << 16) | (left === 2 ? bytes[whole + 1]! << 8 : 0)
  text += String.fromCharCode(codes[bits >> 18]!, codes[(bits >> 12) & sixBits]!)
  return left === 1 ? text : text + String.fromCharCode(codes[(bits >> 6) & sixBits]!)
}

/** @param alphabets - The flags of the alphabets that may be used; the whole text must be in one. */
function decode(text: string, alphabets: number): Uint8Array {
  const end = withoutPadding(text)
  const left = end % 4
  if (left === 1) throw new L402Error('BYTES_BASE64', { length: text.length })

  const bytes = new Uint8Array((end * 3) >> 2)
  let codes = 0
  let seen = 0
  let written = 0
  let i = 0
  for (; i + 3 < end; i += 4) {
    const code0 = text.charCodeAt(i)
    const code1 = text.charCodeAt(i + 1)
    const code2 = text.charCodeAt(i + 2)
    const code3 = text.charCodeAt(i + 3)
    const cell0 = cells[code0 & 0x7f]!
    const cell1 = cells[code1 & 0x7f]!
    const cell2 = cells[code2 & 0x7f]!
    const cell3 = cells[code3 & 0x7f]!
    codes |= code0 | code1 | code2 | code3
    seen |= cell0 | cell1 | cell2 | cell3
    bytes[written] = (cell0 << 2) | ((cell1 & sixBits) >> 4)
    bytes[written + 1] = (cell1 << 4) | ((cell2 & sixBits) >> 2)
    bytes[written + 2] = (cell2 << 6) | (cell3 & sixBits)
    written += 3
  }
  let bits = 0
  for (; i < end; i++) {
    const code = text.charCodeAt(i)
    const cell = cells[code & 0x7f]!
    codes |= code
    seen |= cell
    bits = (bits << 6) | (cell & sixBits)
  }
  // Judged once for the whole text: a code beyond ASCII, or no allowed alphabet that has them all.
  if (codes > 0x7f || (alphabets & ~seen) === 0)
    throw new L402Error('BYTES_BASE64', { reason: 'alphabet' })

  const spare = left === 0 ? 0 : left === 2 ? 4 : 2
  if ((bits & ((1 << spare) - 1)) !== 0) throw new L402Error('BYTES_BASE64', { spareBits: spare })
  for (let rest = bits >> spare, at = bytes.length - 1; at >= written; at--, rest >>= 8) {
    bytes[at] = rest & 0xff
  }
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
