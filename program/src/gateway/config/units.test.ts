import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Expectation,
  formatDuration,
  formatPrice,
  formatSize,
  readAmount,
  readDuration,
  readPrice,
  readSeconds,
  readSize,
} from './units.ts'

const any = { least: 0, most: Number.MAX_SAFE_INTEGER }

function refusal(read: () => unknown): string {
  try {
    return `accepted ${String(read())}`
  } catch (error) {
    if (error instanceof Expectation) return error.message
    throw error
  }
}

describe('R-CONF-7 durations and sizes', () => {
  for (const [text, ms] of [
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['30 s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['007s', 7000],
  ] as const) {
    test(`${text} is ${ms} ms`, () => expect(readDuration(text, any)).toBe(ms))
  }

  for (const value of [
    '',
    '30',
    '30 ',
    's',
    '-1s',
    '+1s',
    '1.5h',
    '1e3s',
    '30S',
    '30sec',
    '1h30m',
    '1w',
    ' 1s',
    '1s\n',
    '1  s',
    '٣s',
    '9999999999999999s',
    null,
    undefined,
    true,
    [],
    {},
  ]) {
    test(`${JSON.stringify(value)} is no duration`, () => {
      const message = refusal(() => readDuration(value, any))
      expect(message).toBe(
        'expected a duration with its unit (ms, s, m, h or d), such as 30s or 5m',
      )
    })
  }

  test('a number is shown how to be written', () => {
    expect(refusal(() => readDuration(30, any))).toBe(
      'expected a duration with its unit: write 30s',
    )
    expect(refusal(() => readSize(64, any))).toBe('expected a size with its unit: write 64KiB')
    expect(refusal(() => readDuration(-1, any))).toBe(
      'expected a duration with its unit, such as 30s',
    )
    expect(refusal(() => readDuration(Number.NaN, any))).toBe(
      'expected a duration with its unit, such as 30s',
    )
  })

  test('bounds are in, and named when they are passed', () => {
    const range = { least: 1000, most: 60_000 }
    expect(readDuration('1s', range)).toBe(1000)
    expect(readDuration('1m', range)).toBe(60_000)
    expect(refusal(() => readDuration('999ms', range))).toBe(
      'expected a duration with its unit from 1s to 1m',
    )
    expect(refusal(() => readDuration('61s', range))).toBe(
      'expected a duration with its unit from 1s to 1m',
    )
    expect(refusal(() => readSize('1B', { least: 1024, most: 2048 }))).toBe(
      'expected a size with its unit from 1KiB to 2KiB',
    )
  })

  test('seconds are whole', () => {
    expect(readSeconds('2m', { least: 1, most: 600 })).toBe(120)
    expect(refusal(() => readSeconds('1500ms', { least: 1, most: 600 }))).toBe(
      'expected a duration in whole seconds, such as 30s',
    )
  })

  for (const [text, bytes] of [
    ['0B', 0],
    ['1500B', 1500],
    ['64KiB', 65_536],
    ['10MiB', 10_485_760],
    ['1GiB', 1_073_741_824],
    ['1kB', 1000],
    ['2MB', 2_000_000],
    ['1 MiB', 1_048_576],
  ] as const) {
    test(`${text} is ${bytes} bytes`, () => expect(readSize(text, any)).toBe(bytes))
  }

  for (const value of ['10', '10mib', '10KB', '10K', '10M', 'MiB', '1.5MiB', '-1B', null]) {
    test(`${JSON.stringify(value)} is no size`, () => {
      expect(refusal(() => readSize(value, any))).toMatch(/^expected a size with its unit \(B, /)
    })
  }

  test('what is formatted is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (number) => {
        expect(readDuration(formatDuration(number), any)).toBe(number)
        expect(readSize(formatSize(number), any)).toBe(number)
      }),
    )
    expect(formatDuration(86_400_000)).toBe('1d')
    expect(formatDuration(90_000)).toBe('90s')
    expect(formatSize(10_485_760)).toBe('10MiB')
  })
})

describe('R-CONF-8 prices', () => {
  for (const [text, amountMsat] of [
    ['10 sat', 10_000n],
    ['10sat', 10_000n],
    ['10 SATS', 10_000n],
    ['1500msat', 1500n],
    ['1.5 sat', 1500n],
    ['0.0001 BTC', 10_000_000n],
    ['0.0001 btc', 10_000_000n],
    ['9007199254740991msat', 9_007_199_254_740_991n],
  ] as const) {
    test(`${text} is ${amountMsat} msat`, () => {
      expect(readPrice(text)).toEqual({ kind: 'fixed', amountMsat })
    })
  }

  for (const [text, amountMicros, currency] of [
    ['0.01 USD', 10_000n, 'USD'],
    ['0.01USD', 10_000n, 'USD'],
    ['1 EUR', 1_000_000n, 'EUR'],
    ['0.000001 JPY', 1n, 'JPY'],
    ['999999999.999999 VND', 999_999_999_999_999n, 'VND'],
  ] as const) {
    test(`${text} is ${amountMicros} millionths of ${currency}`, () => {
      expect(readPrice(text)).toEqual({ kind: 'fiat', amountMicros, currency })
    })
  }

  const unclear = 'expected an amount with its unit, such as 10 sat, 1500msat or 0.01 USD'
  for (const [value, message] of [
    [10, 'expected an amount with its unit: write 10 sat'],
    [0.5, 'expected an amount with its unit: write 0.5 sat'],
    [0, unclear],
    [-1, unclear],
    [1e300, unclear],
    ['10', unclear],
    ['', unclear],
    ['sat', unclear],
    ['-1 sat', unclear],
    ['1,5 sat', unclear],
    ['1e3 sat', unclear],
    ['10 satoshi', unclear],
    ['$1', unclear],
    ['1 US', unclear],
    ['1 USDT', unclear],
    ['0.0000001 USD', unclear],
    ['1000000000 USD', unclear],
    ['0.0001 msat', unclear],
    ['1 usd', 'expected a currency in upper case, such as 0.01 USD'],
    ['1 XBT', 'expected bitcoin as sat, msat or BTC'],
    ['0 sat', 'expected more than zero; what is free is written: free'],
    ['0.000000 USD', 'expected more than zero; what is free is written: free'],
    ['9007199254740992msat', 'expected at most 9007199254740991msat'],
    [null, unclear],
    [true, unclear],
    [{}, unclear],
  ] as const) {
    test(`${JSON.stringify(value)} is refused: ${message}`, () => {
      expect(refusal(() => readPrice(value))).toBe(message)
    })
  }

  test('a price is shown as it would be written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n - 1n }), (amountMicros) => {
        const price = { kind: 'fiat', amountMicros, currency: 'USD' } as const
        expect(readPrice(formatPrice(price))).toEqual(price)
      }),
    )
    expect(formatPrice(readPrice('0.0100 USD'))).toBe('0.01 USD')
    expect(formatPrice(readPrice('1500msat'))).toBe('1.5 sat')
  })

  test('a balance may be nothing, and has a unit', () => {
    expect(readAmount('0 sat')).toBe(0n)
    expect(refusal(() => readAmount(5))).toBe('expected an amount with its unit: write 5 sat')
    expect(refusal(() => readAmount('5'))).toMatch(/^expected an amount with its unit/)
  })
})
