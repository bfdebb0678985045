import type { Msat } from 'satway'
import { formatMsat, isL402Error, parseAmount } from 'satway'
import type { PriceConfig } from './config.ts'

/** Why a value is not what it must be: `expected …`. Never repeats text, which may be a secret. */
export class Expectation extends Error {
  override readonly name = 'Expectation'
}

/** @throws {Expectation} always. */
export function expected(what: string): never {
  throw new Expectation(`expected ${what}`)
}

type Range = { readonly least: number; readonly most: number }

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
  TiB: 1_099_511_627_776,
}

/**
 * Reads `250ms`, `30s`, `5m`, `1h` or `7d`.
 *
 * @param range - In milliseconds, both ends in.
 * @returns Milliseconds.
 * @throws {Expectation}
 * @spec gateway.md R-CONF-7
 */
export function readDuration(value: unknown, range: Range): number {
  const what = 'a duration with its unit'
  const ms = readQuantity(value, durationUnits, what, ['30s', '5m'], 's')
  if (ms < range.least || ms > range.most) {
    expected(`${what} from ${formatDuration(range.least)} to ${formatDuration(range.most)}`)
  }
  return ms
}

/**
 * The same in whole seconds.
 *
 * @param range - In seconds, both ends in.
 */
export function readSeconds(value: unknown, range: Range): number {
  const ms = readDuration(value, { least: range.least * 1000, most: range.most * 1000 })
  if (ms % 1000 !== 0) expected('a duration in whole seconds, such as 30s')
  return ms / 1000
}

/**
 * Reads `64KiB`, `10MiB` or `1500B`.
 *
 * @param range - In bytes, both ends in.
 * @throws {Expectation}
 * @spec gateway.md R-CONF-7
 */
export function readSize(value: unknown, range: Range): number {
  const what = 'a size with its unit'
  const bytes = readQuantity(value, sizeUnits, what, ['64KiB', '10MiB'], 'KiB')
  if (bytes < range.least || bytes > range.most) {
    expected(`${what} from ${formatSize(range.least)} to ${formatSize(range.most)}`)
  }
  return bytes
}

function readQuantity(
  value: unknown,
  units: Readonly<Record<string, number>>,
  what: string,
  examples: readonly [string, string],
  usual: string,
): number {
  if (typeof value === 'number') {
    expected(isPlain(value) ? `${what}: write ${value}${usual}` : `${what}, such as ${examples[0]}`)
  }
  const match = typeof value === 'string' ? /^(\d{1,15}) ?([A-Za-z]{1,3})$/.exec(value) : null
  const [, digits = '', unit = ''] = match ?? []
  if (match === null || !Object.hasOwn(units, unit)) {
    const names = Object.keys(units)
    const all = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
    expected(`${what} (${all}), such as ${examples[0]} or ${examples[1]}`)
  }
  return Number(digits) * units[unit]!
}

/** For people: the inverse of {@link readDuration}, in the largest unit that is exact. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, durationUnits)
}

/** For people: the inverse of {@link readSize}, in the largest unit that is exact. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, sizeUnits)
}

function formatQuantity(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0)
  const [name, factor] = fitting.reduce((a, b) => (b[1] > a[1] ? b : a))
  return value === 0 ? `0${Object.keys(units)[0] === 'ms' ? 's' : 'B'}` : `${value / factor}${name}`
}

/** The library's limit: an amount is a number in JSON bodies. */
const maxPriceMsat = BigInt(Number.MAX_SAFE_INTEGER)
const priceExamples = '10 sat, 1500msat or 0.01 USD'

/**
 * Reads a price: `10 sat`, `10sat`, `1500msat`, `0.0001 BTC`, or `0.01 USD` in the currency of the
 * rate source. More than zero; fiat has at most nine digits before the point and six after it.
 *
 * @throws {Expectation}
 * @spec gateway.md R-CONF-8
 */
export function readPrice(value: unknown): Extract<PriceConfig, { kind: 'fixed' | 'fiat' }> {
  if (typeof value === 'number') {
    expected(
      isPlain(value) && value > 0
        ? `an amount with its unit: write ${value} sat`
        : `an amount with its unit, such as ${priceExamples}`,
    )
  }
  if (typeof value !== 'string') expected(`an amount with its unit, such as ${priceExamples}`)
  const fiat = /^(\d{1,9})(?:\.(\d{1,6}))? ?([A-Za-z]{3})$/.exec(value)
  const [, whole = '', fraction = '', currency = ''] = fiat ?? []
  if (fiat !== null && !/^(?:sat|btc)$/i.test(currency)) {
    if (currency === 'XBT') expected('bitcoin as sat, msat or BTC')
    if (currency !== currency.toUpperCase()) expected('a currency in upper case, such as 0.01 USD')
    const amountMicros = BigInt(whole + fraction.padEnd(6, '0'))
    if (amountMicros === 0n) expected('more than zero; what is free is written: free')
    return { kind: 'fiat', amountMicros, currency }
  }
  const amountMsat = readMsat(value, `an amount with its unit, such as ${priceExamples}`)
  if (amountMsat === 0n) expected('more than zero; what is free is written: free')
  if (amountMsat > maxPriceMsat) expected(`at most ${maxPriceMsat}msat`)
  return { kind: 'fixed', amountMsat }
}

/**
 * Reads an amount of bitcoin, zero or more.
 *
 * @throws {Expectation}
 */
export function readAmount(value: unknown): Msat {
  if (typeof value === 'number' && isPlain(value)) {
    expected(`an amount with its unit: write ${value} sat`)
  }
  return readMsat(value, 'an amount with its unit, such as 1000000 sat')
}

function readMsat(value: unknown, what: string): Msat {
  if (typeof value !== 'string') expected(what)
  try {
    return parseAmount(value)
  } catch (error) {
    if (isL402Error(error, 'AMOUNT_MALFORMED')) expected(what)
    throw error
  }
}

/** For people: `10 sat`, `0.01 USD`, or that a pricer is asked. */
export function formatPrice(price: PriceConfig): string {
  switch (price.kind) {
    case 'fixed':
      return formatMsat(price.amountMsat)
    case 'fiat': {
      const whole = price.amountMicros / 1_000_000n
      const micros = (price.amountMicros % 1_000_000n).toString().padStart(6, '0')
      const fraction = micros.replace(/0+$/, '')
      return `${whole}${fraction === '' ? '' : `.${fraction}`} ${price.currency}`
    }
    case 'http':
      return 'asked of its pricer'
    default:
      return price satisfies never
  }
}

/** A number that is safe to write back: whole or with a short fraction. */
function isPlain(value: number): boolean {
  return /^\d{1,15}(?:\.\d{1,6})?$/.test(String(value))
}
