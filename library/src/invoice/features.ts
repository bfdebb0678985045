import { malformed } from './refusal.ts'

/**
 * The even feature bits that a payer of this library may meet. A pair of bits is one feature; the
 * even one says that the payer must know it (BOLT 9).
 *
 * 8 onion, 14 payment secret, 16 multi-part payment, 24 route blinding, 36 attribution data,
 * 48 metadata, 262 blinded paths (bLIP 39).
 */
const known: ReadonlySet<number> = new Set([8, 14, 16, 24, 36, 48, 262])

/** The highest feature bit that fits in a field. */
export const maxFeatureBit: number = 5 * 1023 - 1

/**
 * Reads field `9`: the numbers of the bits that are set, ascending.
 *
 * @throws {L402Error} INVOICE_MALFORMED when the first word is zero: the field is not minimal.
 * @spec invoice.md R-INV-13, R-INV-16
 */
export function readFeatureBits(words: Uint8Array, start: number, end: number): number[] {
  if (end > start && words[start] === 0) throw malformed('features with a leading zero')
  const bits: number[] = []
  for (let i = end - 1, lowest = 0; i >= start; i--, lowest += 5) {
    for (let bit = 0; bit < 5; bit++) {
      if ((words[i]! >> bit) & 1) bits.push(lowest + bit)
    }
  }
  return bits
}

/** The words of field `9`. The inverse of {@link readFeatureBits}. */
export function wordsOfFeatureBits(bits: readonly number[]): number[] {
  if (bits.length === 0) return []
  const words = Array<number>(Math.floor(Math.max(...bits) / 5) + 1).fill(0)
  for (const bit of bits) words[words.length - 1 - Math.floor(bit / 5)]! |= 1 << (bit % 5)
  return words
}

/** The bits among `bits` that a payer must know, and that nobody here knows. */
export function unknownRequired(bits: readonly number[]): number[] {
  return bits.filter((bit) => bit % 2 === 0 && !known.has(bit))
}
