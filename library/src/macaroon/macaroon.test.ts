import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import type { Caveat, Macaroon } from './index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  bindDischarge,
  decodeMacaroon,
  decodeMacaroonJson,
  decodeMacaroonV1,
  decodeToken,
  encodeMacaroon,
  encodeMacaroonJson,
  encodeMacaroonV1,
  encodeToken,
  mint,
  verify,
  verifyWithDischarges,
} from './index.ts'

// The laws that hold for every macaroon, whatever is in it.

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const caveatText = fc.string({ unit: 'binary', maxLength: 60 }) // at most four bytes each
const rootKeys = bytes(80)

const tokens = fc.record({
  rootKey: rootKeys,
  identifier: bytes(200),
  location: fc.string({ maxLength: 20 }),
  caveats: fc.array(caveatText, { maxLength: 10 }),
})

const thirdParties = fc.record({
  caveatKey: rootKeys,
  identifier: bytes(100),
  location: fc.string({ maxLength: 20 }),
  nonce: fc.uint8Array({ minLength: 24, maxLength: 24 }),
})

/** Minted, sometimes with a third-party caveat and more behind it. */
const macaroons: fc.Arbitrary<Macaroon> = fc
  .tuple(tokens, fc.option(thirdParties), fc.array(caveatText, { maxLength: 4 }))
  .map(([token, thirdParty, more]) => {
    const minted = mint(token)
    const narrowed = thirdParty === null ? minted : addThirdPartyCaveat(minted, thirdParty)
    return attenuate(narrowed, ...more)
  })

/** Not minted: any bytes where the format allows any. */
const strangers: fc.Arbitrary<Macaroon> = fc
  .record({
    location: fc.option(bytes(40), { nil: undefined }),
    identifier: bytes(300),
    unverifiedCaveats: fc.array(fc.oneof(firstParty(), thirdParty()), { maxLength: 12 }),
    signature: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ location, ...rest }) => (location === undefined ? rest : { ...rest, location }))

describe('R-MAC-26 R-MAC-31 R-MAC-42 R-MAC-51 every form gives back the macaroon it was made from', () => {
  test('V2, to the byte', () => {
    fc.assert(
      fc.property(fc.oneof(macaroons, strangers), (macaroon) => {
        const encoded = encodeMacaroon(macaroon)
        expect(decodeMacaroon(encoded)).toEqual(macaroon)
        expect(encodeMacaroon(decodeMacaroon(encoded))).toEqual(encoded)
      }),
    )
  })

  test('V1, to the byte, an empty location being none', () => {
    fc.assert(
      fc.property(fc.oneof(macaroons, strangers), (macaroon) => {
        const encoded = encodeMacaroonV1(macaroon)
        const { location, ...unlocated } = macaroon
        const expected = location?.length === 0 ? unlocated : macaroon
        expect(decodeMacaroonV1(encoded)).toEqual(expected)
        expect(decodeMacaroon(encoded)).toEqual(expected)
        expect(encodeMacaroonV1(decodeMacaroonV1(encoded))).toEqual(encoded)
      }),
    )
  })

  test('JSON, also through its text', () => {
    fc.assert(
      fc.property(macaroons, (macaroon) => {
        const written: unknown = JSON.parse(JSON.stringify(encodeMacaroonJson(macaroon)))
        expect(decodeMacaroonJson(written)).toEqual(macaroon)
      }),
    )
  })

  test('the text of a token', () => {
    fc.assert(
      fc.property(fc.oneof(macaroons, strangers), (macaroon) => {
        expect(decodeToken(encodeToken(macaroon))).toEqual(macaroon)
      }),
    )
  })

  test('all of them, one after the other', () => {
    fc.assert(
      fc.property(macaroons, (macaroon) => {
        const throughV1 = decodeMacaroonV1(encodeMacaroonV1(macaroon))
        const throughJson = decodeMacaroonJson(encodeMacaroonJson(throughV1))
        expect(encodeMacaroon(throughJson)).toEqual(encodeMacaroon(macaroon))
      }),
    )
  })
})

describe('R-MAC-21 to R-MAC-24, R-MAC-32: a token has one spelling', () => {
  test('whatever is read is what would be written', () => {
    let accepted = 0
    fc.assert(
      fc.property(macaroons, fc.nat(), fc.integer({ min: 1, max: 255 }), (macaroon, at, change) => {
        for (const write of [encodeMacaroon, encodeMacaroonV1]) {
          const changed = write(macaroon)
          changed[at % changed.length]! ^= change
          const read = readOrNone(changed)
          if (read === undefined) continue
          accepted++
          expect(write(read)).toEqual(changed)
        }
      }),
    )
    expect(accepted).toBeGreaterThan(10)
  })

  test('a token with anything behind it, or cut, is refused', () => {
    fc.assert(
      fc.property(
        macaroons,
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        fc.nat(),
        (m, more, cut) => {
          for (const write of [encodeMacaroon, encodeMacaroonV1]) {
            const encoded = write(m)
            expect(readOrNone(Uint8Array.of(...encoded, ...more))).toBeUndefined()
            expect(readOrNone(encoded.subarray(0, cut % encoded.length))).toBeUndefined()
          }
        },
      ),
    )
  })
})

describe('R-MAC-4 narrowing', () => {
  test('never changes the parent', () => {
    fc.assert(
      fc.property(tokens, fc.array(caveatText, { maxLength: 5 }), (token, added) => {
        const parent = mint(token)
        const before = encodeMacaroon(parent)
        attenuate(parent, ...added)
        expect(encodeMacaroon(parent)).toEqual(before)
        expect(verify(parent, token.rootKey)).toHaveLength(token.caveats.length)
      }),
    )
  })

  test('R-MAC-8 adds its caveat to what verifies, and nothing else', () => {
    fc.assert(
      fc.property(tokens, caveatText, (token, caveat) => {
        const parent = mint(token)
        const child = attenuate(parent, caveat)
        expect(verify(child, token.rootKey)).toEqual([
          ...verify(parent, token.rootKey),
          { text: caveat, branch: child.signature },
        ])
      }),
    )
  })

  test('R-MAC-2 is the same in one step, in many steps and at minting', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const bare = mint({ ...token, caveats: [] })
        const stepwise = token.caveats.reduce((parent, caveat) => attenuate(parent, caveat), bare)
        expect(stepwise).toEqual(mint(token))
        expect(attenuate(bare, ...token.caveats)).toEqual(mint(token))
      }),
    )
  })
})

describe('R-MAC-5 nothing of a signed chain can be changed', () => {
  const withCaveats = fc.tuple(tokens, fc.array(caveatText, { minLength: 2, maxLength: 6 }))

  test('removing any caveat breaks the signature', () => {
    fc.assert(
      fc.property(withCaveats, fc.nat(), ([token, more], at) => {
        const { caveats, ...macaroon } = claimed({ ...token, caveats: more })
        const unverifiedCaveats = caveats.toSpliced(at % caveats.length, 1)
        expectForged({ ...macaroon, unverifiedCaveats }, token.rootKey)
      }),
    )
  })

  test('two caveats that change places break the signature', () => {
    fc.assert(
      fc.property(withCaveats, fc.nat(), fc.nat(), ([token, more], first, second) => {
        const { caveats, ...macaroon } = claimed({ ...token, caveats: more })
        const [i, j] = [first % caveats.length, second % caveats.length]
        fc.pre(more[i] !== more[j])
        const unverifiedCaveats = caveats.with(i, caveats[j]!).with(j, caveats[i]!)
        expectForged({ ...macaroon, unverifiedCaveats }, token.rootKey)
      }),
    )
  })

  test('editing any bit of any caveat breaks the signature', () => {
    fc.assert(
      fc.property(withCaveats, fc.nat(), fc.nat(), ([token, more], at, bit) => {
        const { caveats, ...macaroon } = claimed({ ...token, caveats: more })
        const index = at % caveats.length
        const identifier = new Uint8Array(caveats[index]!.identifier)
        fc.pre(identifier.length > 0)
        identifier[(bit >> 3) % identifier.length]! ^= 1 << (bit & 7)
        const unverifiedCaveats = caveats.with(index, { identifier })
        expectForged({ ...macaroon, unverifiedCaveats }, token.rootKey)
      }),
    )
  })

  test('inserting any caveat breaks the signature', () => {
    fc.assert(
      fc.property(withCaveats, caveatText, fc.nat(), ([token, more], text, at) => {
        const { caveats, ...macaroon } = claimed({ ...token, caveats: more })
        const added = { identifier: encodeUtf8(text) }
        const unverifiedCaveats = caveats.toSpliced(at % (caveats.length + 1), 0, added)
        expectForged({ ...macaroon, unverifiedCaveats }, token.rootKey)
      }),
    )
  })

  test('another root key does not verify', () => {
    fc.assert(
      fc.property(tokens, rootKeys, (token, other) => {
        fc.pre(!Buffer.from(token.rootKey).equals(other))
        expectForged(mint(token), other)
      }),
    )
  })
})

describe('R-MAC-13 discharges', () => {
  test('add their caveats where they are asked for', () => {
    fc.assert(
      fc.property(
        tokens,
        thirdParties,
        fc.array(caveatText, { maxLength: 5 }),
        (token, ask, more) => {
          const root = attenuate(addThirdPartyCaveat(mint(token), ask), 'last')
          const discharge = bindDischarge(
            root,
            mint({ rootKey: ask.caveatKey, identifier: ask.identifier, caveats: more }),
          )
          const verified = verifyWithDischarges(root, token.rootKey, [discharge])
          expect(verified.map(({ text }) => text)).toEqual([...token.caveats, ...more, 'last'])
          expect(refusalOf(() => verifyWithDischarges(root, token.rootKey, []))).toBe(
            'MACAROON_DISCHARGE',
          )
        },
      ),
    )
  })
})

function firstParty(): fc.Arbitrary<Caveat> {
  return fc.record({ identifier: bytes(60) })
}

function thirdParty(): fc.Arbitrary<Caveat> {
  const verificationId = fc.uint8Array({ minLength: 1, maxLength: 80 })
  return fc.oneof(
    fc.record({ identifier: bytes(60), verificationId }),
    fc.record({ identifier: bytes(60), verificationId, location: bytes(20) }),
  )
}

function claimed(token: Parameters<typeof mint>[0]): Macaroon & { caveats: readonly Caveat[] } {
  const macaroon = mint(token)
  return { ...macaroon, caveats: macaroon.unverifiedCaveats }
}

function readOrNone(encoded: Uint8Array): Macaroon | undefined {
  try {
    return decodeMacaroon(encoded)
  } catch (error) {
    if (isL402Error(error, 'MACAROON_MALFORMED') || isL402Error(error, 'MACAROON_TOO_LARGE')) {
      return undefined
    }
    throw error
  }
}

function expectForged(macaroon: Macaroon, rootKey: Uint8Array): void {
  expect(refusalOf(() => verify(macaroon, rootKey))).toBe('MACAROON_SIGNATURE')
}

function refusalOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (isL402Error(error)) return error.code
    throw error
  }
  return 'none'
}
