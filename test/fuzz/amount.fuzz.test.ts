import { expect, test } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { formatMsat, maxMsat, parseAmount } from '../../library/src/amount/index.ts'
import { fuzzText } from './harness.ts'

test('R-AMT-5 amounts, mutated: what is read is money and can be written', () => {
  const report = fuzzText({
    name: 'amount',
    seeds: [
      '10 sat',
      '0.0001 BTC',
      '1500 msat',
      '2.5 sats',
      '21000000 BTC',
      '0 sat',
      '1.00000000000btc',
    ],
    words: ['0', '9', '.', ' ', 'm', 'sat', 'msat', 'BTC', '-', 'e', '00000000'],
    read: parseAmount,
    codes: ['AMOUNT_MALFORMED'],
    holds: (_input, result) => {
      const amount = result as Msat
      expect(typeof amount).toBe('bigint')
      expect(amount >= 0n && amount <= maxMsat).toBe(true)
      expect(parseAmount(formatMsat(amount))).toBe(amount)
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
