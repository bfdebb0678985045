import type { Dispatcher } from 'undici'
import { Agent } from 'undici'
import type { RateSourceConfig } from '../config/index.ts'
import type { Decimal } from './decimal.ts'
import { exceeds, readDecimal } from './decimal.ts'
import { callJson, JsonNumber, readServiceUrl } from './json-call.ts'
import { unpriced } from './unpriced.ts'

/** What one bitcoin costs, in units of a currency. */
export type Rate = Decimal

/** Tells what one bitcoin costs. */
export type RateSource = {
  /**
   * The rate of a currency, as the configuration writes it. At once while there is one that is not
   * too old; otherwise when it was read.
   *
   * @throws {L402Error} REQUEST_UNPRICED when there is none: the price cannot be told.
   */
  rate(currency: string): Rate | Promise<Rate>
  /** Breaks off what is under way. */
  close(): void
}

export type RateSourceOptions = {
  /** Milliseconds; never goes back. Default: the process's own clock. */
  readonly now?: () => number
  /** Told of every reading that failed. */
  readonly failed?: (error: unknown) => void
  /** Default: an agent of its own. */
  readonly dispatcher?: Dispatcher
}

const maxAnswerBytes = 64 * 1024

/** No bitcoin costs this much of anything, and no rate is finer. */
const mostDigits = 10n ** 30n

/** A rate that is more than so many times the one before is a mistake of the source. */
const absurdFactor = 10n

/** How long a source that failed is left alone. */
const retryMs = 5000

type Reading = {
  good: { readonly rate: Rate; readonly atMs: number } | undefined
  /** Since the last good one. */
  failed: { readonly error: unknown; readonly atMs: number } | undefined
  underWay: Promise<Rate> | undefined
}

/**
 * Reads rates from a JSON document, only while they are asked for: a use of a rate older than
 * `refreshMs` starts a reading in the background, and one older than `maxAgeMs` is not used.
 *
 * @throws {RangeError} for a URL that a rate may not come from.
 * @spec gateway.md R-PRC-5 to R-PRC-8
 */
export function createRateSource(
  config: RateSourceConfig,
  options: RateSourceOptions = {},
): RateSource {
  const url = readServiceUrl(config.url)
  const now = options.now ?? (() => performance.now())
  const dispatcher = options.dispatcher ?? new Agent({ connections: 2 })
  const readings = new Map<string, Reading>()

  const read = async (currency: string, reading: Reading): Promise<Rate> => {
    try {
      const answer = await callJson(dispatcher, {
        url,
        method: 'GET',
        body: undefined,
        timeoutMs: config.timeoutMs,
        maxBytes: maxAnswerBytes,
      })
      const rate = rateIn(answer, config.member.replaceAll('{currency}', currency))
      requireSane(rate, reading.good?.rate)
      reading.good = { rate, atMs: now() }
      reading.failed = undefined
      return rate
    } catch (error) {
      reading.failed = { error, atMs: now() }
      options.failed?.(error)
      throw error
    } finally {
      reading.underWay = undefined
    }
  }
  const refresh = (currency: string, reading: Reading): Promise<Rate> => {
    if (reading.underWay !== undefined) return reading.underWay
    const { failed } = reading
    if (failed !== undefined && now() - failed.atMs < retryMs) {
      return Promise.reject(unpriced('there is no rate', failed.error))
    }
    reading.underWay = read(currency, reading)
    return reading.underWay
  }
  return {
    rate(currency) {
      const reading = readingOf(readings, currency)
      const { good } = reading
      const ageMs = good === undefined ? Number.POSITIVE_INFINITY : now() - good.atMs
      if (good === undefined || ageMs >= config.maxAgeMs) return refresh(currency, reading)
      // Who asks now is not made to wait; a failure was told, and counts when the rate is too old.
      if (ageMs >= config.refreshMs) refresh(currency, reading).catch(() => undefined)
      return good.rate
    },
    close: () => {
      if (options.dispatcher === undefined) void dispatcher.destroy()
    },
  }
}

function readingOf(readings: Map<string, Reading>, currency: string): Reading {
  const known = readings.get(currency)
  if (known !== undefined) return known
  const fresh: Reading = { good: undefined, failed: undefined, underWay: undefined }
  readings.set(currency, fresh)
  return fresh
}

/**
 * Finds the rate in an answer.
 *
 * @param member - `data.rates.USD`; in a list the members are `0`, `1` and so on.
 * @throws {L402Error} REQUEST_UNPRICED when it is not there, or is no number above zero.
 * @spec gateway.md R-PRC-7
 */
export function rateIn(answer: unknown, member: string): Rate {
  let found = answer
  for (const name of member.split('.')) {
    const isInside = typeof found === 'object' && found !== null && Object.hasOwn(found, name)
    if (!isInside || found instanceof JsonNumber) throw unpriced(`the answer has no "${member}"`)
    found = (found as Readonly<Record<string, unknown>>)[name]
  }
  const text = found instanceof JsonNumber ? found.text : found
  const rate = typeof text === 'string' ? readDecimal(text) : undefined
  if (rate === undefined) throw unpriced(`"${member}" of the answer is not a number above zero`)
  return rate
}

/** @throws {L402Error} REQUEST_UNPRICED for a rate that is out of all reason, or has moved absurdly since the one before. */
function requireSane(rate: Rate, before: Rate | undefined): void {
  if (rate.digits > mostDigits) throw unpriced('the rate is out of all reason')
  if (before === undefined) return
  if (exceeds(rate, absurdFactor, before) || exceeds(before, absurdFactor, rate)) {
    throw unpriced('the rate is more than ten times the one before, or less than a tenth of it')
  }
}
