import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as ask, createServer as createHttp1Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { State } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import type { Stage } from './stage.ts'
import { narrow, openStage, paymentHashOf } from './stage.ts'
import type { TestUpstream } from './upstream.ts'
import { openUpstream } from './upstream.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function setUp(
  config: (upstream: string) => string,
  options: Parameters<typeof openStage>[1] = {},
): Promise<{ stage: Stage; upstream: TestUpstream }> {
  const upstream = await openUpstream()
  open.push(upstream)
  const stage = await openStage(config(upstream.url), options)
  open.push(stage)
  return { stage, upstream }
}

const shop =
  (routes: string, more = '') =>
  (upstream: string): string =>
    `${more}
services:
  - name: shop
    upstream: ${upstream}
    routes:
${routes
  .trim()
  .split('\n')
  .map((line) => `      ${line.trim()}`)
  .join('\n')}
`

const paid = (authorization: string): RequestInit => ({ headers: { authorization } })

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init)
  await response.arrayBuffer()
  return response.status
}

/** The target as it stands, which `fetch` would rewrite. */
async function rawStatus(port: number, method: string, target: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString('latin1')
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}

describe('R-GW-3 nothing is free unless it says so', () => {
  test('a listed route asks for payment, an unlisted one is refused, and neither reaches the API', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat\nGET /free: free'))
    expect(await statusOf(`${stage.url}/a`)).toBe(402)
    expect(await statusOf(`${stage.url}/b`)).toBe(404)
    expect(await statusOf(`${stage.url}/a`, { method: 'DELETE' })).toBe(405)
    expect(await rawStatus(stage.port, 'TRACE', '/a')).toBe(405)
    expect(upstream.seen).toEqual([])
    expect(await statusOf(`${stage.url}/free`)).toBe(200)
    expect(await statusOf(`${stage.url}/a`, { method: 'HEAD' })).toBe(402)
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/free'])
  })

  test('a preflight is answered here', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat'))
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'GET' }
    expect(await statusOf(`${stage.url}/a`, { method: 'OPTIONS', headers })).toBe(204)
    expect(upstream.seen).toEqual([])
  })
})

describe('R-GW-4 the upstream gets facts and no credential', () => {
  test('what was bought is told, whatever the client says under those names', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat'))
    const authorization = await stage.buy('/a')
    const response = await fetch(`${stage.url}/a?x=1`, {
      headers: {
        authorization,
        'satway-token-id': 'mine',
        satway_amount_msat: '1',
        'x-own': 'kept',
      },
    })
    expect([response.status, await response.text()]).toEqual([200, 'served'])
    expect(response.headers.get('cache-control')).toBe('private')
    const [{ headers, url }] = upstream.seen as [(typeof upstream.seen)[0]]
    expect(url).toBe('/a?x=1')
    expect(headers).toMatchObject({
      'satway-payment-hash': paymentHashOf(authorization),
      'satway-service': 'shop',
      'satway-capability': 'get.a',
      'satway-amount-msat': '10000',
      'x-own': 'kept',
      'x-forwarded-for': '127.0.0.1',
    })
    expect(headers['satway-token-id']).toMatch(/^[0-9a-f]{64}$/)
    expect(headers['authorization']).toBeUndefined()
    expect(headers['satway_amount_msat']).toBeUndefined()
    expect(JSON.stringify(headers)).not.toContain(authorization.split(':')[1])
  })
})

describe('R-GW-5 a use counts when the answer begins below 500', () => {
  const once1 = shop('GET /a: { price: 10 sat, uses: 1 }')

  for (const status of [200, 204, 301, 404, 429]) {
    test(`${status} counts`, async () => {
      const { stage, upstream } = await setUp(once1)
      upstream.answer = (_, response) => response.writeHead(status, { location: '/b' }).end()
      const authorization = await stage.buy('/a')
      const init = { ...paid(authorization), redirect: 'manual' as const }
      expect(await statusOf(`${stage.url}/a`, init)).toBe(status)
      expect(await statusOf(`${stage.url}/a`, init)).toBe(402)
    })
  }

  for (const [name, answer, status] of [
    ['500', (_, response) => response.writeHead(500).end(), 500],
    ['503', (_, response) => response.writeHead(503).end(), 503],
    ['a connection that breaks', (request) => request.socket.destroy(), 502],
  ] satisfies [string, TestUpstream['answer'], number][]) {
    test(`${name} does not, and the same token goes on`, async () => {
      const { stage, upstream } = await setUp(once1)
      const authorization = await stage.buy('/a')
      upstream.answer = answer
      const before = stage.invoices()
      expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(status)
      expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(status)
      upstream.answer = (_, response) => response.end('served')
      expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(200)
      expect(stage.invoices()).toBe(before)
      expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(402)
    })
  }

  test('an upstream that is not there is 502 with Retry-After, and costs nothing', async () => {
    const { stage, upstream } = await setUp(once1)
    const authorization = await stage.buy('/a')
    await upstream.close()
    open.splice(open.indexOf(upstream), 1)
    const response = await fetch(`${stage.url}/a`, paid(authorization))
    expect([response.status, response.headers.get('retry-after')]).toEqual([502, '5'])
    expect(await response.json()).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('one that does not begin in time is 504', async () => {
    const { stage, upstream } = await setUp(
      shop('GET /a: { price: 10 sat, uses: 1, head_timeout: 200ms }'),
    )
    const authorization = await stage.buy('/a')
    upstream.answer = () => undefined
    expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(504)
    upstream.answer = (_, response) => response.end('served')
    expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(200)
  })

  test('a client that leaves before the answer has used it', async () => {
    const { stage, upstream } = await setUp(once1)
    const authorization = await stage.buy('/a')
    const left = new AbortController()
    upstream.answer = () => left.abort()
    await expect(
      fetch(`${stage.url}/a`, { ...paid(authorization), signal: left.signal }),
    ).rejects.toThrow()
    await vi.waitFor(() => expect(stage.records.at(-1)?.end).toBe('client-left'))
    upstream.answer = (_, response) => response.end('served')
    expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(402)
  })

  test('many at once get as many answers as were bought', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: { price: 10 sat, uses: 7 }'))
    const authorization = await stage.buy('/a')
    const statuses = await Promise.all(
      Array.from({ length: 40 }, () => statusOf(`${stage.url}/a`, paid(authorization))),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(7)
    expect(upstream.seen).toHaveLength(7)
  })
})

describe('R-GW-6 a branch has its own budget', () => {
  test('under that of the token it came from', async () => {
    const { stage } = await setUp(shop('GET /a: { price: 10 sat, uses: 5 }'))
    const token = await stage.buy('/a')
    const child = narrow(token, 'request_count <= 2')
    const ask = (authorization: string): Promise<number> =>
      statusOf(`${stage.url}/a`, paid(authorization))
    expect([await ask(child), await ask(child), await ask(child)]).toEqual([200, 200, 403])
    expect([await ask(token), await ask(token), await ask(token), await ask(token)]).toEqual([
      200, 200, 200, 402,
    ])
  })
})

describe('R-GW-7 a rate limit', () => {
  test('counts each token for itself, says when to come back, and gives the use back', async () => {
    const { stage } = await setUp(
      shop(
        'GET /a: { price: 10 sat, uses: 3, rate_limit: { requests: 1, per: 1h, burst: 2, by: token } }',
      ),
    )
    const first = await stage.buy('/a')
    const second = await stage.buy('/a')
    const ask = (authorization: string): Promise<Response> =>
      fetch(`${stage.url}/a`, paid(authorization))
    expect([(await ask(first)).status, (await ask(first)).status]).toEqual([200, 200])
    const limited = await ask(first)
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await limited.json()).toMatchObject({ code: 'REQUEST_RATE_LIMITED' })
    expect((await ask(second)).status).toBe(200)
    await stage.reload(
      shop('GET /a: { price: 10 sat, uses: 3 }')(
        stage.gateway.current().services[0]!.config.upstream!.url.href,
      ),
    )
    expect([(await ask(first)).status, (await ask(first)).status]).toEqual([200, 402])
  })
})

test('R-GW-19 a shared rate that cannot be read is 503, and the use is given back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-rate-'))
  const real = openState({ file: join(folder, 'state.db'), owner: 'test' })
  let isAway = true
  const state: State = {
    ...real,
    takeRate: (key, rate) => {
      if (isAway) throw new Error('the file is locked')
      return real.takeRate(key, rate)
    },
  }
  const route = 'GET /a: { price: 10 sat, uses: 1, rate_limit: { requests: 9, per: 1m } }'
  const { stage } = await setUp(shop(route), { workers: 2, state })
  const authorization = await stage.buy('/a')
  const away = await fetch(`${stage.url}/a`, paid(authorization))
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await away.json()).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  isAway = false
  expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(200)
  expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(402)
  rmSync(folder, { recursive: true, force: true })
})

describe('R-GW-8 a bound on requests at the upstream', () => {
  test('answers 503 beyond it, and the use is given back', async () => {
    const { stage, upstream } = await setUp(
      shop('GET /a: { price: 10 sat, uses: 3, concurrency: 1 }'),
    )
    const authorization = await stage.buy('/a')
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      upstream.answer = async (_, response) => {
        resolve()
        await new Promise<void>((go) => {
          release = go
        })
        response.end('served')
      }
    })
    const slow = statusOf(`${stage.url}/a`, paid(authorization))
    await held
    const full = await fetch(`${stage.url}/a`, paid(authorization))
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await full.json()).toMatchObject({ code: 'UPSTREAM_OVERLOADED' })
    release()
    expect(await slow).toBe(200)
    upstream.answer = (_, response) => response.end('served')
    const rest = [1, 2, 3].map(() => undefined)
    const statuses: number[] = []
    for (const _ of rest) statuses.push(await statusOf(`${stage.url}/a`, paid(authorization)))
    expect(statuses).toEqual([200, 200, 402])
  })
})

describe('R-GW-9 a free tier', () => {
  test('is counted by network, exactly, also at once, and survives a restart', async () => {
    const config = shop('GET /a: { price: 10 sat, free_tier: { requests: 5, per: 1h } }')
    const { stage, upstream } = await setUp(config)
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(`${stage.url}/a`)))
    expect(statuses.filter((status) => status === 200)).toHaveLength(5)
    expect(upstream.seen).toHaveLength(5)
    await stage.reload(config(upstream.url))
    expect(await statusOf(`${stage.url}/a`)).toBe(402)
    stage.clock.seconds += 3601
    expect(await statusOf(`${stage.url}/a`)).toBe(200)
  })
})

describe('R-GW-10 a dry run', () => {
  test('lets everything through, makes no invoice, and says what it would have done', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat'), { dryRun: true })
    expect(await statusOf(`${stage.url}/a`)).toBe(200)
    expect(await statusOf(`${stage.url}/b`)).toBe(404)
    expect(stage.invoices()).toBe(0)
    expect(upstream.seen).toHaveLength(1)
    await vi.waitFor(() => expect(stage.records).toHaveLength(2))
    expect(stage.records[0]).toMatchObject({
      outcome: 'dry-run',
      wouldBe: 402,
      code: 'ACCESS_PAYMENT_REQUIRED',
      status: 200,
    })
  })
})

describe('R-GW-11 a reload', () => {
  test('holds from the next request on, and leaves a stream alone that is open', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: free\nGET /b: free'))
    let end = (): void => undefined
    upstream.answer = (_, response) => {
      response.write('one ')
      end = () => response.end('two')
    }
    const streaming = await fetch(`${stage.url}/a`)
    await stage.reload(shop('GET /b: 10 sat')(upstream.url))
    expect(await statusOf(`${stage.url}/a`)).toBe(404)
    expect(await statusOf(`${stage.url}/b`)).toBe(402)
    end()
    expect(await streaming.text()).toBe('one two')
  })

  test('a token that was sold before works after it', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat'))
    const authorization = await stage.buy('/a')
    await stage.reload(shop('GET /a: 10 sat\nGET /c: 5 sat')(upstream.url))
    expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(200)
  })

  test('one that fails leaves the source of rates that is in force alone', async () => {
    const rates = await openUpstream()
    open.push(rates)
    rates.answer = (_, response) => response.end('{"USD":50000}')
    const source = `rates: { url: "${rates.url}/", member: "{currency}", refresh: 1s, max_age: 2s }`
    const { stage } = await setUp(shop('GET /a: 0.02 USD', source))
    expect(await statusOf(`${stage.url}/a`)).toBe(402)
    const { config } = stage.gateway.current()
    const broken = {
      ...config,
      rates: { ...config.rates!, timeoutMs: 1 },
      services: [{ ...config.services[0]!, name: 'Not a name' }],
    }
    await expect(stage.gateway.reload(broken)).rejects.toThrow(/service/)
    await new Promise((resolve) => setTimeout(resolve, 2200))
    expect(await statusOf(`${stage.url}/a`)).toBe(402)
    expect(rates.seen.length).toBeGreaterThan(1)
  })

  test('one with a mistake changes nothing', async () => {
    const { stage } = await setUp(shop('GET /a: 10 sat'))
    await expect(stage.reload('servces: []')).rejects.toThrow(/servces/)
    expect(await statusOf(`${stage.url}/a`)).toBe(402)
  })
})

describe('R-GW-12 who is blocked', () => {
  test('gets 403 whatever he asks for', async () => {
    const { stage, upstream } = await setUp(shop('GET /free: free', 'block: [127.0.0.0/8]'))
    const response = await fetch(`${stage.url}/free`)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ code: 'REQUEST_BLOCKED' })
    expect(upstream.seen).toEqual([])
  })
})

describe('R-GW-13 the client behind a proxy', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.7, 198.51.100.9' }

  test('is who a trusted proxy says', async () => {
    const { stage, upstream } = await setUp(
      shop('GET /free: free', 'trusted_proxies: [127.0.0.1/32]\nblock: [198.51.100.0/24]'),
    )
    expect(await statusOf(`${stage.url}/free`, { headers: forwarded })).toBe(403)
    expect(
      await statusOf(`${stage.url}/free`, { headers: { 'x-forwarded-for': '203.0.113.7' } }),
    ).toBe(200)
    expect(upstream.seen[0]!.headers['x-forwarded-for']).toBe('203.0.113.7, 127.0.0.1')
  })

  test('is the peer, where the proxy is not trusted, and what it says is not handed on', async () => {
    const { stage, upstream } = await setUp(
      shop('GET /free: free', 'block: [198.51.100.0/24, 203.0.113.0/24]'),
    )
    expect(await statusOf(`${stage.url}/free`, { headers: forwarded })).toBe(200)
    expect(upstream.seen[0]!.headers['x-forwarded-for']).toBe('127.0.0.1')
  })
})

test('R-GW-14 a host that is not served is 421', async () => {
  const { stage, upstream } = await setUp((url) =>
    shop('GET /free: free')(url).replace('upstream:', 'hosts: [shop.example]\n    upstream:'),
  )
  const status = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = ask(`${stage.url}/free`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      asking.once('error', reject)
      asking.end()
    })
  expect(await status('shop.example')).toBe(200)
  expect(await status('shop.example.evil.net')).toBe(421)
  expect(upstream.seen).toHaveLength(1)
})

describe('R-GW-15 a wallet that is down', () => {
  test('is 503 for who has not paid, and nothing for who has', async () => {
    const { stage } = await setUp(shop('GET /a: 10 sat'))
    const authorization = await stage.buy('/a')
    stage.seller.setReachable(false)
    const refused = await fetch(`${stage.url}/a?other`, {
      headers: { 'x-forwarded-for': '1.2.3.4' },
    })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(refused.headers.get('www-authenticate')).toBeNull()
    expect(await statusOf(`${stage.url}/a`, paid(authorization))).toBe(200)
    await vi.waitFor(() => expect(stage.told.some((line) => line.startsWith('payee'))).toBe(true))
  })
})

describe('R-GW-16 the ledger', () => {
  test('has each payment once, with what was sold, and nothing unpaid', async () => {
    const { stage } = await setUp(shop('GET /a: 10 sat\nGET /b: { price: 20 sat, uses: 1 }'))
    for (let i = 0; i < 5; i++) await statusOf(`${stage.url}/b`)
    expect(stage.state.transactions({ limit: 10 }).items).toEqual([])
    const a = await stage.buy('/a')
    expect(await statusOf(`${stage.url}/a`, paid(a))).toBe(200)
    expect(await statusOf(`${stage.url}/a`, paid(a))).toBe(200)
    const b = await stage.buy('/b')
    expect(await statusOf(`${stage.url}/b`, paid(b))).toBe(200)
    await vi.waitFor(() => {
      const { items } = stage.state.transactions({ limit: 10 })
      expect(items.map(({ paymentHash, uses }) => [paymentHash, uses]).sort()).toEqual(
        [
          [paymentHashOf(a), 2],
          [paymentHashOf(b), 1],
        ].sort(),
      )
    }, 5000)
    expect(stage.state.transaction(paymentHashOf(b))).toMatchObject({
      amountMsat: 20_000n,
      service: 'shop',
      capability: 'get.b',
      isReported: true,
    })
  })
})

describe('R-GW-17 a token that is revoked', () => {
  test('opens nothing from then on, and its open stream is cut', async () => {
    const { stage, upstream } = await setUp(shop('GET /a: 10 sat'))
    const authorization = await stage.buy('/a')
    upstream.answer = (_, response) => response.write('endless ')
    const streaming = await fetch(`${stage.url}/a`, paid(authorization))
    stage.state.deny(paymentHashOf(authorization), 'test')
    await expect(streaming.text()).rejects.toThrow()
    upstream.answer = (_, response) => response.end('served')
    const refused = await fetch(`${stage.url}/a`, paid(authorization))
    expect(refused.status).toBe(402)
    expect(await refused.json()).toMatchObject({ code: 'ACCESS_REVOKED' })
  })
})

/** One that takes everything and answers nothing, and tells when something has come. */
async function openRawUpstream(
  protocol: 'http/1.1' | 'h2c',
): Promise<{ readonly port: number; reached(): Promise<void> }> {
  const reached = Promise.withResolvers<void>()
  const server = protocol === 'h2c' ? createHttp2Server() : createHttp1Server()
  server.on(protocol === 'h2c' ? 'stream' : 'request', (incoming) => {
    incoming.on('error', () => undefined)
    incoming.on('data', () => reached.resolve())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  open.push({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return { port: (server.address() as AddressInfo).port, reached: () => reached.promise }
}

describe('R-GW-18 a body', () => {
  test('longer than is accepted is 413, and its use is given back', async () => {
    const { stage, upstream } = await setUp(
      shop('POST /a: { price: 10 sat, uses: 1, max_body: 1KiB }'),
    )
    const authorization = await stage.buy('/a', { method: 'POST' })
    const post = (body: string): Promise<number> =>
      statusOf(`${stage.url}/a`, { ...paid(authorization), method: 'POST', body })
    expect(await post('x'.repeat(1025))).toBe(413)
    expect(await post('x'.repeat(1024))).toBe(200)
    await vi.waitFor(() =>
      expect(stage.records.at(-1)).toMatchObject({ requestBytes: 1024, responseBytes: 6 }),
    )
    expect(upstream.seen.at(-1)!.body).toHaveLength(1024)
    expect(await post('x')).toBe(402)
  })

  for (const protocol of ['http/1.1', 'h2c'] as const) {
    for (const [name, lines, status] of [
      ['turns out too long', ['Transfer-Encoding: chunked'], 413],
      ['stalls', ['Content-Length: 1000'], 408],
    ] as const) {
      test(`that ${name} after it began has used what it paid for, with ${protocol}`, async () => {
        const upstream = await openRawUpstream(protocol)
        const stage = await openStage(
          shop(
            `POST /a: { price: 10 sat, uses: 1, max_body: 1KiB }`,
            'limits: { body_idle: 1s }',
          )(`{ url: "http://127.0.0.1:${upstream.port}", protocol: ${protocol} }`),
        )
        open.push(stage)
        const authorization = await stage.buy('/a', { method: 'POST' })
        const post = async (): Promise<number> => {
          const socket = connect(stage.port, '127.0.0.1')
          socket.on('error', () => undefined)
          const head = ['POST /a HTTP/1.1', 'Host: shop', `Authorization: ${authorization}`]
          socket.write(`${[...head, ...lines].join('\r\n')}\r\n\r\n`)
          socket.write(`3ff\r\n${'a'.repeat(1023)}\r\n`.slice(0, status === 413 ? undefined : 500))
          await upstream.reached()
          if (status === 413) socket.write(`10\r\n${'b'.repeat(16)}\r\n`)
          const [answer] = await once(socket, 'data')
          socket.destroy()
          return Number(String(answer).slice(9, 12))
        }
        expect(await post()).toBe(status)
        expect(await statusOf(`${stage.url}/a`, { ...paid(authorization), method: 'POST' })).toBe(
          402,
        )
        await vi.waitFor(() => {
          const { items } = stage.state.transactions({ limit: 10 })
          expect(items.map(({ uses }) => uses)).toEqual([1])
        }, 5000)
      })
    }
  }

  test('that a token asks the digest of is checked and goes on', async () => {
    const { stage, upstream } = await setUp(shop('POST /a: 10 sat'))
    const { createHash } = await import('node:crypto')
    const digest = createHash('sha256').update('hello').digest('hex')
    const bought = await stage.buy('/a', { method: 'POST' })
    const authorization = narrow(bought, `body_sha256=${digest}`)
    const post = (body: string): Promise<number> =>
      statusOf(`${stage.url}/a`, { ...paid(authorization), method: 'POST', body })
    expect(await post('hello')).toBe(200)
    expect(await post('other')).toBe(403)
    expect(upstream.seen.map(({ body }) => body)).toEqual(['hello'])
  })
})

test('R-EDGE-32 who does not take what was refused loses its session', async () => {
  const { stage, upstream } = await setUp(shop('GET /a: 10 sat', 'limits: { body_idle: 1s }'))
  const client = connectHttp2(stage.url, { settings: { initialWindowSize: 0 } })
  client.on('error', () => undefined)
  open.push({ close: async () => client.destroy() })
  await once(client, 'remoteSettings')
  for (let i = 0; i < 10; i++) client.request({ ':path': '/a' }).on('error', () => undefined)
  await new Promise<void>((resolve) => client.once('close', () => resolve()))
  expect(stage.records.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 402))
  expect(upstream.seen).toEqual([])
})

test('R-GW-18 the stream of a refused upload ends, although its client goes on', async () => {
  const { stage } = await setUp(shop('POST /a: 10 sat'))
  const client = connectHttp2(stage.url)
  client.on('error', () => undefined)
  open.push({ close: async () => client.destroy() })
  const stream = client.request({ ':path': '/a', ':method': 'POST' })
  stream.resume()
  stream.on('error', () => undefined)
  const [head] = await once(stream, 'response')
  expect(head[':status']).toBe(402)
  await new Promise<void>((resolve) => stream.once('close', () => resolve()))
  expect([stream.rstCode, client.closed]).toEqual([0, false])
}, 20_000)

test('R-OPS-5 what fails in the gateway itself is told of like any exchange', async () => {
  const { stage, upstream } = await setUp(shop('GET /a: { price: 10 sat, uses: 1 }'))
  const authorization = await stage.buy('/a')
  vi.spyOn(stage.state, 'noteToken').mockImplementation(() => {
    throw new Error('no ledger')
  })
  const left = new AbortController()
  upstream.answer = () => left.abort()
  await expect(
    fetch(`${stage.url}/a`, { ...paid(authorization), signal: left.signal }),
  ).rejects.toThrow()
  await vi.waitFor(() => expect(stage.records.at(-1)).toMatchObject({ outcome: 'failed' }))
  expect(stage.records.at(-1)).toMatchObject({ path: '/a', end: 'cut' })
  expect(stage.told.join()).toContain('no ledger')
})
