import type { Msat } from 'satway'
import { msat } from 'satway'
import { JsonNumber } from './json-call.ts'
import { unpriced } from './unpriced.ts'

/** What a pricer said. */
export type PricerAnswer = {
  /** `undefined`: free. */
  readonly amounts: { readonly amountMsat: Msat; readonly leastMsat: Msat } | undefined
  /** How long the same question needs not be asked again. */
  readonly cacheSeconds: number
}

/** No price is above 2^53 - 1 msat: the amount is a number in JSON bodies. */
const most = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * Reads the answer of a pricer: `{ "amount_msat": 1500 }` or `{ "free": true }`, beside which
 * `least_msat` and `cache_seconds` may stand. Members that are not known are passed over.
 *
 * @param answer - JSON as `parseJson` gives it.
 * @throws {L402Error} REQUEST_UNPRICED for anything else, also for an amount of zero: free is only what says so.
 * @spec gateway.md R-PRC-11, R-PRC-12
 */
export function readPricerAnswer(answer: unknown): PricerAnswer {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw unpriced('the answer is not an object')
  }
  const { free, amount_msat, least_msat, cache_seconds } = answer as Readonly<
    Record<string, unknown>
  >
  const cacheSeconds = cache_seconds === undefined ? 0 : readSeconds(cache_seconds)
  if (free !== undefined && free !== false) {
    if (free !== true) throw unpriced('"free" is neither true nor false')
    if (amount_msat !== undefined) throw unpriced('the answer is free and has an amount')
    return { amounts: undefined, cacheSeconds }
  }
  if (amount_msat === undefined) throw unpriced('the answer has no "amount_msat"')
  const amountMsat = readAmount('amount_msat', amount_msat)
  const leastMsat = least_msat === undefined ? amountMsat : readAmount('least_msat', least_msat)
  if (leastMsat > amountMsat) throw unpriced('"least_msat" is more than "amount_msat"')
  return { amounts: { amountMsat, leastMsat }, cacheSeconds }
}

function readAmount(name: string, value: unknown): Msat {
  const text = value instanceof JsonNumber ? value.text : value
  const isWhole = typeof text === 'string' && /^[1-9]\d{0,15}$/.test(text)
  if (!isWhole || BigInt(text) > most) {
    throw unpriced(`"${name}" is not a whole number of msat from 1 to ${most}`)
  }
  return msat(BigInt(text))
}

function readSeconds(value: unknown): number {
  const text = value instanceof JsonNumber ? value.text : ''
  if (!/^(?:0|[1-9]\d{0,8})$/.test(text)) {
    throw unpriced('"cache_seconds" is not a whole number of seconds')
  }
  return Number(text)
}
