import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type * as Hash from './hash.ts'

/** Loads the module as a runtime with Node's crypto sees it, or as one without does. */
async function load(runtime: 'native' | 'portable'): Promise<typeof Hash> {
  vi.resetModules()
  if (runtime === 'native') return import('./hash.ts')
  const lookup = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
  try {
    return await import('./hash.ts')
  } finally {
    lookup.mockRestore()
  }
}

const bytes = fc.uint8Array({ maxLength: 300 })

test('the two implementations are really two: only one of them takes a string', async () => {
  const native = await load('native')
  const portable = await load('portable')
  expect(native.sha256('abc' as never)).toHaveLength(32)
  expect(() => portable.sha256('abc' as never)).toThrow(TypeError)
})

for (const runtime of ['native', 'portable'] as const) {
  describe(`R-BYTES-9 hashing, ${runtime}`, () => {
    let hash: typeof Hash
    beforeAll(async () => {
      hash = await load(runtime)
    })
    afterAll(() => {
      vi.resetModules()
    })

    test("SHA-256 of 'abc' is the example of FIPS 180-4", () => {
      const digest = hash.sha256(Buffer.from('abc'))
      expect(Buffer.from(digest).toString('hex')).toBe(
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      )
    })

    test('SHA-256 is that of node:crypto', () => {
      fc.assert(
        fc.property(bytes, (data) => {
          const expected = createHash('sha256').update(data).digest()
          expect(hash.sha256(data)).toEqual(Uint8Array.from(expected))
        }),
      )
    })

    test('the digest is plain bytes that nobody else holds', () => {
      const digest = hash.sha256(new Uint8Array(3))
      expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype)
      expect(digest.buffer.byteLength).toBe(32)
      const again = hash.sha256(new Uint8Array(3))
      digest.fill(0)
      expect(again).not.toEqual(digest)
      expect(hash.sha256(new Uint8Array(3))).toEqual(again)
    })

    test('HMAC is that of RFC 4231, test cases 1, 2 and 6', () => {
      for (const [key, data, digest] of [
        [
          Buffer.alloc(20, 0x0b),
          'Hi There',
          'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
        ],
        [
          Buffer.from('Jefe'),
          'what do ya want for nothing?',
          '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
        ],
        [
          Buffer.alloc(131, 0xaa),
          'Test Using Larger Than Block-Size Key - Hash Key First',
          '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
        ],
      ] as const) {
        expect(Buffer.from(hash.hmacSha256(key, Buffer.from(data))).toString('hex')).toBe(digest)
      }
    })

    test('HMAC is that of node:crypto, for keys and data of any length', () => {
      const key = fc.uint8Array({ maxLength: 140 })
      fc.assert(
        fc.property(key, bytes, (secret, data) => {
          const expected = createHmac('sha256', secret).update(data).digest()
          expect(hash.hmacSha256(secret, data)).toEqual(Uint8Array.from(expected))
        }),
        { numRuns: 500 },
      )
    })

    for (const length of [0, 63, 64, 65, 1023, 1024, 1025, 5000]) {
      test(`HMAC of ${length} bytes, and of few after them, is right`, () => {
        for (const size of [length, 3]) {
          const data = new Uint8Array(size).fill(7)
          const secret = new Uint8Array(32).fill(9)
          const expected = createHmac('sha256', secret).update(data).digest()
          expect(hash.hmacSha256(secret, data)).toEqual(Uint8Array.from(expected))
        }
      })
    }

    test('HMAC changes neither key nor data, and its result is its own', () => {
      const key = new Uint8Array(32).fill(1)
      const data = new Uint8Array(40).fill(2)
      const first = hash.hmacSha256(key, data)
      const copy = Uint8Array.from(first)
      hash.hmacSha256(new Uint8Array(32).fill(3), data)
      expect(first).toEqual(copy)
      expect(key).toEqual(new Uint8Array(32).fill(1))
      expect(data).toEqual(new Uint8Array(40).fill(2))
    })

    test('HMAC of an HMAC may be taken in place: a chain feeds its own output back', () => {
      let chained: Uint8Array = new Uint8Array(32)
      let expected: Uint8Array = new Uint8Array(32)
      for (let i = 0; i < 10; i++) {
        const data = Uint8Array.of(i)
        chained = hash.hmacSha256(chained, data)
        expected = createHmac('sha256', expected).update(data).digest()
      }
      expect(chained).toEqual(Uint8Array.from(expected))
    })

    test('a fingerprint is eight digits of the hash', () => {
      expect(hash.fingerprint(Buffer.from('abc'))).toBe('ba7816bf')
    })
  })
}
