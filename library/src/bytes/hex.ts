import { L402Error } from '../errors.ts'

const digits: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/**
 * Lower-case hexadecimal text, two digits a byte.
 *
 * @spec encodings.md R-BYTES-1
 */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += digits[bytes[i]!]
  return text
}

/**
 * Reads hexadecimal text, in either case.
 *
 * @param text - Digits and nothing else: no prefix, no white space, an even number of them.
 * @throws {L402Error} BYTES_HEX for anything else.
 * @spec encodings.md R-BYTES-2
 */
export function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new L402Error('BYTES_HEX', { length: text.length })
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = digitValue(text.charCodeAt(2 * i))
    const low = digitValue(text.charCodeAt(2 * i + 1))
    if (high === -1 || low === -1) throw new L402Error('BYTES_HEX', { position: 2 * i })
    bytes[i] = (high << 4) | low
  }
  return bytes
}

function digitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  return -1
}
