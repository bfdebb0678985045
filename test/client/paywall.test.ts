import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import type { Client, ClientOptions } from '../../library/src/client/index.ts'
import { createClient, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { decodeToken } from '../../library/src/macaroon/index.ts'
import { protect } from '../../library/src/middleware/node-http/index.ts'
import type { RouteTable } from '../../library/src/server/index.ts'
import { createKeyRing, createPaywall, createRoutes } from '../../library/src/server/index.ts'
import { openPolicy, thrownBy } from './market.ts'

type Shop = {
  readonly origin: string
  readonly seller: DevnetNode
  /** The credentials that arrived, as tokens. */
  readonly presented: readonly string[]
  client(options?: Partial<ClientOptions>): Client
  receivedMsat(): bigint
  /** Goes on with another key: it knows none of the tokens it sold. */
  loseKey(): void
}

/** Our own paywall, the client that is meant for it, and one network between them. */
async function openShop(table: RouteTable, respond: () => number = () => 200): Promise<Shop> {
  const devnet = createDevnet()
  const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1_000_000n) })
  const presented: string[] = []
  const open = (key: number): ReturnType<typeof protect> => {
    const keys = createKeyRing([{ kid: 1, key: new Uint8Array(32).fill(key) }])
    const paywall = createPaywall({ service: 'shop', payee: seller, keys })
    onTestFinished(() => paywall.close())
    return protect(createRoutes(paywall, table), (request, response) => {
      response.writeHead(respond()).end(`paid ${request.method} ${request.url}`)
    })
  }
  let listener = open(7)
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    if (authorization !== undefined) presented.push(authorization.split(' ')[1]!.split(':')[0]!)
    void listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    seller,
    presented,
    client: (options) => createClient({ policy: openPolicy, payer: buyer, ...options }),
    receivedMsat: () => seller.balanceMsat(),
    loseKey: () => {
      listener = open(8)
    },
  }
}

describe('with our own paywall, a client', () => {
  test('R-PAY-60 buys, and never sends the bought token itself', async () => {
    const shop = await openShop({ 'GET /data': { price: '10 sat' } })
    const tokens = createMemoryTokenStore()
    const client = shop.client({ tokens })
    for (let i = 0; i < 3; i++) {
      expect(await (await client.fetch(`${shop.origin}/data`)).text()).toBe('paid GET /data')
    }
    expect(shop.receivedMsat()).toBe(10_000n)
    const [stored] = await tokens.list()
    expect(stored).toMatchObject({ standing: 'good', facts: { service: 'shop' } })
    expect(shop.presented.length).toBe(3)
    for (const token of shop.presented) {
      expect(token).not.toBe(stored!.token)
      const caveats = decodeToken(token).unverifiedCaveats.map(({ identifier }) =>
        Buffer.from(identifier).toString(),
      )
      expect(caveats.at(-2)).toMatch(/^exp=\d+$/)
      expect(caveats.at(-1)).toMatch(/^req=/)
    }
  })

  test('R-PAY-9 buys one token for many parallel requests of one capability', async () => {
    const shop = await openShop({ 'GET /item/:id': { price: '10 sat', capability: 'item' } })
    const client = shop.client()
    const calls = Array.from({ length: 20 }, (_, i) => client.fetch(`${shop.origin}/item/${i}`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(shop.receivedMsat()).toBe(10_000n)
  })

  test('R-PAY-46 R-PAY-37 buys as many bundles as it needs, and uses each up', async () => {
    const shop = await openShop({ 'POST /job': { price: '10 sat', uses: 3 } })
    const client = shop.client()
    const init = { method: 'POST', body: 'x' }
    const calls = Array.from({ length: 10 }, () => client.fetch(`${shop.origin}/job`, init))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(shop.receivedMsat()).toBe(40_000n)
    for (let i = 0; i < 2; i++) await client.fetch(`${shop.origin}/job`, init)
    expect(shop.receivedMsat()).toBe(40_000n)
  })

  test('R-PAY-42 buys each of the things that a price depends on, once', async () => {
    const shop = await openShop({
      'GET /image': { price: ({ query }) => (query('size') === 'large' ? '50 sat' : '10 sat') },
    })
    const client = shop.client()
    for (const size of ['small', 'large', 'small', 'large']) {
      const response = await client.fetch(`${shop.origin}/image?size=${size}`)
      expect(response.status).toBe(200)
    }
    expect(shop.receivedMsat()).toBe(60_000n)
  })

  test('R-PAY-43 buys anew, once, from a seller that lost its key', async () => {
    const shop = await openShop({ 'GET /data': { price: '10 sat' } })
    const tokens = createMemoryTokenStore()
    const client = shop.client({ tokens })
    await client.fetch(`${shop.origin}/data`)
    shop.loseKey()
    for (let i = 0; i < 3; i++) {
      expect((await client.fetch(`${shop.origin}/data`)).status).toBe(200)
    }
    expect(shop.receivedMsat()).toBe(20_000n)
    expect((await tokens.list()).map(({ standing }) => standing)).toEqual(['spent', 'good'])
  })

  test('R-PAY-70 keeps what it bought while the handler fails, and pays once', async () => {
    let status = 500
    const table = { 'GET /data': { price: '10 sat', uses: 1 } }
    const shop = await openShop(table, () => status)
    const client = shop.client()
    const response = await client.fetch(`${shop.origin}/data`)
    expect([response.status, client.outcomeOf(response)]).toEqual([500, 'paid_not_delivered'])
    status = 200
    expect((await client.fetch(`${shop.origin}/data`)).status).toBe(200)
    expect(shop.receivedMsat()).toBe(10_000n)
  })

  test('R-PAY-3 is told 503 while the seller’s node is away, and pays nothing', async () => {
    const shop = await openShop({
      'GET /data': { price: '10 sat' },
      'GET /more': { price: '1 sat' },
    })
    const client = shop.client()
    await client.fetch(`${shop.origin}/data`)
    shop.seller.setReachable(false)
    expect((await client.fetch(`${shop.origin}/more`)).status).toBe(503)
    expect((await client.fetch(`${shop.origin}/data`)).status).toBe(200)
  })

  test('R-PAY-16 does not pay more than the price that a quote named', async () => {
    let price = '10 sat'
    const shop = await openShop({ 'GET /data': { price: () => price } })
    const client = shop.client()
    const quoted = await client.quote(`${shop.origin}/data`)
    if (quoted.status !== 'payable') throw new Error(quoted.status)
    price = '11 sat'
    const call = client.fetch(`${shop.origin}/data`, {
      l402: { expectedPriceMsat: quoted.price.amountMsat },
    })
    const { details } = await thrownBy(call)
    expect(details['limit']).toBe('expected-price')
    expect(shop.receivedMsat()).toBe(0n)
  })
})
