import { describe, expect, test } from 'vitest'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n

/** Gives made-up https and http names to loopback servers. */
function named(
  names: Readonly<Record<string, Seller>>,
): (input: string, init: RequestInit) => Promise<Response> {
  return (input, init) => {
    const url = new URL(input)
    const seller = names[url.origin]
    if (seller === undefined) throw new TypeError(`no server at ${url.origin}`)
    return fetch(seller.origin + url.pathname + url.search, init)
  }
}

function to(location: string, status = 302): { status: number; headers: { location: string } } {
  return { status, headers: { location } }
}

describe('R-PAY-50 redirects', () => {
  test('are followed to the priced end, which is paid and named', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const door = await startSeller({ ...market, answer: () => to(`${shop.origin}/data`) })
    const client = market.client()
    const response = await client.fetch(`${door.origin}/go`)
    expect(await response.text()).toBe('paid /data')
    expect(response.url).toBe(`${shop.origin}/data`)
    expect(response.redirected).toBe(true)
    expect(client.purchaseOf(response)).toMatchObject({ origin: shop.origin })
    expect(door.arrived.length).toBe(1)
  })

  test('after a payment are followed too, without the credential', async () => {
    const market = openMarket()
    const cdn = await startSeller({ ...market, answer: () => ({ body: 'file' }) })
    const shop = await startSeller({
      ...market,
      answer: async (request, by) => (by.isPaid(request) ? to(`${cdn.origin}/f`) : by.demand()),
    })
    const client = market.client()
    const response = await client.fetch(`${shop.origin}/data`)
    expect(await response.text()).toBe('file')
    expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered' })
    expect(cdn.arrived[0]!.headers.authorization).toBeUndefined()
  })

  test('R-PAY-6 lead to one payment at most', async () => {
    const market = openMarket()
    const second = await startSeller(market)
    const first = await startSeller({
      ...market,
      answer: async (request, by) =>
        by.isPaid(request) ? to(`${second.origin}/data`) : by.demand(),
    })
    const client = market.client()
    const { code, details, error } = await thrownBy(client.fetch(`${first.origin}/data`))
    expect([code, details['origin']]).toEqual(['PAYMENT_NOT_DELIVERED', first.origin])
    expect(client.outcomeOf(error)).toBe('paid_not_delivered')
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-6 that lead nowhere after a payment say that there was one', async () => {
    const market = openMarket()
    const shop = await startSeller({
      ...market,
      answer: async (request, by) => (by.isPaid(request) ? to('http://127.0.0.1:1/') : by.demand()),
    })
    const client = market.client()
    const { code, details, error } = await thrownBy(client.fetch(shop.origin))
    expect([code, details['origin']]).toEqual(['PAYMENT_NOT_DELIVERED', shop.origin])
    expect((error as Error).cause).toBeInstanceOf(TypeError)
  })

  test('judge every hop by the policy for its own host', async () => {
    const market = openMarket()
    const evil = await startSeller(market)
    const good = await startSeller({ ...market, answer: () => to(`${evil.origin}/data`) })
    const client = market.client({
      policy: { ...openPolicy, allowHosts: [new URL(good.origin).host] },
    })
    const { code, details } = await thrownBy(client.fetch(good.origin))
    expect([code, details['reason'], details['origin']]).toEqual([
      'POLICY_REFUSED',
      'host',
      evil.origin,
    ])
    expect(market.spentMsat()).toBe(0n)
  })

  test('end after the twentieth', async () => {
    const market = openMarket()
    const loop = await startSeller({ ...market, answer: () => to('/again') })
    expect((await thrownBy(market.client().fetch(loop.origin))).code).toBe('TypeError')
    expect(loop.arrived.length).toBe(21)
  })

  test('obey redirect: manual and redirect: error', async () => {
    const market = openMarket()
    const door = await startSeller({ ...market, answer: () => to('/else') })
    const client = market.client()
    const response = await client.fetch(door.origin, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/else'])
    const { code } = await thrownBy(client.fetch(door.origin, { redirect: 'error' }))
    expect(code).toBe('TypeError')
    expect(door.arrived.length).toBe(2)
  })

  for (const location of ['javascript:alert(1)', 'file:///etc/passwd', 'http://u:p@127.0.0.1/']) {
    test(`are not followed to ${location}`, async () => {
      const market = openMarket()
      const door = await startSeller({ ...market, answer: () => to(location) })
      expect((await thrownBy(market.client().fetch(door.origin))).code).toBe('TypeError')
    })
  }

  for (const [status, method, becomes, body] of [
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [301, 'PUT', 'PUT', 'body'],
    [307, 'POST', 'POST', 'body'],
    [308, 'DELETE', 'DELETE', 'body'],
  ] as const) {
    test(`of status ${status} make of ${method} a ${becomes}, as fetch does`, async () => {
      const market = openMarket()
      const answer = ({ path }: { readonly path: string }) =>
        path === '/from' ? to('/to', status) : { body: 'end' }
      const ours = await startSeller({ ...market, answer })
      const theirs = await startSeller({ ...market, answer })
      const init = {
        method,
        headers: { 'content-type': 'text/x', 'x-kept': '1' },
        ...(method === 'HEAD' ? {} : { body: 'body' }),
      }
      await market.client().fetch(`${ours.origin}/from`, init)
      await fetch(`${theirs.origin}/from`, init)
      const [mine, yours] = [ours, theirs].map((seller) => {
        const { headers, ...last } = seller.arrived.at(-1)!
        const { host: _, ...others } = headers
        return { ...last, headers: others, body: last.body.toString() }
      })
      expect(mine).toEqual(yours)
      expect([mine!.method, mine!.body]).toEqual([becomes, body])
    })
  }
})

describe('R-PAY-8 a redirect that keeps the body', () => {
  for (const [name, bytes, status, arrives] of [
    ['is followed with a stream that was remembered', 1 << 20, 200, 1 << 20],
    ['is handed to the caller when the stream was too long for that', (1 << 20) + 1, 307, 0],
  ] as const) {
    test(name, async () => {
      const market = openMarket()
      const door = await startSeller({
        ...market,
        answer: ({ path }) => (path === '/from' ? to('/to', 307) : { body: 'end' }),
      })
      const body = new Blob([new Uint8Array(bytes)]).stream()
      const init = { method: 'POST', body, duplex: 'half' } as const
      const response = await market.client().fetch(`${door.origin}/from`, init)
      expect(response.status).toBe(status)
      const end = door.arrived.find(({ path }) => path === '/to')
      expect(end?.body.length ?? 0).toBe(arrives)
    })
  }
})

describe('R-PAY-51 to another origin', () => {
  test('go none of the caller’s credentials, and everything else', async () => {
    const market = openMarket()
    const there = await startSeller({ ...market, answer: () => ({ body: 'there' }) })
    const here = await startSeller({ ...market, answer: () => to(`${there.origin}/`) })
    const headers = {
      authorization: 'Bearer mine',
      cookie: 'a=b',
      macaroon: '00',
      'proxy-authorization': 'Basic eDp5',
      'x-kept': 'yes',
    }
    await market.client().fetch(here.origin, { headers })
    expect(here.arrived[0]!.headers).toMatchObject(headers)
    const arrived = there.arrived[0]!.headers
    expect(arrived['x-kept']).toBe('yes')
    for (const name of ['authorization', 'cookie', 'macaroon', 'proxy-authorization']) {
      expect(arrived[name]).toBeUndefined()
    }
  })

  test('R-PAY-53 goes no body once a credential was sent', async () => {
    const market = openMarket()
    const there = await startSeller({ ...market, answer: () => ({ body: 'there' }) })
    const here = await startSeller({
      ...market,
      answer: async (request, by) =>
        by.isPaid(request) ? to(`${there.origin}/`, 307) : by.demand(),
    })
    const client = market.client()
    const response = await client.fetch(here.origin, { method: 'POST', body: 'order' })
    expect(response.status).toBe(307)
    expect(client.purchaseOf(response)).toMatchObject({ outcome: 'paid_delivered' })
    expect(there.arrived.length).toBe(0)
  })
})

describe('R-PAY-40 a token stays at its origin', () => {
  test('and is not sent to another port, name or scheme', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const other = await startSeller(market)
    const names = {
      'https://shop.test': shop,
      'https://shop.test:444': other,
      'https://www.shop.test': other,
      'https://shop.test.evil.test': other,
      'http://shop.test': other,
    }
    const client = market.client({
      fetch: named(names),
      policy: { ...openPolicy, allowHttp: ['shop.test'] },
    })
    await client.fetch('https://shop.test/data')
    expect(market.spentMsat()).toBe(oneMsat)
    for (const origin of Object.keys(names).slice(1)) {
      const { code } = await thrownBy(client.fetch(`${origin}/data`, { l402: { pay: false } }))
      expect(code).toBe('POLICY_REFUSED')
    }
    expect(other.arrived.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('and writing the default port changes nothing', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const client = market.client({ fetch: named({ 'https://shop.test': shop }) })
    await client.fetch('https://shop.test/data')
    const again = await client.fetch('https://SHOP.test:443/data')
    expect(again.status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-2 and not in the caller’s own objects, which another call may carry elsewhere', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const other = await startSeller({ ...market, answer: () => ({ body: 'hm' }) })
    const client = market.client()
    const headers = new Headers({ 'x-mine': '1' })
    const init = { method: 'POST', headers, body: 'x', l402: { maxCostMsat: '100 sat' } }
    const before = structuredClone({ ...init, headers: [...headers] })
    await client.fetch(`${shop.origin}/data`, init)
    expect({ ...init, headers: [...headers] }).toEqual(before)
    await client.fetch(other.origin, init)
    expect(other.arrived[0]!.headers.authorization).toBeUndefined()
  })
})

describe('R-PAY-22 plain http', () => {
  test('is neither paid nor trusted with a token', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const client = market.client({ fetch: named({ 'http://shop.test': shop }) })
    const { code, details } = await thrownBy(client.fetch('http://shop.test/data'))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'insecure'])
    expect((await client.fetch('http://shop.test/free')).status).toBe(200)
  })

  test('is good enough where the policy says so, and for onion services', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const names = { 'http://lan.test': shop, 'http://abcdef.onion': shop }
    const client = market.client({
      fetch: named(names),
      policy: { ...openPolicy, allowHttp: ['lan.test'] },
    })
    for (const origin of Object.keys(names)) {
      expect((await client.fetch(`${origin}/data`)).status).toBe(200)
    }
  })

  test('R-PAY-72 is not resumed to when the policy changed its mind', async () => {
    const market = openMarket()
    const shop = await startSeller({ ...market, answer: (_, by) => by.demand() })
    const parts = { ledger: createMemoryLedger(), tokens: createMemoryTokenStore() }
    const fetch = named({ 'http://lan.test': shop })
    const open = { ...openPolicy, allowHttp: ['lan.test'] }
    const before = market.client({ ...parts, fetch, policy: open })
    const { details } = await thrownBy(before.fetch('http://lan.test/data'))
    const sent = shop.arrived.length
    const after = market.client({ ...parts, fetch })
    const refused = await thrownBy(after.resume(String(details['paymentHash'])))
    expect(refused.details['reason']).toBe('insecure')
    expect(shop.arrived.length).toBe(sent)
  })

  test('loses a token no more when the policy changes its mind', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const tokens = createMemoryTokenStore()
    const fetch = named({ 'http://lan.test': shop })
    const open = { ...openPolicy, allowHttp: ['lan.test'] }
    await market.client({ fetch, tokens, policy: open }).fetch('http://lan.test/data')
    const strict = market.client({ fetch, tokens })
    expect((await thrownBy(strict.fetch('http://lan.test/data'))).details['reason']).toBe(
      'insecure',
    )
    expect(shop.arrived.at(-1)!.headers.authorization).toBeUndefined()
  })

  test('R-PAY-52 is not paid after https, not even on this machine', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const door = await startSeller({ ...market, answer: () => to(`${shop.origin}/data`) })
    const tokens = createMemoryTokenStore()
    await market.client({ tokens }).fetch(`${shop.origin}/data`)
    const spentMsat = market.spentMsat()
    const client = market.client({
      tokens,
      policy: { ...openPolicy, allowPrivateHosts: ['127.0.0.1'] },
      fetch: named({ 'https://door.test': door, [shop.origin]: shop }),
    })
    const { code, details } = await thrownBy(client.fetch('https://door.test/'))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'insecure'])
    expect(shop.arrived.at(-1)!.headers.authorization).toBeUndefined()
    expect(market.spentMsat()).toBe(spentMsat)
  })
})

describe('R-PAY-4 a caller’s own Authorization', () => {
  test('is sent as it is, and nothing is paid for the request', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const client = market.client()
    await client.fetch(`${shop.origin}/data`)
    const headers = { authorization: 'Bearer mine' }
    const { code, details } = await thrownBy(client.fetch(`${shop.origin}/data`, { headers }))
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'authorization'])
    expect(shop.arrived.at(-1)!.headers.authorization).toBe('Bearer mine')
    expect((await client.fetch(`${shop.origin}/free`, { headers })).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('is replaced where the call says that it may be, and only where a credential goes', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const client = market.client()
    const init = {
      headers: { authorization: 'Bearer mine' },
      l402: { replaceAuthorization: true },
    }
    expect((await client.fetch(`${shop.origin}/data`, init)).status).toBe(200)
    const sent = shop.arrived.map(({ headers }) => headers.authorization?.split(' ')[0])
    expect(sent).toEqual(['Bearer', 'L402'])
  })
})
