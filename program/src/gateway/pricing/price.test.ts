import fc from 'fast-check'
import { isL402Error, msat } from 'satway'
import type { PriceInput, PriceRange } from 'satway/server'
import { describe, expect, test } from 'vitest'
import type { PriceOptions } from './price.ts'
import { convert, createPrice } from './price.ts'
import type { Rate, RateSource } from './rate-source.ts'

const options: PriceOptions = {
  rates: undefined,
  pricers: undefined,
  service: 'weather',
  route: 'GET /x',
  capability: 'x',
}
const rate = (digits: bigint, decimals: number = 0): Rate => ({ digits, decimals })

function sourceOf(answer: () => Rate | Promise<Rate>): RateSource {
  return { rate: answer, close: () => undefined }
}

/** A price function's input that only notes what it is bound to. */
function inputThat(bound: [string, string][]): PriceInput {
  const bind: PriceInput['bind'] = (name, value) => void bound.push([name, value])
  return { bind } as unknown as PriceInput
}

describe('a fixed price', () => {
  test('R-PRC-1 is what was configured', () => {
    expect(createPrice({ kind: 'fixed', amountMsat: msat(1500n) }, options)).toBe(1500n)
  })
})

describe('a price in fiat', () => {
  test.each([
    // 0.02 USD at 64 000 USD a bitcoin is 31.25 sat.
    [20_000n, rate(64_000n), 31_250n],
    [20_000n, rate(6_400_012n, 2), 31_250n],
    [1_000_000n, rate(100_000n), 1_000_000n],
    [1_000_000n, rate(99_999n), 1_000_011n],
    [1n, rate(100_000n), 1n],
    [1n, rate(10n ** 15n), 1n],
    [1_000_000n, rate(3n), 33_333_333_334n],
  ])('R-PRC-2 R-PRC-3 of %s millionths at %o is %s msat', (amount, at, expected) => {
    expect(convert(amount, at)).toBe(expected)
  })

  test('R-PRC-3 is never less than exact, and less than one msat more', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: 10n ** 20n }),
        fc.integer({ min: 0, max: 20 }),
        (amountMicros, digits, decimals) => {
          // Above all the bitcoin there can be there is no price.
          fc.pre(amountMicros * 10n ** BigInt(decimals + 5) <= digits * 10n ** 18n)
          const price = convert(amountMicros, { digits, decimals })
          // price = amount / 10^6 / (digits / 10^decimals) * 10^11, as whole numbers.
          const exact = amountMicros * 10n ** BigInt(decimals) * 10n ** 5n
          expect(price * digits >= exact).toBe(true)
          expect((price - 1n) * digits < exact).toBe(true)
        },
      ),
    )
  })

  test('R-PRC-9 of more than all the bitcoin there can be is no price', () => {
    expect(() => convert(10n ** 12n, rate(1n, 5))).toThrow(RangeError)
  })

  test('R-PRC-4 binds the price as it is configured, and asks no more of a token than that', async () => {
    const bound: [string, string][] = []
    const price = createPrice(
      { kind: 'fiat', amountMicros: 20_000n, currency: 'USD' },
      { ...options, rates: sourceOf(() => rate(64_000n)) },
    ) as (input: PriceInput) => PriceRange
    expect(price(inputThat(bound))).toEqual({ amount: 31_250n, least: 1n })
    expect(bound).toEqual([['fiat', '0.02 USD']])
  })

  test.each([
    [1n, '0.000001 USD'],
    [10n, '0.00001 USD'],
    [1_000_000n, '1 USD'],
    [1_500_000n, '1.5 USD'],
    [100_000_000n, '100 USD'],
    [123_456_789_012n, '123456.789012 USD'],
  ])('R-PRC-4 of %s millionths has one spelling: %s', (amountMicros, text) => {
    const bound: [string, string][] = []
    const price = createPrice(
      { kind: 'fiat', amountMicros, currency: 'USD' },
      { ...options, rates: sourceOf(() => rate(1n)) },
    ) as (input: PriceInput) => PriceRange
    price(inputThat(bound))
    expect(bound).toEqual([['fiat', text]])
  })

  test('R-PRC-9 waits for a rate, and has none where there is none', async () => {
    const config = { kind: 'fiat', amountMicros: 20_000n, currency: 'USD' } as const
    const ask = (answer: () => Rate | Promise<Rate>): unknown => {
      const price = createPrice(config, { ...options, rates: sourceOf(answer) })
      return (price as (input: PriceInput) => unknown)(inputThat([]))
    }
    expect(await ask(async () => rate(64_000n))).toMatchObject({ amount: 31_250n })
    const none = new Error('no rate')
    await expect(ask(() => Promise.reject(none))).rejects.toBe(none)
  })
})

describe('a price that cannot be made', () => {
  test.each([
    ['fiat without a source of rates', { kind: 'fiat', amountMicros: 1n, currency: 'USD' }],
    [
      'http without pricers',
      { kind: 'http', url: 'https://x.example/', timeoutMs: 1, headers: [], bodyBytes: 0 },
    ],
  ] as const)('R-PRC-9 is refused at the start: %s', (_, config) => {
    expect(() => createPrice(config, options)).toThrow(RangeError)
  })

  test.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'macaroon',
    'grpc-metadata-macaroon',
    'satway-token-id',
  ])('R-PRC-10 would tell a pricer the header %s', (name) => {
    const pricers = { ask: () => Promise.reject(new Error('asked')), close: () => undefined }
    const config = {
      kind: 'http',
      url: 'https://x.example/',
      timeoutMs: 1,
      headers: ['x-size', name],
      bodyBytes: 0,
    } as const
    expect(() => createPrice(config, { ...options, pricers })).toThrow(name)
  })

  test('R-PRC-6 would ask a pricer where anybody can answer', () => {
    const pricers = { ask: () => Promise.reject(new Error('asked')), close: () => undefined }
    const config = {
      kind: 'http',
      url: 'http://x.example/',
      timeoutMs: 1,
      headers: [],
      bodyBytes: 0,
    } as const
    expect(() => createPrice(config, { ...options, pricers })).toThrow(/https/)
  })
})

test('R-PRC-1 equal terms are one price, so that two routes can sell one capability', () => {
  const rates = sourceOf(() => rate(1n))
  const pricers = { ask: () => Promise.reject(new Error('asked')), close: () => undefined }
  const sources = { ...options, rates, pricers }
  const fiat = { kind: 'fiat', amountMicros: 1n, currency: 'USD' } as const
  expect(createPrice(fiat, sources)).toBe(createPrice({ ...fiat }, { ...sources }))
  expect(createPrice(fiat, sources)).not.toBe(createPrice({ ...fiat, amountMicros: 2n }, sources))
  const url = 'https://x.example/'
  const http = { kind: 'http', url, timeoutMs: 1, headers: ['x-size'], bodyBytes: 0 } as const
  expect(createPrice(http, sources)).toBe(createPrice({ ...http }, { ...sources }))
  expect(createPrice(http, sources)).not.toBe(createPrice({ ...http, headers: [] }, sources))
  const other = createPrice(http, { ...sources, capability: 'y' })
  expect(createPrice(http, sources)).not.toBe(other)
  const unnamed = { ...sources, capability: undefined }
  expect(createPrice(http, unnamed)).toBe(createPrice(http, { ...unnamed }))
  expect(createPrice(http, unnamed)).not.toBe(createPrice(http, { ...unnamed, route: 'GET /y' }))
})

test('R-PRC-9 what cannot be priced is an error of the library, with a reason for the operator', async () => {
  const { unpriced } = await import('./unpriced.ts')
  expect(isL402Error(unpriced('away'), 'REQUEST_UNPRICED')).toBe(true)
})

describe('R-GWW-6 a price that is computed', () => {
  const stepMsat = msat(1000n)
  const fiat = { kind: 'fiat', amountMicros: 20_000n, currency: 'USD' } as const

  test('is rounded up to what the wallet can say, and what was sold at less stays good', () => {
    const rates = sourceOf(() => rate(64_000n))
    const price = createPrice(fiat, { ...options, rates, stepMsat })
    if (typeof price !== 'function') throw new Error('a function')
    expect(price(inputThat([]))).toEqual({ amount: 32_000n, least: 1n })
  })

  test('is a multiple of the step, never less than computed, and less than a step more', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.constantFrom(1n, 1000n, 7n),
        (amountMicros, digits, step) => {
          const rates = sourceOf(() => rate(digits))
          const terms = { ...fiat, amountMicros }
          const price = createPrice(terms, { ...options, rates, stepMsat: msat(step) })
          if (typeof price !== 'function') throw new Error('a function')
          const { amount } = price(inputThat([])) as PriceRange & { readonly amount: bigint }
          const exact = convert(amountMicros, rate(digits))
          expect([amount % step, amount >= exact, amount - exact < step]).toEqual([0n, true, true])
        },
      ),
    )
  })

  test('also one that a pricer told; the least that is good is as it said', async () => {
    const amounts = { amountMsat: msat(1001n), leastMsat: msat(999n) }
    const pricers = {
      ask: async () => ({ amounts, cacheSeconds: 0 }),
      close: () => undefined,
    } as unknown as NonNullable<PriceOptions['pricers']>
    const asked = {
      kind: 'http',
      url: 'http://127.0.0.1:4000/',
      timeoutMs: 1000,
      headers: [],
      bodyBytes: 0,
    } as const
    const price = createPrice(asked, { ...options, pricers, stepMsat })
    if (typeof price !== 'function') throw new Error('a function')
    expect(await price(inputThat([]))).toEqual({ amount: 2000n, least: 999n })
  })
})
