import type { IncomingMessage, ServerResponse } from 'node:http'
import { Challenge } from 'mppx'
import { Mppx as MppxClient } from 'mppx/client'
import { Mppx as MppxServer } from 'mppx/server'
import { decodeInvoice, parseChallenges } from 'satway'
import { readNodeRequest } from 'satway/node-http'
import { describe, expect, test } from 'vitest'
import { getRaw, serve } from './loopback.ts'
import type { Market } from './market.ts'
import { openMarket, priceMsat } from './market.ts'
import { lightningClient, lightningServer } from './mppx-lightning.ts'
import { openClient, openGate } from './shop.ts'

// mppx, the package: one resource offered for L402 by us and for `Payment` by mppx, on two lines or
// joined on one, in either order. Each client must find its own challenge and pay that one alone.

const layouts = [
  { name: 'L402 line, then Payment line', join: false, first: 'L402' },
  { name: 'Payment line, then L402 line', join: false, first: 'Payment' },
  { name: 'one line, L402 before Payment', join: true, first: 'L402' },
  { name: 'one line, Payment before L402', join: true, first: 'Payment' },
] as const
type Layout = (typeof layouts)[number]

describe.each(layouts)('$name', (layout) => {
  test('each parser finds its own challenge in what the other wrote', async () => {
    const market = openMarket()
    const url = `${await openTwoOffers(market, layout)}/paid`
    const { status, headerLines } = await getRaw(url)
    const lines = headerLines('www-authenticate')
    expect([status, lines.length]).toEqual([402, layout.join ? 1 : 2])
    expect(lines[0]?.startsWith(layout.first)).toBe(true)

    const readings = parseChallenges(lines)
    expect(readings).toMatchObject([
      { scheme: 'L402', tokenParam: 'both', supported: true, extra: {} },
    ])

    const headers = new Headers(lines.map((line) => ['WWW-Authenticate', line]))
    const payment = Challenge.fromHeaders(headers)
    expect(payment).toMatchObject({
      method: 'lightning',
      intent: 'charge',
      request: { currency: 'sat' },
    })
    market.expectPurchases(0)
  })

  test('the client of mppx pays the Payment challenge, once', async () => {
    const market = openMarket()
    const url = `${await openTwoOffers(market, layout)}/paid`
    const client = MppxClient.create({ methods: [lightningClient(market.wallet)], polyfill: false })
    const response = await client.fetch(url)
    expect([response.status, await response.text()]).toEqual([200, 'sunny for Payment'])
    expect(response.headers.has('payment-receipt')).toBe(true)
    market.expectPurchases(1)
  })

  test('our client pays the L402 challenge, once', async () => {
    const market = openMarket()
    const url = `${await openTwoOffers(market, layout)}/paid`
    const client = openClient(market)
    const response = await client.fetch(url)
    expect([response.status, await response.text()]).toEqual([200, 'sunny for L402'])
    expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered' })
    market.expectPurchases(1)
  })
})

/** A server with both schemes before one resource; who pays by which is in the body. */
async function openTwoOffers(market: Market, layout: Layout): Promise<string> {
  const gate = openGate(market)
  const mppx = MppxServer.create({
    methods: [lightningServer],
    secretKey: 'a secret of this test only, 32 B',
    realm: 'weather',
  })

  /** mppx decides: a 402 with its challenge, or what puts its receipt on a response. */
  async function charge(request: IncomingMessage) {
    const { invoice } = await market.seller.createInvoice({
      amountMsat: priceMsat,
      description: 'forecast',
      expirySeconds: 600,
    })
    const paymentHash = Buffer.from(decodeInvoice(invoice).paymentHash).toString('hex')
    const handle = mppx.charge({
      amount: String(priceMsat / 1000n),
      currency: 'sat',
      methodDetails: { invoice, paymentHash },
    })
    const authorization = request.headers.authorization ?? ''
    return await handle(new Request('http://weather/paid', { headers: { authorization } }))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const decision = await gate(readNodeRequest(request))
    if (decision.status === 'admitted') {
      await decision.finish(200)
      response.end('sunny for L402')
      return
    }
    const result = await charge(request)
    if (result.status !== 402) {
      const paid = result.withReceipt(new Response('sunny for Payment'))
      response.writeHead(200, [...paid.headers].flat()).end(await paid.text())
      return
    }
    const l402 = decision.response.headers
      .filter(([name]) => name.toLowerCase() === 'www-authenticate')
      .map(([, value]) => value)
    const payment = result.challenge.headers.get('www-authenticate')!
    const lines = layout.first === 'L402' ? [...l402, payment] : [payment, ...l402]
    response.setHeader('WWW-Authenticate', layout.join ? lines.join(', ') : lines)
    response.writeHead(402).end('payment required')
  }

  return await serve(answer)
}
