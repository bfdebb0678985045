import { expect, test } from 'vitest'
import { parseJson } from '../../program/src/gateway/pricing/json-call.ts'
import type { PricerAnswer } from '../../program/src/gateway/pricing/pricer-answer.ts'
import { readPricerAnswer } from '../../program/src/gateway/pricing/pricer-answer.ts'
import { fuzzText } from './harness.ts'

test('R-PRC-11 R-PRC-12 answers of a pricer, mutated: what is read is a price above zero, or says that it is free', () => {
  const report = fuzzText({
    name: 'pricer answer',
    seeds: [
      '{"amount_msat":1500}',
      '{"amount_msat":"1500","least_msat":1000,"cache_seconds":60}',
      '{"free":true}',
      '{"free":false,"amount_msat":9007199254740991}',
      '{"free":true,"cache_seconds":0}',
    ],
    words: [
      '0',
      '9',
      '-',
      '.',
      'e',
      '"',
      'true',
      'null',
      '"free":true,',
      '"amount_msat":',
      '{',
      '[',
    ],
    read: (text) => readPricerAnswer(parseJson(text)),
    codes: ['REQUEST_UNPRICED'],
    holds: (text, result) => {
      const { amounts, cacheSeconds } = result as PricerAnswer
      expect(Number.isSafeInteger(cacheSeconds) && cacheSeconds >= 0).toBe(true)
      if (amounts === undefined) {
        expect(JSON.parse(text).free).toBe(true)
        return
      }
      const { amountMsat, leastMsat } = amounts
      expect(leastMsat >= 1n && leastMsat <= amountMsat).toBe(true)
      expect(amountMsat <= BigInt(Number.MAX_SAFE_INTEGER)).toBe(true)
      expect(BigInt(JSON.parse(text).amount_msat)).toBe(amountMsat)
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
