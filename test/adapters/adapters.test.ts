import { afterAll, describe, expect, test } from 'vitest'
import type { RouteTable } from '../../library/src/server/index.ts'
import { createRoutes } from '../../library/src/server/index.ts'
import { premiumTargets } from './premium-targets.ts'
import type { RawParts, RawResponse } from './raw.ts'
import { linesOf, openRaw, rawRequest, sendRaw } from './raw.ts'
import type { Adapter, Mount, Shop } from './shops.ts'
import { adapters } from './shops.ts'
import type { Purchase, Stall } from './stall.ts'
import { openStall, request } from './stall.ts'

const opened: Shop[] = []
afterAll(async () => {
  await Promise.all(opened.map((shop) => shop.close()))
})

type Counter = Shop & {
  readonly stall: Stall
  ask(parts?: RawParts): Promise<RawResponse>
  buy(): Promise<Purchase>
}

const table: RouteTable = {
  'GET /premium': { price: '10 sat', capability: 'premium' },
  'POST /premium': 'free',
  '* /free/*': 'free',
}

async function open(
  adapter: Adapter,
  mount: Mount = 'route',
  charge: { uses?: number } = {},
  options: Parameters<typeof openStall>[0] = {},
): Promise<Counter> {
  const stall = openStall(options)
  const gate =
    mount === 'table'
      ? createRoutes(stall.paywall, table)
      : stall.paywall.charge({ price: '10 sat', capability: 'premium', ...charge })
  const shop = await adapter.open(gate, mount)
  opened.push(shop)
  return {
    ...shop,
    stall,
    ask: (parts = {}) => sendRaw(shop.port, rawRequest(parts)),
    buy: () => stall.buy(gate, { target: '/premium' }),
  }
}

function paying(
  { authorization }: Pick<Purchase, 'authorization'>,
  ...lines: readonly string[]
): RawParts {
  return { lines: [`Authorization: ${authorization}`, ...lines] }
}

function codeOf({ status, body }: RawResponse): string {
  return `${status} ${(JSON.parse(body) as { code: string }).code}`
}

for (const adapter of adapters) {
  describe(`the ${adapter.name} adapter`, () => {
    test('R-SRV-60 asks for payment, and serves what was paid', async () => {
      const shop = await open(adapter)
      const refused = await shop.ask()
      expect(codeOf(refused)).toBe('402 ACCESS_PAYMENT_REQUIRED')
      expect(linesOf(refused, 'www-authenticate')).toHaveLength(1)
      expect(linesOf(refused, 'cache-control')).toEqual(['no-store'])
      expect(linesOf(refused, 'content-type')).toEqual(['application/problem+json'])
      expect(linesOf(refused, 'access-control-expose-headers')[0]).toContain('WWW-Authenticate')
      expect(shop.backstage.reached).toBe(0)

      const { invoice, token } = JSON.parse(refused.body) as { invoice: string; token: string }
      expect(linesOf(refused, 'www-authenticate')[0]).toContain(
        `macaroon="${token}", invoice="${invoice}"`,
      )
      const bought = await shop.stall.pay({ status: 402, headers: [], body: refused.body })
      const served = await shop.ask(paying(bought, 'Origin: https://a.example'))
      expect(served.status).toBe(200)
      expect(JSON.parse(served.body)).toMatchObject({
        capability: 'premium',
        paymentHash: bought.paymentHash,
      })
      expect(linesOf(served, 'cache-control')).toEqual(['private'])
      expect(linesOf(served, 'vary')).toEqual(['Authorization, Origin'])
      expect(linesOf(served, 'access-control-allow-origin')).toEqual(['*'])
      expect(shop.backstage.reached).toBe(1)
    })

    test('R-SRV-60 sends every line of a header that has several', async () => {
      const shop = await open(adapter, 'route', {}, { legacyLsat: 'after' })
      const lines = linesOf(await shop.ask(), 'www-authenticate')
      // Fetch joins the lines of one header; both readings are the same header.
      expect(lines.join(', ')).toMatch(/^L402 macaroon=.*, LSAT macaroon=/)
    })

    test('R-SRV-5 R-SRV-60 passes every status on', async () => {
      const shop = await open(adapter)
      const bought = await shop.buy()
      const ask = async (parts: RawParts): Promise<string> => codeOf(await shop.ask(parts))
      expect(await ask({ lines: ['Authorization: L402 x'] })).toBe('401 CREDENTIAL_MALFORMED')
      expect(await ask(paying({ authorization: bought.authorization.replace(/..$/, '00') }))).toBe(
        '401 CREDENTIAL_REFUSED',
      )
      expect(await ask(paying({ authorization: bought.narrowed('method=POST') }))).toBe(
        '403 CAVEAT_NOT_MET',
      )
      expect(await ask(paying({ authorization: bought.narrowed('ip=198.51.100.1') }))).toBe(
        '403 CAVEAT_NOT_MET',
      )
      shop.stall.clock.seconds += 100_000
      expect(await ask(paying(bought))).toBe('402 ACCESS_EXPIRED')
      shop.stall.seller.setReachable(false)
      await new Promise(setImmediate)
      const down = await shop.ask()
      expect(codeOf(down)).toBe('503 NODE_UNAVAILABLE')
      expect(linesOf(down, 'retry-after')).toEqual(['5'])
      const preflight = await shop.ask({
        method: 'OPTIONS',
        lines: ['Origin: https://a.example', 'Access-Control-Request-Method: GET'],
      })
      expect([preflight.status, preflight.body]).toEqual([204, ''])
      expect(linesOf(preflight, 'access-control-allow-headers')[0]).toContain('Authorization')
      const head = await shop.ask({ method: 'HEAD' })
      expect([head.status, head.body]).toEqual([503, ''])
      expect(shop.backstage.reached).toBe(0)
    })

    test('R-SRV-63 knows the client by its socket, whatever a header says', async () => {
      const shop = await open(adapter)
      const bought = await shop.buy()
      const forwarded = [
        'X-Forwarded-For: 198.51.100.1',
        'X-Real-IP: 198.51.100.1',
        'Forwarded: for=198.51.100.1',
      ]
      const here = paying({ authorization: bought.narrowed('ip=127.0.0.0/8') }, ...forwarded)
      expect((await shop.ask(here)).status).toBe(200)
      const elsewhere = paying({ authorization: bought.narrowed('ip=198.51.100.1') }, ...forwarded)
      expect(codeOf(await shop.ask(elsewhere))).toBe('403 CAVEAT_NOT_MET')
    })

    test('R-SRV-19 reads every Authorization line', async () => {
      const shop = await open(adapter)
      const bought = await shop.buy()
      const other = await shop.buy()
      const lines = (...values: readonly string[]): RawParts => ({
        lines: values.map((value) => `Authorization: ${value}`),
      })
      const lsat = bought.authorization.replace('L402', 'LSAT')
      for (const parts of [
        lines('Bearer abc', bought.authorization),
        lines(bought.authorization, 'Bearer abc'),
        lines(lsat, bought.authorization),
        { lines: [`aUTHORIZATION: ${bought.authorization}`] },
      ]) {
        expect((await shop.ask(parts)).status).toBe(200)
      }
      const reached = shop.backstage.reached
      for (const parts of [
        lines(bought.authorization, other.authorization),
        lines(other.authorization, bought.authorization),
        lines('Bearer abc', bought.authorization, 'L402 x:y'),
      ]) {
        expect((await shop.ask(parts)).status).toBe(401)
      }
      expect(shop.backstage.reached).toBe(reached)
    })

    test('R-SRV-43 takes a use when the response starts and gives it back when the handler fails', async () => {
      const shop = await open(adapter, 'route', { uses: 2 })
      const bought = await shop.buy()
      const ask = (acting: string): Promise<RawResponse> =>
        shop.ask(paying(bought, `X-Act: ${acting}`))
      for (const acting of ['fail', 'status 500', 'status 503', 'fail']) {
        expect((await ask(acting)).status).toBeGreaterThanOrEqual(500)
      }
      expect((await ask('hello')).status).toBe(200)
      expect((await ask('status 404')).status).toBe(404)
      expect(codeOf(await ask('hello'))).toBe('402 ACCESS_USED_UP')
    })

    test('R-SRV-43 takes the use of a client that leaves before the response', async () => {
      const shop = await open(adapter, 'route', { uses: 1 })
      const bought = await shop.buy()
      const socket = openRaw(shop.port)
      socket.write(rawRequest(paying(bought, 'X-Act: hang')))
      while (shop.backstage.reached === 0) await new Promise(setImmediate)
      const drained = shop.drained()
      socket.destroy()
      await drained
      expect(codeOf(await shop.ask(paying(bought)))).toBe('402 ACCESS_USED_UP')
      shop.backstage.release()
      await new Promise(setImmediate)
      expect(codeOf(await shop.ask(paying(bought)))).toBe('402 ACCESS_USED_UP')
      expect(shop.backstage.reached).toBe(1)
    })

    test('R-SRV-62 lets a response stream: its first bytes come before its last', async () => {
      const shop = await open(adapter, 'route', { uses: 1 })
      const bought = await shop.buy()
      const socket = openRaw(shop.port)
      socket.write(rawRequest(paying(bought, 'X-Act: stream')))
      let received = ''
      for await (const chunk of socket) {
        received += String(chunk)
        if (!received.includes('first ')) continue
        if (received.includes('last')) break
        // The use is taken while the body is still on its way.
        expect(codeOf(await shop.ask(paying(bought)))).toBe('402 ACCESS_USED_UP')
        shop.backstage.release()
      }
      expect(received).toContain('last')
      expect(received).toMatch(/cache-control: private/i)
    })

    test('R-SRV-46 R-SRV-47 merges its headers with the handler’s', async () => {
      for (const mount of ['route', 'prefix'] as const) {
        const shop = await open(adapter, mount)
        const served = await shop.ask({
          ...paying(await shop.buy(), 'X-Act: headers'),
          target: '/premium',
        })
        expect(served.status).toBe(200)
        expect(linesOf(served, 'cache-control')).toEqual(['private, max-age=60'])
        expect(linesOf(served, 'vary')).toEqual(['Accept, Authorization, Origin'])
      }
    })

    test('R-SRV-48 R-SRV-49 keeps from the handler what is not for it', async () => {
      const shop = await open(adapter)
      const bought = await shop.buy()
      const lines = ['Satway-Token-Id: forged', 'X-HTTP-Method-Override: DELETE', 'X-Kept: yes']
      const seen = async (parts: RawParts): Promise<unknown> =>
        JSON.parse((await shop.ask(parts)).body)
      if (adapter.hidesCredential) {
        const alone = await seen(paying(bought, ...lines, 'Satway_Token_Id: forged'))
        expect(alone).toEqual({
          capability: 'premium',
          paymentHash: bought.paymentHash,
          kept: 'yes',
        })
        expect(await seen(paying(bought, 'Authorization: Bearer abc'))).toMatchObject({
          authorization: 'Bearer abc',
        })
        return
      }
      // These frameworks hand the request on as it came, and their documentation says so.
      expect(await seen(paying(bought, ...lines))).toMatchObject({
        authorization: bought.authorization,
      })
    })

    describe('R-SRV-61 no spelling reaches a paid handler unpaid', () => {
      for (const mount of adapter.mounts) {
        test(`where the gate is mounted as a ${mount}`, async () => {
          const shop = await open(
            adapter,
            mount,
            {},
            { issuance: { burst: 1_000_000, globalBurst: 1_000_000 } },
          )
          const bought = await shop.buy()
          const answers: string[] = []
          for (const parts of corpus()) {
            // A route that is free by its method is not reached by the corpus of the priced one.
            if (mount === 'table' && parts.method === 'POST') continue
            const response = await shop.ask(parts)
            const line = `${parts.method} ${parts.target} ${parts.lines?.join(' ')}: ${response.status}`
            answers.push(line)
            expect(shop.backstage.reached, line).toBe(0)
            const served = response.status >= 200 && response.status < 300
            expect(served && response.status !== 204, line).toBe(false)
          }
          expect(answers.length).toBeGreaterThan(300)

          const target = '/premium'
          expect((await shop.ask({ ...paying(bought), target })).status).toBe(200)
          expect(shop.backstage.reached).toBe(1)
        })
      }

      test('nor does one that is paid for answer with a server error', async () => {
        const shop = await open(adapter)
        const bought = await shop.buy()
        for (const { target } of corpus()) {
          const { status } = await shop.ask({ ...paying(bought), target: target ?? '' })
          expect(status, target).toBeLessThan(500)
        }
      })
    })
  })
}

function* corpus(): Generator<RawParts> {
  const zeros = '0'.repeat(64)
  for (const target of premiumTargets) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND'])
      yield { method, target }
  }
  for (const target of ['/premium', '/Premium/', '/%70remium', '//premium', '/x/../premium']) {
    for (const lines of [
      ['X-HTTP-Method-Override: POST'],
      ['X-HTTP-Method-Override: OPTIONS'],
      ['X-Method-Override: GET', 'X-HTTP-Method: GET'],
      ['Origin: https://a.example', 'Access-Control-Request-Method: GET'],
      ['Authorization: Bearer x', 'Authorization: Bearer y'],
      [`Authorization: L402 AgJC:${zeros}`, 'Authorization: Bearer x'],
      ['Authorization: Bearer x', `Authorization: L402 AgJC:${zeros}`],
      [`Authorization: L402 AgJC:${zeros}`, `Authorization: LSAT AgJC:${zeros}`],
      ['Authorization:'],
      [`Macaroon: ${zeros}`],
      ['Grpc-Metadata-Macaroon: 0201'],
      ['Host: shop.example', 'Host: other.example'],
      ['Host: other.example'],
      ['Satway-Payment-Hash: 00', 'Satway-Capability: premium'],
      ['X-Original-URL: /free/x', 'X-Rewrite-URL: /free/x'],
      ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Prefix: /free'],
      ['Connection: Authorization, Upgrade', 'Upgrade: websocket'],
      ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
      ['Content-Type: application/grpc'],
      ['Expect: 100-continue'],
    ]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) yield { method, target, lines }
    }
  }
}

test('the corpus is the same for every adapter, and a gate of its own refuses it as well', async () => {
  const stall = openStall({ issuance: { burst: 1_000_000, globalBurst: 1_000_000 } })
  const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium' })
  let refused = 0
  for (const { method = 'GET', target = '' } of corpus()) {
    const decision = await gate(request({ method, target }))
    if (decision.status === 'refused') refused++
  }
  expect(refused).toBe([...corpus()].length)
})
