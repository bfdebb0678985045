import { describe, expect, test } from 'vitest'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { startSeller } from './seller.ts'

/** A client for which everything but the first host is at one place that must not be reached. */
function redirectedTo(location: string, allowPrivateHosts: readonly string[] = []) {
  const reached: string[] = []
  const client = openMarket().client({
    policy: { ...openPolicy, allowPrivateHosts },
    fetch: async (input) => {
      reached.push(input)
      if (reached.length > 1) return new Response('inside')
      return new Response('', { status: 307, headers: { location } })
    },
  })
  return { client, reached }
}

const inside = [
  'http://127.0.0.1:8080/admin',
  'http://localhost/',
  'https://10.0.0.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://[::1]/',
  'http://[::ffff:192.168.1.1]/',
  'http://printer.local/',
]

describe('R-PAY-54 a public host that redirects into this machine or a private network', () => {
  for (const location of inside) {
    test(`is not followed to ${location}, and nothing is sent there`, async () => {
      const { client, reached } = redirectedTo(location)
      const init = { method: 'POST', body: 'x' }
      const { code, details } = await thrownBy(client.fetch('https://shop.test/', init))
      expect([code, details['reason'], details['origin']]).toEqual([
        'POLICY_REFUSED',
        'private-address',
        new URL(location).origin,
      ])
      expect(reached).toEqual(['https://shop.test/'])
    })
  }

  test('is not followed by a quote either', async () => {
    const { client, reached } = redirectedTo('http://10.0.0.1/')
    expect((await thrownBy(client.quote('https://shop.test/'))).code).toBe('POLICY_REFUSED')
    expect(reached.length).toBe(1)
  })

  test('is followed where the policy names the host, and nowhere else', async () => {
    const allowed = redirectedTo('https://10.0.0.1/', ['10.0.0.1'])
    expect(await (await allowed.client.fetch('https://shop.test/')).text()).toBe('inside')
    const other = redirectedTo('https://10.0.0.1:8443/', ['10.0.0.1:443'])
    expect((await thrownBy(other.client.fetch('https://shop.test/'))).code).toBe('POLICY_REFUSED')
  })

  test('is followed within this machine, back to where it began, and to any public host', async () => {
    for (const [from, location] of [
      ['http://127.0.0.1:3000/', 'http://127.0.0.1:4000/'],
      ['http://127.0.0.1:3000/', 'http://localhost:4000/'],
      ['https://192.168.1.5/', 'https://192.168.1.5/b'],
      ['http://192.168.1.5:8080/', 'http://192.168.1.5:8080/b'],
      ['http://printer.local/', 'https://printer.local/'],
      ['https://shop.test/', 'https://8.8.8.8/'],
    ] as const) {
      const { client, reached } = redirectedTo(location)
      expect(await (await client.fetch(from)).text()).toBe('inside')
      expect(reached).toEqual([from, location])
    }
  })

  for (const [from, location] of [
    ['http://localhost:3000/', 'http://10.0.0.1/'],
    ['https://192.168.1.5/', 'https://192.168.1.5:8443/'],
    ['http://192.168.1.5:8080/', 'https://192.168.1.5/'],
    ['https://192.168.1.5/', 'http://192.168.1.5/'],
  ] as const) {
    test(`is not followed from ${from} to ${location}: that is another server`, async () => {
      const { client, reached } = redirectedTo(location)
      const { details } = await thrownBy(client.fetch(from))
      expect(details['reason']).toBe('private-address')
      expect(reached).toEqual([from])
    })
  }

  test('is not followed with manual redirects, as ever', async () => {
    const { client } = redirectedTo('http://10.0.0.1/')
    const response = await client.fetch('https://shop.test/', { redirect: 'manual' })
    expect(response.status).toBe(307)
  })
})

describe('R-PAY-54 a redirect to where only DNS knows what it is', () => {
  for (const [first, location, isPublicOnly, allowed = []] of [
    ['http://evil.test/', 'http://other.test/', true],
    ['http://evil.test/', 'http://other.test/', false, ['other.test']],
    ['http://evil.test/', '/b', false],
    ['http://evil.test/', 'http://evil.test.:80/b', false],
    ['http://evil.test/', 'http://evil.test:8080/', true],
    ['http://evil.test/', 'http://evil.test:8080/', false, ['evil.test:8080']],
    ['http://evil.test:8080/', 'http://evil.test/', true],
    ['http://evil.test/', 'https://evil.test/', false],
    ['http://evil.test:8080/', 'https://evil.test/', true],
    ['http://evil.test/', 'https://evil.test:8443/', true],
    ['https://evil.test/', 'http://evil.test/', true],
    ['http://localhost:3000/', 'http://evil.test/', true],
  ] as const satisfies readonly (readonly [string, string, boolean, (readonly string[])?])[]) {
    test(`${first} to ${location} is for public addresses only: ${isPublicOnly}`, async () => {
      const asked: boolean[] = []
      const client = openMarket().client({
        policy: { ...openPolicy, allowPrivateHosts: allowed },
        fetch: async (_, __, { publicOnly }) => {
          asked.push(publicOnly)
          const headers = { location }
          return asked.length > 1 ? new Response() : new Response('', { status: 307, headers })
        },
      })
      await client.fetch(first, { method: 'POST', body: 'x' })
      expect(asked).toEqual([false, isPublicOnly])
    })
  }

  test('stays so on the way back from where a stranger led', async () => {
    const way = ['http://other.test/', 'http://first.test:8080/', 'http://first.test/']
    const asked: boolean[] = []
    const client = openMarket().client({
      fetch: async (_, __, { publicOnly }) => {
        const location = way[asked.length] ?? ''
        asked.push(publicOnly)
        return location === ''
          ? new Response()
          : new Response('', { status: 302, headers: { location } })
      },
    })
    await client.fetch('http://first.test/')
    expect(asked).toEqual([false, true, true, false])
  })
})

describe('R-PAY-50 R-PAY-40 a redirect from one origin of a host to another', () => {
  test('to another port takes no credential along and is paid by itself', async () => {
    const market = openMarket()
    const second = await startSeller(market)
    const first = await startSeller({
      ...market,
      answer: (request, by) =>
        request.path === '/move'
          ? { status: 302, headers: { location: `${second.origin}/data` } }
          : by.serve(request),
    })
    const client = market.client()
    await client.fetch(`${first.origin}/data`)
    const response = await client.fetch(`${first.origin}/move`)
    expect(response.status).toBe(200)
    expect(client.purchaseOf(response)).toMatchObject({ origin: second.origin })
    const [bare, paid] = second.arrived.map(({ headers }) => headers.authorization)
    expect(bare).toBeUndefined()
    expect(paid).not.toBe(first.arrived.at(-2)?.headers.authorization)
    expect(market.spentMsat()).toBe(22_002n)
  })

  test('from http to https is followed, and paid under the https origin alone', async () => {
    const market = openMarket()
    const shop = await startSeller(market)
    const reached: string[] = []
    const client = market.client({
      fetch: async (input, init) => {
        reached.push(input)
        const url = new URL(input)
        if (url.protocol === 'https:') return fetch(shop.origin + url.pathname, init)
        const location = `https://shop.test${url.pathname}`
        return new Response('', { status: 301, headers: { location } })
      },
    })
    const response = await client.fetch('http://shop.test/data')
    expect(client.purchaseOf(response)).toMatchObject({ origin: 'https://shop.test' })
    await client.fetch('http://shop.test/data')
    expect(reached[0]).toBe('http://shop.test/data')
    expect(market.spentMsat()).toBe(11_001n)
  })
})
