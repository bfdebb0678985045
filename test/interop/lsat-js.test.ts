import { randomBytes } from 'node:crypto'
import {
  decodeIdentifier,
  decodeInvoice,
  encodeIdentifier,
  parseChallenges,
  paymentHash,
  purchaseCaveats,
} from 'satway'
import { attenuate, decodeToken, encodeToken, mint, verify } from 'satway/macaroon'
import { describe, expect, test } from 'vitest'
import { skipPart } from '../parts.ts'
import { getRaw, serve } from './loopback.ts'
import type { Market } from './market.ts'
import { openMarket, priceMsat } from './market.ts'
import { frontages, openClient, openShop } from './shop.ts'

// lsat-js 2.0.6, the package. It asks for a fork of `macaroon` that only a git host has; here it
// runs on `macaroon` 3.0.4 from the registry (package.json, overrides). What works on that:
//
//   Lsat.fromHeader, fromChallenge, fromMacaroon, fromToken, setPreimage, toToken, toChallenge,
//   getCaveats, verifyMacaroonCaveats, Identifier                  all of it, tested below
//   addFirstPartyCaveat, and newMacaroon with caveats              up to three caveats: each one
//       asks for sixteen times the memory of the one before (the third: 3.4 GB of address space),
//       and the fourth throws
//
// So nothing here adds more than one caveat by that package. Its own table of tests is run against
// our readers from spec/vectors/lsat-js.json.
const loaded = await Promise.all([import('lsat-js'), import('macaroon')]).catch(
  (error: unknown) => `it cannot be loaded: ${String(error)}`,
)
const lack = typeof loaded === 'string' ? loaded : undefined

describe.skipIf(skipPart('lsat-js', lack))('lsat-js', () => {
  const [
    { Caveat, Identifier, Lsat, createServicesSatisfier, expirationSatisfier, ...lsatJs },
    { default: macaroon },
  ] = loaded as Exclude<typeof loaded, string>

  const serverSecret = 'a root key of thirty-two letters'

  describe.each(frontages)('as a client of our server (%s)', (frontage) => {
    for (const legacyLsat of ['first', 'after', 'off'] as const) {
      test(`reads the challenge, pays, and is admitted by its own token (LSAT ${legacyLsat})`, async () => {
        const market = openMarket()
        const url = `${await openShop(market, { frontage, legacyLsat })}/paid`
        const refusal = await fetch(url)
        // What `fetch` makes of two lines is what this package gets to see.
        const lsat = Lsat.fromHeader(refusal.headers.get('www-authenticate')!)
        expect(lsat.invoiceAmount).toBe(Number(priceMsat / 1000n))
        expect(lsat.getCaveats().map((caveat) => caveat.encode())).toContain('services=weather:0')
        expect(lsat.isPending()).toBe(true)

        const { preimage } = await market.wallet.payInvoice({ invoice: lsat.invoice })
        lsat.setPreimage(preimage)
        expect(lsat.isSatisfied()).toBe(true)
        market.expectPurchases(1)

        const paid = await fetch(url, { headers: { Authorization: lsat.toToken() } })
        expect([paid.status, await paid.text()]).toEqual([200, 'sunny'])
        market.expectPurchases(1)
      })
    }

    test('is held to the expiry that it writes into a caveat', async () => {
      const market = openMarket()
      const url = `${await openShop(market, { frontage })}/paid`
      const refusal = await fetch(url)
      const lsat = Lsat.fromHeader(refusal.headers.get('www-authenticate')!)
      const { preimage } = await market.wallet.payInvoice({ invoice: lsat.invoice })
      market.expectPurchases(1)

      // Appended by our code: a token of ours has four caveats, and this package fails at the next.
      const narrow = async (untilMs: number): Promise<number> => {
        const condition = new Caveat({ condition: 'expiration', value: untilMs }).encode()
        const token = encodeToken(attenuate(decodeToken(lsat.baseMacaroon), condition))
        const narrowed = Lsat.fromMacaroon(token)
        expect(narrowed.validUntil).toBe(untilMs)
        narrowed.setPreimage(preimage)
        const answer = await fetch(url, { headers: { Authorization: narrowed.toToken() } })
        return answer.status
      }
      expect(await narrow(Date.now() + 60_000)).toBe(200)
      expect(await narrow(Date.now() - 60_000)).toBe(403)
      market.expectPurchases(1)
    })
  })

  test('verifies the chain and the service of our tokens, under a root key that is text', () => {
    const token = encodeToken(
      mint({
        rootKey: new TextEncoder().encode(serverSecret),
        identifier: encodeIdentifier({
          paymentHash: paymentHash(randomBytes(32)),
          tokenId: randomBytes(32),
        }),
        location: 'weather',
        caveats: purchaseCaveats({
          service: 'weather',
          tier: 0,
          capability: 'forecast',
          validUntilSeconds: 1_900_000_000,
          amountMsat: priceMsat,
        }),
      }),
    )
    const verifies = (secret: string, service: string): boolean =>
      lsatJs.verifyMacaroonCaveats(token, secret, [createServicesSatisfier(service)])
    expect(verifies(serverSecret, 'weather')).toBe(true)
    expect(verifies(serverSecret, 'tides')).toBe(false)
    expect(verifies(serverSecret.toUpperCase(), 'weather')).toBe(false)
  })

  describe('as a server', () => {
    test('sells to our client under the LSAT scheme, and finds its caveats satisfied', async () => {
      const market = openMarket()
      const { origin, seen } = await openLsatServer(market)
      const client = openClient(market)
      const response = await client.fetch(`${origin}/paid`)
      expect([response.status, await response.text()]).toEqual([200, 'sunny'])
      expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered' })
      market.expectPurchases(1)

      const again = await client.fetch(`${origin}/paid`)
      expect([again.status, await again.text()]).toEqual([200, 'sunny'])
      market.expectPurchases(1)
      expect(seen.map((authorization) => authorization?.slice(0, 5))).toEqual([
        undefined,
        'LSAT ',
        'LSAT ',
      ])
    })

    test('writes identifiers as hex text, which we read like the 66 bytes', async () => {
      const market = openMarket()
      const { origin } = await openLsatServer(market)
      const [reading] = parseChallenges(
        (await getRaw(`${origin}/paid`)).headerLines('www-authenticate'),
      )
      if (reading === undefined || 'error' in reading) throw new Error('no challenge was read')

      const token = decodeToken(reading.token)
      expect(new TextDecoder().decode(token.identifier)).toMatch(/^0000[0-9a-f]{128}$/)
      const { paymentHash: hash, tokenId } = decodeIdentifier(token.identifier)
      expect(hash).toEqual(decodeInvoice(reading.invoice).paymentHash)
      expect(tokenId).toHaveLength(32)
      const [caveat, ...more] = verify(token, new TextEncoder().encode(serverSecret))
      expect([caveat?.text, more]).toEqual([expect.stringMatching(/^expiration=\d{13}$/), []])
      market.expectPurchases(0)
    })
  })

  /** As boltwall does it: LSAT only, hex identifier, url-safe base64, expiry in milliseconds. */
  async function openLsatServer(
    market: Market,
  ): Promise<{ origin: string; seen: (string | undefined)[] }> {
    const seen: (string | undefined)[] = []
    const origin = await serve(async (request, response) => {
      const { authorization } = request.headers
      seen.push(authorization)
      if (authorization !== undefined && isPaid(authorization)) {
        response.end('sunny')
        return
      }
      const { invoice } = await market.seller.createInvoice({
        amountMsat: priceMsat,
        description: 'forecast',
        expirySeconds: 600,
      })
      const hash = Buffer.from(decodeInvoice(invoice).paymentHash)
      const identifier = new Identifier({ paymentHash: hash, tokenId: randomBytes(32) })
      const token = macaroon.newMacaroon({
        version: 2,
        rootKey: serverSecret,
        identifier: identifier.toString(),
        location: 'weather',
      })
      token.addFirstPartyCaveat(
        new Caveat({ condition: 'expiration', value: Date.now() + 3_600_000 }).encode(),
      )
      const text = Buffer.from(token.exportBinary()).toString('base64url')
      response.setHeader('WWW-Authenticate', Lsat.fromMacaroon(text, invoice).toChallenge())
      response.writeHead(402).end('payment required')
    })
    return { origin, seen }
  }

  function isPaid(authorization: string): boolean {
    const lsat = Lsat.fromToken(authorization)
    return (
      lsat.isSatisfied() &&
      lsatJs.verifyMacaroonCaveats(lsat.baseMacaroon, serverSecret, [expirationSatisfier])
    )
  }
})
