import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createRoutes } from '../../library/src/server/index.ts'
import type { RawParts, RawResponse } from '../adapters/raw.ts'
import { linesOf, rawRequest, sendRaw } from '../adapters/raw.ts'
import type { Purchase, Stall } from '../adapters/stall.ts'
import { openStall } from '../adapters/stall.ts'
import { skipPart } from '../parts.ts'
import { caddyLack, startCaddy } from './caddy.ts'
import type { App, Endpoint } from './forward-auth-stage.ts'
import { documented, openApp, openEndpoint } from './forward-auth-stage.ts'
import { nginxLack, startNginx } from './nginx.ts'
import { couldBePremium, unpaidSpellings } from './spellings.ts'

// What docs/forward-auth.md tells an operator to write, as it stands there, in the real proxies.

type Proxy = {
  readonly port: number
  /** Speaks HTTP/2, without TLS. */
  readonly http2Port: number
  stop(): Promise<void>
}

type Kind = {
  readonly name: 'nginx' | 'caddy'
  readonly lack: string | undefined
  readonly mode: 'nginx' | 'forward'
  start(satwayPort: number, appPort: number): Promise<Proxy>
}

const kinds: readonly Kind[] = [
  {
    name: 'nginx',
    lack: nginxLack(),
    mode: 'nginx',
    start: async (satwayPort, appPort) => {
      const nginx = await startNginx(
        (port, http2Port) =>
          withPorts(documented('nginx'), satwayPort, appPort).replace(
            'listen 8080;',
            `listen 127.0.0.1:${port}; listen 127.0.0.1:${http2Port} http2;`,
          ),
        { ports: 2 },
      )
      return { port: nginx.port, http2Port: nginx.ports[1]!, stop: nginx.stop }
    },
  },
  {
    name: 'caddy',
    lack: caddyLack(),
    mode: 'forward',
    start: async (satwayPort, appPort) => {
      const caddy = await startCaddy((port) =>
        withPorts(documented('caddyfile'), satwayPort, appPort).replace(':8080', `http://:${port}`),
      )
      return { ...caddy, http2Port: caddy.port }
    },
  },
]

function withPorts(config: string, satwayPort: number, appPort: number): string {
  expect(config).toContain('127.0.0.1:8404')
  expect(config).toContain('127.0.0.1:3000')
  return config
    .replaceAll('127.0.0.1:8404', `127.0.0.1:${satwayPort}`)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${appPort}`)
}

for (const kind of kinds) {
  describe.skipIf(skipPart(kind.name, kind.lack))(`forward auth through ${kind.name}`, () => {
    let stall: Stall
    let app: App
    let satway: Endpoint
    let proxy: Proxy
    const ask = (parts: RawParts = {}): Promise<RawResponse> =>
      sendRaw(proxy.port, rawRequest(parts))
    const buy = async (parts: RawParts = {}): Promise<Purchase> => {
      const { status, body } = await ask(parts)
      return stall.pay({ status, headers: [], body })
    }

    beforeAll(async () => {
      stall = openStall({ issuance: { burst: 1_000_000, globalBurst: 1_000_000 } })
      const gate = createRoutes(stall.paywall, {
        'GET /': 'free',
        '* /free/*': 'free',
        'GET /premium': { price: '10 sat', capability: 'premium' },
        'POST /twice': { price: '10 sat', capability: 'twice', uses: 2 },
        'GET /items/:name': { price: '10 sat', capability: 'items' },
      })
      app = await openApp()
      satway = await openEndpoint(gate, { mode: kind.mode })
      proxy = await kind.start(satway.port, app.port)
    })
    afterAll(async () => {
      await proxy.stop()
      await satway.close()
      await app.close()
    })
    beforeEach(() => {
      app.seen.length = 0
      app.answer = { status: 200, headers: {} }
    })

    test('R-FA-6 R-FA-14 a request that is not paid for is answered as the gateway would', async () => {
      const refused = await ask()
      expect(refused.status).toBe(402)
      const problem = JSON.parse(refused.body) as Record<string, string>
      expect(problem).toMatchObject({ code: 'ACCESS_PAYMENT_REQUIRED', amount_msat: 10_000 })
      const { token, invoice } = problem
      expect(linesOf(refused, 'www-authenticate')).toEqual([
        `L402 macaroon="${token}", invoice="${invoice}", version="0", token="${token}"`,
      ])
      expect(linesOf(refused, 'content-type')).toEqual(['application/problem+json'])
      expect(linesOf(refused, 'cache-control')).toEqual(['no-store'])
      expect(linesOf(refused, 'vary')).toEqual(['Authorization'])
      expect(linesOf(refused, 'access-control-allow-origin')).toEqual(['*'])
      expect(linesOf(refused, 'access-control-expose-headers')[0]).toContain('WWW-Authenticate')
      expect(app.seen).toEqual([])
    })

    test('R-FA-7 one refusal costs one question and one invoice', async () => {
      const before = { asked: satway.asked(), invoices: stall.invoices() }
      const { status } = await ask({ method: 'POST', target: '/twice', body: 'x'.repeat(1000) })
      expect(status).toBe(402)
      expect(satway.asked() - before.asked).toBe(1)
      expect(stall.invoices() - before.invoices).toBe(1)
    })

    test('R-FA-5 R-FA-13 what is paid for reaches the application, with facts and without the credential', async () => {
      const bought = await buy()
      const served = await ask({
        lines: [
          `Authorization: ${bought.authorization}`,
          'Satway-Token-Id: spoofed',
          'Satway-Service: spoofed',
          'Satway-Signature: spoofed',
          'Satway_Amount_Msat: 1',
          'X-HTTP-Method-Override: DELETE',
          'X-Kept: kept',
        ],
      })
      expect([served.status, served.body]).toEqual([200, 'served /premium'])
      const [seen] = app.seen
      expect(seen?.headers).toMatchObject({
        'satway-payment-hash': bought.paymentHash,
        'satway-service': 'weather',
        'satway-capability': 'premium',
        'satway-amount-msat': '10000',
        'x-kept': 'kept',
      })
      expect(seen?.headers['satway-token-id']).toMatch(/^[0-9a-f]{64}$/)
      expect(seen?.headers['authorization']).toBeUndefined()
      expect(seen?.names.filter((name) => /^satway_|override|signature/.test(name))).toEqual([])
      expect(seen?.names.filter((name) => name === 'satway-token-id')).toHaveLength(1)
    })

    test('R-FA-13 what is free has no facts, and an Authorization of another kind stays', async () => {
      const served = await ask({
        target: '/free/x',
        lines: ['Authorization: Bearer mine', 'Satway-Token-Id: spoofed', 'satway-capability: x'],
      })
      expect(served.status).toBe(200)
      expect(app.seen[0]?.headers['authorization']).toBe('Bearer mine')
      expect(app.seen[0]?.names.filter((name) => name.startsWith('satway'))).toEqual([])
      expect(linesOf(served, 'cache-control')).toEqual([])
    })

    test('R-FA-5 no shared cache may keep what was paid for', async () => {
      const bought = await buy()
      const lines = [`Authorization: ${bought.authorization}`]
      app.answer = {
        status: 200,
        headers: { 'Cache-Control': 'public, max-age=60', Vary: 'Accept' },
      }
      const served = await ask({ lines })
      expect(linesOf(served, 'cache-control')).toEqual(['private'])
      expect(linesOf(served, 'vary').join(', ')).toMatch(/^Accept, Authorization/)
      const free = await ask({ target: '/free/x' })
      expect(linesOf(free, 'cache-control')).toEqual(['public, max-age=60'])
    })

    test.each([
      [
        'a credential that is none',
        { lines: ['Authorization: L402 x'] },
        401,
        'CREDENTIAL_MALFORMED',
      ],
      ['an ambiguous path', { target: '/x/../premium' }, 400, 'REQUEST_AMBIGUOUS'],
      ['a path that is not listed', { target: '/premium/' }, 404, 'REQUEST_NOT_FOUND'],
      ['a method that is not listed', { method: 'DELETE' }, 405, 'REQUEST_METHOD'],
    ])('R-FA-6 R-FA-14 %s is told as it is', async (_, parts, status, code) => {
      const refused = await ask(parts)
      expect(refused.status).toBe(status)
      expect(JSON.parse(refused.body)).toMatchObject({ status, code })
      if (status === 401) expect(linesOf(refused, 'www-authenticate')).toEqual(['L402'])
      if (status === 405) expect(linesOf(refused, 'allow')).toEqual(['GET, HEAD'])
      expect(app.seen).toEqual([])
    })

    test('R-FA-6 R-FA-14 a caveat that forbids is 403, and a purchase for something else 402', async () => {
      const bought = await buy()
      const narrowed = await ask({ lines: [`Authorization: ${bought.narrowed('method=POST')}`] })
      expect(narrowed.status).toBe(403)
      expect(JSON.parse(narrowed.body)).toMatchObject({ code: 'CAVEAT_NOT_MET' })
      const other = await ask({
        target: '/items/1',
        lines: [`Authorization: ${bought.authorization}`],
      })
      expect(other.status).toBe(402)
      expect(JSON.parse(other.body)).toMatchObject({ code: 'ACCESS_OTHER_RESOURCE' })
      expect(app.seen).toEqual([])
    })

    test('R-FA-4 the client is who the proxy says, whatever the client says', async () => {
      const bought = await buy()
      const from = async (caveat: string): Promise<number> => {
        const lines = [
          `Authorization: ${bought.narrowed(caveat)}`,
          'X-Forwarded-For: 198.51.100.1',
          'X-Original-Client: 198.51.100.1',
          'X-Real-IP: 198.51.100.1',
        ]
        return (await ask({ lines })).status
      }
      expect(await from('ip=127.0.0.1')).toBe(200)
      expect(await from('ip=198.51.100.1')).toBe(403)
    })

    test('R-FA-9 a use is counted when the application is asked, whatever it answers', async () => {
      const bought = await buy({ method: 'POST', target: '/twice' })
      const use = async (): Promise<number> => {
        const lines = [`Authorization: ${bought.authorization}`]
        return (await ask({ method: 'POST', target: '/twice', lines, body: 'x' })).status
      }
      app.answer = { status: 503, headers: {} }
      expect(await use()).toBe(503)
      app.answer = { status: 200, headers: {} }
      expect(await use()).toBe(200)
      expect(await use()).toBe(402)
      expect(app.seen).toHaveLength(2)
    })

    test("R-FA-6 an answer of the application's own is not touched, whatever its status", async () => {
      for (const status of [401, 403, 404, 500]) {
        app.answer = { status, headers: { 'X-Own': 'yes' } }
        const answer = await ask({ target: '/free/x' })
        expect([answer.status, answer.body]).toEqual([status, 'served /free/x'])
      }
    })

    test('R-FA-8 a preflight is answered before the application, and never lets it through', async () => {
      const preflight = await ask({
        method: 'OPTIONS',
        lines: ['Origin: https://a.example', 'Access-Control-Request-Method: GET'],
      })
      expect([preflight.status, preflight.body]).toEqual([204, ''])
      expect(linesOf(preflight, 'access-control-allow-origin')).toEqual(['*'])
      expect(linesOf(preflight, 'access-control-allow-headers')[0]).toContain('Authorization')
      expect(app.seen).toEqual([])
    })

    test('R-FA-10 HEAD is priced as GET', async () => {
      const refused = await ask({ method: 'HEAD' })
      expect([refused.status, refused.body]).toEqual([402, ''])
      expect(linesOf(refused, 'www-authenticate')[0]).toMatch(/^L402 macaroon=/)
      const bought = await buy()
      const served = await ask({
        method: 'HEAD',
        lines: [`Authorization: ${bought.authorization}`],
      })
      expect(served.status).toBe(200)
      expect(app.seen.map(({ method }) => method)).toEqual(['HEAD'])
    })

    test('R-FA-10 a WebSocket is judged when it is opened', async () => {
      const url = `ws://127.0.0.1:${proxy.port}/premium`
      const refused = new WebSocket(url)
      const [, response] = await once(refused, 'unexpected-response')
      expect(response.statusCode).toBe(402)
      expect(app.seen).toEqual([])

      const { authorization } = await buy()
      const socket = new WebSocket(url, { headers: { authorization } })
      await once(socket, 'open')
      socket.send('hello')
      const [message] = await once(socket, 'message')
      expect(String(message)).toBe('echo hello')
      expect(app.seen[0]?.headers['satway-capability']).toBe('premium')
      expect(app.seen[0]?.headers.authorization).toBeUndefined()
      socket.close()
      await once(socket, 'close')
    })

    test('R-FA-11 no spelling of a priced path reaches the application unpaid', async () => {
      let count = 0
      for (const parts of unpaidSpellings()) {
        app.seen.length = 0
        const { status } = await ask(parts)
        const line = `${parts.method} ${parts.target} ${parts.lines?.join(' ') ?? ''}: ${status}`
        // What reaches it is free: nothing of it could be read as what is sold.
        expect(
          app.seen.filter(({ url }) => couldBePremium(url)),
          line,
        ).toEqual([])
        if (couldBePremium(parts.target ?? '')) expect(app.seen, line).toEqual([])
        count++
      }
      expect(count).toBeGreaterThan(700)
    })

    test('R-FA-11 a spelling that leaves no doubt is served when it is paid for, and judged as it is forwarded', async () => {
      const bought = await buy({ target: '/items/a-b' })
      const lines = [`Authorization: ${bought.authorization}`]
      expect((await ask({ target: '/items/a%2Db?q=%2f&r=a+b', lines })).status).toBe(200)
      const forwarded = app.seen[0]?.url
      // nginx is told the canonical target; Caddy forwards its own.
      const expected = kind.name === 'nginx' ? '/items/a-b' : '/items/a%2Db'
      expect(forwarded).toBe(`${expected}?q=%2f&r=a+b`)
    })

    test('R-FA-12 where the wallet is away the answer is 503, and what was paid for is served', async () => {
      const bought = await buy()
      stall.seller.setReachable(false)
      try {
        const away = await ask({ method: 'POST', target: '/twice' })
        expect(away.status).toBe(503)
        expect(linesOf(away, 'retry-after')).toEqual(['5'])
        expect(JSON.parse(away.body)).toMatchObject({ code: 'NODE_UNAVAILABLE' })
        const served = await ask({ lines: [`Authorization: ${bought.authorization}`] })
        expect(served.status).toBe(200)
      } finally {
        stall.seller.setReachable(true)
      }
    })

    test('R-FA-10 clients that speak HTTP/2 to the proxy are asked in the same way', async () => {
      const client = connectHttp2(`http://127.0.0.1:${proxy.http2Port}`)
      const bought = await buy()
      const get = async (headers: Record<string, string>): Promise<unknown> => {
        const stream = client.request({ ':path': '/premium', ...headers })
        stream.resume()
        const [head] = await once(stream, 'response')
        return [head[':status'], String(head['www-authenticate'] ?? '').slice(0, 4)]
      }
      expect(await get({})).toEqual([402, 'L402'])
      expect(await get({ ':path': '/x/../premium' })).toEqual([400, ''])
      expect(await get({ ':path': '//premium' })).toEqual([400, ''])
      expect(app.seen).toEqual([])
      expect(await get({ authorization: bought.authorization })).toEqual([200, ''])
      client.close()
    })

    test('R-FA-12 where Satway is away nobody is served and nobody is asked to pay', async () => {
      const bought = await buy()
      await satway.close()
      try {
        for (const lines of [[], [`Authorization: ${bought.authorization}`]]) {
          const away = await ask({ lines })
          expect([502, 503]).toContain(away.status)
          if (kind.name === 'nginx') expect(linesOf(away, 'retry-after')).toEqual(['5'])
        }
        expect((await ask({ target: '/free/x' })).status).toBeGreaterThanOrEqual(502)
        expect(app.seen).toEqual([])
      } finally {
        await satway.reopen()
      }
    })
  })
}

describe.skipIf(skipPart('nginx', nginxLack()))('a configuration that forgets something', () => {
  test.each(['Method', 'URI', 'Host', 'Client'])(
    'R-FA-3 nobody is served without X-Original-%s',
    async (name) => {
      const stall = openStall()
      const gate = createRoutes(stall.paywall, { '* /': 'free' })
      const app = await openApp()
      const satway = await openEndpoint(gate, { mode: 'nginx' })
      const nginx = await startNginx((port) =>
        withPorts(documented('nginx'), satway.port, app.port)
          .replace('listen 8080;', `listen 127.0.0.1:${port};`)
          .replace(new RegExp(`proxy_set_header X-Original-${name} .*`), ''),
      )
      try {
        const { status } = await sendRaw(nginx.port, rawRequest({ target: '/' }))
        expect(status).toBe(503)
        expect(nginx.errors()).toContain('auth request unexpected status: 400')
        expect(app.seen).toEqual([])
      } finally {
        await nginx.stop()
        await satway.close()
        await app.close()
      }
    },
  )
})
