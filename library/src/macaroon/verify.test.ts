import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { concatBytes, decodeHex, encodeHex, encodeUtf8, hmacSha256 } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import type { Caveat, Macaroon, VerifiedCaveats } from './index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  decodeMacaroon,
  decodeToken,
  encodeMacaroon,
  limits,
  mint,
  verify,
} from './index.ts'

const rootKey = encodeUtf8('root key')
const identifier = encodeUtf8('identifier')
const token = mint({ rootKey, identifier, location: 'here', caveats: ['a=1', 'b=2', 'c=3'] })

describe('R-MAC-5 only the holder of the root key, and narrowing, make a macaroon that verifies', () => {
  for (const vector of vectors.macaroons) {
    const isFirstParty = vector.caveats.every((caveat) => !('vidHex' in caveat))
    if (!isFirstParty) continue // verified in third-party.test.ts
    test(vector.name, () => {
      const macaroon = decodeMacaroon(decodeHex(vector.v2Hex))
      const verified = verify(macaroon, decodeHex(vector.rootKeyHex))
      expect(verified.map(({ text }) => encodeHex(encodeUtf8(text)))).toEqual(
        vector.caveats.map(({ idHex }) => idHex),
      )
      expect(verified.map(({ branch }) => encodeHex(branch))).toEqual(vector.chainHex.slice(1))
      expect(() => verify(macaroon, encodeUtf8('another key'))).toThrow(
        refusal('MACAROON_SIGNATURE'),
      )
    })
  }

  for (const vector of vectors.verification) {
    test(`${vector.name}: ${vector.authorized ? 'authorized' : 'not authorized'}`, () => {
      const known = new Set<string>(vector.exactCaveats)
      const answer = authorizes(decodeToken(vector.token), encodeUtf8(vector.rootKeyUtf8), known)
      expect(answer).toBe(vector.authorized)
    })
  }

  const [a, b, c] = token.unverifiedCaveats as readonly [Caveat, Caveat, Caveat]
  for (const [name, unverifiedCaveats] of [
    ['the first is removed', [b, c]],
    ['the last is removed', [a, b]],
    ['all are removed', []],
    ['two change places', [b, a, c]],
    ['one is repeated', [a, a, b, c]],
    ['one is edited', [a, { identifier: encodeUtf8('b=3') }, c]],
    ['one is emptied', [a, { identifier: new Uint8Array(0) }, c]],
    ['two are joined', [{ identifier: encodeUtf8('a=1b=2') }, c]],
    ['one is added', [a, b, c, { identifier: encodeUtf8('d=4') }]],
    ['a third party takes one over', [a, { ...b, verificationId: new Uint8Array(72) }, c]],
  ] as const) {
    test(`refused when, of three caveats, ${name}`, () => {
      expect(() => verify({ ...token, unverifiedCaveats }, rootKey)).toThrow(
        refusal('MACAROON_SIGNATURE'),
      )
    })
  }

  test('refused when any bit of the signature is changed, or its length', () => {
    for (let bit = 0; bit < 256; bit++) {
      const signature = new Uint8Array(token.signature)
      signature[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => verify({ ...token, signature }, rootKey)).toThrow(refusal('MACAROON_SIGNATURE'))
    }
    for (const signature of [
      token.signature.subarray(0, 31),
      concatBytes(token.signature, Uint8Array.of(0)),
      new Uint8Array(0),
    ]) {
      expect(() => verify({ ...token, signature }, rootKey)).toThrow(refusal('MACAROON_SIGNATURE'))
    }
  })

  test('refused when the identifier is changed, and not when the location is (R-MAC-3)', () => {
    const renamed = { ...token, identifier: encodeUtf8('identifies') }
    expect(() => verify(renamed, rootKey)).toThrow(refusal('MACAROON_SIGNATURE'))
    expect(verify({ ...token, location: encodeUtf8('elsewhere') }, rootKey)).toHaveLength(3)
  })
})

describe('R-MAC-6 the size is bounded before anything is hashed', () => {
  const wrongKey = encodeUtf8('not the key') // a verifier that hashed first would say so

  test('32 caveats are taken, the 33rd is refused', () => {
    const many = Array.from({ length: limits.verifiedCaveats }, (_, i) => `n=${i}`)
    const full = mint({ rootKey, identifier, caveats: many })
    expect(verify(full, rootKey)).toHaveLength(32)
    expect(() => verify(attenuate(full, 'one=more'), wrongKey)).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'verifiedCaveats', max: 32, actual: 33 }),
    )
  })

  test('a caveat of 256 bytes is taken, one of 257 is refused', () => {
    expect(verify(attenuate(token, 'x'.repeat(256)), rootKey)).toHaveLength(4)
    expect(() => verify(attenuate(token, 'x'.repeat(257)), wrongKey)).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'verifiedCaveatBytes', max: 256, actual: 257 }),
    )
  })

  test('a third-party caveat counts with its verification id', () => {
    const add = (size: number): Macaroon =>
      addThirdPartyCaveat(token, { caveatKey: rootKey, identifier: new Uint8Array(size) })
    expect(() => verify(add(184), rootKey)).toThrow(refusal('MACAROON_DISCHARGE'))
    expect(() => verify(add(185), wrongKey)).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'verifiedCaveatBytes', max: 256, actual: 257 }),
    )
  })

  test('a delegated token that is narrowed for each request still fits', () => {
    const sold = mint({
      rootKey,
      identifier: new Uint8Array(66),
      caveats: [
        `services=${'s'.repeat(32)}:255`,
        `${'s'.repeat(32)}_capabilities=${'c'.repeat(64)}`,
        `${'s'.repeat(32)}_valid_until=19000000000`,
        `${'s'.repeat(32)}_amount_msat=2100000000000000000`,
        `${'s'.repeat(32)}_uses=1000000`,
        `${'s'.repeat(32)}_scope=${'0'.repeat(32)}`,
      ],
    })
    const delegations = Array.from({ length: 6 }, (_, i) => [
      `delegation=${i}`,
      'request_count <= 1000',
      'spend_limit_sat=100000',
    ])
    const delegated = attenuate(sold, ...delegations.flat())
    const request = attenuate(delegated, 'exp=1900000000', `req=${'f'.repeat(64)}`)
    expect(verify(request, rootKey)).toHaveLength(26)
  })
})

describe('R-MAC-7 a caveat that is not UTF-8 is refused, never skipped', () => {
  for (const hex of ['ff3dfe', 'c0af', 'eda080', 'f4908080', '613d80', 'e282']) {
    const bytes = decodeHex(hex)
    test(`${hex} under a good signature`, () => {
      const macaroon = withCaveat(token, bytes)
      expect(() => verify(macaroon, rootKey)).toThrow(
        refusal('CAVEAT_MALFORMED', { reason: 'not UTF-8', caveat: 3 }),
      )
      expect(() => verify(attenuate(macaroon, 'd=4'), rootKey)).toThrow(refusal('CAVEAT_MALFORMED'))
    })

    test(`${hex} under a bad signature does not get that far`, () => {
      expect(() => verify(withCaveat(token, bytes), identifier)).toThrow(
        refusal('MACAROON_SIGNATURE'),
      )
    })
  }

  test('any other text comes back as it was: byte order mark, NUL, nothing, emoji', () => {
    const caveats = ['\ufeffa=1', 'a\u0000=1', '', '😀=\u202e', ' a = 1 ']
    const macaroon = mint({ rootKey, identifier, caveats })
    const read = decodeMacaroon(encodeMacaroon(macaroon))
    expect(verify(read, rootKey).map(({ text }) => text)).toEqual(caveats)
  })
})

describe('R-MAC-8 what was checked is what is returned', () => {
  test('the branch of a caveat is the state after it, and of the last one the signature', () => {
    const [first, second, third] = verify(token, rootKey)
    expect(first?.branch).toEqual(mint({ rootKey, identifier, caveats: ['a=1'] }).signature)
    expect(second?.branch).toEqual(hmacSha256(first!.branch, encodeUtf8('b=2')))
    expect(third?.branch).toEqual(token.signature)
  })

  test('everyone below a caveat shares its branch, and nobody beside it', () => {
    const branchOf = (macaroon: Macaroon): string =>
      encodeHex(verify(macaroon, rootKey).find(({ text }) => text === 'max=10')!.branch)
    const child = attenuate(token, 'max=10')
    expect(branchOf(attenuate(child, 'x=1'))).toBe(branchOf(child))
    expect(branchOf(attenuate(child, 'y=1', 'z=1'))).toBe(branchOf(child))
    expect(branchOf(attenuate(token, 'other=1', 'max=10'))).not.toBe(branchOf(child))
    const sibling = mint({ rootKey, identifier: encodeUtf8('other'), caveats: ['max=10'] })
    expect(branchOf(sibling)).not.toBe(branchOf(child))
  })

  test('the caveats are read once', () => {
    let reads = 0
    const shifting: Macaroon = {
      ...token,
      get unverifiedCaveats(): readonly Caveat[] {
        reads++
        return reads === 1 ? token.unverifiedCaveats : []
      },
    }
    expect(verify(shifting, rootKey)).toHaveLength(3)
    expect(reads).toBe(1)
  })

  test('the bytes of a caveat are looked up once', () => {
    const [a, b, c] = token.unverifiedCaveats as readonly [Caveat, Caveat, Caveat]
    let reads = 0
    const shifting: Caveat = {
      get identifier(): Uint8Array {
        reads++
        return reads === 1 ? b.identifier : encodeUtf8('b=9')
      },
    }
    const verified = verify({ ...token, unverifiedCaveats: [a, shifting, c] }, rootKey)
    expect(verified.map(({ text }) => text)).toEqual(['a=1', 'b=2', 'c=3'])
  })

  test('the answer is frozen', () => {
    const verified = verify(token, rootKey)
    expect(Object.isFrozen(verified)).toBe(true)
    expect(verified.every((caveat) => Object.isFrozen(caveat))).toBe(true)
  })

  test('nothing but a verification makes verified caveats', () => {
    // @ts-expect-error: what a holder claims does not compile where verified caveats are asked for
    const claimed: VerifiedCaveats = [{ text: 'a=1', branch: token.signature }]
    expect(claimed).not.toEqual(verify(token, rootKey))
  })

  test('a token without caveats has none to return', () => {
    expect(verify(mint({ rootKey, identifier }), rootKey)).toEqual([])
  })
})

describe('R-MAC-14 without discharges a third-party caveat refuses', () => {
  const third = addThirdPartyCaveat(token, { caveatKey: identifier, identifier: rootKey })

  test('an authentic one is MACAROON_DISCHARGE', () => {
    expect(() => verify(third, rootKey)).toThrow(refusal('MACAROON_DISCHARGE', { caveat: 3 }))
    expect(() => verify(attenuate(third, 'd=4'), rootKey)).toThrow(refusal('MACAROON_DISCHARGE'))
  })

  test('a forged one is MACAROON_SIGNATURE', () => {
    expect(() => verify(third, identifier)).toThrow(refusal('MACAROON_SIGNATURE'))
  })
})

function withCaveat(parent: Macaroon, bytes: Uint8Array): Macaroon {
  return {
    ...parent,
    unverifiedCaveats: [...parent.unverifiedCaveats, { identifier: bytes }],
    signature: hmacSha256(parent.signature, bytes),
  }
}

/** A verifier that knows exact caveats, as that of the library whose files these are. */
function authorizes(macaroon: Macaroon, key: Uint8Array, known: ReadonlySet<string>): boolean {
  try {
    return verify(macaroon, key).every(({ text }) => known.has(text))
  } catch (error) {
    if (isL402Error(error, 'MACAROON_SIGNATURE')) return false
    throw error
  }
}

function refusal(code: Code, details: object = {}): Error {
  return expect.objectContaining({ code, details: expect.objectContaining(details) })
}
