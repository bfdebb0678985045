import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { preimage } from '../../library/src/invoice/index.ts'
import type { ChallengeReading } from '../../library/src/l402/index.ts'
import { formatChallenge, formatCredential, parseChallenges } from '../../library/src/l402/index.ts'
import vectors from '../../spec/vectors/l402-headers.json' with { type: 'json' }
import { fuzzText } from './harness.ts'

const short: Readonly<Record<string, string>> = { M: 'AgEE/8+A==', A: 'AgEF', I: 'lnbc1qq' }
const substitute = (text: string) =>
  text.replace(/\$([A-Z]+)/g, (_, name: string) => short[name] ?? 'x')
const secret = preimage(new Uint8Array(32))

test('R-CHAL-7 any line is read without throwing, and what is read can be written again', () => {
  let challenges = 0
  let errors = 0
  const report = fuzzText({
    name: 'parseChallenges',
    seeds: vectors.challenge.map(({ lines }) => lines.map(substitute).join(', ')),
    words: [
      'L402 ',
      'LSAT ',
      'Basic ',
      ', ',
      '"',
      '\\"',
      "'",
      '=',
      'token=',
      'invoice=',
      'version="1"',
      'macaroon="AgEF"',
    ],
    read: (line) => parseChallenges([line]),
    codes: [],
    holds: (_, result) => {
      for (const reading of result as readonly ChallengeReading[]) {
        if ('error' in reading) {
          errors++
          if (reading.error.length > 120) throw new Error('an error as long as the peer likes')
          continue
        }
        challenges++
        const { scheme, token, invoice } = reading
        const [again] = parseChallenges([formatChallenge({ scheme, token, invoice })])
        const { token: tokenAgain, invoice: invoiceAgain } = again as typeof reading
        if (!isDeepStrictEqual([tokenAgain, invoiceAgain], [token, invoice]))
          throw new Error('not the same')
        // What a client would send back is one line, whatever the server wrote.
        if (/[\r\n]/.test(formatCredential({ scheme, token, preimage: secret })))
          throw new Error('two lines')
      }
    },
  })
  expect(report.accepted).toBe(report.cases)
  expect(challenges).toBeGreaterThan(report.cases / 10)
  expect(errors).toBeGreaterThan(report.cases / 10)
})
