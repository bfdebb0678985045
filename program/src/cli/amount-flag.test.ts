import { describe, expect, test } from 'vitest'
import { readAmountFlag } from './amount-flag.ts'
import { UsageMistake } from './failure.ts'

describe('R-AGT-27 an amount on the command line', () => {
  for (const [text, amountMsat] of [
    ['100', 100_000n],
    ['0', 0n],
    ['100sat', 100_000n],
    ['1500 msat', 1500n],
    ['0.0001BTC', 10_000_000n],
  ] as const) {
    test(`${text} is ${amountMsat} msat`, () => {
      expect(readAmountFlag('max-cost', text)).toBe(amountMsat)
    })
  }

  for (const [text, message] of [
    ['', /expected an amount like 100 or 100sat/],
    ['1.5', /expected an amount/],
    ['-1', /expected an amount/],
    ['1e3', /expected an amount/],
    ['100 usd', /expected an amount/],
    ['0.0001 sat', /finer than 1 msat/],
    ['99999999 BTC', /more than 21 million BTC/],
    ['9'.repeat(40), /more than 21 million BTC/],
  ] as const) {
    test(`${JSON.stringify(text.slice(0, 20))} is none`, () => {
      expect(() => readAmountFlag('max-cost', text)).toThrow(UsageMistake)
      expect(() => readAmountFlag('max-cost', text)).toThrow(message)
    })
  }
})
