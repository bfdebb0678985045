import { decodeUtf8 } from '../../bytes/index.ts'

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const prefix = 'lnurl'
const checksumLength = 6
/** For the five bits that leave the register of the checksum: what they add to it. BIP 173. */
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

/**
 * Reads the text in an `lnurl1…`: bech32 (BIP 173) of any length, in upper or lower case.
 *
 * @returns `undefined` for anything else.
 */
export function decodeLnurlText(text: string): string | undefined {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return undefined
  if (!lower.startsWith(`${prefix}1`)) return undefined
  const words = Array.from(lower.slice(prefix.length + 1), (letter) => alphabet.indexOf(letter))
  if (words.length < checksumLength || words.includes(-1)) return undefined
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0))
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
  if (checksumOf([...expanded, ...words]) !== 1) return undefined
  const bytes = toBytes(words.slice(0, -checksumLength))
  try {
    return bytes === undefined ? undefined : decodeUtf8(bytes)
  } catch {
    return undefined
  }
}

function checksumOf(values: readonly number[]): number {
  let sum = 1
  for (const value of values) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    generators.forEach((generator, bit) => {
      if ((top >> bit) & 1) sum ^= generator
    })
  }
  return sum
}

/** Five bits each to eight. @returns `undefined` when what is left over is more than padding. */
function toBytes(words: readonly number[]): Uint8Array | undefined {
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const word of words) {
    held = ((held << 5) | word) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  const isPadding = bits < 5 && (held & ((1 << bits) - 1)) === 0
  return isPadding ? Uint8Array.from(bytes) : undefined
}
