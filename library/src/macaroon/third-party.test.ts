import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { decodeHex, encodeHex, encodeUtf8, hmacSha256 } from '../bytes/index.ts'
import type { Code } from '../errors.ts'
import type { Macaroon } from './index.ts'
import {
  addThirdPartyCaveat,
  attenuate,
  bindDischarge,
  decodeMacaroon,
  encodeMacaroon,
  limits,
  mint,
  verify,
  verifyWithDischarges,
} from './index.ts'

const rootKey = encodeUtf8('root key')
const caveatKey = encodeUtf8('caveat key')
const identifier = encodeUtf8('identifier')
const question = encodeUtf8('is it alice?')

const asked = addThirdPartyCaveat(mint({ rootKey, identifier, caveats: ['a=1'] }), {
  caveatKey,
  identifier: question,
  location: 'https://auth.example',
})
const token = attenuate(asked, 'b=2')
const discharge = mint({ rootKey: caveatKey, identifier: question, caveats: ['c=3'] })
const bound = bindDischarge(token, discharge)

const vector = vectors.macaroons.find(({ name }) => name === vectors.discharge.rootMacaroon)!
const vectorCaveat = vector.caveats[1] as { idHex: string; vidHex: string; location: string }

describe('R-MAC-10 R-MAC-11 the known third-party caveat', () => {
  const parent = mint({
    rootKey: decodeHex(vector.rootKeyHex),
    identifier: decodeHex(vector.identifierHex),
    location: vector.location,
    caveats: [vector.caveats[0]!.idHex].map((hex) => Buffer.from(hex, 'hex').toString()),
  })
  const narrowed = addThirdPartyCaveat(parent, {
    caveatKey: encodeUtf8(vectors.discharge.dischargeRootKeyUtf8),
    identifier: decodeHex(vectorCaveat.idHex),
    location: vectorCaveat.location,
    nonce: new Uint8Array(24),
  })

  test('is made to the byte', () => {
    const added = narrowed.unverifiedCaveats.at(-1)!
    expect(encodeHex(added.verificationId!)).toBe(vectorCaveat.vidHex)
    expect(encodeHex(narrowed.signature)).toBe(vector.signatureHex)
    expect(encodeHex(encodeMacaroon(narrowed))).toBe(vector.v2Hex)
  })

  test('has a verification id of 72 bytes', () => {
    expect(asked.unverifiedCaveats[1]?.verificationId?.length).toBe(72)
  })

  test('leaves its parent alone (R-MAC-4)', () => {
    expect(parent.unverifiedCaveats).toHaveLength(1)
    expect(verify(parent, decodeHex(vector.rootKeyHex))).toHaveLength(1)
  })

  test('takes a nonce of 24 bytes, and a fresh one by default', () => {
    for (const size of [0, 23, 25]) {
      expect(() =>
        addThirdPartyCaveat(parent, { caveatKey, identifier, nonce: new Uint8Array(size) }),
      ).toThrow(RangeError)
    }
    const make = (): string =>
      encodeHex(
        addThirdPartyCaveat(parent, { caveatKey, identifier }).unverifiedCaveats.at(-1)!
          .verificationId!,
      )
    expect(make()).not.toBe(make())
  })

  test('is sealed so that another NaCl opens it', () => {
    const nacl = createRequire(import.meta.url)('tweetnacl') as {
      secretbox: { open(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | null }
    }
    const sealed = asked.unverifiedCaveats[1]!.verificationId!
    const stateBefore = mint({ rootKey, identifier, caveats: ['a=1'] }).signature
    const opened = nacl.secretbox.open(sealed.slice(24), sealed.slice(0, 24), stateBefore)
    expect(opened).not.toBeNull()
    const expected = hmacSha256(decodeHex(vectors.constants.keyGenerator), caveatKey)
    expect(encodeHex(opened!)).toBe(encodeHex(expected))
  })
})

describe('R-MAC-12 a discharge is bound to one token', () => {
  const known = vectors.discharge
  const knownDischarge = mint({
    rootKey: encodeUtf8(known.dischargeRootKeyUtf8),
    identifier: encodeUtf8(known.dischargeIdentifierUtf8),
    location: known.dischargeLocation,
    caveats: known.dischargeCaveats,
  })

  test('the known discharge is signed and bound to the byte', () => {
    const root = decodeMacaroon(decodeHex(vector.v2Hex))
    expect(encodeHex(knownDischarge.signature)).toBe(known.dischargeSignatureHex)
    const boundDischarge = bindDischarge(root, knownDischarge)
    expect(encodeHex(boundDischarge.signature)).toBe(known.boundSignatureHex)
    expect(encodeHex(encodeMacaroon(boundDischarge))).toBe(known.boundDischargeV2Hex)
    const verified = verifyWithDischarges(root, decodeHex(vector.rootKeyHex), [boundDischarge])
    expect(verified.map(({ text }) => text)).toEqual([
      'account = 3735928559',
      ...known.dischargeCaveats,
    ])
  })

  for (const { name, macaroonSignatureHex, rootSignatureHex, boundSignatureHex } of vectors.bind) {
    test(name, () => {
      const root = { ...token, signature: decodeHex(rootSignatureHex) }
      const given = { ...discharge, signature: decodeHex(macaroonSignatureHex) }
      expect(encodeHex(bindDischarge(root, given).signature)).toBe(boundSignatureHex)
    })
  }

  test('equal signatures stay as they are', () => {
    expect(bindDischarge(token, { ...discharge, signature: token.signature }).signature).toEqual(
      token.signature,
    )
  })

  test('binding leaves the discharge itself alone', () => {
    expect(bound).not.toBe(discharge)
    expect(verify(discharge, caveatKey)).toHaveLength(1)
  })
})

describe('R-MAC-13 every third-party caveat takes exactly one discharge', () => {
  test('its caveats stand where the caveat stood', () => {
    const verified = verifyWithDischarges(token, rootKey, [bound])
    expect(verified.map(({ text }) => text)).toEqual(['a=1', 'c=3', 'b=2'])
    expect(verified[1]?.branch).toEqual(discharge.signature)
    expect(verified[2]?.branch).toEqual(token.signature)
    expect(Object.isFrozen(verified)).toBe(true)
  })

  test('a token without third-party caveats verifies as with `verify`', () => {
    const plain = mint({ rootKey, identifier, caveats: ['a=1', 'b=2'] })
    expect(verifyWithDischarges(plain, rootKey, [])).toEqual(verify(plain, rootKey))
  })

  test('discharges may come in any order and need discharges themselves', () => {
    const innerKey = encodeUtf8('inner key')
    const second = addThirdPartyCaveat(token, { caveatKey: innerKey, identifier: rootKey })
    const root = attenuate(second, 'z=9')
    const nested = addThirdPartyCaveat(discharge, {
      caveatKey: innerKey,
      identifier: encodeUtf8('nested'),
    })
    const discharges = [
      mint({ rootKey: innerKey, identifier: encodeUtf8('nested'), caveats: ['n=1'] }),
      mint({ rootKey: innerKey, identifier: rootKey, caveats: ['s=1'] }),
      nested,
    ].map((each) => bindDischarge(root, each))
    for (const order of [discharges, discharges.toReversed()]) {
      const verified = verifyWithDischarges(root, rootKey, order)
      expect(verified.map(({ text }) => text)).toEqual(['a=1', 'c=3', 'n=1', 'b=2', 's=1', 'z=9'])
    }
  })

  const other = bindDischarge(token, mint({ rootKey: caveatKey, identifier: encodeUtf8('other') }))
  const wrongKey = mint({ rootKey, identifier: question, caveats: ['c=3'] })
  const looped = addThirdPartyCaveat(discharge, { caveatKey, identifier: question })
  for (const [name, discharges] of [
    ['is missing', []],
    ['is for another caveat', [other]],
    ['is not bound', [discharge]],
    ['is bound to another token', [bindDischarge(asked, discharge)]],
    ['is signed with another key', [bindDischarge(token, wrongKey)]],
    ['was narrowed less than signed', [{ ...bound, unverifiedCaveats: [] }]],
    ['was narrowed after it was bound', [attenuate(bound, 'd=4')]],
    ['comes with one that nothing asks for', [bound, other]],
    ['comes twice', [bound, bound]],
    ['asks for itself', [bindDischarge(token, looped)]],
  ] as const) {
    test(`refused when the discharge ${name}`, () => {
      expect(() => verifyWithDischarges(token, rootKey, discharges)).toThrow(
        refusal('MACAROON_DISCHARGE'),
      )
    })
  }

  for (const [name, verificationId] of [
    ['empty', new Uint8Array(0)],
    ['cut', asked.unverifiedCaveats[1]!.verificationId!.slice(0, 71)],
    ['shorter than a nonce', Uint8Array.of(1, 2, 3)],
    ['all zero', new Uint8Array(72)],
  ] as const) {
    test(`refused when the verification id is ${name}, although authentic`, () => {
      const parent = mint({ rootKey, identifier })
      const inner = new Uint8Array(64)
      inner.set(hmacSha256(parent.signature, verificationId), 0)
      inner.set(hmacSha256(parent.signature, question), 32)
      const broken: Macaroon = {
        ...parent,
        unverifiedCaveats: [{ identifier: question, verificationId }],
        signature: hmacSha256(parent.signature, inner),
      }
      const given = bindDischarge(broken, discharge)
      expect(() => verifyWithDischarges(broken, rootKey, [given])).toThrow(
        refusal('MACAROON_DISCHARGE', { caveat: 0 }),
      )
    })
  }

  test('R-MAC-5 a forged token is refused before any discharge is looked at', () => {
    expect(() => verifyWithDischarges(token, caveatKey, [])).toThrow(refusal('MACAROON_SIGNATURE'))
  })

  test('R-MAC-7 a caveat of a discharge that is not UTF-8 is refused', () => {
    const bytes = decodeHex('ff3dfe')
    const odd: Macaroon = {
      ...discharge,
      unverifiedCaveats: [...discharge.unverifiedCaveats, { identifier: bytes }],
      signature: hmacSha256(discharge.signature, bytes),
    }
    expect(() => verifyWithDischarges(token, rootKey, [bindDischarge(token, odd)])).toThrow(
      refusal('CAVEAT_MALFORMED'),
    )
  })
})

describe('R-MAC-6 token and discharges are counted together', () => {
  test('32 caveats in all are taken, the 33rd is refused before anything is hashed', () => {
    const fill = (count: number): Macaroon =>
      bindDischarge(
        token,
        attenuate(discharge, ...Array.from({ length: count }, (_, i) => `n=${i}`)),
      )
    const own = token.unverifiedCaveats.length + discharge.unverifiedCaveats.length
    const spare = limits.verifiedCaveats - own
    expect(verifyWithDischarges(token, rootKey, [fill(spare)])).toHaveLength(31)
    expect(() => verifyWithDischarges(token, caveatKey, [fill(spare + 1)])).toThrow(
      refusal('MACAROON_TOO_LARGE', { limit: 'verifiedCaveats', actual: 33 }),
    )
  })

  test('33 discharges are refused, even without a caveat', () => {
    const bare = mint({ rootKey: caveatKey, identifier: question })
    const many = Array.from({ length: 33 }, () => bare)
    expect(() => verifyWithDischarges(token, caveatKey, many)).toThrow(
      refusal('MACAROON_TOO_LARGE'),
    )
  })
})

function refusal(code: Code, details: object = {}): Error {
  return expect.objectContaining({ code, details: expect.objectContaining(details) })
}
