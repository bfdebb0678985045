import { malformed } from './refusal.ts'

// The data of an invoice is a row of 5-bit words. A field is a piece of that row, from `start` up to,
// and without, `end`; nothing is copied until a field is read.

/** Longest number read, in words: 50 bits, which a JavaScript number holds exactly. */
const maxNumberWords = 10

/** The largest number that {@link readNumber} returns. */
export const maxNumber: number = 2 ** (5 * maxNumberWords) - 1

/**
 * The bytes that a piece of the row holds.
 *
 * @throws {L402Error} INVOICE_MALFORMED unless fewer than five bits are left over and all are zero.
 * @spec invoice.md R-INV-10
 */
export function readBytes(words: Uint8Array, start: number, end: number): Uint8Array {
  const bits = 5 * (end - start)
  const bytes = new Uint8Array(bits >> 3)
  const spare = pack(words, start, end, bytes, 0)
  if (bits % 8 >= 5) throw malformed('a word too many in a field')
  if (spare !== 0) throw malformed('padding is not zero')
  return bytes
}

/**
 * Writes the words as bits into `target` from byte `at` on.
 *
 * @returns The bits of the last, unfinished byte, at the top of it; 0 when there are none.
 */
export function pack(
  words: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let bits = 0
  let count = 0
  let next = at
  for (let i = start; i < end; i++) {
    bits = (bits << 5) | words[i]!
    count += 5
    if (count < 8) continue
    count -= 8
    target[next++] = bits >> count
    bits &= (1 << count) - 1
  }
  return (bits << (8 - count)) & 0xff
}

/**
 * The big-endian number that a piece of the row holds.
 *
 * @throws {L402Error} INVOICE_MALFORMED for a leading zero word, except the one word of zero, and
 *   for more than 50 bits.
 * @spec invoice.md R-INV-13
 */
export function readNumber(words: Uint8Array, start: number, end: number): number {
  if (end - start > 1 && words[start] === 0) throw malformed('a number with a leading zero')
  if (end - start > maxNumberWords) throw malformed('a number of more than 50 bits')
  return readFixedNumber(words, start, end)
}

/** The big-endian number that a piece of at most ten words holds, with leading zeros or without. */
export function readFixedNumber(words: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value = value * 32 + words[i]!
  return value
}

/** The words of a byte string, padded with zero bits. The inverse of {@link readBytes}. */
export function wordsOfBytes(bytes: Uint8Array): number[] {
  const words: number[] = []
  let bits = 0
  let count = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    count += 8
    while (count >= 5) {
      count -= 5
      words.push(bits >> count)
      bits &= (1 << count) - 1
    }
  }
  if (count > 0) words.push(bits << (5 - count))
  return words
}

/**
 * The words of a number, without leading zeros. The inverse of {@link readNumber}.
 *
 * Zero has no words: LDK hashes what it would have written itself, and it writes none.
 *
 * @spec invoice.md R-INV-26
 */
export function wordsOfNumber(value: number): number[] {
  const words: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32)
  return words
}

/** The words of a number, with leading zeros up to `length`. */
export function wordsOfFixedNumber(value: number, length: number): number[] {
  const words = wordsOfNumber(value)
  return [...Array<number>(length - words.length).fill(0), ...words]
}
