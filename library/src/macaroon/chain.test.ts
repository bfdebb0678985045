import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/macaroons.json' with { type: 'json' }
import { decodeHex, encodeHex, encodeUtf8 } from '../bytes/index.ts'
import { chainStates, deriveKey } from './chain.ts'
import { readClaims } from './claims.ts'
import { decodeMacaroon, decodeMacaroonV1, decodeToken, mint } from './index.ts'

describe('R-MAC-1 the signing key is derived from the root key', () => {
  test('the key of the derivation is the 23 bytes of the constant', () => {
    const constant = decodeHex(vectors.constants.keyGenerator)
    expect(constant.length).toBe(23)
    const expected = createHmac('sha256', constant).update('key').digest('hex')
    expect(encodeHex(deriveKey(encodeUtf8('key')))).toBe(expected)
  })

  for (const { rootKeyUtf8, rootKeyHex, derivedHex } of vectors.keyDerivation) {
    const rootKey = rootKeyHex === undefined ? encodeUtf8(rootKeyUtf8) : decodeHex(rootKeyHex)
    test(`a root key of ${rootKey.length} bytes: ${derivedHex.slice(0, 8)}…`, () => {
      expect(encodeHex(deriveKey(rootKey))).toBe(derivedHex)
    })
  }
})

describe('R-MAC-2 each caveat makes the next state, and the last one is the signature', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const macaroon = decodeMacaroon(decodeHex(vector.v2Hex))
      const states = chainStates(deriveKey(decodeHex(vector.rootKeyHex)), readClaims(macaroon))
      expect(states.map(encodeHex)).toEqual(vector.chainHex)
      expect(encodeHex(states.at(-1)!)).toBe(vector.signatureHex)
      expect(encodeHex(macaroon.signature)).toBe(vector.signatureHex)
    })
  }

  test('identifiers of every size are signed as Node signs them', () => {
    const rootKey = encodeUtf8('root key')
    for (const size of [0, 1, 31, 32, 55, 56, 63, 64, 65, 1023, 1024, 1025, 5000]) {
      const identifier = new Uint8Array(size).map((_, i) => i * 31)
      const expected = createHmac('sha256', deriveKey(rootKey)).update(identifier).digest('hex')
      expect(encodeHex(mint({ rootKey, identifier }).signature)).toBe(expected)
    }
  })
})

describe('R-MAC-3 locations are not signed', () => {
  test('another location, or none, leaves the signature as it is', () => {
    const token = { rootKey: encodeUtf8('key'), identifier: encodeUtf8('id') }
    const signature = mint(token).signature
    expect(mint({ ...token, location: '' }).signature).toEqual(signature)
    expect(mint({ ...token, location: 'https://example.org' }).signature).toEqual(signature)
  })
})

describe('R-MAC-2 all forms of one macaroon carry one chain', () => {
  for (const vector of vectors.macaroons) {
    test(vector.name, () => {
      const claims = readClaims(decodeMacaroon(decodeHex(vector.v2Hex)))
      for (const other of [
        decodeMacaroonV1(decodeHex(vector.v1Hex)),
        decodeToken(vector.v1Base64url),
        decodeToken(vector.v2Base64),
        decodeToken(vector.v2Base64url),
      ]) {
        expect(readClaims(other)).toEqual(claims)
      }
    })
  }
})
