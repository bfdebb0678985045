/** A number as it was written: `digits / 10^decimals`. Never a float. */
export type Decimal = { readonly digits: bigint; readonly decimals: number }

/** Longer numbers are no prices. */
const maxLength = 40
const maxExponent = 18

const grammar = /^(\d{1,20})(?:\.(\d{1,20}))?(?:[eE]([+-]?\d{1,2}))?$/

/**
 * Reads a number above zero, as JSON or a person writes it: `64000.12`, `6.4e4`.
 *
 * @returns `undefined` for zero, a sign, and anything longer than 40 characters.
 */
export function readDecimal(text: string): Decimal | undefined {
  if (text.length > maxLength) return undefined
  const match = grammar.exec(text)
  if (match === null) return undefined
  const [, whole = '', part = '', exponent = '0'] = match
  const shift = Number(exponent)
  if (Math.abs(shift) > maxExponent) return undefined
  const digits = BigInt(whole + part)
  if (digits === 0n) return undefined
  const decimals = part.length - shift
  return decimals >= 0
    ? { digits, decimals }
    : { digits: digits * 10n ** BigInt(-decimals), decimals: 0 }
}

/** Whether `a` is more than `factor` times `b`. */
export function exceeds(a: Decimal, factor: bigint, b: Decimal): boolean {
  return a.digits * 10n ** BigInt(b.decimals) > factor * b.digits * 10n ** BigInt(a.decimals)
}
