import { L402Error } from '../errors.ts'
import { malformed } from './refusal.ts'

/** The 32 characters of bech32: the one at position v stands for the five bits v. */
export const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

const checksumWords = 6
const fiveBits = 0x1f
const lowerCase = 0x20
const upperCase = 0x40
const foreign = 0x80

/** For each character code: its five bits and its case; or `foreign`. */
const cells: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = alphabet.indexOf(String.fromCharCode(code).toLowerCase())
  return value === -1 ? foreign : value | caseOf(code)
})

/** For the five bits that leave the register of the checksum: what they add to it. BIP 173. */
const feedback: Int32Array = Int32Array.from({ length: 32 }, (_, top) =>
  [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].reduce(
    (sum, generator, bit) => ((top >> bit) & 1 ? sum ^ generator : sum),
    0,
  ),
)

/** A bech32 text in its two parts, without the checksum. */
export type Bech32 = {
  /** What stands before the last `1`, in lower case. */
  readonly prefix: string
  /** Five bits each. */
  readonly words: Uint8Array
}

/**
 * Reads bech32 (BIP 173) in one pass, without the limit of 90 characters: the caller has its own.
 *
 * @throws {L402Error} INVOICE_MALFORMED without a separator, for a foreign character, for mixed
 *   case and for a text too short for a checksum; INVOICE_CHECKSUM when the checksum is wrong.
 * @spec invoice.md R-INV-3, R-INV-4
 */
export function decodeBech32(text: string): Bech32 {
  const separator = text.lastIndexOf('1')
  const start = separator + 1
  if (separator < 1) throw malformed('no separator')
  if (text.length - start < checksumWords) throw malformed('too short')

  let seen = 0
  for (let i = 0; i < separator; i++) {
    const code = text.charCodeAt(i)
    if (code < 33 || code > 126) throw malformed('foreign character')
    seen |= caseOf(code)
  }
  const prefix = text.slice(0, separator).toLowerCase()

  let checksum = checksumOfPrefix(prefix)
  const words = new Uint8Array(text.length - start)
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const cell = code < 128 ? cells[code]! : foreign
    seen |= cell
    checksum = step(checksum, cell & fiveBits)
    words[i - start] = cell & fiveBits
  }
  if ((seen & foreign) !== 0) throw malformed('foreign character')
  if ((seen & lowerCase) !== 0 && (seen & upperCase) !== 0) throw malformed('mixed case')
  if (checksum !== 1) throw new L402Error('INVOICE_CHECKSUM')
  return { prefix, words: words.subarray(0, words.length - checksumWords) }
}

/** The inverse of {@link decodeBech32}, in lower case. */
export function encodeBech32({ prefix, words }: Bech32): string {
  let checksum = checksumOfPrefix(prefix)
  let text = `${prefix}1`
  for (let i = 0; i < words.length; i++) {
    checksum = step(checksum, words[i]!)
    text += alphabet[words[i]!]
  }
  for (let i = 0; i < checksumWords; i++) checksum = step(checksum, 0)
  checksum ^= 1
  for (let i = checksumWords - 1; i >= 0; i--) text += alphabet[(checksum >> (5 * i)) & fiveBits]
  return text
}

function checksumOfPrefix(prefix: string): number {
  let checksum = 1
  for (let i = 0; i < prefix.length; i++) checksum = step(checksum, prefix.charCodeAt(i) >> 5)
  checksum = step(checksum, 0)
  for (let i = 0; i < prefix.length; i++) checksum = step(checksum, prefix.charCodeAt(i) & fiveBits)
  return checksum
}

function step(checksum: number, value: number): number {
  return ((checksum & 0x1ffffff) << 5) ^ value ^ feedback[checksum >>> 25]!
}

function caseOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return lowerCase
  if (code >= 0x41 && code <= 0x5a) return upperCase
  return 0
}
