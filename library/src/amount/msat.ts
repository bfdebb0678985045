import { L402Error } from '../errors.ts'

declare const unit: unique symbol

/** Thousandths of a satoshi: the only unit money has inside this library. */
export type Msat = bigint & { readonly [unit]: 'msat' }

/** All the money there can be: 21 million BTC, in msat. */
export const maxMsat: Msat = (21_000_000n * 100_000_000n * 1000n) as Msat

/**
 * Marks a number of msat as money.
 *
 * @throws {TypeError} when `value` is not a bigint: money is never a float.
 * @throws {RangeError} when `value` is negative or more than {@link maxMsat}.
 * @spec encodings.md R-AMT-1, R-AMT-2
 */
export function msat(value: bigint): Msat {
  if (typeof value !== 'bigint') throw new TypeError('msat: expected a bigint, such as 10_000n')
  if (value < 0n || value > maxMsat) throw new RangeError('msat: expected 0 to 21 million BTC')
  return value as Msat
}

/** The amount that is nearest to a sum: none for less than that, `mostMsat` for more. */
export function nearestMsat(sumMsat: bigint, mostMsat: bigint = maxMsat): Msat {
  if (mostMsat < 0n || sumMsat < 0n) return 0n as Msat
  return msat(sumMsat > mostMsat ? mostMsat : sumMsat)
}

/**
 * Satoshis enter here, at the edge, and nowhere else.
 *
 * @throws {TypeError} when `sat` is not a bigint.
 * @throws {RangeError} when `sat` is negative or more than 21 million BTC.
 * @spec encodings.md R-AMT-1, R-AMT-2
 */
export function satToMsat(sat: bigint): Msat {
  if (typeof sat !== 'bigint') throw new TypeError('satToMsat: expected a bigint, such as 10n')
  return msat(sat * 1000n)
}

/**
 * For display and whole-satoshi protocols. Rounds up: a shown price is never below the real one.
 *
 * @spec encodings.md R-AMT-3
 */
export function msatToSatCeil(amountMsat: Msat): bigint {
  return (amountMsat + 999n) / 1000n
}

const units: Readonly<Record<string, { readonly digits: number }>> = {
  msat: { digits: 0 },
  sat: { digits: 3 },
  btc: { digits: 11 },
}

/**
 * Reads an amount with its unit: `10 sat`, `10sat`, `1500 msat`, `0.0001 BTC`, `2.5 sat`.
 *
 * A unit is required: a bare number is the mistake by a factor of a thousand.
 *
 * @throws {L402Error} AMOUNT_MALFORMED for anything else, for a fraction of a msat, and above
 *   21 million BTC.
 * @throws {TypeError} for anything but text.
 * @spec encodings.md R-AMT-4, R-AMT-5
 */
export function parseAmount(text: string): Msat {
  if (typeof text !== 'string') {
    throw new TypeError("parseAmount: expected text with a unit, such as '10 sat'")
  }
  const match = /^(\d{1,20})(?:\.(\d{1,11}))? ?(msat|sat|btc)$/i.exec(
    text.trim().replace(/sats$/i, 'sat'),
  )
  if (match === null) throw malformed('expected a number and msat, sat or BTC')
  const [, whole = '', fraction = '', name = ''] = match
  const { digits } = units[name.toLowerCase()]!
  const exact = fraction.replace(/0+$/, '')
  if (exact.length > digits) throw malformed('finer than 1 msat')
  const value = BigInt(whole + exact.padEnd(digits, '0'))
  if (value > maxMsat) throw malformed('more than 21 million BTC')
  return value as Msat
}

/**
 * For people: `10 sat`, `1.5 sat`, `1 sat`. The inverse of {@link parseAmount}.
 *
 * @spec encodings.md R-AMT-6
 */
export function formatMsat(amountMsat: Msat): string {
  const sat = amountMsat / 1000n
  const rest = amountMsat % 1000n
  if (rest === 0n) return `${sat} sat`
  return `${sat}.${rest.toString().padStart(3, '0').replace(/0+$/, '')} sat`
}

function malformed(reason: string): L402Error {
  return new L402Error('AMOUNT_MALFORMED', { reason })
}
