import { expect, test } from 'vitest'
import { encodeHex, encodeUtf8, equalBytes } from '../../library/src/bytes/index.ts'
import type { Identifier } from '../../library/src/l402/index.ts'
import { decodeIdentifier, encodeIdentifier } from '../../library/src/l402/index.ts'
import { fuzzBytes } from './harness.ts'

test('R-ID-1 R-ID-2 any bytes are refused, or are the identifier that is written, raw or in hex', () => {
  const raw = Uint8Array.from({ length: 66 }, (_, i) => (i < 2 ? 0 : i))
  const report = fuzzBytes({
    name: 'decodeIdentifier',
    seeds: [raw, encodeUtf8(encodeHex(raw)), encodeUtf8(encodeHex(raw).toUpperCase())],
    words: [Uint8Array.of(0), Uint8Array.of(0, 1), encodeUtf8('00'), encodeUtf8('0x')],
    read: decodeIdentifier,
    codes: ['IDENTIFIER_MALFORMED'],
    holds: (bytes, result) => {
      const written = encodeIdentifier(result as Identifier)
      const asHex = encodeUtf8(encodeHex(written))
      const asSent =
        bytes.length === 66 ? bytes : encodeUtf8(new TextDecoder().decode(bytes).toLowerCase())
      if (!equalBytes(bytes.length === 66 ? written : asHex, asSent))
        throw new Error('not the same')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 4)
})
