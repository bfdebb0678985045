import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest'
import { encodeHex, encodeUtf8, sha256 } from '../../library/src/bytes/index.ts'
import { l402 as expressL402 } from '../../library/src/middleware/express/index.ts'
import { l402 as honoL402 } from '../../library/src/middleware/hono/index.ts'
import { protect as protectNode } from '../../library/src/middleware/node-http/index.ts'
import { protect as protectWeb } from '../../library/src/middleware/web/index.ts'
import type { Gate, Receipt } from '../../library/src/server/index.ts'
import type { RawParts } from './raw.ts'
import { linesOf, rawRequest, sendRaw } from './raw.ts'
import type { Shop } from './shops.ts'
import { listen } from './shops.ts'
import type { Purchase } from './stall.ts'
import { openStall } from './stall.ts'

const opened: Shop[] = []
afterAll(async () => {
  await Promise.all(opened.map((shop) => shop.close()))
})
async function serve(
  server: Parameters<typeof listen>[0],
): Promise<(parts: RawParts) => ReturnType<typeof sendRaw>> {
  const shop = await listen(server)
  opened.push(shop)
  return (parts) => sendRaw(shop.port, rawRequest(parts))
}

async function stallWith(
  options: Parameters<typeof openStall>[0] = {},
): Promise<{ gate: Gate; bought: Purchase; stall: ReturnType<typeof openStall> }> {
  const stall = openStall(options)
  const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium' })
  return { stall, gate, bought: await stall.buy(gate, { target: '/premium' }) }
}
const paying = (authorization: string, ...lines: readonly string[]): RawParts => ({
  lines: [`Authorization: ${authorization}`, ...lines],
})

describe('R-SRV-63 a client address can be taken from where the operator says', () => {
  const forwarded = (header: string | string[] | undefined): string | undefined =>
    Array.isArray(header) ? header.at(-1) : header
  const fromProxy = 'X-Client: 198.51.100.1'

  test('in node-http', async () => {
    const { gate, bought } = await stallWith()
    const ask = await serve(
      createServer(
        protectNode(gate, (_request, response) => response.end('paid'), {
          clientAddress: (request) => forwarded(request.headers['x-client']),
        }),
      ),
    )
    const authorization = bought.narrowed('ip=198.51.100.1')
    expect((await ask(paying(authorization, fromProxy))).status).toBe(200)
    expect((await ask(paying(authorization))).status).toBe(403)
  })

  test('in Express, from what Express was told to trust', async () => {
    const { gate, bought } = await stallWith()
    const app = express().set('trust proxy', 'loopback')
    app.use(expressL402(gate, { clientAddress: (request) => request.ip }), (_request, response) => {
      response.send('paid')
    })
    const ask = await serve(createServer(app))
    const authorization = bought.narrowed('ip=198.51.100.1')
    expect((await ask(paying(authorization, 'X-Forwarded-For: 198.51.100.1'))).status).toBe(200)
    expect((await ask(paying(authorization))).status).toBe(403)
  })

  test('in Hono', async () => {
    const { gate, bought } = await stallWith()
    const app = new Hono()
    app.use(honoL402(gate, { clientAddress: (c) => c.req.header('x-client') }))
    app.get('/premium', (c) => c.text('paid'))
    const ask = await serve(createAdaptorServer({ fetch: app.fetch }) as never)
    const authorization = bought.narrowed('ip=198.51.100.1')
    expect((await ask(paying(authorization, fromProxy))).status).toBe(200)
    expect((await ask(paying(authorization))).status).toBe(403)
  })
})

describe('node-http', () => {
  test('R-SRV-48 shows the handler the credential where that is chosen', async () => {
    const { gate, bought } = await stallWith()
    const listener = protectNode(
      gate,
      (request, response) => response.end(request.headers.authorization),
      { keepCredential: true },
    )
    const ask = await serve(createServer(listener))
    expect((await ask(paying(bought.authorization))).body).toBe(bought.authorization)
  })

  test('R-SRV-48 hides it from every list of headers that Node has', async () => {
    const { gate, bought } = await stallWith()
    const ask = await serve(
      createServer(
        protectNode(gate, (request, response) => {
          response.end(
            JSON.stringify([request.rawHeaders, request.headers, request.headersDistinct]),
          )
        }),
      ),
    )
    const { body } = await ask(
      paying(bought.authorization, `Macaroon: 00${'707265696d6167653d'}`, 'X-Kept: yes'),
    )
    const [raw, headers, distinct] = JSON.parse(body) as [
      string[],
      object,
      Record<string, string[]>,
    ]
    expect(body).not.toMatch(/l402|707265/i)
    expect(Object.keys(headers)).toEqual(['host', 'x-kept', 'connection'])
    expect(distinct['authorization']).toEqual([''])
    expect(raw).toContain('X-Kept')
  })

  test('R-SRV-46 merges its headers with those given to writeHead, in any form', async () => {
    const { gate, bought } = await stallWith()
    for (const headers of [
      { 'cache-control': 'public, max-age=5', 'X-A': ['1', '2'], 'X-None': undefined },
      ['cache-control', 'public, max-age=5', 'X-A', '1', 'X-A', '2'],
    ]) {
      const ask = await serve(
        createServer(
          protectNode(gate, (_request, response) => {
            response.setHeader('Cache-Control', 'public')
            response.setHeader('X-A', '0')
            response.writeHead(201, 'Made', headers as never).end('paid')
          }),
        ),
      )
      const response = await ask(paying(bought.authorization))
      expect(response.status).toBe(201)
      expect(linesOf(response, 'cache-control')).toEqual(['private, max-age=5'])
      expect(linesOf(response, 'x-a').join(', ')).toBe('1, 2')
      expect(linesOf(response, 'x-none')).toEqual([])
    }
  })

  test('R-SRV-43 rejects with what the handler threw, after the use was given back', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
    const { authorization } = await stall.buy(gate)
    const thrown: unknown[] = []
    let broken = true
    const listener = protectNode(gate, (_request, response) => {
      if (broken) throw new Error('the handler failed')
      response.end('paid')
    })
    const ask = await serve(
      createServer((request, response) => {
        listener(request, response).catch((error: unknown) => {
          thrown.push(error)
          response.writeHead(500).end()
        })
      }),
    )
    expect((await ask(paying(authorization))).status).toBe(500)
    expect(thrown).toEqual([new Error('the handler failed')])
    broken = false
    expect((await ask(paying(authorization))).status).toBe(200)
  })
})

describe('node-http, when the client leaves while the handler works', () => {
  for (const [status, next] of [
    [200, 402],
    [500, 402],
  ] as const) {
    test(`R-SRV-43 the use counts whatever the handler says: after ${status} the next request gets ${next}`, async () => {
      const stall = openStall()
      const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
      const { authorization } = await stall.buy(gate)
      let working: (response: ServerResponse) => void = () => undefined
      const work = new Promise<ServerResponse>((resolve) => {
        working = resolve
      })
      let first = true
      const server = createServer(
        protectNode(gate, (_request, response) => {
          if (!first) return response.end('paid')
          first = false
          return working(response)
        }),
      )
      const shop = await listen(server)
      opened.push(shop)
      const socket = connect(shop.port, '127.0.0.1')
      socket.write(rawRequest(paying(authorization)))
      const response = await work
      const closed = new Promise((resolve) => response.once('close', resolve))
      socket.destroy()
      await closed
      response.statusCode = status
      response.end('nobody reads this')
      await new Promise(setImmediate)
      expect((await sendRaw(shop.port, rawRequest(paying(authorization)))).status).toBe(next)
    })
  }
})

/** Sends a request and leaves once the handler works on it; resolves when the server has seen it. */
async function leave(shop: Shop, text: string, working: Promise<ServerResponse>): Promise<void> {
  const socket = connect(shop.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  const { req } = await working
  const gone = new Promise((resolve) => req.socket.once('close', resolve))
  socket.destroy()
  await gone
}

function signalled(): { working: Promise<ServerResponse>; began: (r: ServerResponse) => void } {
  let began: (response: ServerResponse) => void = () => undefined
  const working = new Promise<ServerResponse>((resolve) => {
    began = resolve
  })
  return { working, began }
}

describe('when a handler fails after the client has left, the use counts', () => {
  type Work = (response: ServerResponse) => Promise<string>
  const servers: readonly (readonly [
    string,
    (gate: Gate, work: Work) => Parameters<typeof listen>[0],
  ])[] = [
    [
      'node-http',
      (gate, work) => {
        const listener = protectNode(gate, async (_request, response) => {
          response.end(await work(response))
        })
        return createServer((request, response) => {
          listener(request, response).catch(() => response.writeHead(500).end())
        })
      },
    ],
    [
      'Express',
      (gate, work) =>
        createServer(
          express()
            .set('env', 'test')
            .use(expressL402(gate), async (_request, response) => {
              response.send(await work(response))
            }),
        ),
    ],
    [
      'Hono',
      (gate, work) => {
        const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>()
        app.onError((_error, c) => c.text('failed', 500))
        app.get('/premium', honoL402(gate), async (c) => c.text(await work(c.env.outgoing)))
        return createAdaptorServer({ fetch: app.fetch }) as never
      },
    ],
    [
      'web',
      (gate, work) =>
        createAdaptorServer({
          fetch: protectWeb<[{ outgoing: ServerResponse }]>(
            gate,
            async (_request, _receipt, env) => {
              return new Response(await work(env.outgoing))
            },
          ) as never,
        }) as never,
    ],
  ]
  for (const [name, make] of servers) {
    for (const [how, count] of [
      ['on a connection of its own', 1],
      ['behind another request that is not answered yet', 2],
    ] as const) {
      test(`R-SRV-43 in ${name}, ${how}`, async () => {
        const stall = openStall()
        const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
        const { working, began } = signalled()
        const failures: (() => void)[] = []
        const shop = await listen(
          make(gate, (response) => {
            if (failures.length === count) return Promise.resolve('paid')
            return new Promise((_, reject) => {
              failures.push(() => reject(new Error('the handler failed')))
              if (failures.length === count) began(response)
            })
          }),
        )
        opened.push(shop)
        const bought = [await stall.buy(gate), await stall.buy(gate)].slice(0, count)
        const requests = bought.map(({ authorization }) => rawRequest(paying(authorization)))
        const text = requests.join('')
        await leave(shop, text.replace('Connection: close\r\n', ''), working)
        for (const fail of failures) fail()
        await new Promise(setImmediate)
        await new Promise(setImmediate)
        for (const request of requests) {
          expect((await sendRaw(shop.port, request)).status).toBe(402)
        }
      })
    }
  }
})

describe('node-http, when a handler throws and nobody answers', () => {
  test('R-SRV-43 gives the use back at once, not when the connection ends', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
    const { authorization } = await stall.buy(gate)
    const unanswered: ServerResponse[] = []
    const listener = protectNode(gate, (_request, response) => {
      if (unanswered.length > 0) return response.end('paid')
      unanswered.push(response)
      throw new Error('the handler failed')
    })
    let failed: () => void = () => undefined
    const failure = new Promise<void>((resolve) => {
      failed = resolve
    })
    const ask = await serve(
      createServer((request, response) => void listener(request, response).catch(failed)),
    )
    const first = ask(paying(authorization))
    await failure
    expect((await ask(paying(authorization))).status).toBe(200)
    unanswered[0]!.end('late')
    await first
  })
})

describe('Express', () => {
  test('lets the body through, and prices by the path that was received', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({
      price: ({ path }) => (path === '/api/premium' ? '10 sat' : '99 sat'),
      capability: 'premium',
    })
    const router = express.Router().use(expressL402(gate), express.json())
    router.post('/premium', (request, response) => {
      expectTypeOf(request.l402).toEqualTypeOf<Receipt | undefined>()
      response.json({ body: request.body as unknown, amount: String(request.l402?.amountMsat) })
    })
    const ask = await serve(createServer(express().use('/api', router)))
    const { authorization } = await stall.buy(gate, { target: '/api/premium', method: 'POST' })
    const response = await ask({
      ...paying(authorization, 'Content-Type: application/json'),
      method: 'POST',
      target: '/api/premium',
      body: '{"a":1}',
    })
    expect([response.status, response.body]).toEqual([200, '{"body":{"a":1},"amount":"10000"}'])
  })

  test('R-SRV-48 shows the handler the credential where that is chosen', async () => {
    const { gate, bought } = await stallWith()
    const app = express().use(expressL402(gate, { keepCredential: true }), (request, response) => {
      response.send(request.headers.authorization)
    })
    const ask = await serve(createServer(app))
    expect((await ask(paying(bought.authorization))).body).toBe(bought.authorization)
  })
})

describe('Hono', () => {
  test('R-SRV-46 replaces headers that cannot be changed in place', async () => {
    const { gate, bought } = await stallWith()
    const app = new Hono()
    app.use(honoL402(gate))
    app.get('/premium', () => Response.redirect('http://shop.example/elsewhere', 302))
    const request = new Request('http://shop.example/premium', {
      headers: { Authorization: bought.authorization },
    })
    const response = await app.fetch(request)
    expect([response.status, response.headers.get('location')]).toEqual([
      302,
      'http://shop.example/elsewhere',
    ])
    expect(response.headers.get('cache-control')).toBe('private')
    expect(response.headers.get('vary')).toBe('Authorization, Origin')
  })

  test('R-SRV-46 R-SRV-47 keeps what other middleware set, before it and after it', async () => {
    const { gate, bought } = await stallWith()
    for (const set of [
      (c: Context): void => c.header('Cache-Control', 'no-store'),
      (c: Context): void => c.res.headers.set('Cache-Control', 'no-store'),
    ]) {
      const app = new Hono()
      app.use(async (c, next) => {
        set(c)
        c.header('Vary', 'Accept')
        c.res.headers.set('Access-Control-Allow-Origin', 'https://a.example')
        await next()
      })
      app.get('/premium', honoL402(gate), (c) => c.json({ a: 1 }))
      const headers = { Authorization: bought.authorization, Origin: 'https://a.example' }
      const response = await app.fetch(new Request('http://shop.example/premium', { headers }))
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toContain('no-store')
      expect(response.headers.get('vary')).toBe('Accept, Authorization, Origin')
      expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example')
      expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    }
  })

  test('gives the receipt its type', () => {
    const { paywall } = openStall()
    const gate = paywall.charge({ price: '10 sat', capability: 'premium' })
    new Hono().get('/premium', honoL402(gate), (c) => {
      expectTypeOf(c.get('l402')).toEqualTypeOf<Receipt | undefined>()
      return c.text('paid')
    })
  })

  test('R-SRV-43 gives a use back when what comes after it throws', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
    const { authorization } = await stall.buy(gate)
    const app = new Hono()
    let thrown: unknown = 'not an Error: Hono does not catch it'
    app.get('/premium', honoL402(gate), (c) => {
      if (thrown !== undefined) throw thrown
      return c.text('paid')
    })
    const ask = async (): Promise<number> => {
      const request = new Request('http://shop.example/premium', {
        headers: { Authorization: authorization },
      })
      try {
        return (await app.fetch(request)).status
      } catch {
        return 500
      }
    }
    expect(await ask()).toBe(500)
    thrown = undefined
    expect([await ask(), await ask()]).toEqual([200, 402])
  })
})

describe('web', () => {
  const ask = (authorization: string, init: RequestInit = {}): Request =>
    new Request('http://shop.example/premium?x=1', {
      ...init,
      headers: { Authorization: authorization },
    })

  test('R-SRV-25 binds a token to a body, and the handler still reads it', async () => {
    const { gate, bought } = await stallWith()
    const fetch = protectWeb(gate, async (request) => new Response(await request.text()))
    const bodies = ['{"a":1}', '', 'x'.repeat(1024 * 1024)]
    for (const body of bodies) {
      const bound = bought.narrowed(`body_sha256=${encodeHex(sha256(encodeUtf8(body)))}`)
      const response = await fetch(ask(bound, { method: 'POST', body }))
      expect([response.status, (await response.text()).length]).toEqual([200, body.length])
      const other = await fetch(ask(bound, { method: 'POST', body: `${body} ` }))
      expect(other.status).toBe(403)
    }
  })

  test('R-SRV-25 does not read more than a mebibyte for it', async () => {
    const { gate, bought } = await stallWith()
    const fetch = protectWeb(gate, () => new Response('paid'))
    const body = 'x'.repeat(1024 * 1024 + 1)
    const bound = bought.narrowed(`body_sha256=${encodeHex(sha256(encodeUtf8(body)))}`)
    expect((await fetch(ask(bound, { method: 'POST', body }))).status).toBe(403)
    expect((await fetch(ask(bought.authorization, { method: 'POST', body }))).status).toBe(200)
  })

  test('R-SRV-25 a body that somebody has read has no digest', async () => {
    const { gate, bought } = await stallWith()
    const fetch = protectWeb(gate, () => new Response('paid'))
    const request = ask(bought.narrowed(`body_sha256=${encodeHex(sha256(encodeUtf8('a')))}`), {
      method: 'POST',
      body: 'a',
    })
    await request.text()
    expect((await fetch(request)).status).toBe(403)
  })

  test('passes on what the runtime gives beside the request', async () => {
    const { gate, bought } = await stallWith()
    const fetch = protectWeb<[{ readonly address: string }, number]>(
      gate,
      (_request, receipt, environment, count) =>
        Response.json({ count, ...environment, capability: receipt?.capability }),
      { clientAddress: (_request, { address }) => address },
    )
    const authorization = bought.narrowed('ip=198.51.100.1')
    const response = await fetch(ask(authorization), { address: '198.51.100.1' }, 3)
    expect(await response.json()).toEqual({
      count: 3,
      address: '198.51.100.1',
      capability: 'premium',
    })
    expect((await fetch(ask(authorization), { address: '198.51.100.2' }, 3)).status).toBe(403)
  })

  test('R-SRV-43 gives a use back when the handler rejects, and not when the client has left', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
    const { authorization } = await stall.buy(gate)
    const controller = new AbortController()
    const failing = protectWeb(gate, () => Promise.reject(new Error('the handler failed')))
    await expect(failing(ask(authorization))).rejects.toThrow('the handler failed')
    const leaving = protectWeb(gate, () => {
      controller.abort()
      return new Response('too late')
    })
    await leaving(ask(authorization, { signal: controller.signal }))
    const fetch = protectWeb(gate, () => new Response('paid'))
    expect((await fetch(ask(authorization))).status).toBe(402)
  })

  test('R-SRV-43 counts a failure of the handler, thrown or answered, once the client has left', async () => {
    for (const [fail, left, next] of [
      [() => Promise.reject(new Error('failed')), true, 402],
      [() => new Response('failed', { status: 500 }), true, 402],
      [() => new Response('failed', { status: 500 }), false, 200],
    ] as const) {
      const stall = openStall()
      const gate = stall.paywall.charge({ price: '10 sat', capability: 'premium', uses: 1 })
      const { authorization } = await stall.buy(gate)
      const controller = new AbortController()
      const failing = protectWeb(gate, () => {
        if (left) controller.abort()
        return fail()
      })
      await failing(ask(authorization, { signal: controller.signal })).catch(() => undefined)
      const fetch = protectWeb(gate, () => new Response('paid'))
      expect((await fetch(ask(authorization))).status).toBe(next)
    }
  })

  test('R-SRV-46 replaces headers that cannot be changed in place', async () => {
    const { gate, bought } = await stallWith()
    const fetch = protectWeb(gate, () => Response.redirect('http://shop.example/elsewhere'))
    const response = await fetch(ask(bought.authorization))
    expect([response.status, response.headers.get('cache-control')]).toEqual([302, 'private'])
  })
})
