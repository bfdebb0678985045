import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { encodeBase64, encodeUtf8 } from '../../library/src/bytes/index.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import { decodeToken, encodeToken } from '../../library/src/macaroon/index.ts'
import vectors from '../../spec/vectors/macaroons.json' with { type: 'json' }
import { fuzzText } from './harness.ts'

test('R-MAC-51 R-MAC-52 any text is refused, or read and read again from what is written', () => {
  const report = fuzzText({
    name: 'decodeToken',
    seeds: [
      ...vectors.macaroons.flatMap(({ v1Base64url, v2Base64, v2Base64url }) => [
        v2Base64,
        v2Base64url,
        v1Base64url,
        encodeBase64(encodeUtf8(v1Base64url)),
      ]),
      ...vectors.foreignTokens.map(({ token }) => token),
      ...vectors.verification.map(({ token }) => token),
    ],
    words: ['=', '==', 'AAAA', 'AgIA', '+/', '-_', 'MDAw'],
    read: decodeToken,
    codes: ['MACAROON_MALFORMED', 'MACAROON_TOO_LARGE'],
    holds: (_, result) => {
      if (!isDeepStrictEqual(decodeToken(encodeToken(result as Macaroon)), result)) {
        throw new Error('not the same macaroon')
      }
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 2)
})
