import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { StoredToken } from '../../library/src/client/index.ts'
import { storedTokenOf } from '../../library/src/client/index.ts'
import { hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import { fuzzText } from './harness.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../spec/vectors/l402-headers.json', import.meta.url), 'utf8'),
) as { variables: Record<string, string> }
const { M = '', P = '', ALBY = '' } = vectors.variables
const proof = 'ab'.repeat(32)

test('R-PAY-86 a credential that was handed over is a token that proves its payment, or is refused', () => {
  let read = 0
  const report = fuzzText({
    name: 'handed over credential',
    seeds: [`L402 ${M}:${P}`, `LSAT abcd:${proof}`, `L402 ${ALBY}:${proof}`, `L402 AgEE:${proof}`],
    words: ['L402 ', 'LSAT ', 'Bearer ', ', ', ':', ',', '"', proof],
    read: (authorization) => {
      try {
        return storedTokenOf({ origin: 'https://a.test', authorization })
      } catch (error) {
        if (error instanceof RangeError && error.message.startsWith('storedTokenOf: '))
          return undefined
        throw error
      }
    },
    codes: [],
    holds: (_, result) => {
      if (result === undefined) return
      read++
      const { paymentHash, preimage: text, facts, token, standing } = result as StoredToken
      const hash = Buffer.from(hashPreimage(preimage(Buffer.from(text, 'hex')))).toString('hex')
      if (hash !== paymentHash) throw new Error('does not prove its payment')
      if (facts !== undefined && facts.paymentHash !== hash) throw new Error('of another payment')
      if (token === '' || standing !== 'good') throw new Error('is no token')
    },
  })
  expect(read).toBeGreaterThan(report.cases / 100)
  expect(read).toBeLessThan(report.cases)
})
