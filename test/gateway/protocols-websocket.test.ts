import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openRaw } from '../adapters/raw.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { narrow, openStage, payFor, paymentHashOf } from './stage.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type World = {
  readonly stage: Stage
  /** Requests that the server upgraded. */
  readonly joined: readonly IncomingMessage[]
  /** Its ends of the connections. */
  readonly sockets: ReadonlySet<WebSocket>
}

/** A server of `ws` that says everything back, and a gateway in front of it. */
async function setUp(
  routes: readonly string[],
  more: readonly string[] = [],
  options: Parameters<typeof openStage>[1] = {},
): Promise<World> {
  const http = createServer((_, response) => response.end('plain'))
  const server = new WebSocketServer({
    server: http,
    handleProtocols: (protocols) => (protocols.has('chat.2') ? 'chat.2' : false),
  })
  const joined: IncomingMessage[] = []
  server.on('connection', (socket, request) => {
    joined.push(request)
    socket.on('message', (message, isBinary) => {
      const text = String(message)
      if (text.startsWith('close ')) socket.close(Number(text.slice(6)), 'as you wish')
      else socket.send(message, { binary: isBinary })
    })
    socket.on('error', () => undefined)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  open.push({
    close: () => {
      for (const socket of server.clients) socket.terminate()
      server.close()
      http.close()
    },
  })
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const stage = await openStage(shop(url, routes, more), options)
  open.push(stage)
  return { stage, joined, sockets: server.clients }
}

/** What a server answers instead of a WebSocket. */
type Refusal = {
  readonly status: number
  readonly challenge: string | null
  readonly body: { readonly code?: string }
}

async function refusalOf(stage: Stage, path: string, authorization?: string): Promise<Refusal> {
  const socket = dial(stage, path, authorization)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let body = ''
  for await (const part of response as AsyncIterable<Buffer>) body += part.toString('utf8')
  return {
    status: response.statusCode ?? 0,
    challenge: response.headers['www-authenticate'] ?? null,
    body: body === '' ? {} : (JSON.parse(body) as { code?: string }),
  }
}

function dial(
  stage: Stage,
  path: string,
  authorization?: string,
  protocols: string[] = [],
): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${stage.port}${path}`, protocols, {
    headers: authorization === undefined ? {} : { authorization },
  })
  open.push({
    close: () => {
      // One that never opened says so.
      socket.on('error', () => undefined)
      socket.terminate()
    },
  })
  return socket
}

async function join(stage: Stage, path: string, authorization?: string): Promise<WebSocket> {
  const socket = dial(stage, path, authorization)
  await once(socket, 'open')
  return socket
}

async function buy(stage: Stage, path: string): Promise<string> {
  return await payFor(stage.buyer, (await refusalOf(stage, path)).challenge)
}

async function echo(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answer = once(socket, 'message')
  socket.send(message)
  return (await answer)[0] as Buffer
}

async function closeOf(socket: WebSocket): Promise<readonly [number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, String(reason)]
}

describe('R-E2E-9 a WebSocket', () => {
  test('that is not paid for is 402 with the challenge, and nothing reaches the server', async () => {
    const { stage, joined } = await setUp(['GET /ws: 10 sat'])
    const refusal = await refusalOf(stage, '/ws')
    expect(refusal.status).toBe(402)
    expect(refusal.challenge).toMatch(/^L402 macaroon="/)
    expect(refusal.body.code).toBe('ACCESS_PAYMENT_REQUIRED')
    expect(joined).toEqual([])
  })

  test('that is paid for carries text and bytes of any length both ways', async () => {
    const { stage, joined } = await setUp(['GET /ws: 10 sat'])
    const authorization = await buy(stage, '/ws')
    const socket = await join(stage, '/ws?room=%2F', authorization)
    expect(String(await echo(socket, 'hello'))).toBe('hello')
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 4 * 1024 * 1024]) {
      const message = Buffer.alloc(size, 'satway')
      expect((await echo(socket, message)).equals(message)).toBe(true)
    }
    const [{ url, headers }] = joined as [IncomingMessage]
    expect(url).toBe('/ws?room=%2F')
    expect(headers['satway-payment-hash']).toBe(paymentHashOf(authorization))
    expect(headers.authorization).toBeUndefined()
  })

  test('on a free route needs nothing', async () => {
    const { stage } = await setUp(['GET /ws: free'])
    expect(String(await echo(await join(stage, '/ws'), 'hello'))).toBe('hello')
  })

  for (const [name, path, status, code] of [
    ['on a path that nobody lists', '/other', 404, 'REQUEST_NOT_FOUND'],
    ['on a path in a spelling of its own', '/x/../ws', 400, 'REQUEST_AMBIGUOUS'],
    ['on a path that only takes other methods', '/post', 405, 'REQUEST_METHOD'],
  ] as const) {
    test(`${name} is ${status}`, async () => {
      const { stage, joined } = await setUp(['GET /ws: free', 'POST /post: free'])
      const socket = openRaw(stage.port)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
      )
      let text = ''
      for await (const part of socket) text += String(part)
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(text).toContain(`"${code}"`)
      expect(joined).toEqual([])
    })
  }

  test('with a forged token is 401, and with a caveat that forbids it 403', async () => {
    const { stage, joined } = await setUp(['GET /ws: 10 sat'])
    const authorization = await buy(stage, '/ws')
    const forged = authorization.replace(/[0-9a-f]{64}$/, '00'.repeat(32))
    expect(await refusalOf(stage, '/ws', forged)).toMatchObject({ status: 401 })
    const other = narrow(authorization, 'path = /elsewhere')
    expect(await refusalOf(stage, '/ws', other)).toMatchObject({ status: 403, challenge: null })
    expect(joined).toEqual([])
  })
})

describe('R-E2E-10 the end of a WebSocket', () => {
  test('is said by either side, with its code and reason', async () => {
    const { stage, sockets } = await setUp(['GET /ws: free'])
    const one = await join(stage, '/ws')
    const closed = closeOf(one)
    one.send('close 4321')
    expect(await closed).toEqual([4321, 'as you wish'])

    const two = await join(stage, '/ws')
    const [upstream] = [...sockets]
    const heard = closeOf(upstream!)
    two.close(3000, 'bye')
    expect(await heard).toEqual([3000, 'bye'])
  })

  test('without a word of the server is an abnormal one', async () => {
    const { stage, sockets } = await setUp(['GET /ws: free'])
    const socket = await join(stage, '/ws')
    socket.on('error', () => undefined)
    const closed = closeOf(socket)
    for (const upstream of sockets) upstream.terminate()
    expect((await closed)[0]).toBe(1006)
  })

  test('without a word of the client reaches the server', async () => {
    const { stage, sockets } = await setUp(['GET /ws: free'])
    const socket = await join(stage, '/ws')
    const [upstream] = [...sockets]
    const heard = closeOf(upstream!)
    socket.terminate()
    expect((await heard)[0]).toBe(1006)
    await vi.waitFor(() => expect(stage.records.at(-1)?.status).toBe(101))
  })

  test('a subprotocol is agreed between client and server', async () => {
    const { stage } = await setUp(['GET /ws: free'])
    const socket = dial(stage, '/ws', undefined, ['chat.1', 'chat.2'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('chat.2')
  })
})

describe('R-E2E-11 what paid for a WebSocket', () => {
  test('ends it with 1008 when its time is over', async () => {
    const { stage, sockets } = await setUp(
      ['GET /ws: { price: 10 sat, lifetime: 60s }'],
      ['issuance: { challenge: 60s }'],
    )
    const authorization = await buy(stage, '/ws')
    const socket = await join(stage, '/ws', authorization)
    const [upstream] = [...sockets]
    expect(String(await echo(socket, 'still'))).toBe('still')
    const closed = closeOf(socket)
    const heard = closeOf(upstream!)
    stage.clock.seconds += 120
    expect(await closed).toEqual([1008, 'token expired'])
    expect((await heard)[0]).toBe(1001)
    expect((await refusalOf(stage, '/ws', authorization)).status).toBe(402)
  })

  test('ends it with 1008 when a holder narrowed its time', async () => {
    const { stage } = await setUp(['GET /ws: 10 sat'])
    const until = stage.clock.seconds + 5
    const authorization = narrow(await buy(stage, '/ws'), `shop_valid_until=${until}`)
    const socket = await join(stage, '/ws', authorization)
    const closed = closeOf(socket)
    stage.clock.seconds += 5
    expect(await closed).toEqual([1008, 'token expired'])
  })

  test('ends it with 1008 when it is revoked, and that of another token goes on', async () => {
    const { stage } = await setUp(['GET /ws: 10 sat'])
    const authorization = await buy(stage, '/ws')
    const other = await buy(stage, '/ws')
    expect(paymentHashOf(other)).not.toBe(paymentHashOf(authorization))
    const socket = await join(stage, '/ws', authorization)
    const kept = await join(stage, '/ws', other)
    const closed = closeOf(socket)
    stage.state.deny(paymentHashOf(authorization), 'test')
    expect(await closed).toEqual([1008, 'token revoked'])
    expect(String(await echo(kept, 'still'))).toBe('still')
  })

  test('is used once by it, however much is said', async () => {
    const { stage } = await setUp(['GET /ws: { price: 10 sat, uses: 1 }'])
    const authorization = await buy(stage, '/ws')
    const socket = await join(stage, '/ws', authorization)
    for (const word of ['one', 'two', 'three']) {
      expect(String(await echo(socket, word))).toBe(word)
    }
    expect((await refusalOf(stage, '/ws', authorization)).status).toBe(402)
    socket.close()
    await once(socket, 'close')
    expect((await refusalOf(stage, '/ws', authorization)).status).toBe(402)
  })

  test('is given back when the server is not there', async () => {
    const { stage, sockets } = await setUp(['GET /ws: { price: 10 sat, uses: 1 }'])
    const authorization = await buy(stage, '/ws')
    const good = stage.gateway.current().services[0]!.config.upstream!.url.href
    const { port } = await deadPort()
    const routes = ['GET /ws: { price: 10 sat, uses: 1 }']
    await stage.reload(shop(`http://127.0.0.1:${port}`, routes))
    expect(await refusalOf(stage, '/ws', authorization)).toMatchObject({
      status: 502,
      body: { code: 'UPSTREAM_UNAVAILABLE' },
    })
    await stage.reload(shop(good, routes))
    expect(String(await echo(await join(stage, '/ws', authorization), 'x'))).toBe('x')
    expect(sockets.size).toBe(1)
  })

  test('holds a place on its route for as long as it is open', async () => {
    const { stage } = await setUp(['GET /ws: { free: true, concurrency: 1 }'])
    const socket = await join(stage, '/ws')
    expect(await refusalOf(stage, '/ws')).toMatchObject({ status: 503 })
    socket.close()
    await once(socket, 'close')
    await vi.waitFor(() => expect(stage.records.at(-1)?.status).toBe(101))
    await join(stage, '/ws')
  })
})

describe('R-E2E-12 a drain', () => {
  test('ends WebSockets with 1001, and takes no new ones', async () => {
    const { stage, sockets } = await setUp(['GET /ws: free'])
    const socket = await join(stage, '/ws')
    const [upstream] = [...sockets]
    const closed = closeOf(socket)
    const heard = closeOf(upstream!)
    const began = performance.now()
    await stage.gateway.close(10_000)
    expect(await closed).toEqual([1001, 'the server is going away'])
    expect((await heard)[0]).toBe(1001)
    expect(performance.now() - began).toBeLessThan(5_000)
    const late = dial(stage, '/ws')
    expect(((await once(late, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED')
  })
})

/** A port that nobody listens on any more. */
async function deadPort(): Promise<{ readonly port: number }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { port }
}
