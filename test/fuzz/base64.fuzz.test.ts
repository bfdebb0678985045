import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import {
  decodeBase64,
  decodeBase64Any,
  encodeBase64,
  encodeBase64Url,
} from '../../library/src/bytes/index.ts'
import { fuzzText } from './harness.ts'

const seeds = [
  '',
  'Zg==',
  'Zm8=',
  'Zm9v',
  'Zg',
  'Zm8',
  '+/8=',
  '-_8',
  'AGIA'.repeat(40),
  '____',
  '////',
]
const words = ['=', '==', 'AAAA', '+', '/', '-', '_', '\n']

test('R-BYTES-4 strict base64, mutated: what is read is written back letter for letter', () => {
  const report = fuzzText({
    name: 'base64',
    seeds,
    words,
    read: decodeBase64,
    codes: ['BYTES_BASE64'],
    holds: (input, result) => {
      assert.equal(encodeBase64(result as Uint8Array), input)
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})

test('R-BYTES-5 liberal base64, mutated: what is read is one of the four spellings', () => {
  const report = fuzzText({
    name: 'base64 in any spelling',
    seeds,
    words,
    read: decodeBase64Any,
    codes: ['BYTES_BASE64'],
    holds: (input, result) => {
      const bytes = result as Uint8Array
      const padded = encodeBase64(bytes)
      const bare = encodeBase64Url(bytes)
      const spellings = [
        padded,
        padded.replaceAll('=', ''),
        bare,
        bare + '='.repeat((4 - (bare.length % 4)) % 4),
      ]
      assert.ok(spellings.includes(input))
    },
  })
  expect(report.accepted).toBeGreaterThan(0)
  expect(report.refused).toBeGreaterThan(0)
})
