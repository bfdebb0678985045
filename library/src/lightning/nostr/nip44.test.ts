import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../test/vectors/nip44.json' with { type: 'json' }
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import { publicKeyOf, sharedX } from './keys.ts'
import { conversationKey, decryptNip44, encryptNip44, paddedLength } from './nip44.ts'

const key = new Uint8Array(32).fill(7)

describe('R-NWC-40 the vectors of NIP-44', () => {
  for (const { sec1, pub2, conversation_key, note } of vectors.conversationKey) {
    test(`a conversation key: ${note}`, () => {
      expect(encodeHex(conversationKey(sharedX(decodeHex(sec1), pub2)))).toBe(conversation_key)
    })
  }
  for (const { sec1, pub2, note } of vectors.noConversationKey) {
    test(`no conversation key: ${note}`, () => {
      expect(() => sharedX(decodeHex(sec1), pub2)).toThrow(RangeError)
    })
  }
  for (const { plaintext, ciphertext, nonce, sec1, sec2, ...one } of vectors.encrypted) {
    test(`encrypted and back: ${plaintext}`, () => {
      const forth = conversationKey(
        sharedX(decodeHex(sec1), publicKeyOf(decodeHex(sec2)) as string),
      )
      const back = conversationKey(sharedX(decodeHex(sec2), publicKeyOf(decodeHex(sec1)) as string))
      expect(encodeHex(forth)).toBe(one.conversation_key)
      expect(encryptNip44(plaintext, forth, decodeHex(nonce))).toBe(ciphertext)
      expect(decryptNip44(ciphertext, back)).toBe(plaintext)
    })
  }
  for (const { ciphertext, conversation_key, note } of vectors.undecryptable) {
    test(`not decrypted: ${note} (${conversation_key.slice(0, 4)})`, () => {
      expect(decryptNip44(ciphertext, decodeHex(conversation_key))).toBeUndefined()
    })
  }
  test('padded lengths', () => {
    for (const [length = 0, padded] of vectors.paddedLength) {
      expect(paddedLength(length)).toBe(padded)
    }
  })
})

describe('R-NWC-40 NIP-44 in general', () => {
  test('it is its own inverse, and never says the same twice', () => {
    const text = fc.string({ minLength: 1, maxLength: 3000, unit: 'grapheme' })
    fc.assert(
      fc.property(text, (plain) => {
        const payload = encryptNip44(plain, key)
        expect(decryptNip44(payload, key)).toBe(plain)
        expect(encryptNip44(plain, key)).not.toBe(payload)
      }),
      { numRuns: 200 },
    )
  })
  test('whatever is altered is not read', () => {
    const payload = encryptNip44('{"result":{}}', key)
    fc.assert(
      fc.property(
        fc.nat(payload.length - 1),
        fc.constantFrom('A', 'z', '0', '=', '#'),
        (at, by) => {
          const altered = payload.slice(0, at) + by + payload.slice(at + 1)
          if (altered !== payload) expect(decryptNip44(altered, key)).toBeUndefined()
          expect(decryptNip44(payload.slice(0, at), key)).toBeUndefined()
        },
      ),
      { numRuns: 300 },
    )
  })
  test('another key reads nothing', () => {
    expect(decryptNip44(encryptNip44('a', key), new Uint8Array(32))).toBeUndefined()
  })
  for (const length of [0, 65_536, 100_000]) {
    test(`a text of ${length} bytes is refused`, () => {
      expect(() => encryptNip44('x'.repeat(length), key)).toThrow(RangeError)
    })
  }
  test('the longest text', () => {
    const longest = 'x'.repeat(65_535)
    const payload = encryptNip44(longest, key)
    expect(payload.length).toBe(87_472)
    expect(decryptNip44(payload, key)).toBe(longest)
  })
})
