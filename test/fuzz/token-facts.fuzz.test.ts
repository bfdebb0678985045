import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readTokenFacts } from '../../library/src/client/token-facts.ts'
import { fuzzText } from './harness.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../spec/vectors/l402-headers.json', import.meta.url), 'utf8'),
) as { variables: Record<string, string> }
const { M = '', MU = '', A = '', ALBY = '', SATRING = '' } = vectors.variables

test('R-PAY-14 a token says something about itself or nothing, and never breaks the client', () => {
  let read = 0
  const report = fuzzText({
    name: 'token facts',
    seeds: [M, MU, A, ALBY, SATRING],
    words: ['AgEE', '=', 'shop_uses=', 'services='],
    read: (text) => readTokenFacts(text),
    codes: [],
    holds: (_, facts) => {
      if (facts === undefined) return
      read++
      expect(facts).toMatchObject({ paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    },
  })
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(report.cases)
})
