import type { Fallback } from './invoice.ts'

const publicKeyHash = 17
const scriptHash = 18

/** The highest version that BOLT 11 gives a meaning; 19 to 31 are for later. */
export const maxFallbackVersion: number = scriptHash

/**
 * Whether the program has a length that its version allows: 20 bytes for a hash; 20 or 32 for
 * witness version 0; 2 to 40 for the other witness versions (BIP 141).
 *
 * @spec invoice.md R-INV-15
 */
export function hasRightLength({ version, program }: Fallback): boolean {
  const { length } = program
  if (version === publicKeyHash || version === scriptHash) return length === 20
  if (version === 0) return length === 20 || length === 32
  return length >= 2 && length <= 40
}
