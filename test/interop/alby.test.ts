import { createHash } from 'node:crypto'
import { fetch402, fetchWithL402 } from '@getalby/lightning-tools/402'
import {
  issueL402Macaroon,
  makeL402AuthenticateHeader,
  parseL402Authorization,
  verifyL402Macaroon,
} from '@getalby/lightning-tools/402/l402'
import { decodeInvoice } from 'satway'
import { describe, expect, test } from 'vitest'
import { getRaw, serve } from './loopback.ts'
import type { Market } from './market.ts'
import { feeMsat, openMarket, priceMsat } from './market.ts'
import { frontages, openClient, openShop } from './shop.ts'

// @getalby/lightning-tools, the package: its two buying functions against our server, and our client
// against the server that its own helpers make.

describe.each(frontages)('a server of ours (%s)', (frontage) => {
  for (const [name, buy] of Object.entries({ fetch402, fetchWithL402 })) {
    test(`sells to ${name} for the price and the fee, and only once`, async () => {
      const market = openMarket()
      const url = `${await openShop(market, { frontage })}/paid`

      const response = await buy(url, {}, { wallet: market.wallet })
      expect([response.status, await response.text()]).toEqual([200, 'sunny'])
      expect(response.payment).toMatchObject({
        paid: true,
        amountSat: Number(priceMsat / 1000n),
        feesPaidMsat: Number(feeMsat),
      })
      market.expectPurchases(1)

      const { credentials } = response.payment!
      const again = await buy(url, {}, { wallet: market.wallet, credentials })
      expect([again.status, await again.text()]).toEqual([200, 'sunny'])
      market.expectPurchases(1)
    })
  }

  test('names its price to fetch402, which pays nothing above its limit', async () => {
    const market = openMarket()
    const url = `${await openShop(market, { frontage })}/paid`
    const maxAmount = Number(priceMsat / 1000n) - 1
    await expect(fetch402(url, {}, { wallet: market.wallet, maxAmount })).rejects.toThrow()
    market.expectPurchases(0)
  })

  for (const legacyLsat of ['first', 'after'] as const) {
    test(`sells to fetch402 when it also offers LSAT (${legacyLsat})`, async () => {
      const market = openMarket()
      const url = `${await openShop(market, { frontage, legacyLsat })}/paid`
      const response = await fetch402(url, {}, { wallet: market.wallet })
      expect([response.status, await response.text()]).toEqual([200, 'sunny'])
      market.expectPurchases(1)
    })
  }
})

describe('a server made of the helpers of @getalby/lightning-tools', () => {
  test('sells to our client, which reads its header without a comma and its opaque token', async () => {
    const market = openMarket()
    const url = `${await openAlbyServer(market)}/paid`
    const client = openClient(market)

    const response = await client.fetch(url)
    expect([response.status, await response.text()]).toEqual([200, 'sunny'])
    expect(client.purchaseOf(response)).toMatchObject({
      outcome: 'paid_delivered',
      amountMsat: priceMsat,
      feeMsat,
    })
    market.expectPurchases(1)

    const again = await client.fetch(url)
    expect([again.status, await again.text()]).toEqual([200, 'sunny'])
    expect(client.purchaseOf(again)).toBeUndefined()
    market.expectPurchases(1)
  })

  test('is recognised by its form, so that a change of the package is noticed', async () => {
    const market = openMarket()
    const refusal = await getRaw(`${await openAlbyServer(market)}/paid`)
    const [line = '', ...more] = refusal.headerLines('www-authenticate')
    expect(more).toEqual([])
    expect(line).toMatch(
      /^L402 version="0" token="[\w-]+\.[0-9a-f]{64}", invoice="lnbcrt[0-9a-z]+"$/,
    )
    market.expectPurchases(0)
  })
})

async function openAlbyServer(market: Market): Promise<string> {
  const secret = 'a secret of this test only'
  return await serve(async (request, response) => {
    if (await isPaid(secret, request.headers.authorization)) {
      response.end('sunny')
      return
    }
    const { invoice } = await market.seller.createInvoice({
      amountMsat: priceMsat,
      description: 'forecast',
      expirySeconds: 600,
    })
    const paymentHash = Buffer.from(decodeInvoice(invoice).paymentHash).toString('hex')
    const token = await issueL402Macaroon(secret, paymentHash, { path: request.url })
    response.setHeader('WWW-Authenticate', makeL402AuthenticateHeader({ token, invoice }))
    response.writeHead(402).end('payment required')
  })
}

async function isPaid(secret: string, authorization: string | undefined): Promise<boolean> {
  if (authorization === undefined) return false
  const credential = parseL402Authorization(authorization)
  if (credential === null) return false
  const { paymentHash } = await verifyL402Macaroon(secret, credential.token)
  const preimage = Buffer.from(credential.preimage, 'hex')
  return createHash('sha256').update(preimage).digest('hex') === paymentHash
}
