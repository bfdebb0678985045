import { expect, test } from 'vitest'
import { formatCursor, parseCursor } from '../../program/src/gateway/state/transaction-cursor.ts'
import { fuzzText } from './harness.ts'

const refused = Symbol('refused')

test('R-STATE-27 no text stands for a place that no page ended with', () => {
  let accepted = 0
  fuzzText({
    name: 'cursor of transactions',
    seeds: [
      formatCursor({ settledAt: 1_800_000_000n, id: 1n }),
      formatCursor({ settledAt: 0n, id: 999_999_999_999_999n }),
      Buffer.from('01.1').toString('base64url'),
      Buffer.from('1.1.1').toString('base64url'),
      'MS4x==',
    ],
    words: ['MS4x', 'MTgw', '=', '+', '/', '-', '_'],
    read: (text) => {
      try {
        return parseCursor(text)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        return refused
      }
    },
    codes: [],
    holds: (text, cursor) => {
      if (cursor === refused) return
      accepted++
      expect(formatCursor(cursor as ReturnType<typeof parseCursor>)).toBe(text)
    },
  })
  expect(accepted).toBeGreaterThan(0)
})
