import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import type { Macaroon } from './index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  decodeMacaroon,
  decodeMacaroonV1,
  encodeMacaroon,
  encodeMacaroonV1,
  limits,
  mint,
  verify,
} from './index.ts'

const rootKey = encodeUtf8('root key')
const identifier = encodeUtf8('identifier')
const signature = new Uint8Array(32).fill(7)

describe('R-MAC-20 R-MAC-26 the V2 form of the known macaroons is read and written to the byte', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const macaroon = decodeMacaroon(decodeHex(vector.v2Hex))
      expect(hexOrNone(macaroon.location)).toBe(encodeHex(encodeUtf8(vector.location)))
      expect(encodeHex(macaroon.identifier)).toBe(vector.identifierHex)
      expect(encodeHex(macaroon.signature)).toBe(vector.signatureHex)
      expect(
        macaroon.unverifiedCaveats.map((caveat) => [
          encodeHex(caveat.identifier),
          hexOrNone(caveat.verificationId),
          hexOrNone(caveat.location),
        ]),
      ).toEqual(
        vector.caveats.map((caveat) => [
          caveat.idHex,
          'vidHex' in caveat ? caveat.vidHex : '',
          'location' in caveat ? encodeHex(encodeUtf8(`${caveat.location}`)) : '',
        ]),
      )
      expect(encodeHex(encodeMacaroon(macaroon))).toBe(vector.v2Hex)
    })
  }

  test('the bytes of a third-party caveat, spelled out', () => {
    const verificationId = Uint8Array.of(9)
    const caveat = { identifier: encodeUtf8('c'), location: encodeUtf8('l'), verificationId }
    const bytes = encodeMacaroon({
      location: encodeUtf8('L'),
      identifier: encodeUtf8('i'),
      unverifiedCaveats: [caveat],
      signature,
    })
    expect(encodeHex(bytes)).toBe(
      `02${'01014c'}${'020169'}00${'01016c'}${'020163'}${'040109'}0000${'0620'}${'07'.repeat(32)}`,
    )
    expect(decodeMacaroon(bytes).unverifiedCaveats).toEqual([caveat])
  })

  test('a field longer than 127 bytes has a length of two', () => {
    const bytes = encodeMacaroon(mint({ rootKey, identifier: new Uint8Array(300) }))
    expect(encodeHex(bytes.subarray(0, 4))).toBe('0202ac02')
    expect(decodeMacaroon(bytes).identifier.length).toBe(300)
  })

  test('the field types are those of the format', () => {
    expect(vectors.constants.v2FieldTypes).toEqual({
      eos: 0,
      location: 1,
      identifier: 2,
      vid: 4,
      signature: 6,
    })
  })
})

/** What each vector that is refused is refused for. */
const refusals: Readonly<Record<string, string>> = {
  empty: 'empty',
  'only-version': 'truncated',
  'version-3': 'version',
  'version-0': 'version',
  'v2-trailing-byte': 'trailing bytes',
  'v2-trailing-garbage': 'trailing bytes',
  'v2-two-concatenated': 'trailing bytes',
  'v2-truncated-sig': 'truncated',
  'v2-truncated-mid-field': 'truncated',
  'v2-sig-31': 'signature length',
  'v2-sig-33': 'signature length',
  'v2-no-eos-after-caveats': 'field',
  'v2-missing-identifier': 'field',
  'v2-duplicate-identifier': 'field',
  'v2-duplicate-location': 'field',
  'v2-fields-out-of-order': 'field',
  'v2-unknown-field-7-in-header': 'field',
  'v2-unknown-field-3-in-header': 'field',
  'v2-vid-in-header': 'field',
  'v2-caveat-without-id': 'field',
  'v2-first-party-with-location': 'first-party location',
  'v2-empty-vid': 'empty verification id',
  'v2-nonminimal-varint-len': 'varint',
  'v2-nonminimal-varint-type': 'field',
  'v2-nonminimal-eos': 'field',
  'v2-varint-5byte-huge-len': 'varint',
  'v2-varint-10byte-max': 'varint',
  'v2-varint-11byte': 'varint',
  'v2-varint-unterminated': 'truncated',
  'v2-len-past-end': 'truncated',
  'v2-field-type-258': 'field',
  'v2-sig-trailing-eos(spec example shape)': 'trailing bytes',
  'v2-l402-spec-appendix-example': 'field',
  'v1-trailing-newline': 'trailing bytes',
  'v1-trailing-packet': 'trailing bytes',
  'v1-upper-hex-len': 'packet',
  'v1-no-location': 'field',
  'v1-len-too-small': 'packet',
  'v1-len-past-end': 'truncated',
  'v1-no-newline': 'packet',
  'v1-sig-short': 'signature length',
  'v1-dup-identifier': 'field',
  'v1-vid-before-cid': 'field',
  'l402-kit-json-token': 'version',
}

describe('R-MAC-21 to R-MAC-25, R-MAC-32: the strict verdict on each malformed input', () => {
  for (const { name, hex, strict } of vectors.malformed) {
    const bytes = decodeHex(hex)
    const reason = refusals[name]
    if (strict === 'accept') {
      test(`${name} is read, and written as the same bytes`, () => {
        const write = bytes[0] === 2 ? encodeMacaroon : encodeMacaroonV1
        expect(encodeHex(write(decodeMacaroon(bytes)))).toBe(hex)
      })
      continue
    }
    test(`${name} is refused: ${reason}`, () => {
      expect(reason).toBeDefined()
      expect(() => decodeMacaroon(bytes)).toThrow(refusal('MACAROON_MALFORMED', { reason }))
    })
  }

  test('the table above names no input that the vectors do not have', () => {
    const refused = vectors.malformed.filter(({ strict }) => strict === 'reject')
    expect(refused.map(({ name }) => name).toSorted()).toEqual(Object.keys(refusals).toSorted())
  })
})

describe('R-MAC-22 every field has its place', () => {
  const sig = `0620${'07'.repeat(32)}`
  for (const [name, hex, reason] of [
    [
      'a verification id before the identifier',
      `0202016900${'040109'}020163${'0000'}${sig}`,
      'field',
    ],
    ['two verification ids', `0202016900020163${'040109'}${'040109'}0000${sig}`, 'field'],
    ['a signature in a caveat', `0202016900020163${sig}0000${sig}`, 'field'],
    ['an unknown field in a caveat', `0202016900020163${'050109'}0000${sig}`, 'field'],
    ['two signatures', `020201690000${sig}${sig}`, 'trailing bytes'],
    ['no signature', '020201690000', 'truncated'],
    ['an identifier in the place of the signature', '020201690000020161', 'field'],
    ['a location in the place of the signature', `0202016900000101610620`, 'field'],
    ['no end of the header', '02020169', 'truncated'],
    ['an end in the place of the header', `020000${sig}`, 'field'],
  ] as const) {
    test(`${name}: ${reason}`, () => {
      expect(() => decodeMacaroon(decodeHex(hex))).toThrow(
        refusal('MACAROON_MALFORMED', { reason }),
      )
    })
  }
})

describe('R-MAC-23 R-MAC-24 R-MAC-26 a macaroon that could not be read is not written either', () => {
  const good = mint({ rootKey, identifier, caveats: ['a=1'] })
  const location = encodeUtf8('l')
  for (const [name, macaroon, reason] of [
    ['a short signature', { ...good, signature: signature.slice(1) }, 'signature length'],
    [
      'a location on a first-party caveat',
      { ...good, unverifiedCaveats: [{ identifier, location }] },
      'first-party location',
    ],
    [
      'an empty verification id',
      { ...good, unverifiedCaveats: [{ identifier, verificationId: new Uint8Array(0) }] },
      'empty verification id',
    ],
  ] as const) {
    test(`${name}: ${reason}`, () => {
      for (const write of [encodeMacaroon, encodeMacaroonV1]) {
        expect(() => write(macaroon)).toThrow(refusal('MACAROON_MALFORMED', { reason }))
      }
    })
  }
})

describe('R-MAC-25 contents are bytes', () => {
  for (const bytes of ['', '00', 'ff3dfe', 'efbbbf', '0a', '0201']) {
    test(`"${bytes}" as identifier, caveat and location`, () => {
      const content = decodeHex(bytes)
      const macaroon: Macaroon = {
        location: content,
        identifier: content,
        unverifiedCaveats: [{ identifier: content }],
        signature,
      }
      const encoded = encodeMacaroon(macaroon)
      expect(decodeMacaroon(encoded)).toEqual(macaroon)
      expect(encodeMacaroon(decodeMacaroon(encoded))).toEqual(encoded)
    })
  }

  test('what was read does not change with the bytes it was read from', () => {
    for (const write of [encodeMacaroon, encodeMacaroonV1]) {
      for (const wrap of [
        (bytes: Uint8Array) => bytes,
        (bytes: Uint8Array) => Buffer.from(bytes),
      ]) {
        const bytes = wrap(write(mint({ rootKey, identifier, caveats: ['a=1'] })))
        const macaroon = decodeMacaroon(bytes)
        bytes.fill(0)
        expect(verify(macaroon, rootKey)).toHaveLength(1)
        expect(macaroon.signature).not.toBeInstanceOf(Buffer)
      }
    }
  })
})

describe('R-MAC-60 sizes are bounded', () => {
  for (const { name, build, strict } of vectors.limits) {
    test(`${name}: ${strict}`, () => {
      const bytes = build.includes('caveats')
        ? rawV2(
            identifier,
            Array.from({ length: 2000 }, (_, i) => `c=${i}`),
          )
        : rawV2(new Uint8Array(70_000).fill(0x61), [])
      expect(() => decodeMacaroon(bytes)).toThrow(refusal('MACAROON_TOO_LARGE'))
    })
  }

  test('a token of 16 384 bytes is read and written, one more is refused', () => {
    const fill = limits.tokenBytes - rawV2(new Uint8Array(0), []).length - 1 // for the longer length
    const largest = rawV2(new Uint8Array(fill), [])
    expect(largest.length).toBe(16_384)
    expect(encodeMacaroon(decodeMacaroon(largest))).toEqual(largest)
    const larger = rawV2(new Uint8Array(fill + 1), [])
    const expected = refusal('MACAROON_TOO_LARGE', { limit: 'tokenBytes', actual: 16_385 })
    expect(() => decodeMacaroon(larger)).toThrow(expected)
    expect(() => encodeMacaroon(mint({ rootKey, identifier: new Uint8Array(fill + 1) }))).toThrow(
      expected,
    )
  })

  test('1000 caveats are read and written in both forms, 1001 are refused', () => {
    const full = attenuate(
      mint({ rootKey, identifier }),
      ...Array.from({ length: 1000 }, () => 'x'),
    )
    const expected = refusal('MACAROON_TOO_LARGE', { limit: 'caveats', max: 1000, actual: 1001 })
    expect(decodeMacaroon(encodeMacaroon(full))).toEqual(full)
    expect(decodeMacaroon(encodeMacaroonV1(full))).toEqual(full)
    const over = attenuate(full, 'x')
    expect(() => encodeMacaroon(over)).toThrow(expected)
    expect(() => encodeMacaroonV1(over)).toThrow(expected)
    const texts = Array.from({ length: 1001 }, () => 'x')
    expect(() => decodeMacaroon(rawV2(identifier, texts))).toThrow(expected)
    expect(() => decodeMacaroon(rawV1(identifier, texts))).toThrow(expected)
  })

  test('a field of more than 65 535 bytes is refused by its length alone', () => {
    const claims = decodeHex('02028080046161') // says 65 536, has two
    expect(() => decodeMacaroon(claims)).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'fieldBytes', actual: 65_536 }),
    )
    expect(() => encodeMacaroon(mint({ rootKey, identifier: new Uint8Array(65_536) }))).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'fieldBytes', actual: 65_536 }),
    )
  })

  test('V1 input is bounded as V2 is, also where the V1 form is the longer one', () => {
    const large = attenuate(mint({ rootKey, identifier }), ...Array(950).fill('0123456789abc'))
    expect(encodeMacaroon(large).length).toBeLessThan(limits.tokenBytes)
    expect(() => encodeMacaroonV1(large)).toThrow(refusal('MACAROON_TOO_LARGE'))
    expect(() => decodeMacaroonV1(new Uint8Array(16_385).fill(0x30))).toThrow(
      refusal('MACAROON_TOO_LARGE'),
    )
  })
})

describe('R-MAC-61 a refusal says where and why, and nothing of what', () => {
  test('only a reason and a position, for every cut of a token', () => {
    const third = addThirdPartyCaveat(mint({ rootKey, identifier, caveats: ['secret=1'] }), {
      caveatKey: rootKey,
      identifier,
    })
    for (const whole of [encodeMacaroon(third), encodeMacaroonV1(third)]) {
      for (let length = 0; length < whole.length; length++) {
        const error = thrownBy(() => decodeMacaroon(whole.subarray(0, length)))
        expect(isL402Error(error, 'MACAROON_MALFORMED')).toBe(true)
        const { details, message } = error as Error & { details: Record<string, unknown> }
        expect(Object.keys(details).filter((key) => !['reason', 'position'].includes(key))).toEqual(
          [],
        )
        expect(details['position'] ?? 0).toBeLessThanOrEqual(length)
        expect(message).not.toContain('secret')
      }
    }
  })
})

function rawV2(id: Uint8Array, caveats: readonly string[]): Uint8Array {
  const field = (content: Uint8Array): Uint8Array => {
    const length: number[] = []
    let rest = content.length
    for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128)
    return concatBytes(Uint8Array.of(2, ...length, rest), content)
  }
  return concatBytes(
    Uint8Array.of(2),
    field(id),
    Uint8Array.of(0),
    ...caveats.flatMap((text) => [field(encodeUtf8(text)), Uint8Array.of(0)]),
    Uint8Array.of(0, 6, 32),
    signature,
  )
}

function rawV1(id: Uint8Array, caveats: readonly string[]): Uint8Array {
  const packet = (name: string, content: Uint8Array): Uint8Array => {
    const length = (6 + name.length + content.length).toString(16).padStart(4, '0')
    return concatBytes(encodeUtf8(`${length}${name} `), content, Uint8Array.of(10))
  }
  return concatBytes(
    packet('location', new Uint8Array(0)),
    packet('identifier', id),
    ...caveats.map((text) => packet('cid', encodeUtf8(text))),
    packet('signature', signature),
  )
}

function hexOrNone(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : encodeHex(bytes)
}

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

function refusal(code: Code, details: object = {}): Error {
  return expect.objectContaining({ code, details: expect.objectContaining(details) })
}
