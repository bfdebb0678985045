import { describe, expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import { encodeHex, sha256 } from '../bytes/index.ts'
import { hashPreimage, preimage } from '../invoice/index.ts'
import { encodeIdentifier, purchaseCaveats } from '../l402/index.ts'
import { encodeToken, mint } from '../macaroon/index.ts'
import { delegate } from './delegate.ts'
import { storedTokenOf } from './foreign-token.ts'

const secret = preimage(sha256(Uint8Array.of(1)))
const paymentHash = hashPreimage(secret)
const token = encodeToken(
  mint({
    rootKey: Uint8Array.of(3),
    identifier: encodeIdentifier({ paymentHash, tokenId: sha256(Uint8Array.of(2)) }),
    caveats: purchaseCaveats({
      service: 'shop',
      tier: 0,
      capability: 'data',
      validUntilSeconds: 2000,
      amountMsat: satToMsat(10n),
    }),
  }),
)
const origin = 'https://api.example.com'
const bought = { token, preimage: encodeHex(secret) }

describe('R-PAY-86 a credential that was handed over', () => {
  test('becomes a token of its origin, with what it says about itself', () => {
    const authorization = delegate(bought, 'method=GET', 'request_count <= 10', 'exp=1500')
    const stored = storedTokenOf({ origin, authorization, enforces: ['exp', 'req', 'exp', ''] })
    expect(stored).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      origin,
      scheme: 'L402',
      token: authorization.slice('L402 '.length, authorization.indexOf(':')),
      paymentHash: encodeHex(paymentHash),
      preimage: bought.preimage,
      amountMsat: 0n,
      feeMsat: 0n,
      target: '',
      boughtAtSeconds: 0,
      facts: {
        paymentHash: encodeHex(paymentHash),
        service: 'shop',
        capability: 'data',
        validUntilSeconds: 1500,
        uses: 10,
        coverage: 'method=GET\nservices=shop:0\nshop_capabilities=data',
      },
      enforces: ['exp', 'req'],
      standing: 'good',
      usesSeen: 0,
      servedRoutes: [],
      refusedTargets: [],
    })
  })

  test('may be opaque, and of the older scheme', () => {
    const authorization = `LSAT abcd:${bought.preimage}`
    expect(storedTokenOf({ origin: 'http://localhost:8080', authorization })).toMatchObject({
      scheme: 'LSAT',
      token: 'abcd',
      facts: undefined,
      enforces: [],
      paymentHash: encodeHex(paymentHash),
    })
  })

  const authorization = `L402 ${token}:${bought.preimage}`
  for (const [name, given, kind] of [
    ['no origin', { authorization }, TypeError],
    ['no credential', { origin }, TypeError],
    ['a credential of bytes', { origin, authorization: new Uint8Array(5) }, TypeError],
    ['a URL with a path', { origin: `${origin}/`, authorization }, RangeError],
    ['a name', { origin: 'api.example.com', authorization }, RangeError],
    ['an origin in capitals', { origin: 'https://API.example.com', authorization }, RangeError],
    ['another scheme', { origin: 'ftp://a.test', authorization }, RangeError],
    ['an opaque origin', { origin: 'null', authorization }, RangeError],
    ['an empty credential', { origin, authorization: '' }, RangeError],
    ['another credential', { origin, authorization: 'Bearer abc' }, RangeError],
    ['a token alone', { origin, authorization: `L402 ${token}` }, RangeError],
    ['a short preimage', { origin, authorization: `L402 ${token}:abcd` }, RangeError],
    [
      "another one's preimage",
      { origin, authorization: `L402 ${token}:${'ab'.repeat(32)}` },
      RangeError,
    ],
    [
      'two tokens',
      { origin, authorization: `L402 ${token},${token}:${bought.preimage}` },
      RangeError,
    ],
    ['a very long one', { origin, authorization: `L402 ${'a'.repeat(20_000)}:x` }, RangeError],
  ] as const) {
    test(`is refused with ${name}`, () => {
      expect(() => storedTokenOf(given as never)).toThrow(kind)
      expect(() => storedTokenOf(given as never)).toThrow(/^storedTokenOf: /)
    })
  }
})
