import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../library/src/bytes/index.ts'
import { decryptNip44, encryptNip44 } from '../../library/src/lightning/nostr/nip44.ts'
import { fuzzBytes, fuzzText } from './harness.ts'

const key = new Uint8Array(32).fill(7)
const nonce = new Uint8Array(32).fill(9)
const payloads = ['a', '{"result_type":"pay_invoice","result":{}}', 'x'.repeat(300)].map((text) =>
  encryptNip44(text, key, nonce),
)

/** What is read was written with the key, and says the same when it is written again. */
function holds(payload: string, text: unknown): void {
  if (text === undefined) return
  const written = decodeBase64(payload).subarray(1, 33)
  if (encryptNip44(String(text), key, written) !== payload) throw new Error('another payload')
}

test('R-NWC-40 NIP-44 payloads as text', () => {
  let read = 0
  const report = fuzzText({
    name: 'nip44',
    seeds: [...payloads, '', '#', 'A'.repeat(132)],
    words: ['==', 'Ag', '#', 'AAAA'],
    read: (payload) => decryptNip44(payload, key),
    codes: [],
    holds: (payload, text) => {
      if (text !== undefined) read++
      holds(payload, text)
    },
  })
  expect(report.refused).toBe(0)
  expect(read).toBeGreaterThanOrEqual(payloads.length)
}, 120_000)

test('R-NWC-40 NIP-44 payloads as bytes', () => {
  let read = 0
  fuzzBytes({
    name: 'nip44 bytes',
    seeds: payloads.slice(0, 2).map(decodeBase64),
    read: (bytes) => decryptNip44(encodeBase64(bytes), key),
    codes: [],
    holds: (bytes, text) => {
      if (text !== undefined) read++
      holds(encodeBase64(bytes), text)
    },
  })
  expect(read).toBeGreaterThanOrEqual(2)
}, 120_000)
