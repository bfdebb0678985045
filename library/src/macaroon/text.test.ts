import { describe, expect, test } from 'vitest'
import lsatJs from '../../../spec/vectors/lsat-js.json' with { type: 'json' }
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import {
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  encodeUtf8,
} from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import type { Macaroon } from './index.ts'
import {
  decodeToken,
  encodeMacaroon,
  encodeMacaroonV1,
  encodeToken,
  limits,
  mint,
  verify,
} from './index.ts'

const rootKey = encodeUtf8('root key')

describe('R-MAC-50 a token is written as padded standard base64 of V2', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      expect(encodeToken(decodeToken(vector.v2Base64))).toBe(vector.v2Base64)
    })
  }

  test('a token that lsat-js passes on comes back as the same text', () => {
    const { input } = lsatJs.raw_macaroon_roundtrip
    expect(encodeToken(decodeToken(input))).toBe(input)
  })
})

describe('R-MAC-51 a token is read in each spelling in use', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const macaroon = decodeToken(vector.v2Base64)
      const v1 = decodeHex(vector.v1Hex)
      for (const text of [
        vector.v2Base64url,
        vector.v2Base64.replace(/=+$/, ''),
        vector.v2Base64url.padEnd(vector.v2Base64.length, '='),
        vector.v1Base64url,
        encodeBase64(v1),
        encodeBase64Url(v1),
      ]) {
        expect(decodeToken(text)).toEqual(macaroon)
      }
    })
  }

  const bytes = encodeMacaroon(mint({ rootKey, identifier: decodeHex('fbefbefbefbeff') }))
  const text = encodeBase64(bytes)
  const plus = text.indexOf('+')
  for (const [name, token] of [
    ['a mixed alphabet', `${text.slice(0, plus)}-${text.slice(plus + 1)}`],
    ['white space within', `${text.slice(0, 8)} ${text.slice(8)}`],
    ['a line feed behind', `${text}\n`],
    ['too much padding', `${text}=`],
    ['a character outside of ASCII', `${text.slice(0, 8)}é${text.slice(9)}`],
    ['something after the padding', `${text}AAAA`],
    ['a colon', `${text}:00`],
  ] as const) {
    test(`${name} is refused`, () => {
      expect(plus).toBeGreaterThan(-1)
      expect(decodeToken(text).identifier).toHaveLength(7)
      expect(() => decodeToken(token)).toThrow(refusal('MACAROON_MALFORMED'))
    })
  }
})

describe('R-MAC-52 one more layer of base64 is taken off', () => {
  const macaroon = mint({ rootKey, identifier: new Uint8Array(66), caveats: ['a=1'] })

  for (const write of [encodeMacaroon, encodeMacaroonV1]) {
    for (const outer of [encodeBase64, encodeBase64Url]) {
      for (const inner of [encodeBase64, encodeBase64Url]) {
        test(`${write.name}, ${inner.name} in ${outer.name}`, () => {
          expect(decodeToken(outer(encodeUtf8(inner(write(macaroon)))))).toEqual(macaroon)
        })
      }
    }
  }

  test('but not two more', () => {
    const twice = encodeBase64(encodeUtf8(encodeToken(macaroon)))
    expect(decodeToken(twice)).toEqual(macaroon)
    expect(() => decodeToken(encodeBase64(encodeUtf8(twice)))).toThrow(
      refusal('MACAROON_MALFORMED', { reason: 'version' }),
    )
  })

  test('no first byte of a macaroon is the first letter of the base64 of one', () => {
    const firsts = [2, ...encodeUtf8('0123456789abcdef')]
    const letters = new Set(firsts.map((byte) => encodeBase64(Uint8Array.of(byte, 0, 0))[0]!))
    expect([...letters].toSorted().join('')).toBe('AMNOYZ')
    for (const letter of letters) expect(firsts).not.toContain(letter.charCodeAt(0))
  })

  for (const { name, token, doubleBase64, rootKeyUtf8 } of vectors.verification) {
    test(`${name} is ${doubleBase64 ? 'doubly' : 'simply'} encoded`, () => {
      const read = decodeToken(token)
      expect(decodeUtf8(read.identifier)).toBe('keyid')
      if (rootKeyUtf8 === 'this is the key') {
        expect(verify(read, encodeUtf8(rootKeyUtf8))).toHaveLength(read.unverifiedCaveats.length)
      }
    })
  }
})

describe('R-MAC-51 R-MAC-52 R-MAC-53 the tokens of other servers', () => {
  const readable = vectors.foreignTokens.filter((foreign) => foreign.decodes !== undefined)
  const opaque = vectors.foreignTokens.filter((foreign) => foreign.decodes === undefined)

  test('four of them are macaroons, two are not', () => {
    expect([readable.length, opaque.length]).toEqual([4, 2])
  })

  for (const { implementation, token, decodes } of readable) {
    test(`${implementation} is read`, () => {
      const read = decodeToken(token)
      const facts = decodes as Facts
      if (facts.identifierLength !== undefined) {
        expect(read.identifier.length).toBe(facts.identifierLength)
      }
      if (facts.identifierHex !== undefined) {
        expect(encodeHex(read.identifier)).toBe(facts.identifierHex)
      }
      if (facts.identifierUtf8 !== undefined) {
        expect(decodeUtf8(read.identifier)).toBe(facts.identifierUtf8)
      }
      if (facts.location !== undefined) {
        expect(decodeUtf8(read.location!)).toBe(facts.location)
      }
      if (facts.signatureHex !== undefined) {
        expect(encodeHex(read.signature)).toBe(facts.signatureHex)
      }
      if (typeof facts.caveats === 'number') {
        expect(read.unverifiedCaveats).toHaveLength(facts.caveats)
      }
      if (Array.isArray(facts.caveats)) expect(textsOf(read)).toEqual(facts.caveats)
      const write = facts.version === 1 ? encodeMacaroonV1 : encodeMacaroon
      const spellings = [write(read)].flatMap((bytes) => [
        encodeBase64(bytes),
        encodeBase64Url(bytes),
        encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_'),
        encodeBase64(encodeUtf8(encodeBase64Url(bytes))),
        encodeBase64(encodeUtf8(encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_'))),
      ])
      expect(spellings).toContain(token)
    })
  }

  for (const { implementation, token } of opaque) {
    test(`${implementation} is no macaroon`, () => {
      expect(() => decodeToken(token)).toThrow(refusal('MACAROON_MALFORMED'))
    })
  }

  for (const [name, token, reason] of [
    ['nothing', '', 'empty'],
    ['padding only', '====', 'base64'],
    ['not base64', 'hello world', 'base64'],
    ['base64 of text', encodeBase64(encodeUtf8('hello, world')), 'version'],
    ['base64 of base64 of text', encodeBase64(encodeUtf8(encodeBase64(rootKey))), 'version'],
    ['the example of the L402 draft', 'AGIAJEemVQUTEyNCR0exk7ek90Cg==', 'base64'],
  ] as const) {
    test(`${name} is refused: ${reason}`, () => {
      expect(() => decodeToken(token)).toThrow(refusal('MACAROON_MALFORMED', { reason }))
    })
  }
})

describe('R-MAC-51 the macaroons of lsat-js', () => {
  const cases = [
    {
      name: 'aperture header',
      token: lsatJs.aperture_header.macaroon,
      decoded: lsatJs.aperture_header.macaroon_decoded,
    },
    {
      name: 'round trip',
      token: lsatJs.raw_macaroon_roundtrip.input,
      decoded: lsatJs.raw_macaroon_roundtrip.decoded,
    },
    ...lsatJs.challenges_ok.map((challenge) => ({
      name: challenge.name,
      token: challenge.expected.macaroon,
      decoded: challenge.macaroon_decoded,
    })),
    ...lsatJs.derived_generated_here.cases.map((generated) => ({
      name: `with caveats ${generated.caveats.join(' ')}`,
      token: generated.macaroon,
      decoded: generated.decoded,
    })),
  ]

  for (const { name, token, decoded } of cases) {
    test(name, () => {
      const read = decodeToken(token)
      expect(decodeUtf8(read.location!)).toBe(decoded.location)
      expect(encodeHex(read.identifier)).toBe(decoded.identifier_bytes_hex)
      expect(textsOf(read)).toEqual(decoded.caveats)
      expect(encodeHex(read.signature)).toBe(decoded.signature_hex)
    })
  }

  for (const { root_key_utf8, caveats, macaroon } of lsatJs.derived_generated_here.cases) {
    test(`verifies with its key only (R-MAC-5): ${caveats.join(' ')}`, () => {
      const read = decodeToken(macaroon)
      const verified = verify(read, encodeUtf8(root_key_utf8))
      expect(verified.map(({ text }) => text)).toEqual(caveats)
      expect(() => verify(read, rootKey)).toThrow(refusal('MACAROON_SIGNATURE'))
    })
  }

  for (const { name, caveats, macaroon } of lsatJs.must_not_copy.expiration) {
    test(`is read as it is, whatever its caveats say: ${name}`, () => {
      expect(textsOf(decodeToken(macaroon))).toEqual(caveats)
    })
  }

  test('every macaroon that the file mentions is read', () => {
    const found = new Set<string>()
    const collect = (value: unknown): void => {
      if (typeof value === 'string') {
        for (const [, token] of value.matchAll(/macaroon="?([\w+/=-]{100,})/g)) found.add(token!)
        return
      }
      if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
    }
    collect(lsatJs)
    expect(found.size).toBeGreaterThan(10)
    for (const token of found) expect(decodeToken(token).signature).toHaveLength(32)
  })
})

describe('R-MAC-60 a token has at most 16 384 characters', () => {
  test('the longest that is written is read, and one more is neither', () => {
    const bare = encodeMacaroon(mint({ rootKey, identifier: new Uint8Array(200) })).length - 200
    const fits = mint({ rootKey, identifier: new Uint8Array((limits.tokenBytes / 4) * 3 - bare) })
    expect(encodeToken(fits)).toHaveLength(limits.tokenBytes)
    expect(decodeToken(encodeToken(fits))).toEqual(fits)
    const over = mint({ rootKey, identifier: new Uint8Array(fits.identifier.length + 1) })
    const expected = refusal('MACAROON_TOO_LARGE', { limit: 'tokenBytes' })
    expect(() => encodeToken(over)).toThrow(expected)
    expect(() => decodeToken(encodeBase64(encodeMacaroon(over)))).toThrow(expected)
  })
})

describe('R-MAC-61 a refusal does not repeat the token', () => {
  test('whatever is wrong with it', () => {
    const good = encodeToken(mint({ rootKey, identifier: new Uint8Array(66) }))
    for (const token of [`${good}!`, good.slice(0, -8), `x${good}`, good.repeat(200)]) {
      expect(() => decodeToken(token)).not.toThrow(new RegExp(good.slice(8, 16).replace('+', '.')))
      expect(() => decodeToken(token)).toThrow()
    }
  })
})

type Facts = {
  readonly version?: number
  readonly identifierLength?: number
  readonly identifierHex?: string
  readonly identifierUtf8?: string
  readonly location?: string
  readonly signatureHex?: string
  readonly caveats?: number | readonly string[]
}

function textsOf(macaroon: Macaroon): readonly string[] {
  return macaroon.unverifiedCaveats.map(({ identifier }) => decodeUtf8(identifier))
}

function refusal(code: Code, details: object = {}): Error {
  return expect.objectContaining({ code, details: expect.objectContaining(details) })
}
