import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHex } from '../../bytes/index.ts'
import type { NostrEvent } from './event.ts'
import { hasTag, isAuthentic, readEvent, signEvent } from './event.ts'
import { isPublicKey, publicKeyOf } from './keys.ts'
import { createSigner, createVerifier } from './signature.ts'

const signer = createSigner(new Uint8Array(32).fill(3))
const verifies = createVerifier(signer.publicKey)
const draft = {
  kind: 23_194,
  created_at: 1_800_000_000,
  tags: [
    ['p', 'ab'],
    ['e', 'cd', 'wss://relay'],
  ],
  content: 'tea',
}
const event = signEvent(draft, signer)

describe('R-NWC-10 events', () => {
  test('what is signed is authentic, also after it went over the wire', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.nat(65_535),
        (content, kind) => {
          const signed = signEvent({ ...draft, content, kind }, signer)
          const read = readEvent(JSON.parse(JSON.stringify(signed)))
          expect(read).toEqual(signed)
          expect(read !== undefined && isAuthentic(read)).toBe(true)
          expect(read !== undefined && isAuthentic(read, verifies)).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })
  test('tags are found by name and value', () => {
    expect(hasTag(event, 'e', 'cd')).toBe(true)
    expect(hasTag(event, 'e', 'wss://relay')).toBe(false)
    expect(hasTag(event, 'q', 'cd')).toBe(false)
  })
  const other = publicKeyOf(new Uint8Array(32).fill(4)) ?? ''
  for (const [what, changed] of [
    ['another content', { content: 'coffee' }],
    ['another kind', { kind: 1 }],
    ['another time', { created_at: 1 }],
    ['another tag', { tags: [['p', 'ac']] }],
    ['another author', { pubkey: other }],
    ['another id', { id: '00'.repeat(32) }],
    ['another signature', { sig: '00'.repeat(64) }],
    ['an author that is no point', { pubkey: 'ff'.repeat(32) }],
  ] as const satisfies readonly (readonly [string, Partial<NostrEvent>])[]) {
    test(`not authentic: ${what}`, () => expect(isAuthentic({ ...event, ...changed })).toBe(false))
  }
  for (const [what, value] of [
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['an id in capitals', { ...event, id: event.id.toUpperCase() }],
    ['a short signature', { ...event, sig: event.sig.slice(1) }],
    ['a kind that is no number', { ...event, kind: '1' }],
    ['a kind above 65535', { ...event, kind: 65_536 }],
    ['half a second', { ...event, created_at: 0.5 }],
    ['a time before time', { ...event, created_at: -1 }],
    ['a tag that is no list', { ...event, tags: ['p'] }],
    ['a number in a tag', { ...event, tags: [['p', 1]] }],
    ['many tags', { ...event, tags: Array.from({ length: 101 }, () => ['p']) }],
    ['a long tag', { ...event, tags: [Array.from({ length: 33 }, () => 'p')] }],
    ['a content that is no text', { ...event, content: {} }],
    ['a long content', { ...event, content: 'x'.repeat(350_001) }],
  ] as const) {
    test(`no event: ${what}`, () => expect(readEvent(value)).toBeUndefined())
  }
})

describe('R-NWC-10 keys', () => {
  test('the public key of BIP 340', () => {
    const secret = decodeHex('0000000000000000000000000000000000000000000000000000000000000003')
    const expected = 'F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9'
    expect(publicKeyOf(secret)).toBe(expected.toLowerCase())
  })
  for (const secret of ['00'.repeat(32), 'ff'.repeat(32), '01']) {
    test(`no secret key: ${secret.slice(0, 8)}`, () => {
      expect(publicKeyOf(decodeHex(secret))).toBeUndefined()
      expect(() => createSigner(decodeHex(secret))).toThrow(RangeError)
    })
  }
  for (const text of ['', 'ff'.repeat(32), '00'.repeat(32), 'AB'.repeat(32), 'x'.repeat(64)]) {
    test(`no public key: ${text.slice(0, 8)}`, () => {
      expect(isPublicKey(text)).toBe(false)
      expect(() => createVerifier(text)).toThrow(RangeError)
    })
  }
})
