import { describe, expect, test } from 'vitest'
import { JsonObjects } from '../../library/src/lightning/cln/json-objects.ts'
import { fuzzBytes } from './harness.ts'

const maxBytes = 4096

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** At once, a byte at a time, or in thirds: what is found must be the same. */
function cut(bytes: Uint8Array, step: number): readonly unknown[] | undefined {
  const objects = new JsonObjects(maxBytes)
  const found: unknown[] = []
  for (let at = 0; at < bytes.length; at += step) {
    const some = objects.push(bytes.subarray(at, at + step))
    if (some === undefined) return undefined
    found.push(...some)
  }
  return found
}

describe('the framing of JSON-RPC under noise', () => {
  test('R-CLN-19 is total, and finds the same however the stream is cut', () => {
    const counts = { broken: 0, found: 0 }
    let cases = 0
    fuzzBytes({
      name: 'JsonObjects',
      seeds: [
        bytesOf('{"jsonrpc":"2.0","id":"satway","result":{"pays":[]}}\n\n'),
        bytesOf('{"id":"satway","error":{"code":-32601,"message":"\\"}{\\\\"}}{"a":[{},[]]}'),
        bytesOf(' {\n "a" : "é☕" }\r\n\t{}'),
      ],
      words: ['{', '}', '"', '\\', '[', ']', '\n', '{}', '"{"', 'null'].map(bytesOf),
      read: (bytes) => cut(bytes, Math.max(1, bytes.length)),
      codes: [],
      holds: (bytes, result) => {
        if (result === undefined) counts.broken++
        else counts.found += (result as unknown[]).length
        // Each time would take as long as all the rest.
        if (++cases % 4 !== 0) return
        const inPieces = cut(bytes, 1 + (bytes.length % 7))
        const isSame = inPieces?.length === (result as unknown[] | undefined)?.length
        if (!isSame) throw new Error('found otherwise when it came in pieces')
      },
    })
    expect(counts.broken).toBeGreaterThan(0)
    expect(counts.found).toBeGreaterThan(0)
  })
})
