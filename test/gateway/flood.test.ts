import { once } from 'node:events'
import { Agent, request as ask } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openHttp2 } from './http2-client.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { openStage, payFor } from './stage.ts'
import type { TestUpstream } from './upstream.ts'
import { openUpstream } from './upstream.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type World = { readonly stage: Stage; readonly upstream: TestUpstream }

async function setUp(routes: readonly string[], more: readonly string[] = []): Promise<World> {
  const upstream = await openUpstream()
  open.push(upstream)
  const stage = await openStage(shop(upstream.url, routes, more))
  open.push(stage)
  return { stage, upstream }
}

type Answer = {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly challenge: string | null
}

/** One client that keeps its connections. */
function openClient(url: string): (headers?: Record<string, string>) => Promise<Answer> {
  const agent = new Agent({ keepAlive: true })
  open.push({ close: () => agent.destroy() })
  return (headers = {}) =>
    new Promise((resolve, reject) => {
      const asking = ask(`${url}/a`, { agent, headers }, (response) => {
        response.resume()
        const challenge = response.headers['www-authenticate'] ?? null
        const retryAfter = response.headers['retry-after']
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, retryAfter, challenge }),
        )
      })
      asking.once('error', reject)
      asking.end()
    })
}

const limited = ['GET /a: { price: 10 sat, uses: 1000 }']
const issuance = 'issuance: { burst: 20, per_minute: 60, global_burst: 45, global_per_minute: 60 }'
const trusted = 'trusted_proxies: [127.0.0.1/32]'

describe('R-E2E-24 a flood of requests that nobody paid for', () => {
  test('from one network gets as many invoices as are allowed, and 429 beyond', async () => {
    const { stage, upstream } = await setUp(limited, [issuance])
    const client = openClient(stage.url)
    const answers = await Promise.all(Array.from({ length: 200 }, () => client()))
    const paidFor = answers.filter(({ status }) => status === 402)
    const refused = answers.filter(({ status }) => status === 429)
    expect([paidFor.length, refused.length, stage.invoices()]).toEqual([20, 180, 20])
    for (const { retryAfter, challenge } of refused) {
      expect(Number(retryAfter)).toBeGreaterThan(0)
      expect(challenge).toBeNull()
    }
    // A challenge of limited uses is nobody else's.
    expect(new Set(paidFor.map(({ challenge }) => challenge)).size).toBe(20)
    expect(upstream.seen).toEqual([])

    stage.clock.seconds += Number(refused[0]!.retryAfter)
    expect((await client()).status).toBe(402)
  })

  test('from many addresses of one network is a flood of that network', async () => {
    const { stage } = await setUp(limited, [issuance, trusted])
    const client = openClient(stage.url)
    const from = (network: string) => (_: unknown, i: number) =>
      client({ 'x-forwarded-for': `198.51.${network}.${i}` })
    const one = await Promise.all(Array.from({ length: 100 }, from('100')))
    expect(one.filter(({ status }) => status === 402)).toHaveLength(20)
    // Another network has its own.
    const two = await Promise.all(Array.from({ length: 100 }, from('101')))
    expect(two.filter(({ status }) => status === 402)).toHaveLength(20)
    // And all together have a bound.
    const three = await Promise.all(Array.from({ length: 100 }, from('102')))
    expect(three.filter(({ status }) => status === 402)).toHaveLength(5)
    expect(stage.invoices()).toBe(45)
  })

  test('leaves a client alone that has paid: it gets all its answers', async () => {
    const { stage, upstream } = await setUp(limited, [issuance])
    const client = openClient(stage.url)
    const authorization = await payFor(stage.buyer, (await client()).challenge)
    const flood = Array.from({ length: 400 }, () => client())
    const paid = Array.from({ length: 100 }, () => client({ authorization }))
    const served = await Promise.all(paid)
    expect(served.map(({ status }) => status)).toEqual(served.map(() => 200))
    const answers = await Promise.all(flood)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(19)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(381)
    expect(upstream.seen).toHaveLength(100)
  })

  test('for a token without a limit of uses costs one invoice, which all are shown', async () => {
    const { stage } = await setUp(['GET /a: 10 sat'], [issuance])
    const client = openClient(stage.url)
    const answers = await Promise.all(Array.from({ length: 200 }, () => client()))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([402]))
    expect(new Set(answers.map(({ challenge }) => challenge)).size).toBe(1)
    expect(stage.invoices()).toBe(1)
    // Once it is paid the next client gets one of its own.
    const authorization = await payFor(stage.buyer, answers[0]!.challenge)
    expect((await client({ authorization })).status).toBe(200)
    const next = await client()
    expect([next.status, stage.invoices()]).toEqual([402, 2])
    expect(next.challenge).not.toBe(answers[0]!.challenge)
  })

  test('of forged tokens costs no invoice at all', async () => {
    const { stage, upstream } = await setUp(limited, [issuance])
    const client = openClient(stage.url)
    const real = await payFor(stage.buyer, (await client()).challenge)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        client({ authorization: real.replace(/[0-9a-f]{64}$/, String(i).padStart(64, '0')) }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(stage.invoices()).toBe(1)
    expect(upstream.seen).toEqual([])
    expect((await client({ authorization: real })).status).toBe(200)
  })

  test('writes nothing of what was not paid', async () => {
    const { stage } = await setUp(limited, [issuance])
    const client = openClient(stage.url)
    await Promise.all(Array.from({ length: 100 }, () => client()))
    expect(stage.state.transactions({ limit: 10 }).items).toEqual([])
  })
})

/** A connection, and what comes on it. */
async function dial(port: number): Promise<{ readonly socket: Socket; text(): string }> {
  const socket = connect(port, '127.0.0.1')
  open.push({ close: () => socket.destroy() })
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1')
  })
  await once(socket, 'connect')
  return { socket, text: () => text }
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

describe('R-E2E-25 a client that is too slow', () => {
  const limits = 'limits: { head_timeout: 1s, keep_alive: 1s, body_idle: 1s }'

  test('loses its connection, wherever it stops; others are served meanwhile', async () => {
    const { stage, upstream } = await setUp(['GET /a: free', 'POST /a: free'], [limits])
    const silent = await dial(stage.port)
    const headless = await dial(stage.port)
    headless.socket.write('GET /a HTTP/1.1\r\nHost: shop\r\nX-')
    const trickling = await dial(stage.port)
    trickling.socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n')
    const timer = setInterval(() => trickling.socket.write('X-A: b\r\n'), 100)
    open.push({ close: () => clearInterval(timer) })
    const bodiless = await dial(stage.port)
    bodiless.socket.write('POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf')
    const idle = await dial(stage.port)
    idle.socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')
    const halfPreface = await dial(stage.port)
    halfPreface.socket.write('PRI * HTTP/2.0\r\n')

    const client = openClient(stage.url)
    for (let i = 0; i < 20; i++) expect((await client()).status).toBe(200)

    const began = performance.now()
    const all = [silent, headless, trickling, bodiless, idle, halfPreface]
    await Promise.all(all.map(({ socket }) => closed(socket)))
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(silent.text()).toBe('')
    expect(headless.text()).toMatch(/^HTTP\/1\.1 408 /)
    expect(trickling.text()).toMatch(/^HTTP\/1\.1 408 /)
    expect(bodiless.text()).toMatch(/^HTTP\/1\.1 408 /)
    expect(idle.text()).toMatch(/^HTTP\/1\.1 200 /)
    expect(upstream.seen.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('over TLS too: one that never shakes hands', async () => {
    const tls =
      'listen: { address: 127.0.0.1:0, tls: { generate: true, names: [localhost], folder: ./tls } }'
    const { stage } = await setUp(['GET /a: free'], [limits, tls])
    const mute = await dial(stage.port)
    const half = await dial(stage.port)
    half.socket.write(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01))
    const shaken = connectTls({ port: stage.port, host: '127.0.0.1', rejectUnauthorized: false })
    shaken.on('error', () => undefined)
    await once(shaken, 'secureConnect')
    await Promise.all([closed(mute.socket), closed(half.socket), closed(shaken)])
  })

  test('over HTTP/2 too: a session without streams is told to go', async () => {
    const { stage } = await setUp(['GET /a: free'], [limits])
    const client = await openHttp2(stage.url)
    expect((await client.ask({ ':path': '/a' })).status).toBe(200)
    await once(client.session, 'close')
  })

  for (const [body, name, status] of [
    ['', 'before anything of it went on keeps its use', 200],
    ['half', 'after its body began has used it', 402],
  ] as const) {
    test(`that sends nothing more of its paid request ${name}`, async () => {
      const { stage } = await setUp(['POST /a: { price: 10 sat, uses: 1 }'], [limits])
      const authorization = await stage.buy('/a', { method: 'POST' })
      const { socket, text } = await dial(stage.port)
      socket.write(
        `POST /a HTTP/1.1\r\nHost: shop\r\nAuthorization: ${authorization}\r\nContent-Length: 9\r\n\r\n${body}`,
      )
      await vi.waitFor(() => expect(text()).toMatch(/^HTTP\/1\.1 408 /), 10_000)
      const again = await fetch(`${stage.url}/a`, { method: 'POST', headers: { authorization } })
      expect(again.status).toBe(status)
    })
  }
})

describe('R-E2E-26 connections', () => {
  test('beyond the bound are answered with 503 and closed, until there is room', async () => {
    const { stage } = await setUp(['GET /a: free'], ['limits: { connections: 4 }'])
    const held = await Promise.all([1, 2, 3, 4].map(() => dial(stage.port)))
    for (const { socket } of held) socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')
    await vi.waitFor(() => {
      for (const { text } of held) expect(text()).toMatch(/^HTTP\/1\.1 200 /)
    }, 5000)
    const late = await dial(stage.port)
    late.socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')
    await closed(late.socket)
    expect(late.text()).toMatch(/^HTTP\/1\.1 503 /)
    expect(late.text()).toMatch(/^retry-after: \d+\r$/im)
    held[0]!.socket.destroy()
    await vi.waitFor(async () => expect((await fetch(`${stage.url}/a`)).status).toBe(200), 5000)
    // Those that were there are as good as before.
    held[1]!.socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')
    await vi.waitFor(() => expect(held[1]!.text().match(/HTTP\/1\.1 200 /g)).toHaveLength(2), 5000)
  })

  test('of one client have a bound of their own, which a trusted proxy has not', async () => {
    const limits = 'limits: { connections_per_client: 2 }'
    const { stage } = await setUp(['GET /a: free'], [limits])
    const statusOf = async (port: number): Promise<string> => {
      const { socket, text } = await dial(port)
      socket.write('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')
      await vi.waitFor(() => expect(text()).toContain('\r\n\r\n'), 5000)
      return text().slice(9, 12)
    }
    expect([await statusOf(stage.port), await statusOf(stage.port)]).toEqual(['200', '200'])
    expect(await statusOf(stage.port)).toBe('503')

    const { stage: behind } = await setUp(['GET /a: free'], [limits, trusted])
    for (let i = 0; i < 6; i++) expect(await statusOf(behind.port)).toBe('200')
  })
})
