import { expect, test } from 'vitest'
import { decodeHex, encodeUtf8 } from '../../library/src/bytes/index.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import { decodeMacaroonV1, encodeMacaroonV1 } from '../../library/src/macaroon/index.ts'
import vectors from '../../spec/vectors/macaroons.json' with { type: 'json' }
import { fuzzBytes } from './harness.ts'

test('R-MAC-31 any bytes are refused, or read and written as the same bytes', () => {
  const report = fuzzBytes({
    name: 'decodeMacaroonV1',
    seeds: [
      ...vectors.macaroons.map(({ v1Hex }) => decodeHex(v1Hex)),
      ...vectors.malformed
        .filter(({ name }) => name.startsWith('v1'))
        .map(({ hex }) => decodeHex(hex)),
    ],
    words: [
      '000elocation \n',
      '000ccid a=1\n',
      '000avid x\n',
      '0009cl x\n',
      '002fsignature ',
      ' ',
      '\n',
    ].map(encodeUtf8),
    read: decodeMacaroonV1,
    codes: ['MACAROON_MALFORMED', 'MACAROON_TOO_LARGE'],
    holds: (input, result) => {
      if (!Buffer.from(encodeMacaroonV1(result as Macaroon)).equals(input)) {
        throw new Error('not the same bytes')
      }
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 2)
})
