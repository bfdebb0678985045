import { describe, expect, test } from 'vitest'
import { decodeHex, encodeHex } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import { hashPreimage, paymentHash, preimage, provesPayment } from './payment.ts'

describe('R-INV-24 payment hash and preimage', () => {
  for (const length of [0, 31, 33, 64]) {
    test(`${length} bytes are neither`, () => {
      for (const brand of [paymentHash, preimage]) {
        expect(() => brand(new Uint8Array(length))).toThrow(
          expect.toSatisfy((error) => isL402Error(error, 'BYTES_LENGTH')),
        )
      }
    })
  }

  test('the payment hash is the SHA-256 of the preimage', () => {
    const secret = preimage(new Uint8Array(32))
    expect(encodeHex(hashPreimage(secret))).toBe(
      '66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925',
    )
  })

  test('a preimage proves its own payment and no other', () => {
    const secret = preimage(decodeHex('01'.repeat(32)))
    const hash = hashPreimage(secret)
    expect(provesPayment(secret, hash)).toBe(true)
    for (let bit = 0; bit < 256; bit++) {
      const other = Uint8Array.from(secret)
      other[bit >> 3]! ^= 1 << (bit & 7)
      expect(provesPayment(preimage(other), hash)).toBe(false)
    }
    expect(provesPayment(secret, paymentHash(secret))).toBe(false)
  })

  test('the error carries lengths and nothing of the bytes', () => {
    try {
      preimage(new Uint8Array(31).fill(0xab))
      expect.unreachable()
    } catch (error) {
      expect(isL402Error(error) && error.details).toEqual({ expected: 32, actual: 31 })
      expect(String(error)).not.toMatch(/ab.?ab|171/)
    }
  })
})
