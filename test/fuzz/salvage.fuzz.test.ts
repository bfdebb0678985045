import { expect, test } from 'vitest'
import { readSettlement } from '../../library/src/journal/salvage.ts'
import { createSeal } from '../../library/src/journal/seal.ts'
import { proofOf } from '../journal/scratch-journal.ts'
import { fuzzText } from './harness.ts'

const seal = createSeal(new Uint8Array(32).fill(7))
const { hash, preimage } = proofOf(1)
const lineOf = (fields: unknown): string =>
  `${Buffer.from(seal.seal(JSON.stringify(fields), 'journal.salvage')).toString('base64')}\n`

test('R-JRN-32 readSettlement reads what was sealed for it and proves a payment, and nothing else', () => {
  const good = lineOf([hash, preimage, '12', false, 1000.5, 1])
  const settlement = {
    paymentHash: hash,
    news: { state: 'settled', preimage, feeMsat: 12n, owed: false },
    atSeconds: 1000.5,
    attempt: 1,
  }
  expect(readSettlement(good, seal)).toEqual(settlement)
  const wrong: readonly unknown[] = [
    [proofOf(2).hash, preimage, '12', false, 1000, 1],
    [hash, preimage, '-1', false, 1000, 1],
    [hash, preimage, 'x', false, 1000, 1],
    [hash, preimage],
    [],
    {},
    null,
    'text',
  ]
  for (const fields of wrong) expect(readSettlement(lineOf(fields), seal)).toBeUndefined()

  let read = 0
  const report = fuzzText({
    name: 'readSettlement',
    seeds: [good, ...wrong.map(lineOf)],
    words: ['\n', '=', '==', 'AAAA', good.slice(0, 20)],
    read: (line) => readSettlement(line, seal),
    codes: [],
    holds: (_, result) => {
      if (result === undefined) return
      read += 1
      expect(result).toEqual(settlement)
    },
  })
  expect(report.refused).toBe(0)
  expect(read).toBeGreaterThan(0)
})
