import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHex, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import { paymentHash } from '../invoice/index.ts'
import { decodeIdentifier, encodeIdentifier } from './index.ts'

const hash = '72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793'
const tokenId = '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f'
const identifier = { paymentHash: paymentHash(decodeHex(hash)), tokenId: decodeHex(tokenId) }

test('R-ID-1 an identifier is version, payment hash and token id, 66 bytes', () => {
  expect(encodeHex(encodeIdentifier(identifier))).toBe(`0000${hash}${tokenId}`)
})

test('R-ID-1 encoding and decoding undo each other', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(bytes32, bytes32, (first, second) => {
      const original = { paymentHash: paymentHash(first), tokenId: second }
      const bytes = encodeIdentifier(original)
      expect(bytes).toHaveLength(66)
      expect(decodeIdentifier(bytes)).toEqual(original)
    }),
  )
})

test('R-ID-2 the same bytes as 132 hex digits are the same identifier, in either case', () => {
  const digits = encodeHex(encodeIdentifier(identifier))
  expect(decodeIdentifier(encodeUtf8(digits))).toEqual(identifier)
  expect(decodeIdentifier(encodeUtf8(digits.toUpperCase()))).toEqual(identifier)
})

describe('R-ID-3 anything else is refused', () => {
  const raw = encodeIdentifier(identifier)
  const digits = encodeHex(raw)
  for (const [name, bytes] of [
    ['nothing', new Uint8Array()],
    ['65 bytes', raw.slice(0, 65)],
    ['67 bytes', Uint8Array.of(...raw, 0)],
    ['a bare payment hash', raw.slice(2, 34)],
    ['version 1', Uint8Array.of(0, 1, ...raw.slice(2))],
    ['version 256', Uint8Array.of(1, 0, ...raw.slice(2))],
    ['132 digits of version 1', encodeUtf8(`0001${digits.slice(4)}`)],
    ['131 digits', encodeUtf8(digits.slice(1))],
    ['133 digits', encodeUtf8(`${digits}0`)],
    ['132 characters, one of them no digit', encodeUtf8(`${digits.slice(0, -1)}g`)],
    ['132 bytes that are not text', new Uint8Array(132).fill(0xff)],
    ['64 hex digits, as satring mints', encodeUtf8(hash)],
  ] as const) {
    test(name, () => {
      expect(() => decodeIdentifier(bytes)).toThrow(
        expect.objectContaining({ code: 'IDENTIFIER_MALFORMED' }),
      )
    })
  }
})

test('R-ID-1 a token id of another length is the caller’s mistake', () => {
  for (const length of [0, 31, 33]) {
    const wrong = { ...identifier, tokenId: new Uint8Array(length) }
    expect(() => encodeIdentifier(wrong)).toThrow(RangeError)
  }
})
