import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { decodeHex, encodeHex } from './hex.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

describe('R-BYTES-1 hexadecimal is written in lower case', () => {
  test('every byte has two digits', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(encodeHex(all)).toBe(Buffer.from(all).toString('hex'))
    expect(encodeHex(Uint8Array.of(0, 10, 255))).toBe('000aff')
    expect(encodeHex(new Uint8Array(0))).toBe('')
  })

  test("agrees with Node's Buffer", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(encodeHex(value)).toBe(Buffer.from(value).toString('hex'))
      }),
    )
  })
})

describe('R-BYTES-2 hexadecimal is read in either case', () => {
  test('reading undoes writing', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(decodeHex(encodeHex(value))).toEqual(value)
        expect(decodeHex(encodeHex(value).toUpperCase())).toEqual(value)
      }),
    )
  })

  test('digits may be of mixed case', () => {
    expect(decodeHex('aAbBcCdDeEfF09')).toEqual(
      Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x09),
    )
  })

  for (const text of [
    'a',
    'abc',
    '0x00',
    ' 00',
    '00 ',
    '0 0',
    '00\n',
    'g0',
    '0g',
    '0/',
    '0:',
    '0@',
    '0G',
    '0`',
    '-1',
    '+1',
    '1.',
    '００',
    '0\u0130',
    '\ud8000',
    '😀',
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(() => decodeHex(text)).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'BYTES_HEX')),
      )
    })
  }

  test('of all texts of two characters, those of two digits are accepted', () => {
    const accepted: string[] = []
    for (let code = 0; code < 0x300; code++) {
      const text = `0${String.fromCharCode(code)}`
      try {
        decodeHex(text)
        accepted.push(text[1]!)
      } catch {
        // refused, as most are
      }
    }
    expect(accepted.join('')).toBe('0123456789ABCDEFabcdef')
  })
})
