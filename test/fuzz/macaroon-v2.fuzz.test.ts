import { expect, test } from 'vitest'
import { decodeHex } from '../../library/src/bytes/index.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import {
  decodeMacaroon,
  encodeMacaroon,
  encodeMacaroonV1,
} from '../../library/src/macaroon/index.ts'
import vectors from '../../spec/vectors/macaroons.json' with { type: 'json' }
import { fuzzBytes } from './harness.ts'

test('R-MAC-26 any bytes are refused, or read and written as the same bytes', () => {
  const report = fuzzBytes({
    name: 'decodeMacaroon',
    seeds: [
      ...vectors.macaroons.map(({ v2Hex }) => decodeHex(v2Hex)),
      ...vectors.malformed.map(({ hex }) => decodeHex(hex)),
      decodeHex(vectors.macaroons[3]!.v1Hex),
    ],
    words: ['0000', '0100', '0200', '020161', '040109', '0620', '8001', 'ffffffff07'].map(
      decodeHex,
    ),
    read: decodeMacaroon,
    codes: ['MACAROON_MALFORMED', 'MACAROON_TOO_LARGE'],
    holds: (input, result) => {
      const write = input[0] === 2 ? encodeMacaroon : encodeMacaroonV1
      if (!Buffer.from(write(result as Macaroon)).equals(input))
        throw new Error('not the same bytes')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 2)
})
