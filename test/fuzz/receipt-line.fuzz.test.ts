import { expect, test } from 'vitest'
import type { Receipt } from '../../library/src/journal/journal.ts'
import { formatReceipt, readReceipt } from '../../library/src/journal/receipt-line.ts'
import { fuzzText } from './harness.ts'

const previous = '0'.repeat(64)
const time = '2026-03-01T00:00:00.000Z'
const seeds: readonly Receipt[] = [
  { seq: 1, time, kind: 'refused', code: 'POLICY_REFUSED', reason: 'host', previous },
  {
    seq: 2,
    time,
    kind: 'intent',
    paymentHash: 'ab'.repeat(32),
    origin: 'https://a.example',
    method: 'GET',
    path: '/a"b\\ç😀',
    amountMsat: '10000',
    maxFeeMsat: '0',
    decidedBy: 'approval',
    previous: 'cd'.repeat(32),
  },
  { seq: 3, time, kind: 'settled', paymentHash: 'ab'.repeat(32), feeMsat: '12', previous },
  { seq: 4, time, kind: 'not-delivered', paymentHash: 'ab'.repeat(32), status: 500, previous },
]

test('R-RCT-11 readReceipt takes the one spelling of a receipt and nothing else', () => {
  const report = fuzzText({
    name: 'readReceipt',
    seeds: seeds.map(formatReceipt),
    words: ['"', ',', '{}', '"seq":5,', '"__proto__":1,', '1e3', '-0', '\\u0041', 'null', '[', '9'],
    read: readReceipt,
    codes: ['JOURNAL_UNUSABLE'],
    holds: (line, result) => {
      const receipt = result as Receipt
      expect(formatReceipt(receipt)).toBe(line)
      expect(receipt.seq).toBeGreaterThan(0)
      expect(new Date(receipt.time).toISOString()).toBe(receipt.time)
      expect(receipt.previous).toMatch(/^[0-9a-f]{64}$/)
    },
  })
  expect(report.accepted).toBeGreaterThan(seeds.length)
  expect(report.refused).toBeGreaterThan(0)
})
