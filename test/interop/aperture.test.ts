import { createHash } from 'node:crypto'
import type { Preimage } from 'satway'
import { encodeIdentifier, formatCredential, hashPreimage, preimage } from 'satway'
import type { Macaroon } from 'satway/macaroon'
import { attenuate, decodeToken, encodeMacaroon, encodeToken, mint, verify } from 'satway/macaroon'
import { describe, expect, test } from 'vitest'
import { openAperture } from './aperture-server.ts'
import { getRaw } from './loopback.ts'
import { feeMsat, openMarket, priceMsat } from './market.ts'
import { frontages, openClient, openShop } from './shop.ts'

// lightninglabs/aperture, from recorded bytes and from tokens that its own packages made.

const counted = (start: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => start + i)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('the macaroons of Aperture', () => {
  const rootKey = counted(0x00)
  const secret = preimage(new Uint8Array(32).fill(1))
  const identifier = encodeIdentifier({
    paymentHash: hashPreimage(secret),
    tokenId: counted(0x20),
  })
  const conditions = [
    'services=svc1:0',
    'svc1_capabilities=add,subtract',
    'svc1_valid_until=1893456000',
  ]
  const withCaveats = (caveats: readonly string[]): Macaroon =>
    mint({ rootKey, identifier, location: 'lsat', caveats })

  test('have an identifier of which we make the same bytes', () => {
    expect(hex(identifier)).toBe(
      '000072cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793' +
        '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
    )
    expect(createHash('sha256').update(identifier).digest('hex')).toBe(
      '111a5432e43ca76639f9a39a4c1decf9560e2b8aae2e10ee3c89887c20534007',
    )
  })

  for (const [caveats, bytes, signature] of [
    [[], 111, '16bd0285e2d1893f687fe68941f1891d25a387d4f4006401d1d89e5372f656c5'],
    [
      conditions.slice(0, 1),
      129,
      'c9eddbcad5e2d271a0797d43fe682fb5dad179692e6e608cc0e04a55dd0f55ac',
    ],
    [conditions, 192, '9857ac7cf3eade402fa6d1732bd2212c8605d33b5951dd070e3e00153a9c9ada'],
    [
      [...conditions, `preimage=${hex(secret)}`],
      undefined,
      '39f163ff54b1e47500b28be4d26429be66b0862ae76e859ea544345f5b5081a7',
    ],
  ] as const) {
    test(`with ${caveats.length} caveats have the signature that we compute`, () => {
      const token = withCaveats(caveats)
      expect(hex(token.signature)).toBe(signature)
      if (bytes !== undefined) expect(encodeMacaroon(token)).toHaveLength(bytes)
    })
  }

  test('have the text that we write, and are read and verified from it', () => {
    const text =
      'AgEEbHNhdAJCAAByzW6EIsQH+20JhpDxEwt97X7C9/Xh0wvZ1SHwFTY3kyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5' +
      'Ojs8PT4/AAIPc2VydmljZXM9c3ZjMTowAAIec3ZjMV9jYXBhYmlsaXRpZXM9YWRkLHN1YnRyYWN0AAIbc3ZjMV92YWxp' +
      'ZF91bnRpbD0xODkzNDU2MDAwAAAGIJhXrHzz6t5AL6bRcyvSISyGBdM7WVHdBw4+ABU6nJra'
    expect(encodeToken(withCaveats(conditions))).toBe(text)
    expect(verify(decodeToken(text), rootKey).map((caveat) => caveat.text)).toEqual(conditions)
  })
})

describe('a server that speaks the bytes of Aperture', () => {
  test('sells to our client, once, and admits it again with the same token', async () => {
    const market = openMarket()
    const aperture = await openAperture(market)
    const client = openClient(market)

    const response = await client.fetch(`${aperture.origin}/svc1/item`)
    expect([response.status, await response.text()]).toEqual([200, 'sunny'])
    expect(client.purchaseOf(response)).toMatchObject({
      outcome: 'paid_delivered',
      amountMsat: priceMsat,
      feeMsat,
    })
    market.expectPurchases(1)

    const again = await client.fetch(`${aperture.origin}/svc1/other`)
    expect([again.status, await again.text()]).toEqual([200, 'sunny'])
    market.expectPurchases(1)
    // Asked without a credential, then paid; the second request brought what was bought.
    expect(aperture.seen.map((lines) => lines.length)).toEqual([0, 1, 1])
  })

  test('is told apart by no client: two lines, LSAT first, one token and invoice', async () => {
    const market = openMarket()
    const { origin } = await openAperture(market)
    const refusal = await getRaw(`${origin}/svc1/item`)
    const [first = '', second = '', ...more] = refusal.headerLines('www-authenticate')
    expect([refusal.status, refusal.body, more]).toEqual([402, 'payment required\n', []])
    expect(first).toMatch(/^LSAT macaroon="[A-Za-z0-9+/]+=*", invoice="lnbcrt\w+"$/)
    expect(second).toBe(first.replace('LSAT', 'L402'))
    market.expectPurchases(0)
  })
})

describe.each(frontages)("a server of ours (%s) admits Aperture's client", (frontage) => {
  /** What that client sends: the preimage as a caveat too, and both schemes on lines of their own. */
  function linesOf(token: string, proof: Preimage): readonly (readonly [string, string])[] {
    const narrowed = encodeToken(attenuate(decodeToken(token), `preimage=${hex(proof)}`))
    return (['LSAT', 'L402'] as const).map((scheme) => [
      'Authorization',
      formatCredential({ token: narrowed, preimage: proof, scheme }),
    ])
  }

  test('with the preimage as a caveat and on two lines', async () => {
    const market = openMarket()
    const url = `${await openShop(market, { frontage, legacyLsat: 'first' })}/paid`
    const refusal = await getRaw(url)
    // It reads the first line only.
    const line = /^LSAT macaroon="(.*?)", invoice="(.*?)"/.exec(
      refusal.headerLines('www-authenticate')[0] ?? '',
    )
    if (line === null) throw new Error('the first line is not the one that old clients read')
    const [, token = '', invoice = ''] = line

    const { preimage: paid } = await market.wallet.payInvoice({ invoice })
    const proof = preimage(Buffer.from(paid, 'hex'))
    market.expectPurchases(1)
    const response = await getRaw(url, linesOf(token, proof))
    expect([response.status, response.body]).toEqual([200, 'sunny'])

    const metadata = hex(encodeMacaroon(attenuate(decodeToken(token), `preimage=${hex(proof)}`)))
    const viaMetadata = await getRaw(url, [['Grpc-Metadata-Macaroon', metadata]])
    expect([viaMetadata.status, viaMetadata.body]).toEqual([200, 'sunny'])

    const other = preimage(new Uint8Array(32).fill(9))
    const wrong = await getRaw(url, linesOf(token, other))
    expect(wrong.status).toBe(401)
    market.expectPurchases(1)
  })
})
