import { base64, base64nopad, base64url, base64urlnopad } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { decodeBase64, decodeBase64Any, encodeBase64, encodeBase64Url } from './base64.ts'

const bytes = fc.uint8Array({ maxLength: 300 })
const refusal = expect.toSatisfy((error) => isL402Error(error, 'BYTES_BASE64'))

/** What a reader makes of a text: bytes, or `undefined` for a refusal. Anything else is a fault. */
function reading(read: (text: string) => Uint8Array, text: string): Uint8Array | undefined {
  try {
    return read(text)
  } catch (error) {
    if (!isL402Error(error, 'BYTES_BASE64')) throw error
    return undefined
  }
}

describe('R-BYTES-3 base64 is written in two forms', () => {
  for (const [hex, padded, url] of [
    ['', '', ''],
    ['66', 'Zg==', 'Zg'],
    ['666f', 'Zm8=', 'Zm8'],
    ['666f6f', 'Zm9v', 'Zm9v'],
    ['666f6f62', 'Zm9vYg==', 'Zm9vYg'],
    ['666f6f6261', 'Zm9vYmE=', 'Zm9vYmE'],
    ['fbff', '+/8=', '-_8'],
    ['ffffff', '////', '____'],
  ] as const) {
    test(`${hex || 'nothing'} is ${padded || 'nothing'} and ${url || 'nothing'}`, () => {
      const value = Buffer.from(hex, 'hex')
      expect(encodeBase64(value)).toBe(padded)
      expect(encodeBase64Url(value)).toBe(url)
    })
  }

  test("agrees with Node's Buffer and with @scure/base", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(encodeBase64(value)).toBe(Buffer.from(value).toString('base64'))
        expect(encodeBase64(value)).toBe(base64.encode(value))
        expect(encodeBase64Url(value)).toBe(Buffer.from(value).toString('base64url'))
        expect(encodeBase64Url(value)).toBe(base64urlnopad.encode(value))
      }),
    )
  })
})

describe('R-BYTES-4 the strict reader is the inverse of the writer', () => {
  test('reading undoes writing', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(decodeBase64(encodeBase64(value))).toEqual(value)
      }),
    )
  })

  test('whatever is accepted is written back letter for letter', () => {
    const alphabet = fc.constantFrom(...'ABCDwxyz0189+/-_=\n ')
    const texts = fc.array(alphabet, { maxLength: 12 }).map((letters) => letters.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        const value = reading(decodeBase64, text)
        if (value !== undefined) expect(encodeBase64(value)).toBe(text)
      }),
      { numRuns: 5000 },
    )
  })

  test('agrees with @scure/base on what is accepted', () => {
    const letters = fc.constantFrom(...'AQgw+/-_=')
    const texts = fc.array(letters, { maxLength: 8 }).map((some) => some.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        let expected: Uint8Array | undefined
        try {
          expected = base64.decode(text)
        } catch {
          expected = undefined
        }
        expect(reading(decodeBase64, text)).toEqual(expected)
      }),
      { numRuns: 5000 },
    )
  })

  for (const text of ['Zg', 'Zm8', '-_8=', 'Zm9v-_8=']) {
    test(`${text} is for the liberal reader only`, () => {
      expect(() => decodeBase64(text)).toThrow(refusal)
      expect(decodeBase64Any(text)).toBeInstanceOf(Uint8Array)
    })
  }
})

describe('R-BYTES-5 the liberal reader takes both alphabets, with padding or without', () => {
  test('all four spellings give the same bytes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        for (const coder of [base64, base64nopad, base64url, base64urlnopad]) {
          expect(decodeBase64Any(coder.encode(value))).toEqual(value)
        }
      }),
    )
  })

  for (const text of ['+_8=', '-/8', '+AAA-AAA', 'AAA+AAA_', '/w==-w==']) {
    test(`${text} mixes the alphabets`, () => {
      expect(() => decodeBase64Any(text)).toThrow(refusal)
    })
  }
})

describe('R-BYTES-6 both readers refuse what is not base64', () => {
  for (const text of [
    'A',
    'AAAAA',
    'A===',
    '=',
    '==',
    '===',
    '====',
    'Zg=',
    'Zg===',
    'Zm8==',
    'Zm9v=',
    'Zm9v====',
    'Z=g=',
    '=Zg=',
    'Zg==Zg==',
    'Zm 9v',
    ' Zm9v',
    'Zm9v\n',
    'Zm9v\r\n',
    'Zm\t9',
    'Zm9*',
    'Zm9\0',
    'Zm9é',
    'Zm9\u0141',
    'Zm9\u212a',
    'Ｚｍ９ｖ',
    'Zh==',
    'Zh',
    'Zm9=',
    'Zm9',
    'AAAAZh==',
  ]) {
    test(JSON.stringify(text), () => {
      expect(() => decodeBase64(text)).toThrow(refusal)
      expect(() => decodeBase64Any(text)).toThrow(refusal)
    })
  }

  test('every character outside the alphabets is refused, at every place in a group', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_'
    for (let code = 0; code < 0x200; code++) {
      const character = String.fromCharCode(code)
      const texts = [`${character}AAA`, `A${character}AA`, `AA${character}A`, `AAA${character}`]
      const accepted = texts.map((text) => reading(decodeBase64Any, text) !== undefined)
      // Padding is at home at the end and nowhere else; one character of it leaves three.
      const expected = alphabet.includes(character)
        ? [true, true, true, true]
        : [false, false, false, character === '=']
      expect(accepted, JSON.stringify(character)).toEqual(expected)
    }
  })

  test('a long text is refused as fast as it is read', () => {
    const text = `${'A'.repeat(1_000_000)}=`
    const started = performance.now()
    expect(() => decodeBase64Any(text)).toThrow(refusal)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
