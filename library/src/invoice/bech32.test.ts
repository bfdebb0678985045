import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { decodeBech32, encodeBech32 } from './bech32.ts'

const prefixes = fc
  .array(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'), {
    minLength: 1,
    maxLength: 20,
  })
  .map((letters) => letters.join(''))
const rows = fc.uint8Array({ max: 31, maxLength: 400 })

function code(text: string): string {
  try {
    decodeBech32(text)
  } catch (error) {
    if (isL402Error(error)) return error.code
    throw error
  }
  return 'accepted'
}

describe('R-INV-3 an invoice is bech32', () => {
  test('reading undoes writing, in both cases, and writing agrees with @scure/base', () => {
    fc.assert(
      fc.property(prefixes, rows, (prefix, words) => {
        const text = encodeBech32({ prefix, words })
        expect(text).toBe(bech32.encode(prefix, words, false))
        expect(decodeBech32(text)).toEqual({ prefix, words })
        expect(decodeBech32(text.toUpperCase())).toEqual({ prefix, words })
      }),
    )
  })

  // The valid and invalid strings of BIP 173, the limit of 90 characters aside.
  for (const text of [
    'A12UEL5L',
    'a12uel5l',
    'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs',
    'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw',
    '11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j',
    'split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w',
    '?1ezyfcl',
    'an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx',
  ]) {
    test(`${text} is read`, () => {
      expect(code(text)).toBe('accepted')
    })
  }

  for (const [text, refusal] of [
    ['\x201nwldj5', 'INVOICE_MALFORMED'],
    ['\x7f1axkwrx', 'INVOICE_MALFORMED'],
    ['\x801eym55h', 'INVOICE_MALFORMED'],
    ['pzry9x0s0muk', 'INVOICE_MALFORMED'],
    ['1pzry9x0s0muk', 'INVOICE_MALFORMED'],
    ['x1b4n0q5v', 'INVOICE_MALFORMED'],
    ['li1dgmt3', 'INVOICE_MALFORMED'],
    ['de1lg7wt\xff', 'INVOICE_MALFORMED'],
    ['A1G7SGD8', 'INVOICE_CHECKSUM'],
    ['10a06t8', 'INVOICE_MALFORMED'],
    ['1qzzfhee', 'INVOICE_MALFORMED'],
    ['', 'INVOICE_MALFORMED'],
    ['1', 'INVOICE_MALFORMED'],
    ['a1', 'INVOICE_MALFORMED'],
    ['a12UEL5L', 'INVOICE_MALFORMED'],
    ['A12uel5l', 'INVOICE_MALFORMED'],
    ['A12Uel5l', 'INVOICE_MALFORMED'],
    ['abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxW', 'INVOICE_MALFORMED'],
    // U+212A lower-cases to k, and U+0131 upper-cases to I; neither is a letter of bech32.
    ['\u212a12uel5l', 'INVOICE_MALFORMED'],
    [
      'SPLIT1CHECKUPSTAGEHANDSHAKEUPSTREAMERRANTERREDCAPERRED2Y9E3W'.replace('K', '\u212a'),
      'INVOICE_MALFORMED',
    ],
    ['a12uel5\u00ec', 'INVOICE_MALFORMED'],
    ['a12uel5\u016c', 'INVOICE_MALFORMED'],
    ['a12uel5\uff6c', 'INVOICE_MALFORMED'],
    ['a12uel5\ud800', 'INVOICE_MALFORMED'],
    ['a12uel5😀', 'INVOICE_MALFORMED'],
  ] as const) {
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(code(text)).toBe(refusal)
    })
  }

  test('the separator is the last 1', () => {
    const words = Uint8Array.of(1, 2, 3)
    expect(decodeBech32(encodeBech32({ prefix: 'a1b1c', words }))).toEqual({
      prefix: 'a1b1c',
      words,
    })
  })
})

describe('R-INV-4 the checksum is checked', () => {
  test('bech32m is not bech32', () => {
    expect(code('a1lqfn3a')).toBe('INVOICE_CHECKSUM')
  })

  test('one wrong character is always found, wherever it stands', () => {
    const text = encodeBech32({
      prefix: 'lnbc1u',
      words: Uint8Array.from({ length: 60 }, (_, i) => i % 32),
    })
    for (let at = 7; at < text.length; at++) {
      for (const letter of 'qpzry9x8gf2tvdw0s3jn54khce6mua7l') {
        if (letter === text[at]) continue
        expect(code(text.slice(0, at) + letter + text.slice(at + 1))).toBe('INVOICE_CHECKSUM')
      }
    }
  })

  test('two swapped characters are found, too', () => {
    const text = encodeBech32({
      prefix: 'lnbc1u',
      words: Uint8Array.from({ length: 60 }, (_, i) => i % 32),
    })
    for (let at = 7; at + 1 < text.length; at++) {
      const swapped = text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2)
      if (swapped !== text) expect(code(swapped)).toBe('INVOICE_CHECKSUM')
    }
  })
})
