import fc from 'fast-check'
import { parseAmount } from 'satway'
import { describe, expect, test } from 'vitest'
import { amountWords, relativeTime, shortHash } from './wording.ts'

describe('an amount in words', () => {
  for (const [msat, words] of [
    ['0', '0 sat'],
    ['1', '0.001 sat'],
    ['1000', '1 sat'],
    ['1500', '1.500 sat'],
    ['999000', '999 sat'],
    ['1000000', '1,000 sat'],
    ['1234567890', '1,234,567.890 sat'],
    ['2100000000000000000', '2,100,000,000,000,000 sat'],
  ] as const) {
    test(`${msat} msat is ${words}`, () => expect(amountWords(msat)).toBe(words))
  }

  test('loses nothing', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2_100_000_000_000_000_000n }), (msat) => {
        expect(parseAmount(amountWords(msat.toString()).replaceAll(',', ''))).toBe(msat)
      }),
    )
  })
})

describe('a time from now', () => {
  const now = Date.parse('2026-11-25T08:00:00Z') / 1000
  for (const [moment, words] of [
    [null, '-'],
    ['2026-11-25T08:00:00Z', 'now'],
    ['2026-11-25T07:59:59Z', '1 s ago'],
    ['2026-11-25T07:59:00Z', '1 min ago'],
    ['2026-11-25T06:00:01Z', '1 h ago'],
    ['2026-11-24T08:00:00Z', '1 d ago'],
    ['2026-11-25T08:00:30Z', 'in 30 s'],
    ['2026-11-26T20:00:00Z', 'in 1 d'],
    ['2026-08-01T00:00:00Z', '2026-08-01'],
    ['2030-01-01T00:00:00Z', '2030-01-01'],
    ['soon\u001b', 'soon\ufffd'],
  ] as const) {
    test(`${moment} is ${words}`, () => expect(relativeTime(moment, now)).toBe(words))
  }
})

test('a hash is named by 12 digits', () => {
  expect(shortHash('d1f4c2a09b7e6635'.repeat(4))).toBe('d1f4c2a09b7e…')
  expect(shortHash('d1f4c2a09b7e')).toBe('d1f4c2a09b7e')
})
