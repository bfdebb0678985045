import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { formatMsat, maxMsat, msat, msatToSatCeil, parseAmount, satToMsat } from './msat.ts'

const amounts = fc
  .oneof(fc.bigInt({ min: 0n, max: maxMsat }), fc.bigInt({ min: 0n, max: 100_000n }))
  .map(msat)

const maxSat = 2_100_000_000_000_000n

describe('R-AMT-1 money is a bigint', () => {
  for (const value of [1, 1.5, Number.NaN, '1', null, undefined, true]) {
    test(`${String(value)} (${typeof value}) is not money`, () => {
      expect(() => msat(value as never)).toThrow(TypeError)
      expect(() => satToMsat(value as never)).toThrow(TypeError)
    })
  }

  test('what is given without types is told what was expected', () => {
    expect(() => msat(5 as never)).toThrow('msat: expected a bigint, such as 10_000n')
    expect(() => satToMsat(5 as never)).toThrow('satToMsat: expected a bigint, such as 10n')
    for (const value of [5, 5n, null, undefined, {}]) {
      expect(() => parseAmount(value as never)).toThrow(
        new TypeError("parseAmount: expected text with a unit, such as '10 sat'"),
      )
    }
  })

  test('a float cannot be formatted or rounded', () => {
    expect(() => formatMsat(1500.5 as never)).toThrow(TypeError)
    expect(() => msatToSatCeil(1500.5 as never)).toThrow(TypeError)
  })

  test('no amount loses a msat on the way through satoshi', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: maxSat }), (sat) => {
        expect(satToMsat(sat)).toBe(sat * 1000n)
        expect(msatToSatCeil(satToMsat(sat))).toBe(sat)
      }),
    )
  })
})

describe('R-AMT-2 an amount is 0 to 21 million BTC', () => {
  test('both ends are in', () => {
    expect(msat(0n)).toBe(0n)
    expect(maxMsat).toBe(2_100_000_000_000_000_000n)
    expect(msat(maxMsat)).toBe(maxMsat)
    expect(satToMsat(maxSat)).toBe(maxMsat)
  })

  for (const value of [-1n, maxMsat + 1n, 2n ** 64n, -(2n ** 64n)]) {
    test(`${value} msat is out`, () => {
      expect(() => msat(value)).toThrow(RangeError)
    })
  }

  for (const sat of [-1n, maxSat + 1n]) {
    test(`${sat} sat is out`, () => {
      expect(() => satToMsat(sat)).toThrow(RangeError)
    })
  }
})

describe('R-AMT-3 satoshi are rounded up', () => {
  for (const [amount, sat] of [
    [0n, 0n],
    [1n, 1n],
    [999n, 1n],
    [1000n, 1n],
    [1001n, 2n],
    [maxMsat, maxSat],
    [maxMsat - 1n, maxSat],
  ] as const) {
    test(`${amount} msat is shown as ${sat} sat`, () => {
      expect(msatToSatCeil(msat(amount))).toBe(sat)
    })
  }

  test('what is shown is never below the price, and less than 1 sat above it', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        const shown = msatToSatCeil(amount) * 1000n
        expect(shown >= amount && shown < amount + 1000n).toBe(true)
      }),
    )
  })
})

describe('R-AMT-4 an amount is read with its unit', () => {
  for (const [text, expected] of [
    ['0 sat', 0n],
    ['10 sat', 10_000n],
    ['10sat', 10_000n],
    ['10 sats', 10_000n],
    ['1 SAT', 1000n],
    ['1 Sats', 1000n],
    ['2.5 sat', 2500n],
    ['2.500 sat', 2500n],
    ['0.001 sat', 1n],
    ['1.00000000000 sat', 1000n],
    ['1500 msat', 1500n],
    ['1500 msats', 1500n],
    ['1500.0 msat', 1500n],
    ['1 BTC', 100_000_000_000n],
    ['1 btc', 100_000_000_000n],
    ['0.0001 BTC', 10_000_000n],
    ['0.00000000001 BTC', 1n],
    ['21000000 BTC', maxMsat],
    ['2100000000000000000 msat', maxMsat],
    ['2100000000000000.000 sat', maxMsat],
    ['  7 sat\n', 7000n],
    ['007 sat', 7000n],
    ['00000000000000000001 sat', 1000n],
  ] as const) {
    test(`${JSON.stringify(text)} is ${expected} msat`, () => {
      expect(parseAmount(text)).toBe(expected)
    })
  }
})

describe('R-AMT-5 what is no amount is refused', () => {
  for (const text of [
    '',
    ' ',
    '10',
    'sat',
    '.5 sat',
    '1. sat',
    '1..5 sat',
    '1.5.5 sat',
    '-1 sat',
    '+1 sat',
    '1e3 sat',
    '0x10 sat',
    '1,000 sat',
    '1_000 sat',
    '1 000 sat',
    '10  sat',
    '10\tsat',
    '10 satoshi',
    '10 ssat',
    '10 satss',
    '10 mBTC',
    '10 µsat',
    '10 $',
    '$10',
    '10 sat 10 sat',
    '10 sat;',
    'Infinity sat',
    'NaN sat',
    '٣ sat',
    '１ sat',
    '1 ſat',
    '1 sat\0',
    '0.0001 sat',
    '0.1 msat',
    '1.0005 sat',
    '0.000000000001 BTC',
    '21000000.00000000001 BTC',
    '21000001 BTC',
    '2100000000000000001 msat',
    '99999999999999999999 BTC',
    '100000000000000000000 msat',
    `${'9'.repeat(100_000)} sat`,
    `1${' '.repeat(100_000)}sat`,
  ]) {
    test(JSON.stringify(text.slice(0, 40)), () => {
      expect(() => parseAmount(text)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'AMOUNT_MALFORMED')),
      )
    })
  }

  test('the error does not repeat the text', () => {
    let message = ''
    try {
      parseAmount('hunter2 sat')
    } catch (error) {
      message = String(error)
    }
    expect(message).not.toBe('')
    expect(message).not.toContain('hunter2')
  })
})

describe('R-AMT-6 an amount is written in satoshi', () => {
  for (const [amount, text] of [
    [0n, '0 sat'],
    [1n, '0.001 sat'],
    [10n, '0.01 sat'],
    [1000n, '1 sat'],
    [1500n, '1.5 sat'],
    [1050n, '1.05 sat'],
    [10_000n, '10 sat'],
    [maxMsat, '2100000000000000 sat'],
  ] as const) {
    test(`${amount} msat is ${text}`, () => {
      expect(formatMsat(msat(amount))).toBe(text)
    })
  }

  test('reading what was written gives the same amount', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        expect(parseAmount(formatMsat(amount))).toBe(amount)
      }),
    )
  })

  test('reading any unit agrees with exact arithmetic', () => {
    const units = fc.constantFrom(['msat', 0], ['sat', 3], ['BTC', 11]) as fc.Arbitrary<
      [string, number]
    >
    fc.assert(
      fc.property(amounts, units, (amount, [unit, digits]) => {
        const padded = amount.toString().padStart(digits + 1, '0')
        const cut = padded.length - digits
        const text = digits === 0 ? padded : `${padded.slice(0, cut)}.${padded.slice(cut)}`
        expect(parseAmount(`${text} ${unit}`)).toBe(amount)
      }),
    )
  })
})
