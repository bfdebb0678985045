import type { Msat } from 'satway'
import { msat } from 'satway'
import type { Price, PriceInput, PriceRange } from 'satway/server'
import type { PriceConfig } from '../config/index.ts'
import { readServiceUrl } from './json-call.ts'
import type { HttpPriceConfig, PriceQuestion, PricerSource } from './pricer.ts'
import type { Rate, RateSource } from './rate-source.ts'
import { SharedTerms } from './shared-terms.ts'

/** What is sold, and where its price comes from if the configuration does not hold it. */
export type PriceOptions = {
  /** For prices in fiat. */
  readonly rates: RateSource | undefined
  /** For prices that a service tells. */
  readonly pricers: PricerSource | undefined
  readonly service: string
  /** Key of the route table: `GET /v1/x`. */
  readonly route: string
  /** `undefined` where the configuration leaves the name to the gateway. */
  readonly capability: string | undefined
  /** What an amount has to be a multiple of, for the wallet to say it. Default 1. */
  readonly stepMsat?: Msat | undefined
}

const fiatPrices = new SharedTerms<RateSource, Price>()
const askedPrices = new SharedTerms<PricerSource, Price>()

/** What a pricer never learns, whatever the configuration says: who holds it can use the token. */
const neverSent =
  /^(?:authorization|proxy-authorization|cookie|macaroon|grpc-metadata-macaroon|satway[-_].*)$/

/**
 * Makes the library's price of a configured one; the same function for the same terms.
 *
 * @throws {RangeError} when the source that it needs is missing, or a pricer would be told a
 *   credential or be asked over a connection that anybody can change.
 * @spec gateway.md R-PRC-1 to R-PRC-15
 */
export function createPrice(config: PriceConfig, options: PriceOptions): Price {
  switch (config.kind) {
    case 'fixed':
      return config.amountMsat
    case 'fiat':
      return fiatPrice(config, required(options.rates, noRates), options.stepMsat)
    case 'http':
      return askedPrice(config, required(options.pricers, 'the price needs pricers'), options)
    default:
      return config satisfies never
  }
}

const noRates = 'a price in fiat needs a source of rates'

function required<Value>(value: Value | undefined, lack: string): Value {
  if (value === undefined) throw new RangeError(lack)
  return value
}

/**
 * A price in another currency. What was sold at it stays good while the price in that currency is
 * the same, however the rate moves.
 */
function fiatPrice(
  config: Extract<PriceConfig, { kind: 'fiat' }>,
  rates: RateSource,
  stepMsat: Msat | undefined,
): Price {
  const text = formatFiat(config.amountMicros, config.currency)
  const range = (rate: Rate): PriceRange => ({
    amount: roundUp(convert(config.amountMicros, rate), stepMsat),
    least: msat(1n),
  })
  return fiatPrices.of(rates, text, () => (input) => {
    input.bind('fiat', text)
    const rate = rates.rate(config.currency)
    return rate instanceof Promise ? rate.then(range) : range(rate)
  })
}

/**
 * What an amount costs at a rate, to the msat, rounded up.
 *
 * @param amountMicros - Millionths of one unit of the currency.
 * @spec gateway.md R-PRC-3
 */
export function convert(amountMicros: bigint, { digits, decimals }: Rate): Msat {
  // A bitcoin is 10^11 msat, and a unit 10^6 millionths.
  const dividend = amountMicros * 10n ** BigInt(decimals + 5)
  return msat((dividend + digits - 1n) / digits)
}

/**
 * The next amount that the wallet can say in an invoice.
 *
 * @spec gateway.md R-GWW-6
 */
function roundUp(amountMsat: Msat, stepMsat: Msat = msat(1n)): Msat {
  const beyond = amountMsat % stepMsat
  return beyond === 0n ? amountMsat : msat(amountMsat - beyond + stepMsat)
}

/** `0.02 USD`: one spelling for one price, so that the same price binds the same. */
function formatFiat(amountMicros: bigint, currency: string): string {
  const digits = amountMicros.toString().padStart(7, '0')
  const decimals = digits.slice(-6).replace(/0+$/, '')
  return `${digits.slice(0, -6)}${decimals === '' ? '' : `.${decimals}`} ${currency}`
}

/** A price that a service of the operator tells. Looking at the request binds the token to it. */
function askedPrice(config: HttpPriceConfig, pricers: PricerSource, sold: PriceOptions): Price {
  readServiceUrl(config.url)
  const secret = config.headers.find((name) => neverSent.test(name))
  if (secret !== undefined) throw new RangeError(`a pricer is never told "${secret}"`)
  const { service, capability = sold.route, stepMsat } = sold
  const terms = JSON.stringify([config, service, capability])
  return askedPrices.of(pricers, terms, () => async (input) => {
    const question = await questionOf(config, { service, capability }, input)
    const { amounts } = await pricers.ask(config, question)
    if (amounts === undefined) return null
    return { amount: roundUp(amounts.amountMsat, stepMsat), least: amounts.leastMsat }
  })
}

async function questionOf(
  config: HttpPriceConfig,
  sold: Pick<PriceQuestion, 'service' | 'capability'>,
  input: PriceInput,
): Promise<PriceQuestion> {
  const headers = config.headers.map((name) => [name, input.header(name) ?? null])
  const { method, path, search } = input
  const question = {
    ...sold,
    method,
    path,
    query: search,
    headers: Object.fromEntries(headers),
  }
  if (config.bodyBytes === 0) return question
  const body = Buffer.from(await input.body(config.bodyBytes))
  return { ...question, body_base64: body.toString('base64') }
}
