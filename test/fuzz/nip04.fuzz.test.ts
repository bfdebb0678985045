import { expect, test } from 'vitest'
import { decodeBase64 } from '../../library/src/bytes/index.ts'
import { decryptNip04, encryptNip04 } from '../../library/src/lightning/nostr/nip04.ts'
import { fuzzText } from './harness.ts'

const key = new Uint8Array(32).fill(7)
const contents = ['', '{"result_type":"pay_invoice","result":{}}', 'é'.repeat(60)].map((text, i) =>
  encryptNip04(text, key, new Uint8Array(16).fill(i)),
)

test('R-NWC-41 NIP-04 contents', () => {
  let read = 0
  const report = fuzzText({
    name: 'nip04',
    seeds: [...contents, '?iv=', ''],
    words: ['?iv=', '==', 'AAAAAAAAAAAAAAAAAAAAAA==', '?'],
    read: (content) => decryptNip04(content, key),
    codes: [],
    // It has no check of its own: what is read is at least what the same content is written as.
    holds: (content, text) => {
      if (text === undefined) return
      read++
      const iv = decodeBase64(content.slice(content.indexOf('?iv=') + 4))
      if (encryptNip04(String(text), key, iv) !== content) throw new Error('another content')
    },
  })
  expect(report.refused).toBe(0)
  expect(read).toBeGreaterThanOrEqual(contents.length)
}, 120_000)
