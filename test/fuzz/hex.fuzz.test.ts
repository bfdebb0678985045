import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { decodeHex, encodeHex } from '../../library/src/bytes/index.ts'
import { fuzzText } from './harness.ts'

test('R-BYTES-2 hexadecimal, mutated: what is read is written back', () => {
  const report = fuzzText({
    name: 'hex',
    seeds: ['', '00', '0123456789abcdef', 'DEADBEEF', 'ff'.repeat(32), 'aF'.repeat(33)],
    words: ['0', 'f', 'A0', '0x', 'g', ' '],
    read: decodeHex,
    codes: ['BYTES_HEX'],
    holds: (input, result) => {
      assert.equal(encodeHex(result as Uint8Array), input.toLowerCase())
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
