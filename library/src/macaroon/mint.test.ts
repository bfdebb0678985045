import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { decodeHex, decodeUtf8, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import { attenuate, encodeMacaroon, limits, mint, verify } from './index.ts'

const rootKey = encodeUtf8('root key')
const identifier = encodeUtf8('identifier')

describe('R-MAC-2 minting and narrowing give the known macaroons', () => {
  for (const vector of vectors.macaroons) {
    const isFirstParty = vector.caveats.every((caveat) => !('vidHex' in caveat))
    if (!isFirstParty) continue // minted in third-party.test.ts
    const caveats = vector.caveats.map(({ idHex }) => decodeUtf8(decodeHex(idHex)))
    const token = {
      rootKey: decodeHex(vector.rootKeyHex),
      identifier: decodeHex(vector.identifierHex),
      location: vector.location,
    }
    test(vector.name, () => {
      expect(encodeHex(encodeMacaroon(mint({ ...token, caveats })))).toBe(vector.v2Hex)
      expect(encodeHex(encodeMacaroon(attenuate(mint(token), ...caveats)))).toBe(vector.v2Hex)
    })
  }
})

describe('R-MAC-4 narrowing needs no key and leaves the parent alone', () => {
  test('two children of one parent know nothing of each other', () => {
    const parent = mint({ rootKey, identifier, caveats: ['a=1'] })
    const before = encodeHex(encodeMacaroon(parent))
    const first = attenuate(parent, 'b=1')
    const second = attenuate(parent, 'c=1', 'd=1')
    expect(encodeHex(encodeMacaroon(parent))).toBe(before)
    expect(verify(first, rootKey).map(({ text }) => text)).toEqual(['a=1', 'b=1'])
    expect(verify(second, rootKey).map(({ text }) => text)).toEqual(['a=1', 'c=1', 'd=1'])
  })

  test('the text of a macaroon is not one', () => {
    for (const [value, got] of [
      ['AgEEc2hv', 'text'],
      [undefined, 'undefined'],
      [{}, 'object'],
      [null, 'object'],
    ] as const) {
      expect(() => attenuate(value as never, 'a=1')).toThrow(
        new TypeError(`attenuate: expected a macaroon, as decodeToken gives; got ${got}`),
      )
    }
  })

  test('narrowing by nothing is the same token', () => {
    const parent = mint({ rootKey, identifier, location: 'here', caveats: ['a=1'] })
    expect(attenuate(parent)).toEqual(parent)
  })

  test('a macaroon does not change with the bytes that it was minted from', () => {
    const changing = new Uint8Array(identifier)
    const macaroon = mint({ rootKey, identifier: changing })
    changing.fill(0)
    expect(verify(macaroon, rootKey)).toEqual([])
  })
})

describe('R-MAC-9 only what can be verified is minted', () => {
  test('32 caveats of 256 bytes are minted and verify', () => {
    const caveats = Array.from({ length: limits.verifiedCaveats }, () => 'é'.repeat(128))
    const macaroon = mint({ rootKey, identifier, caveats })
    expect(verify(macaroon, rootKey).map(({ text }) => text)).toEqual(caveats)
  })

  test('33 caveats are refused', () => {
    const caveats = Array.from({ length: limits.verifiedCaveats + 1 }, () => 'a=1')
    expect(() => mint({ rootKey, identifier, caveats })).toThrow(RangeError)
  })

  test('a caveat of 257 bytes is refused, counted in UTF-8', () => {
    const caveats = [`a${'é'.repeat(128)}`]
    expect(() => mint({ rootKey, identifier, caveats })).toThrow(RangeError)
  })

  for (const text of ['\ud800', 'a=\udfff', '\udc00\ud800']) {
    test(`a lone surrogate is refused: ${JSON.stringify(text)}`, () => {
      expect(() => mint({ rootKey, identifier, caveats: [text] })).toThrow(RangeError)
      expect(() => attenuate(mint({ rootKey, identifier }), text)).toThrow(RangeError)
    })
  }

  test('a refusal does not repeat the caveat', () => {
    const caveats = ['secret\ud800']
    expect(() => mint({ rootKey, identifier, caveats })).not.toThrow(/secret/)
  })
})
