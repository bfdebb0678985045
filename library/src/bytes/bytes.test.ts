import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { concatBytes, decodeUtf8, encodeUtf8, equalBytes, randomBytes } from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 200 })
const text = fc.string({ unit: 'binary', maxLength: 200 })

describe('R-BYTES-7 text is UTF-8', () => {
  test('reading undoes writing, for short texts and long', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decodeUtf8(encodeUtf8(value))).toBe(value)
        expect(encodeUtf8(value)).toEqual(Uint8Array.from(Buffer.from(value, 'utf8')))
      }),
      { numRuns: 1000 },
    )
  })

  test('ASCII around the length where the encoder changes', () => {
    for (const length of [0, 1, 63, 64, 65, 66]) {
      const value = 'x'.repeat(length)
      expect(encodeUtf8(value)).toEqual(new Uint8Array(length).fill(0x78))
      expect(encodeUtf8(`${value}é`)).toEqual(
        Uint8Array.of(...new Uint8Array(length).fill(0x78), 0xc3, 0xa9),
      )
    }
  })

  test('a byte order mark is kept', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })

  test('half a surrogate pair is written as U+FFFD', () => {
    expect(encodeUtf8('\ud800')).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd))
  })

  for (const [name, ...invalid] of [
    ['a stray continuation byte', 0x80],
    ['a cut sequence', 0xc3],
    ['a cut sequence of four', 0xf0, 0x9f, 0x98],
    ['an overlong slash', 0xc0, 0xaf],
    ['an overlong zero', 0xe0, 0x80, 0x80],
    ['a surrogate', 0xed, 0xa0, 0x80],
    ['more than U+10FFFF', 0xf4, 0x90, 0x80, 0x80],
    ['a byte that UTF-8 never has', 0xff],
  ] as const) {
    test(`${name} is refused`, () => {
      expect(() => decodeUtf8(Uint8Array.of(0x61, ...invalid))).toThrow(
        expect.toSatisfy((error) => isL402Error(error, 'BYTES_UTF8')),
      )
    })
  }

  test('whatever is accepted is written back byte for byte', () => {
    const wild = fc.uint8Array({ maxLength: 8 })
    fc.assert(
      fc.property(wild, (value) => {
        let read: string
        try {
          read = decodeUtf8(value)
        } catch (error) {
          if (!isL402Error(error, 'BYTES_UTF8')) throw error
          return
        }
        expect(encodeUtf8(read)).toEqual(value)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('R-BYTES-8 bytes are compared in full', () => {
  test('equal to a copy, and to nothing that differs in one bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (value, at) => {
        const other = Uint8Array.from(value)
        expect(equalBytes(value, other)).toBe(true)
        const bit = at % (8 * value.length)
        other[bit >> 3]! ^= 1 << (bit & 7)
        expect(equalBytes(value, other)).toBe(false)
      }),
    )
  })

  test('agrees with Buffer.equals', () => {
    const few = fc.uint8Array({ maxLength: 2, max: 1 })
    fc.assert(
      fc.property(few, few, (a, b) => {
        expect(equalBytes(a, b)).toBe(Buffer.from(a).equals(b))
      }),
    )
  })

  test('another length is never equal, also when it is a beginning', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false)
    expect(equalBytes(new Uint8Array(0), new Uint8Array(1))).toBe(false)
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true)
  })
})

describe('concatBytes', () => {
  test("agrees with Node's Buffer, and copies", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
        expect(concatBytes(...parts)).toEqual(Uint8Array.from(Buffer.concat(parts)))
      }),
    )
    const part = Uint8Array.of(1)
    const joined = concatBytes(part)
    part[0] = 2
    expect(joined).toEqual(Uint8Array.of(1))
  })
})

describe('randomBytes', () => {
  test('gives as many as asked for, and others every time', () => {
    expect(randomBytes(0)).toEqual(new Uint8Array(0))
    expect(randomBytes(32)).toHaveLength(32)
    expect(randomBytes(65_536)).toHaveLength(65_536)
    const seen = new Set(
      Array.from({ length: 100 }, () => Buffer.from(randomBytes(16)).toString('hex')),
    )
    expect(seen.size).toBe(100)
  })
})
