import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxMsat, msat } from '../amount/index.ts'
import { isL402Error } from '../errors.ts'
import type { Network } from './invoice.ts'
import { formatPrefix, parsePrefix } from './prefix.ts'

const networks: readonly Network[] = ['bitcoin', 'testnet', 'signet', 'regtest', 'simnet']

describe('R-INV-5 the network', () => {
  for (const [text, network] of [
    ['lnbc', 'bitcoin'],
    ['lntb', 'testnet'],
    ['lntbs', 'signet'],
    ['lnbcrt', 'regtest'],
    ['lnsb', 'simnet'],
  ] as const) {
    test(`${text} is ${network}, with an amount or without`, () => {
      expect(parsePrefix(text)).toEqual({ network, amountMsat: undefined })
      expect(parsePrefix(`${text}1m`)).toEqual({ network, amountMsat: 100_000_000n })
    })
  }

  for (const text of [
    'lnxx',
    'lnxx1u',
    'lnb',
    'lnbcr',
    'lnbcrtt',
    'lntbt',
    'lnbcm',
    'lnltc1',
    'lno',
    `ln${'a'.repeat(7000)}`,
  ]) {
    test(`${text.slice(0, 12)} is INVOICE_NETWORK`, () => {
      expect(() => parsePrefix(text)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'INVOICE_NETWORK')),
      )
    })
  }

  for (const text of [
    '',
    'l',
    'ln',
    'bc',
    'bc1u',
    'ln1u',
    'xlnbc',
    'lnbc ',
    'lnbc-1u',
    'lnbc1.5u',
    'lnbc1k',
    'lnbc1uu',
    'lnbc1u1u',
    'lnbc1u1',
    'lnbc?',
    'LNBC',
    'lnbc1\n',
    'lnbc١',
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(() => parsePrefix(text)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'INVOICE_MALFORMED')),
      )
    })
  }

  test('R-INV-30 the error names the currency, cut to 64 letters', () => {
    try {
      parsePrefix(`ln${'a'.repeat(7000)}`)
      expect.unreachable()
    } catch (error) {
      expect(isL402Error(error) && error.details).toEqual({ currency: 'a'.repeat(64) })
    }
  })
})

describe('R-INV-6 the amount is exact, in msat', () => {
  for (const [amount, expected] of [
    ['1', 100_000_000_000n],
    ['1m', 100_000_000n],
    ['1u', 100_000n],
    ['1n', 100n],
    ['10p', 1n],
    ['2500u', 250_000_000n],
    ['20m', 2_000_000_000n],
    ['9678785340p', 967_878_534n],
    ['100000p', 10_000n],
    ['2500000000p', 250_000_000n],
    ['21000000', maxMsat],
    ['21000000000m', maxMsat],
    ['21000000000000000000p', maxMsat],
    ['20999999999999999990p', maxMsat - 1n],
    ['90071992547409930p', 9_007_199_254_740_993n],
  ] as const) {
    test(`${amount} is ${expected} msat`, () => {
      expect(parsePrefix(`lnbc${amount}`).amountMsat).toBe(expected)
    })
  }

  test('no amount is undefined, not zero', () => {
    expect(parsePrefix('lnbcrt')).toEqual({ network: 'regtest', amountMsat: undefined })
  })
})

describe('R-INV-7 amounts that are refused', () => {
  for (const amount of [
    '0',
    '0m',
    '0p',
    '00',
    '01',
    '010u',
    '0000000000000000000000001u',
    '1p',
    '15p',
    '2500000001p',
    '21000001',
    '21000000001m',
    '21000000000000000010p',
    '100000000000000000000p',
    '1000000000000000000',
    '9'.repeat(7000),
  ]) {
    test(`${amount.slice(0, 30)} is INVOICE_AMOUNT`, () => {
      expect(() => parsePrefix(`lnbc${amount}`)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'INVOICE_AMOUNT')),
      )
    })
  }
})

describe('R-INV-25 the amount is written with the largest multiplier', () => {
  for (const [amount, text] of [
    [1n, 'lnbc10p'],
    [99n, 'lnbc990p'],
    [100n, 'lnbc1n'],
    [1000n, 'lnbc10n'],
    [100_000n, 'lnbc1u'],
    [250_000_000n, 'lnbc2500u'],
    [100_000_000n, 'lnbc1m'],
    [100_000_000_000n, 'lnbc1'],
    [100_000_000_001n, 'lnbc1000000000010p'],
    [maxMsat, 'lnbc21000000'],
  ] as const) {
    test(`${amount} msat is ${text}`, () => {
      expect(formatPrefix({ network: 'bitcoin', amountMsat: msat(amount) })).toBe(text)
    })
  }

  test('no other multiplier is shorter', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: maxMsat }), (amount) => {
        const written = formatPrefix({ network: 'bitcoin', amountMsat: msat(amount) })
        for (const letter of ['', 'm', 'u', 'n', 'p']) {
          const unit = { '': 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n }[letter]!
          if ((amount * 10n) % unit !== 0n) continue
          expect(written.length).toBeLessThanOrEqual(`lnbc${(amount * 10n) / unit}${letter}`.length)
        }
      }),
    )
  })

  test('R-INV-28 reading undoes writing', () => {
    const amount = fc.option(fc.bigInt({ min: 1n, max: maxMsat }).map(msat), { nil: undefined })
    fc.assert(
      fc.property(fc.constantFrom(...networks), amount, (network, amountMsat) => {
        expect(parsePrefix(formatPrefix({ network, amountMsat }))).toEqual({ network, amountMsat })
      }),
    )
  })
})
