import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { decodeHex, encodeBase64, encodeBase64Url, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  decodeMacaroon,
  decodeMacaroonJson,
  encodeMacaroonJson,
  mint,
} from './index.ts'

const rootKey = encodeUtf8('root key')
const s64 = encodeBase64Url(new Uint8Array(32).fill(7))
const good = { v: 2, i: 'i', s64 }

describe('R-MAC-40 the JSON form of the known macaroons is read and written', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const macaroon = decodeMacaroon(decodeHex(vector.v2Hex))
      expect(encodeMacaroonJson(macaroon)).toEqual(vector.v2json)
      expect(decodeMacaroonJson(vector.v2json)).toEqual(macaroon)
    })
  }

  test('text where the bytes are UTF-8, base64 where they are not', () => {
    const identifier = decodeHex('ff3dfe')
    const third = addThirdPartyCaveat(
      mint({ rootKey, identifier, location: 'l', caveats: ['é'] }),
      {
        caveatKey: rootKey,
        identifier,
        location: 'm',
        nonce: new Uint8Array(24),
      },
    )
    expect(encodeMacaroonJson(third)).toEqual({
      v: 2,
      l: 'l',
      i64: '_z3-',
      c: [{ i: 'é' }, { i64: '_z3-', l: 'm', v64: expect.stringMatching(/^A{32}[\w-]{64}$/) }],
      s64: encodeBase64Url(third.signature),
    })
  })
})

describe('R-MAC-41 JSON is read strictly, but for the spellings in use', () => {
  const expected = { identifier: encodeUtf8('i'), unverifiedCaveats: [] }

  for (const [name, value] of [
    ['v as a number', good],
    ['v as text', { ...good, v: '2' }],
    ['no v', { i: 'i', s64 }],
    ['an empty list of caveats', { ...good, c: [] }],
    ['members in another order', { s64, i: 'i', v: 2 }],
    ['padded base64', { ...good, s64: encodeBase64(new Uint8Array(32).fill(7)) }],
    ['the identifier in base64', { v: 2, i64: 'aQ', s64 }],
    ['the signature as text', { v: 2, i: 'i', s: '\u0007'.repeat(32) }],
  ] as const) {
    test(`${name} is read`, () => {
      expect(decodeMacaroonJson(value)).toEqual({
        ...expected,
        signature: new Uint8Array(32).fill(7),
      })
    })
  }

  const caveat = (c: unknown): object => ({ ...good, c: [c] })
  for (const [name, value, reason] of [
    ['null', null, 'member'],
    ['undefined', undefined, 'member'],
    ['a text', JSON.stringify(good), 'member'],
    ['a list', [good], 'member'],
    ['nothing in it', {}, 'member'],
    ['version 1', { ...good, v: 1 }, 'version'],
    ['version 2.5', { ...good, v: 2.5 }, 'version'],
    ['a version of null', { ...good, v: null }, 'version'],
    ['an unknown member', { ...good, x: 1 }, 'member'],
    ['a V1 JSON macaroon', { identifier: 'i', signature: '07'.repeat(32), caveats: [] }, 'member'],
    ['no identifier', { v: 2, s64 }, 'member'],
    ['no signature', { v: 2, i: 'i' }, 'member'],
    ['a signature of 31 bytes', { ...good, s64: s64.slice(0, 40) }, 'signature length'],
    ['an identifier in both forms', { ...good, i64: 'aQ' }, 'member'],
    ['a signature in both forms', { ...good, s: '\u0007'.repeat(32) }, 'member'],
    ['an identifier that is a number', { ...good, i: 1 }, 'member'],
    ['an identifier of null', { ...good, i: null }, 'member'],
    ['a location in base64', { ...good, l64: 'aQ' }, 'member'],
    ['a location that is a list', { ...good, l: ['x'] }, 'member'],
    ['a lone surrogate', { ...good, i: '\ud800' }, 'text'],
    ['a lone surrogate in the location', { ...good, l: 'x\udc00' }, 'text'],
    ['base64 with white space', { v: 2, i64: 'aQ\n', s64 }, 'base64'],
    ['base64 with mixed alphabets', { v: 2, i64: '+_+_', s64 }, 'base64'],
    ['base64 with spare bits', { v: 2, i64: 'aR', s64 }, 'base64'],
    ['caveats that are an object', { ...good, c: { i: 'a=1' } }, 'member'],
    ['caveats of null', { ...good, c: null }, 'member'],
    ['a caveat that is a text', caveat('a=1'), 'member'],
    ['a caveat without an identifier', caveat({}), 'member'],
    ['a caveat with an unknown member', caveat({ i: 'a=1', cid: 'a=1' }), 'member'],
    ['a caveat in both forms', caveat({ i: 'i', i64: 'aQ' }), 'member'],
    ['a verification id in both forms', caveat({ i: 'i', v: 'i', v64: 'aQ' }), 'member'],
    ['a first-party caveat with a location', caveat({ i: 'i', l: 'l' }), 'first-party location'],
    ['an empty verification id', caveat({ i: 'i', v64: '' }), 'empty verification id'],
  ] as const) {
    test(`${name} is refused: ${reason}`, () => {
      expect(() => decodeMacaroonJson(value)).toThrow(refusal('MACAROON_MALFORMED', { reason }))
    })
  }

  test('inherited members do not count', () => {
    expect(() => decodeMacaroonJson(Object.create(good))).toThrow(refusal('MACAROON_MALFORMED'))
    const polluted = JSON.parse(`{"__proto__": {"i": "i"}, "v": 2, "s64": "${s64}"}`) as unknown
    expect(() => decodeMacaroonJson(polluted)).toThrow(refusal('MACAROON_MALFORMED'))
  })
})

describe('R-MAC-42 reading what was written gives the same macaroon back', () => {
  for (const bytes of ['', '00', 'ff3dfe', 'efbbbf', 'c3a9', '22', '5c', 'e280a8']) {
    test(`for identifiers and caveats of "${bytes}"`, () => {
      const content = decodeHex(bytes)
      const macaroon = {
        ...mint({ rootKey, identifier: content }),
        unverifiedCaveats: [
          { identifier: content },
          { identifier: content, verificationId: rootKey },
        ],
      }
      const written: unknown = JSON.parse(JSON.stringify(encodeMacaroonJson(macaroon)))
      expect(decodeMacaroonJson(written)).toEqual(macaroon)
    })
  }

  test('a location that is not UTF-8 has no JSON form', () => {
    const macaroon = { ...mint({ rootKey, identifier: rootKey }), location: decodeHex('fffe') }
    expect(() => encodeMacaroonJson(macaroon)).toThrow(
      refusal('MACAROON_MALFORMED', { reason: 'text' }),
    )
  })

  test('a macaroon that could not be read is not written either', () => {
    const macaroon = { ...mint({ rootKey, identifier: rootKey }), signature: new Uint8Array(31) }
    expect(() => encodeMacaroonJson(macaroon)).toThrow(
      refusal('MACAROON_MALFORMED', { reason: 'signature length' }),
    )
  })
})

describe('R-MAC-60 JSON is bounded as the binary forms are', () => {
  const many = Array.from({ length: 1001 }, () => ({ i: 'x' }))
  for (const [name, value, limit] of [
    ['1001 caveats', { ...good, c: many }, 'caveats'],
    ['a text of 65 536 characters', { ...good, i: 'x'.repeat(65_536) }, 'fieldBytes'],
    ['base64 of 65 536 characters', { v: 2, i64: 'A'.repeat(65_536), s64 }, 'fieldBytes'],
    ['16 385 bytes in all', { ...good, i: 'x'.repeat(16_384) }, 'tokenBytes'],
  ] as const) {
    test(name, () => {
      expect(() => decodeMacaroonJson(value)).toThrow(refusal('MACAROON_TOO_LARGE', { limit }))
    })
  }

  test('1000 caveats are read and written', () => {
    const macaroon = decodeMacaroonJson({ ...good, c: many.slice(1) })
    expect(macaroon.unverifiedCaveats).toHaveLength(1000)
    expect(decodeMacaroonJson(encodeMacaroonJson(macaroon))).toEqual(macaroon)
    expect(() => encodeMacaroonJson(attenuate(macaroon, 'x'))).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'caveats' }),
    )
  })

  test('R-MAC-61 a refusal does not repeat the input', () => {
    const secret = encodeHex(rootKey)
    expect(() => decodeMacaroonJson({ ...good, [secret]: secret })).not.toThrow(new RegExp(secret))
    expect(() => decodeMacaroonJson({ v: 2, i64: `${secret}!`, s64 })).not.toThrow(
      new RegExp(secret),
    )
  })
})

function refusal(code: Code, details: object = {}): Error {
  return expect.objectContaining({ code, details: expect.objectContaining(details) })
}
