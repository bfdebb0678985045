import { expect, test } from 'vitest'
import { parseJson } from '../../program/src/gateway/pricing/json-call.ts'
import type { Rate } from '../../program/src/gateway/pricing/rate-source.ts'
import { rateIn } from '../../program/src/gateway/pricing/rate-source.ts'
import { fuzzText } from './harness.ts'

test('R-PRC-7 documents of rates, mutated: what is read is the number that is written there, above zero', () => {
  const report = fuzzText({
    name: 'rate',
    seeds: [
      '{"data":{"USD":64000.12}}',
      '{"data":{"USD":"64000.1200000000000001"}}',
      '{"data":{"USD":6.4e4,"EUR":1}}',
      '{"data":{"USD":640000E-1}}',
    ],
    words: ['0', '9', '-', '.', 'e', 'E', '+', '"', 'null', 'Infinity', '"USD":', '{', '['],
    read: (text) => rateIn(parseJson(text), 'data.USD'),
    codes: ['REQUEST_UNPRICED'],
    holds: (text, result) => {
      const { digits, decimals } = result as Rate
      expect(digits > 0n && decimals >= 0).toBe(true)
      const written = Number(JSON.parse(text).data.USD)
      const read = Number(digits) / 10 ** decimals
      expect(Math.abs(read / written - 1)).toBeLessThan(1e-9)
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
