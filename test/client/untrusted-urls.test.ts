import { describe, expect, test } from 'vitest'
import type { FetchInit, PolicyOptions } from '../../library/src/client/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { startSeller } from './seller.ts'

type Sent = { readonly url: string; readonly publicOnly: boolean }

/** A client whose network only notes where it is sent, and redirects as it is told. */
function openRoad(
  redirects: readonly string[] = [],
  policy: Partial<PolicyOptions> | (() => PolicyOptions) = {},
) {
  const sent: Sent[] = []
  const locations = [...redirects]
  const client = openMarket().client({
    policy: typeof policy === 'function' ? policy : { ...openPolicy, ...policy },
    fetch: async (url, _init, { publicOnly }) => {
      sent.push({ url, publicOnly })
      const location = locations.shift()
      return location === undefined
        ? new Response('end')
        : new Response('', { status: 307, headers: { location } })
    },
  })
  return { client, sent }
}

const untrusted: FetchInit = { l402: { untrustedUrl: true } }

describe('R-PAY-54 a URL that the call does not trust', () => {
  for (const url of [
    'http://localhost:8080/',
    'http://127.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://127.0.0.1./',
    'http://LOCALHOST./',
    'http://%31%32%37.0.0.1/',
    'http://１２７.0.0.1/',
    'http://[::1]/',
    'http://[0:0::1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::a00:1]/',
    'http://[2002:a00:1::]/',
    'http://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'http://metadata.google.internal/',
    'http://router.home.arpa/',
    'http://192.0.2.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
  ]) {
    test(`is not asked for when it is ${url}`, async () => {
      const { client, sent } = openRoad()
      for (const call of [client.fetch(url, untrusted), client.quote(url, untrusted)]) {
        const { code, details } = await thrownBy(call)
        expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'private-address'])
        expect(details['origin']).toBe(new URL(url).origin)
        expect(details['hint']).toContain('policy.allowPrivateHosts')
      }
      expect(sent).toEqual([])
    })
  }

  test('may be anything else, and must not lead inside by DNS', async () => {
    const { client, sent } = openRoad()
    expect((await client.fetch('https://shop.test/', untrusted)).status).toBe(200)
    expect(sent).toEqual([{ url: 'https://shop.test/', publicOnly: true }])
  })

  test('may lead inside where the policy names the host, by text or by DNS', async () => {
    const allowPrivateHosts = ['localhost:8080', '*.office.test']
    const { client, sent } = openRoad([], { allowPrivateHosts })
    for (const url of ['http://localhost:8080/', 'https://x.office.test/']) {
      expect((await client.fetch(url, untrusted)).status).toBe(200)
    }
    expect(sent.map(({ publicOnly }) => publicOnly)).toEqual([false, false])
    expect((await thrownBy(client.fetch('http://localhost:8081/', untrusted))).code).toBe(
      'POLICY_REFUSED',
    )
  })

  test('is trusted by default', async () => {
    const { client, sent } = openRoad()
    await client.fetch('http://10.0.0.1/')
    await client.fetch('http://10.0.0.1/', { l402: { untrustedUrl: false } })
    expect(sent.map(({ publicOnly }) => publicOnly)).toEqual([false, false])
  })

  test('R-PAY-28 is untrusted by a boolean and by nothing else', async () => {
    const { client } = openRoad()
    for (const untrustedUrl of ['yes', 1, null]) {
      const init = { l402: { untrustedUrl } } as unknown as FetchInit
      await expect(client.fetch('https://shop.test/', init)).rejects.toThrow(
        'l402.untrustedUrl: expected true or false',
      )
    }
  })

  test('R-PAY-80 is excepted by no policy that is broken', async () => {
    let policy: PolicyOptions = { ...openPolicy, allowPrivateHosts: ['localhost'] }
    const { client } = openRoad([], () => policy)
    expect((await client.fetch('http://localhost/', untrusted)).status).toBe(200)
    policy = { ...policy, maxTotalMsat: '' }
    expect((await thrownBy(client.fetch('http://localhost/', untrusted))).code).toBe(
      'POLICY_REFUSED',
    )
  })
})

describe('R-PAY-54 where a redirect may lead', () => {
  const flags = async (
    first: string,
    redirects: readonly string[],
    policy: Partial<PolicyOptions> = {},
    init?: FetchInit,
  ): Promise<readonly boolean[]> => {
    const { client, sent } = openRoad(redirects, policy)
    await client.fetch(first, init)
    return sent.map(({ publicOnly }) => publicOnly)
  }

  for (const [name, first, redirects, expected] of [
    ['from a public host to another one', 'https://a.test/', ['https://b.test/'], [false, true]],
    ['within the host of the first URL', 'https://a.test/', ['/x', '/y'], [false, false, false]],
    ['to another port of that host', 'https://a.test/', ['https://a.test:8443/'], [false, true]],
    ['from http to https there', 'http://a.test/', ['https://a.test/'], [false, false]],
    [
      'away and back to that host',
      'https://intranet.test/',
      ['https://login.test/', 'https://intranet.test/in'],
      [false, true, false],
    ],
    ['within this machine', 'http://localhost:1/', ['http://127.0.0.1:2/'], [false, false]],
    [
      'from this machine to a public host, and on from there',
      'http://localhost:1/',
      ['https://a.test/', 'https://b.test/'],
      [false, true, true],
    ],
  ] as const) {
    test(`${name}: public ones only ${expected}`, async () => {
      expect(await flags(first, redirects)).toEqual(expected)
    })
  }

  test('on from a first URL that is not trusted: to public ones only, its own host included', async () => {
    expect(
      await flags('https://a.test/', ['/x', 'https://b.test/', 'https://a.test/'], {}, untrusted),
    ).toEqual([true, true, true, true])
  })

  test('to a host that the policy names: anywhere', async () => {
    const policy = { allowPrivateHosts: ['b.test', '10.0.0.1'] }
    expect(await flags('https://a.test/', ['https://b.test/'], policy)).toEqual([false, false])
    expect(await flags('https://a.test/', ['https://10.0.0.1/'], policy)).toEqual([false, false])
  })

  test('on from this machine: anywhere only where no stranger led there', async () => {
    const named = { allowPrivateHosts: ['localhost:1'] }
    const inside = ['http://localhost:2/']
    for (const [first, redirects, init] of [
      ['http://localhost:1/', inside, untrusted],
      ['https://a.test/', ['http://localhost:1/', ...inside], {}],
    ] as const) {
      const { client, sent } = openRoad(redirects, named)
      const { details } = await thrownBy(client.fetch(first, init))
      expect([details['reason'], details['origin']]).toEqual([
        'private-address',
        'http://localhost:2',
      ])
      expect(sent.map(({ url }) => url)).not.toContain('http://localhost:2/')
    }
    expect(await flags('http://localhost:1/', inside, named)).toEqual([false, false])
  })

  test('back to this machine: not even where the first URL was public and trusted', async () => {
    const { client, sent } = openRoad(['https://b.test/', 'http://localhost/'])
    const { details } = await thrownBy(client.fetch('https://a.test/'))
    expect(details).toMatchObject({ reason: 'private-address', origin: 'http://localhost' })
    expect(sent.length).toBe(2)
  })
})

test('R-PAY-54 what is paid for goes only where the first request went', async () => {
  const sent: boolean[] = []
  const market = openMarket()
  const seller = await startSeller(market)
  const client = market.client({
    fetch: (url, init, { publicOnly }) => {
      sent.push(publicOnly)
      return fetch(seller.origin + new URL(url).pathname, init)
    },
  })
  expect((await client.fetch('https://shop.test/data', untrusted)).status).toBe(200)
  expect(sent).toEqual([true, true])
})
