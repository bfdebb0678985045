import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { decodeHex, encodeHex } from '../bytes/index.ts'
import { readVarint, varintLength, writeVarint } from './varint.ts'

const largest = 2 ** 31 - 1

describe('R-MAC-21 a varint has one spelling', () => {
  for (const { value: text, hex } of vectors.varints) {
    const value = Number(text)
    if (value > largest) {
      test(`${text} is out of range`, () => {
        expect(() => readVarint(decodeHex(hex), 0)).toThrow(refusal('varint'))
      })
      continue
    }
    test(`${text} is ${hex}`, () => {
      const bytes = new Uint8Array(varintLength(value) + 1)
      expect(writeVarint(bytes, 1, value)).toBe(bytes.length)
      expect(encodeHex(bytes.subarray(1))).toBe(hex)
      expect(readVarint(bytes, 1)).toBe(value)
    })
  }

  for (const [hex, reason] of [
    ['', 'truncated'],
    ['80', 'truncated'],
    ['ffffffff', 'truncated'],
    ['8000', 'varint'],
    ['8100', 'varint'],
    ['ff8000', 'varint'],
    ['ffffff8000', 'varint'],
    ['ffffffff08', 'varint'],
    ['ffffffff7f', 'varint'],
    ['808080808000', 'varint'],
    ['ffffffffff07', 'varint'],
  ] as const) {
    test(`"${hex}" is refused: ${reason}`, () => {
      expect(() => readVarint(decodeHex(hex), 0)).toThrow(refusal(reason))
    })
  }

  test('every length around a power of 128 comes back', () => {
    for (const power of [128, 128 ** 2, 128 ** 3, 128 ** 4]) {
      for (const value of [power - 1, power, power + 1]) {
        const bytes = new Uint8Array(8)
        expect(writeVarint(bytes, 0, value)).toBe(varintLength(value))
        expect(readVarint(bytes, 0)).toBe(value)
      }
    }
  })
})

function refusal(reason: string): Error {
  return expect.objectContaining({
    code: 'MACAROON_MALFORMED',
    details: expect.objectContaining({ reason }),
  })
}
