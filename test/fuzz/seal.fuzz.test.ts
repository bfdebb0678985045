import { expect, test } from 'vitest'
import { createSeal } from '../../library/src/journal/seal.ts'
import { fuzzBytes } from './harness.ts'

const seal = createSeal(Uint8Array.from({ length: 32 }, (_, i) => 7 * i))
const texts = ['', 'ab'.repeat(32), 'L402 token', 'ç😀']

test('R-SEAL-1 a seal opens what it sealed and nothing else', () => {
  const seeds = texts.map((text) => seal.seal(text, 'tokens.preimage:1'))
  const known = new Set(seeds.map((bytes) => Buffer.from(bytes).toString('hex')))
  const report = fuzzBytes({
    name: 'open',
    seeds,
    words: [Uint8Array.of(1), new Uint8Array(16), seeds[1]!.subarray(0, 13)],
    read: (bytes) => seal.open(bytes, 'tokens.preimage:1'),
    codes: ['JOURNAL_UNUSABLE'],
    holds: (bytes) => expect(known).toContain(Buffer.from(bytes).toString('hex')),
  })
  expect(report.accepted).toBeGreaterThanOrEqual(seeds.length)
  expect(report.refused).toBeGreaterThan(0)
})
