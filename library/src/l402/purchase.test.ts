import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxMsat, msat } from '../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../bytes/index.ts'
import { hashPreimage, preimage } from '../invoice/index.ts'
import { mint, verify } from '../macaroon/index.ts'
import type { Purchase } from './index.ts'
import { authorize, canonicalTarget, purchaseCaveats, readTerms, requestCaveats } from './index.ts'

const rootKey = new Uint8Array(32).fill(7)
const secret = preimage(new Uint8Array(32).fill(1))
const purchase: Purchase = {
  service: 'weather',
  tier: 0,
  capability: 'forecast',
  validUntilSeconds: 1_900_000_000,
  amountMsat: msat(10_000n),
}

describe('R-CAV-3 a sold token carries', () => {
  test('what was quoted, and the amount last', () => {
    expect(purchaseCaveats(purchase)).toEqual([
      'services=weather:0',
      'weather_capabilities=forecast',
      'weather_valid_until=1900000000',
      'weather_amount_msat=10000',
    ])
  })

  test('uses and scope where there are any', () => {
    const scope = '00112233445566778899aabbccddeeff'
    expect(purchaseCaveats({ ...purchase, tier: 255, uses: 3, scope })).toEqual([
      'services=weather:255',
      'weather_capabilities=forecast',
      'weather_valid_until=1900000000',
      'weather_uses=3',
      `weather_scope=${scope}`,
      'weather_amount_msat=10000',
    ])
  })

  for (const [name, value] of [
    ['service', ''],
    ['service', 'Weather'],
    ['service', 'weather_x'],
    ['service', 'cheap:0,svc'],
    ['service', 'a=b'],
    ['service', '1a'],
    ['service', 'a\n'],
    ['service', 'é'],
    ['service', 'a'.repeat(33)],
    ['tier', -1],
    ['tier', 256],
    ['tier', 0.5],
    ['tier', Number.NaN],
    ['capability', ''],
    ['capability', 'a,b'],
    ['capability', 'a b'],
    ['capability', '/a'],
    ['capability', 'A'],
    ['capability', '-a'],
    ['capability', 'a'.repeat(65)],
    ['validUntilSeconds', -1],
    ['validUntilSeconds', 1.5],
    ['validUntilSeconds', 100_000_000_000],
    ['validUntilSeconds', Number.POSITIVE_INFINITY],
    ['validUntilSeconds', Number.NaN],
    ['amountMsat', -1n],
    ['amountMsat', maxMsat + 1n],
    ['uses', 0],
    ['uses', -1],
    ['uses', 1.5],
    ['uses', 2 ** 53],
    ['scope', ''],
    ['scope', 'A'.repeat(32)],
    ['scope', '0'.repeat(31)],
    ['scope', '0'.repeat(33)],
  ] as const)
    test(`but no ${name} such as ${String(value).slice(0, 20)}`, () => {
      const wrong = { ...purchase, [name]: value } as Purchase
      expect(() => purchaseCaveats(wrong)).toThrow(RangeError)
    })
})

test('R-CAV-3 what was written is what is read, for every purchase', () => {
  const purchases = fc.record(
    {
      service: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/),
      tier: fc.nat(255),
      capability: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,63}$/),
      validUntilSeconds: fc.integer({ min: 1, max: 99_999_999_999 }),
      amountMsat: fc.bigInt({ min: 0n, max: maxMsat }).map(msat),
      uses: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      scope: fc.stringMatching(/^[0-9a-f]{32}$/),
    },
    { requiredKeys: ['service', 'tier', 'capability', 'validUntilSeconds', 'amountMsat'] },
  )
  fc.assert(
    fc.property(purchases, (purchase) => {
      const caveats = purchaseCaveats(purchase)
      const token = mint({ rootKey, identifier: new Uint8Array(66), caveats })
      const { service, tier, capability, validUntilSeconds, amountMsat, uses, scope } = purchase
      const paymentHash = hashPreimage(secret)
      const hash = encodeHex(paymentHash)
      const terms = readTerms(verify(token, rootKey), { service, paymentHash, preimage: secret })
      const grant = authorize(terms, {
        tier,
        capability,
        method: 'GET',
        target: canonicalTarget('/'),
        nowSeconds: validUntilSeconds - 1,
        priceMsat: amountMsat,
        scope,
        clientAddress: undefined,
        origin: undefined,
        bodySha256: undefined,
      })
      expect(grant).toEqual({
        service,
        tier,
        capability,
        amountMsat,
        validUntilSeconds,
        limits:
          uses === undefined
            ? []
            : [{ key: hash, unit: 'use', max: BigInt(uses), lineage: hash, setBy: 'purchase' }],
        delegationIds: [],
        skipped: [],
      })
    }),
  )
})

describe('R-CAV-16 a credential is tied to one request for a minute', () => {
  const digest = (text: string) => encodeHex(sha256(encodeUtf8(text)))

  for (const [method, target, written] of [
    ['GET', '/a?b=c', 'GET /a?b=c'],
    ['HEAD', '/a?b=c', 'GET /a?b=c'],
    ['POST', '/%7ea/c++', 'POST /~a/c%2B%2B'],
    ['M-SEARCH', '/', 'M-SEARCH /'],
  ] as const)
    test(`${method} ${target} is named by the digest of "${written}"`, () => {
      expect(requestCaveats({ method, target, nowSeconds: 1000 })).toEqual([
        'exp=1060',
        `req=${digest(written)}`,
      ])
    })

  test('of another method, time or target there are none', () => {
    const request = { method: 'GET', target: '/', nowSeconds: 1000 }
    for (const method of ['get', '', 'GET ', 'G\nT'])
      expect(() => requestCaveats({ ...request, method })).toThrow(RangeError)
    for (const nowSeconds of [-1, 0.5, Number.NaN, 100_000_000_000])
      expect(() => requestCaveats({ ...request, nowSeconds })).toThrow(RangeError)
    expect(() => requestCaveats({ ...request, target: '/a/../b' })).toThrow(
      expect.objectContaining({ code: 'REQUEST_AMBIGUOUS' }),
    )
  })
})
