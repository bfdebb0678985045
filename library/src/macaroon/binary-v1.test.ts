import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import {
  addThirdPartyCaveat,
  decodeMacaroon,
  decodeMacaroonV1,
  encodeMacaroonV1,
  mint,
} from './index.ts'

const rootKey = encodeUtf8('root key')
const identifier = encodeUtf8('identifier')
const signature = packet('signature', new Uint8Array(32).fill(7))

describe('R-MAC-30 R-MAC-31 the V1 form of the known macaroons is read and written to the byte', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const macaroon = decodeMacaroonV1(decodeHex(vector.v1Hex))
      expect(encodeHex(encodeMacaroonV1(macaroon))).toBe(vector.v1Hex)
      expect(macaroon).toEqual(decodeMacaroon(decodeHex(vector.v2Hex)))
      expect(decodeMacaroon(decodeHex(vector.v1Hex))).toEqual(macaroon)
    })
  }

  test('the bytes, spelled out', () => {
    const macaroon = mint({ rootKey, identifier: encodeUtf8('i'), caveats: ['a=1'] })
    const head = '000elocation \n0011identifier i\n000ccid a=1\n002fsignature '
    const expected = concatBytes(encodeUtf8(head), macaroon.signature, encodeUtf8('\n'))
    expect(encodeHex(encodeMacaroonV1(macaroon))).toBe(encodeHex(expected))
  })

  test('a third-party caveat keeps its location, an absent and an empty one apart', () => {
    const parent = mint({ rootKey, identifier })
    const absent = addThirdPartyCaveat(parent, { caveatKey: rootKey, identifier })
    const [caveat] = absent.unverifiedCaveats
    for (const location of [undefined, new Uint8Array(0), encodeUtf8('l')]) {
      const unverifiedCaveats = [location === undefined ? caveat! : { ...caveat!, location }]
      const bytes = encodeMacaroonV1({ ...absent, unverifiedCaveats })
      expect(decodeMacaroonV1(bytes).unverifiedCaveats).toEqual(unverifiedCaveats)
      expect(encodeMacaroonV1(decodeMacaroonV1(bytes))).toEqual(bytes)
    }
  })

  test('a line feed, or another packet, inside a content is content', () => {
    const odd = ['\n', 'x\n000ccid a=1\n', ' ']
    const macaroon = mint({ rootKey, identifier, caveats: odd })
    expect(decodeMacaroonV1(encodeMacaroonV1(macaroon))).toEqual(macaroon)
  })
})

describe('R-MAC-32 every packet has its place and its length', () => {
  const head = text('000elocation \n0011identifier i\n')
  for (const [name, bytes, reason] of [
    ['nothing', text(''), 'empty'],
    ['a V2 macaroon', decodeHex(vectors.macaroons[0]!.v2Hex), 'field'],
    ['a location only', text('000elocation \n'), 'truncated'],
    ['no identifier', concatBytes(text('000elocation \n'), signature), 'field'],
    ['two locations', concatBytes(text('000elocation \n'), head, signature), 'field'],
    ['no signature', head, 'truncated'],
    ['two signatures', concatBytes(head, signature, signature), 'trailing bytes'],
    [
      'a caveat after the signature',
      concatBytes(head, signature, text('000acid x\n')),
      'trailing bytes',
    ],
    ['an unknown packet', concatBytes(head, text('000axid x\n'), signature), 'field'],
    [
      'a location without a verification id',
      concatBytes(head, text('000acid x\n0009cl x\n'), signature),
      'field',
    ],
    [
      'an empty verification id',
      concatBytes(head, text('000acid x\n0009vid \n'), signature),
      'empty verification id',
    ],
    [
      'two verification ids',
      concatBytes(head, text('000acid x\n000avid y\n000avid z\n'), signature),
      'field',
    ],
    [
      'a location before the verification id',
      concatBytes(head, text('000acid x\n0009cl x\n000avid y\n'), signature),
      'field',
    ],
    [
      'upper-case digits',
      concatBytes(text('000Elocation \n0011identifier i\n'), signature),
      'packet',
    ],
    [
      'a sign in the digits',
      concatBytes(text('+00elocation \n0011identifier i\n'), signature),
      'packet',
    ],
    [
      'a space in the digits',
      concatBytes(text(' 00elocation \n0011identifier i\n'), signature),
      'packet',
    ],
    [
      'a tab for the space',
      concatBytes(text('000elocation\t\n0011identifier i\n'), signature),
      'field',
    ],
    [
      'a name in upper case',
      concatBytes(text('000eLocation \n0011identifier i\n'), signature),
      'field',
    ],
    ['a longer name', concatBytes(text('000flocations \n0011identifier i\n'), signature), 'field'],
    [
      'a length of zero',
      concatBytes(text('0000location \n0011identifier i\n'), signature),
      'packet',
    ],
    // The byte before a later packet is a line feed: a length of zero would end there, for ever.
    ['a caveat with a length of zero', concatBytes(head, text('0000cid x\n'), signature), 'packet'],
    [
      'a caveat that ends within its name',
      concatBytes(head, text('0006cid x\n'), signature),
      'packet',
    ],
    [
      'a length without room for the line feed',
      concatBytes(text('000dlocation \n0011identifier i\n'), signature),
      'packet',
    ],
    [
      'a length past the end',
      concatBytes(text('fffflocation \n0011identifier i\n'), signature),
      'truncated',
    ],
    [
      'another end than a line feed',
      concatBytes(text('000elocation \r0011identifier i\n'), signature),
      'packet',
    ],
    [
      'a signature of 31 bytes',
      concatBytes(head, packet('signature', new Uint8Array(31))),
      'signature length',
    ],
    [
      'a signature of 33 bytes',
      concatBytes(head, packet('signature', new Uint8Array(33))),
      'signature length',
    ],
  ] as const) {
    test(`${name}: ${reason}`, () => {
      expect(() => decodeMacaroonV1(bytes)).toThrow(
        expect.objectContaining({
          code: 'MACAROON_MALFORMED',
          details: expect.objectContaining({ reason }),
        }),
      )
    })
  }
})

function text(value: string): Uint8Array {
  return encodeUtf8(value)
}

function packet(name: string, content: Uint8Array): Uint8Array {
  const length = (6 + name.length + content.length).toString(16).padStart(4, '0')
  return concatBytes(encodeUtf8(`${length}${name} `), content, Uint8Array.of(10))
}
