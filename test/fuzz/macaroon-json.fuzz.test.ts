import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { L402Error } from '../../library/src/errors.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import { decodeMacaroonJson, encodeMacaroonJson } from '../../library/src/macaroon/index.ts'
import vectors from '../../spec/vectors/macaroons.json' with { type: 'json' }
import { fuzzText } from './harness.ts'

test('R-MAC-42 any JSON is refused, or read and read again from what is written', () => {
  const report = fuzzText({
    name: 'decodeMacaroonJson',
    seeds: vectors.macaroons.map(({ v2json }) => JSON.stringify(v2json)),
    words: [
      '"l":"x",',
      '"i64":"aQ",',
      '"v":"2",',
      '"v64":"AAAA",',
      '"c":[],',
      '{"i":"a=1"},',
      'null',
      '\\ud800',
    ],
    read: (text) => decodeMacaroonJson(parse(text)),
    codes: ['MACAROON_MALFORMED', 'MACAROON_TOO_LARGE'],
    holds: (_, result) => {
      const written: unknown = JSON.parse(JSON.stringify(encodeMacaroonJson(result as Macaroon)))
      if (!isDeepStrictEqual(decodeMacaroonJson(written), result)) throw new Error('not the same')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 4)
})

/** What `JSON.parse` refuses never gets to the reader. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new L402Error('MACAROON_MALFORMED', { reason: 'not JSON' })
  }
}
