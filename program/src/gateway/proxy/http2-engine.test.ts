import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import type { ClientHttp2Session, ClientHttp2Stream, ServerHttp2Stream } from 'node:http2'
import {
  connect,
  constants,
  createServer as createHttp2Server,
  createSecureServer,
} from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTcp, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { Door } from '../../../../test/gateway/door.ts'
import { forwardOf, openDoor, upstreamOf } from '../../../../test/gateway/door.ts'
import type { UpstreamConfig } from '../config/index.ts'
import { generateCertificate } from '../edge/generated-certificate.ts'
import { createHttp2Engine } from './http2-engine.ts'
import type { SessionTimes } from './http2-session.ts'
import { Http2Sessions } from './http2-sessions.ts'
import type { Exchange, Forward } from './index.ts'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

type Serve = (stream: ServerHttp2Stream, headers: Record<string, unknown>, call: number) => void

type Application = {
  readonly port: number
  /** Every request, as it came. */
  readonly seen: Record<string, unknown>[]
  /** Connections there have been. */
  connections(): number
  open(): number
}

/** An application that speaks HTTP/2 without TLS, and does what a test says. */
async function openApplication(
  serve: Serve,
  settings: { maxConcurrentStreams?: number } = {},
): Promise<Application> {
  const server = createHttp2Server({ settings })
  const seen: Record<string, unknown>[] = []
  server.on('sessionError', () => undefined)
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    seen.push(headers)
    serve(stream, headers, seen.length)
  })
  const counted = await listen(server)
  return { seen, ...counted }
}

async function listen(
  server: Server | ReturnType<typeof createSecureServer>,
): Promise<Omit<Application, 'seen'>> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
  }
}

type Options = {
  readonly config?: Partial<UpstreamConfig>
  readonly forward?: Partial<Forward>
  readonly times?: Partial<SessionTimes>
  readonly url?: string
}

type Engine = ReturnType<typeof createHttp2Engine>
type World = { readonly door: Door; readonly engine: Engine; readonly client: ClientHttp2Session }

async function openWorld(port: number, options: Options = {}): Promise<World> {
  const url = options.url ?? `http://127.0.0.1:${port}`
  const engine = createHttp2Engine(upstreamOf(url, options.config), undefined, options.times)
  const door = await openDoor({
    forward: (exchange: Exchange) => engine.forward(exchange, forwardOf(exchange, options.forward)),
  })
  const client = connect(`http://127.0.0.1:${door.port}`)
  client.on('error', () => undefined)
  toClose.push(
    () => door.close(),
    () => client.destroy(),
  )
  return { door, engine, client }
}

type Answer = {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly trailers: Record<string, unknown> | undefined
  readonly body: string
  /** Why the stream was reset; 0 for a stream that was not. */
  readonly reset: number
}

async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Record<string, unknown> = {}
  let trailers: Record<string, unknown> | undefined
  let body = ''
  stream.on('response', (given) => {
    headers = given
  })
  stream.on('trailers', (given) => {
    trailers = given
  })
  stream.on('data', (part) => {
    body += String(part)
  })
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.once('close', resolve))
  return {
    status: Number(headers[':status'] ?? 0),
    headers,
    trailers,
    body,
    reset: stream.rstCode,
  }
}

const ask = (client: ClientHttp2Session, path = '/', headers = {}): Promise<Answer> =>
  answerTo(client.request({ ':path': path, ...headers }))

function post(client: ClientHttp2Session, body: string | Buffer, headers = {}): Promise<Answer> {
  const stream = client.request({ ':method': 'POST', ':path': '/', ...headers })
  stream.end(body)
  return answerTo(stream)
}

const hello: Serve = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' })
  stream.end('hello')
}

function echo(stream: ServerHttp2Stream): void {
  let body = ''
  stream.on('data', (part) => {
    body += String(part)
  })
  stream.on('end', () => {
    if (stream.destroyed) return
    stream.respond({ ':status': 200 })
    stream.end(body)
  })
}

/**
 * Begins a response that is not complete. With trailers to come: without, Node ends a stream before
 * it resets it.
 */
function begin(stream: ServerHttp2Stream, headers = {}): void {
  stream.respond({ ':status': 200, ...headers }, { waitForTrailers: true })
  stream.write('part')
}

describe('R-GRPC-1 requests pass in HTTP/2 with the rules for headers', () => {
  test('method, path, authority and headers as they should be', async () => {
    const { port, seen } = await openApplication(hello)
    const { client, door } = await openWorld(port, {
      config: { headers: [['X-Key', 'k']] },
    })
    const answer = await ask(client, '/a/b?c=d', {
      te: 'trailers',
      'satway-token-id': 'forged',
      'x-mine': 'yes',
      authorization: 'L402 AGIA:00',
    })
    expect(answer).toMatchObject({ status: 200, body: 'hello', reset: 0 })
    expect(seen[0]).toMatchObject({
      ':method': 'GET',
      ':path': '/a/b?c=d',
      ':scheme': 'http',
      ':authority': `127.0.0.1:${port}`,
      te: 'trailers',
      'x-mine': 'yes',
      'x-key': 'k',
      'x-forwarded-for': '192.0.2.7',
      via: '2.0 satway',
    })
    expect(Object.keys(seen[0]!)).not.toContain('authorization')
    expect(Object.keys(seen[0]!)).not.toContain('satway-token-id')
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
  })

  test('what `started` gives is in the head, and nothing is sent before it', async () => {
    const { port } = await openApplication(hello)
    const gate = Promise.withResolvers<readonly (readonly [string, string])[]>()
    const asked: unknown[] = []
    const { client } = await openWorld(port, {
      forward: {
        started: (status, current) => {
          asked.push(status, current('Content-Type'), current('x-none'))
          return gate.promise
        },
      },
    })
    const stream = client.request({ ':path': '/' })
    let hasHead = false
    stream.on('response', () => {
      hasHead = true
    })
    const answer = answerTo(stream)
    await expect.poll(() => asked).toEqual([200, 'text/plain', undefined])
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(hasHead).toBe(false)
    gate.resolve([['content-type', 'text/other']])
    expect((await answer).headers['content-type']).toBe('text/other')
  })

  test('a `started` that fails is a 502, and the client gets nothing of the response', async () => {
    const { port } = await openApplication(hello)
    for (const started of [
      () => Promise.reject(new Error('no store')),
      () => {
        throw new Error('no store')
      },
      // A name that HTTP/2 does not allow.
      () => [['x bad', 'a']] as const,
    ] as Forward['started'][]) {
      const { client, door } = await openWorld(port, { forward: { started } })
      expect(await ask(client)).toMatchObject({
        status: 502,
        body: expect.not.stringMatching('hello'),
      })
      expect((await door.nextEnd()).kind).toBe('refused')
    }
  })

  test('lines that stand twice stay two, both ways', async () => {
    const { port, seen } = await openApplication((stream) => {
      stream.respond([':status', '200', 'set-cookie', 'a=1', 'set-cookie', 'b=2'] as never)
      stream.end()
    })
    const { door } = await openWorld(port)
    const answer = await http1(door.http1Port, {
      headers: ['Host', 'a', 'User-Agent', 'one', 'User-Agent', 'two', 'X-A', '1', 'X-A', '2'],
    })
    expect(answer.response.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(seen[0]?.['x-a']).toBe('1, 2')
  })

  test('answers without a body: HEAD, 204, 304', async () => {
    const { port } = await openApplication((stream, headers) => {
      const status = Number(String(headers[':path']).slice(1))
      stream.respond({ ':status': status, etag: 'x' }, { endStream: true })
    })
    const { client, door } = await openWorld(port)
    for (const status of [204, 304, 200]) {
      expect(await ask(client, `/${status}`)).toMatchObject({ status, body: '', reset: 0 })
      expect(await ask(client, `/${status}`, { ':method': 'HEAD' })).toMatchObject({ status })
      const plain = await http1(door.http1Port, { path: `/${status}` })
      expect(plain.response.statusCode).toBe(status)
      expect(plain.body).toBe('')
    }
    for (let i = 0; i < 9; i++) expect((await door.nextEnd()).kind).toBe('done')
  })

  test('what was read of the body already goes first', async () => {
    const { port } = await openApplication(echo)
    const { client } = await openWorld(port, { forward: { bodyStart: Buffer.from('start ') } })
    expect(await post(client, 'rest')).toMatchObject({ body: 'start rest' })
  })

  test('an answer before the end of the request goes on at once, and is complete', async () => {
    const { port } = await openApplication((stream) => {
      stream.resume()
      stream.respond({ ':status': 200 })
      stream.end('enough')
    })
    const { client, door } = await openWorld(port)
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.write('part')
    expect(await answerTo(stream)).toMatchObject({ status: 200, body: 'enough', reset: 0 })
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })

    const headers = { 'transfer-encoding': 'chunked' }
    const plain = httpRequest({ port: door.http1Port, host: '127.0.0.1', method: 'POST', headers })
    plain.on('error', () => undefined)
    plain.write('part')
    const [response] = (await once(plain, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    expect(response.complete).toBe(true)
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
    plain.destroy()
  })

  test('informational answers are not taken for the response', async () => {
    const { port } = await openApplication((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 })
      stream.end('real')
    })
    const { client } = await openWorld(port)
    expect(await ask(client)).toMatchObject({ status: 200, body: 'real' })
  })
})

describe('R-GRPC-5 a response that was broken off never ends as if it were complete', () => {
  const ways: readonly (readonly [string, (stream: ServerHttp2Stream) => void, number])[] = [
    ['reset with INTERNAL_ERROR', (stream) => stream.close(2), 2],
    ['reset with CANCEL, which is passed on', (stream) => stream.close(8), 8],
    ['reset with ENHANCE_YOUR_CALM, which is passed on', (stream) => stream.close(11), 11],
    ['reset with REFUSED_STREAM, which would invite a retry', (stream) => stream.close(7), 2],
    ['a stream destroyed without an error', (stream) => stream.destroy(), 2],
    ['the connection ended', (stream) => stream.session!.destroy(), 2],
    ['the connection cut', (stream) => stream.session!.socket.destroy(), 2],
    ['a GOAWAY with an error', (stream) => stream.session!.goaway(2), 2],
  ]
  for (const [name, breakOff, code] of ways) {
    test(`${name}, after a head and a part`, async () => {
      const { port } = await openApplication((stream) => {
        begin(stream)
        setTimeout(() => breakOff(stream), 30)
      })
      const { client, door } = await openWorld(port)
      for (let i = 0; i < 5; i++) {
        const answer = await post(client, 'x')
        expect(answer.status).toBe(200)
        expect(answer.trailers).toBeUndefined()
        // What the socket's own end makes of it differs; that it is no clean end does not.
        if (code !== 2 || answer.reset !== 8) expect(answer.reset).toBe(code)
        expect((await door.nextEnd()).kind).toBe('cut')
        const plain = await http1(door.http1Port, { method: 'POST' })
        expect(plain.isComplete).toBe(false)
        expect((await door.nextEnd()).kind).toBe('cut')
      }
    })

    test(`${name}, before the head: 502`, async () => {
      const { port } = await openApplication((stream) => {
        stream.resume()
        setTimeout(() => breakOff(stream), 10)
      })
      const { client, door } = await openWorld(port)
      expect((await post(client, 'x')).status).toBe(502)
      expect(await door.nextEnd()).toMatchObject({ kind: 'refused', code: 'UPSTREAM_UNAVAILABLE' })
    })
  }

  test('a response of gRPC that ends without a status is cut', async () => {
    for (const type of ['application/grpc', 'application/grpc+proto']) {
      const { port } = await openApplication((stream) => {
        stream.respond({ ':status': 200, 'content-type': type })
        stream.end('message')
      })
      const { client, door } = await openWorld(port)
      expect((await post(client, 'x')).reset).toBe(2)
      expect((await door.nextEnd()).kind).toBe('cut')
    }
  })

  test('a page about a failure is no response of gRPC, and passes', async () => {
    const { port } = await openApplication((stream) => {
      stream.respond({ ':status': 503, 'content-type': 'text/html' })
      stream.end('<p>down')
    })
    const { client } = await openWorld(port)
    const answer = await post(client, 'x', { 'content-type': 'application/grpc' })
    expect(answer).toMatchObject({ status: 503, body: '<p>down', reset: 0 })
  })

  test('other requests of the same connection do not notice a reset', async () => {
    const { port, connections } = await openApplication((stream, headers) => {
      begin(stream)
      stream.on('wantTrailers', () => stream.sendTrailers({}))
      if (headers[':path'] === '/bad') setTimeout(() => stream.close(2), 20)
      else setTimeout(() => stream.end(' and end'), 200)
    })
    const { client } = await openWorld(port)
    const [good, bad] = await Promise.all([ask(client, '/good'), ask(client, '/bad')])
    expect(good).toMatchObject({ body: 'part and end', reset: 0 })
    expect(bad.reset).toBe(2)
    expect(connections()).toBe(1)
  })

  test('a failure while the caller is still asked cuts the response', async () => {
    const { port } = await openApplication((stream) => {
      begin(stream)
      setTimeout(() => stream.close(2), 20)
    })
    const { client, door } = await openWorld(port, {
      forward: {
        started: async () => {
          await new Promise((resolve) => setTimeout(resolve, 150))
          return []
        },
      },
    })
    expect((await ask(client)).reset).toBe(2)
    expect((await door.nextEnd()).kind).toBe('cut')
  })
})

describe('R-GRPC-6 a request is sent again only where it was certainly not processed', () => {
  const refuse = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_REFUSED_STREAM)

  test('a refused stream is tried on another connection, with the same body', async () => {
    const { port, seen, connections } = await openApplication((stream, _headers, call) => {
      if (call === 1) setTimeout(() => refuse(stream), 30)
      else echo(stream)
    })
    const { client } = await openWorld(port)
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.write('first ')
    setTimeout(() => stream.end('second'), 100)
    expect(await answerTo(stream)).toMatchObject({ status: 200, body: 'first second' })
    expect(seen.length).toBe(2)
    expect(connections()).toBe(2)
  })

  test('a GOAWAY that leaves a stream out is followed by another connection', async () => {
    const { port, connections } = await openApplication((stream, headers) => {
      if (headers[':path'] === '/slow') {
        setTimeout(() => {
          stream.respond({ ':status': 200 })
          stream.end('slow')
        }, 150)
        return
      }
      if (connections() === 1) stream.session!.goaway(0, Number(stream.id) - 2)
      else hello(stream, headers, 0)
    })
    const { client } = await openWorld(port)
    const slow = ask(client, '/slow')
    await expect.poll(connections).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await ask(client, '/next')).toMatchObject({ status: 200, body: 'hello' })
    // What was under way is finished where it was.
    expect(await slow).toMatchObject({ status: 200, body: 'slow', reset: 0 })
    expect(connections()).toBe(2)
  })

  test('a body that is too long to keep is not sent twice', async () => {
    const { port, seen } = await openApplication((stream) => {
      let bytes = 0
      stream.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > 70_000) refuse(stream)
      })
    })
    const { client } = await openWorld(port)
    expect((await post(client, Buffer.alloc(100_000))).status).toBe(502)
    expect(seen.length).toBe(1)
  })

  test('one that is refused everywhere ends after three tries', async () => {
    const { port, seen } = await openApplication(refuse)
    const { client } = await openWorld(port)
    expect((await ask(client)).status).toBe(502)
    expect(seen.length).toBe(3)
  })

  test('one that may have been processed is not sent again', async () => {
    for (const breakOff of [
      (stream: ServerHttp2Stream) => stream.close(2),
      (stream: ServerHttp2Stream) => stream.close(8),
      (stream: ServerHttp2Stream) => stream.session!.socket.destroy(),
      (stream: ServerHttp2Stream) => stream.session!.goaway(2, stream.id),
    ]) {
      const { port, seen } = await openApplication(breakOff)
      const { client } = await openWorld(port)
      expect((await post(client, 'x')).status).toBe(502)
      expect(seen.length).toBe(1)
    }
  })
})

describe('R-GRPC-7 connections are shared, replaced when full or dead, and closed when idle', () => {
  test('no more streams at a time than the upstream takes', async () => {
    let most = 0
    const counts = new Map<unknown, number>()
    const { port, connections } = await openApplication(
      (stream) => {
        const count = (counts.get(stream.session) ?? 0) + 1
        counts.set(stream.session, count)
        most = Math.max(most, count)
        setTimeout(() => {
          counts.set(stream.session, counts.get(stream.session)! - 1)
          stream.respond({ ':status': 200 })
          stream.end('ok')
        }, 100)
      },
      { maxConcurrentStreams: 2 },
    )
    const { client } = await openWorld(port)
    const answers = await Promise.all(Array.from({ length: 7 }, () => ask(client)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(7).fill(200))
    expect(most).toBe(2)
    expect(connections()).toBeGreaterThanOrEqual(4)
    // And those that are there are used again.
    const before = connections()
    await Promise.all(Array.from({ length: 4 }, () => ask(client)))
    expect(connections()).toBe(before)
  })

  test('an upstream that takes no streams is a 502', async () => {
    const { port } = await openApplication(hello, { maxConcurrentStreams: 0 })
    const { client } = await openWorld(port)
    expect((await ask(client)).status).toBe(502)
  })

  test('one that is not trusted to keep responses apart has a connection for each request', async () => {
    const { port, connections, open } = await openApplication(hello)
    const { client } = await openWorld(port, { config: { keepAlive: false } })
    for (let i = 0; i < 3; i++) expect((await ask(client)).status).toBe(200)
    expect(connections()).toBe(3)
    await expect.poll(open).toBe(0)
  })

  test('a connection without requests is closed after a while', async () => {
    const { port, open } = await openApplication(hello)
    const { client } = await openWorld(port, { times: { idleMs: 60 } })
    await ask(client)
    await expect.poll(open, { timeout: 5_000 }).toBe(0)
    expect((await ask(client)).status).toBe(200)
  })

  test('a connection that says nothing any more is given up, and the next request has a new one', async () => {
    const { port, connections } = await openApplication(hello)
    // A line that stops passing anything, without being closed.
    let isDead = false
    const line = createServer((socket) => {
      const far = connectTcp(port, '127.0.0.1')
      const mine = isDead
      socket.on('error', () => undefined)
      far.on('error', () => undefined)
      socket.on('data', (part) => {
        if (mine || !isDead) far.write(part)
      })
      far.on('data', (part) => {
        if (mine || !isDead) socket.write(part)
      })
      socket.on('close', () => far.destroy())
    })
    const { port: linePort } = await listen(line)
    const { client, door } = await openWorld(linePort, {
      config: { connectMs: 300 },
      times: { pingAfterMs: 60 },
    })
    expect((await ask(client)).status).toBe(200)
    isDead = true
    expect((await ask(client)).status).toBe(502)
    expect((await ask(client)).status).toBe(200)
    expect(connections()).toBe(2)
    expect(door.ends.map((end) => end.kind)).toEqual(['done', 'refused', 'done'])
  })

  test('an upstream that is silent but there is asked once, not again and again', async () => {
    let pings = 0
    const { port } = await openApplication((stream) => {
      stream.session!.on('ping', () => pings++)
      setTimeout(() => {
        stream.respond({ ':status': 200 })
        stream.end('late')
      }, 600)
    })
    const { client } = await openWorld(port, { times: { pingAfterMs: 50 } })
    expect(await ask(client)).toMatchObject({ status: 200, body: 'late' })
    expect(pings).toBe(1)
  })

  test('closing lets requests end, and resolves after the last', async () => {
    const { port, open } = await openApplication((stream) => {
      setTimeout(() => {
        stream.respond({ ':status': 200 })
        stream.end('late')
      }, 200)
    })
    const { client, engine } = await openWorld(port)
    const answer = ask(client)
    await expect.poll(open).toBe(1)
    let isClosed = false
    const closing = engine.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isClosed).toBe(false)
    expect(await answer).toMatchObject({ status: 200, body: 'late', reset: 0 })
    await closing
    await expect.poll(open).toBe(0)
    // A request that began with an older configuration is served all the same.
    expect((await ask(client)).status).toBe(200)
    await expect.poll(open).toBe(0)
  })
})

describe('R-FWD-26 what is closed lets go of all that it had', () => {
  test('of responses too that came whole, and whose client left without reading', async () => {
    let answered = 0
    const { port, open } = await openApplication((stream) => {
      answered++
      stream.respond({ ':status': 200 })
      stream.end(Buffer.alloc(100_000))
    })
    const { door, engine } = await openWorld(port)
    const settings = { initialWindowSize: 0 }
    const client = connect(`http://127.0.0.1:${door.port}`, { settings })
    client.on('error', () => undefined)
    await once(client, 'remoteSettings')
    for (let i = 0; i < 20; i++) client.request({ ':path': '/' }).on('error', () => undefined)
    await expect.poll(() => answered).toBe(20)
    await new Promise((resolve) => setTimeout(resolve, 200))
    client.destroy()
    await expect.poll(() => door.ends.length).toBe(20)
    const started = performance.now()
    await engine.close()
    expect(performance.now() - started).toBeLessThan(4000)
    await expect.poll(open).toBe(0)
  })

  test('5 s after the last exchange, whatever still holds a connection', async () => {
    const { port, open } = await openApplication(hello)
    const sessions = new Http2Sessions(upstreamOf(`http://127.0.0.1:${port}`))
    sessions.enter()
    await sessions.take(false)
    let isClosed = false
    const closing = sessions.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 5500))
    expect([isClosed, open()]).toEqual([false, 1])
    sessions.leave()
    const started = performance.now()
    await closing
    expect(performance.now() - started).toBeGreaterThan(4500)
    await expect.poll(open).toBe(0)
  })
})

describe('R-GRPC-8 who stalls is cut, who moves is not', () => {
  test('no head in time: 504', async () => {
    const { port } = await openApplication((stream) => stream.resume())
    const { client, door } = await openWorld(port, { forward: { headMs: 100 } })
    expect((await post(client, 'x')).status).toBe(504)
    expect((await ask(client)).status).toBe(504)
    expect(await door.nextEnd()).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
  })

  test('a client that stops sending its request: 408', async () => {
    const { port } = await openApplication((stream) => stream.resume())
    const { client, door } = await openWorld(port, { forward: { idleMs: 100 } })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.write('part')
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(408)
    stream.close()
    expect(await door.nextEnd()).toMatchObject({ code: 'REQUEST_TIMEOUT' })
  })

  test('an upstream that does not take the request: 504', async () => {
    const { port } = await openApplication(() => undefined)
    const { client } = await openWorld(port, { forward: { idleMs: 150 } })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    stream.write(Buffer.alloc(4 * 1024 * 1024))
    expect((await answerTo(stream)).status).toBe(504)
  })

  test('a response that stalls in its middle is cut', async () => {
    const { port } = await openApplication((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('part')
    })
    const { client, door } = await openWorld(port, { forward: { idleMs: 100 } })
    expect(await ask(client)).toMatchObject({ body: 'part', reset: 2 })
    expect((await door.nextEnd()).kind).toBe('cut')
  })

  test('a client that stops reading is given up', async () => {
    const { port } = await openApplication((stream) => {
      stream.respond({ ':status': 200 })
      stream.write(Buffer.alloc(8 * 1024 * 1024))
    })
    const { client, door } = await openWorld(port, { forward: { idleMs: 150 } })
    const stream = client.request({ ':path': '/' })
    stream.on('error', () => undefined)
    stream.pause()
    expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: 200 })
  })

  test('a long upload and a long response that keep moving are not', async () => {
    const { port } = await openApplication((stream) => {
      stream.on('data', () => undefined)
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        let sent = 0
        const timer = setInterval(() => {
          if (++sent < 20) return stream.write('.')
          clearInterval(timer)
          return stream.end('end')
        }, 40)
      })
    })
    const { client } = await openWorld(port, { forward: { idleMs: 400, headMs: 400 } })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    let sent = 0
    const timer = setInterval(() => {
      if (++sent < 20) return stream.write('.')
      clearInterval(timer)
      return stream.end()
    }, 40)
    expect(await answerTo(stream)).toMatchObject({ body: `${'.'.repeat(19)}end`, reset: 0 })
  })
})

describe('R-GRPC-11 a request body has its limit', () => {
  test('announced or not, longer is 413, and the upstream does not get the rest', async () => {
    const { port, seen } = await openApplication(echo)
    const { client, door } = await openWorld(port, { forward: { maxBodyBytes: 1000 } })
    expect((await post(client, 'x'.repeat(1001), { 'content-length': '1001' })).status).toBe(413)
    expect(seen.length).toBe(0)
    expect((await post(client, 'x'.repeat(1001))).status).toBe(413)
    expect((await post(client, 'x'.repeat(1000))).body.length).toBe(1000)
    const refused = { kind: 'refused', code: 'REQUEST_TOO_LARGE' }
    expect(await door.nextEnd()).toMatchObject({ ...refused, wasSent: false })
    expect(await door.nextEnd()).toMatchObject({ ...refused, wasSent: true })
  })

  test('once the response has begun, it is cut', async () => {
    const { port } = await openApplication((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('part')
      stream.resume()
    })
    const { client, door } = await openWorld(port, { forward: { maxBodyBytes: 1000 } })
    const stream = client.request({ ':method': 'POST', ':path': '/' })
    const answer = answerTo(stream)
    await once(stream, 'data')
    stream.write('x'.repeat(1001))
    expect((await answer).reset).toBe(2)
    expect((await door.nextEnd()).kind).toBe('cut')
  })
})

describe('R-GRPC-12 trailers pass both ways, without what they must not say', () => {
  const withTrailers: Serve = (stream) => {
    stream.resume()
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0', 'x-sum': '7', 'set-cookie': 'a=1' })
    })
    stream.end('body')
  }

  test('to a client of HTTP/2', async () => {
    const { port } = await openApplication(withTrailers)
    const { client } = await openWorld(port)
    const answer = await ask(client)
    expect(answer).toMatchObject({ body: 'body', reset: 0 })
    expect(answer.trailers).toMatchObject({ 'grpc-status': '0', 'x-sum': '7' })
    expect(Object.keys(answer.trailers ?? {})).not.toContain('set-cookie')
  })

  test('to a client of HTTP/1.1 that asks for them, and to no other', async () => {
    const { port } = await openApplication(withTrailers)
    const { door } = await openWorld(port)
    const asking = await http1(door.http1Port, { headers: ['Host', 'a', 'TE', 'trailers'] })
    expect(asking).toMatchObject({ body: 'body', isComplete: true })
    expect(asking.response.trailers).toEqual({ 'grpc-status': '0', 'x-sum': '7' })
    const other = await http1(door.http1Port, {})
    expect(other).toMatchObject({ body: 'body', isComplete: true })
    expect(other.response.trailers).toEqual({})
  })

  test('a head that is all of the response stays one frame', async () => {
    const { port } = await openApplication((stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true })
    })
    const { client } = await openWorld(port)
    const stream = client.request({ ':path': '/' })
    const [headers, flags] = await once(stream, 'response')
    stream.resume()
    expect(headers['grpc-status']).toBe('5')
    expect(flags & constants.NGHTTP2_FLAG_END_STREAM).not.toBe(0)
  })

  test('of the request: not credentials, nor what the gateway says itself', async () => {
    const trailers: Record<string, unknown>[] = []
    const { port } = await openApplication((stream) => {
      stream.on('trailers', (given) => trailers.push(given))
      echo(stream)
    })
    const { client, door } = await openWorld(port)
    const stream = client.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => {
      stream.sendTrailers({
        'x-sum': '7',
        'satway-token-id': 'forged',
        satway_amount_msat: '1',
        'x-forwarded-for': '1.1.1.1',
        authorization: 'L402 AGIA:00',
        cookie: 'a=1',
      })
    })
    stream.end('body')
    expect(await answerTo(stream)).toMatchObject({ body: 'body', reset: 0 })
    expect(trailers.map((given) => Object.keys(given))).toEqual([['x-sum']])

    const plain = await http1(door.http1Port, {
      method: 'POST',
      headers: ['Host', 'a', 'Transfer-Encoding', 'chunked', 'Trailer', 'x-sum'],
      body: 'body',
      trailers: { 'x-sum': '8', 'Satway-Token-Id': 'forged' },
    })
    expect(plain.body).toBe('body')
    expect(trailers.map((given) => given['x-sum'])).toEqual(['7', '8'])
    expect(Object.keys(trailers[1]!)).toEqual(['x-sum'])
  })
})

describe('R-GRPC-13 what cannot be reached is a 502, what does not answer a 504', () => {
  test('nobody listens there', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const { client, engine } = await openWorld(port)
    expect((await ask(client)).status).toBe(502)
    expect(await engine.probe(AbortSignal.timeout(5_000))).toEqual({
      ok: false,
      detail: 'ECONNREFUSED',
    })
  })

  const strangers: readonly (readonly [string, (socket: Socket) => void])[] = [
    ['a server of HTTP/1.1', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a server that hangs up', (socket) => socket.end()],
    ['a server that resets', (socket) => socket.resetAndDestroy()],
    ['noise', (socket) => socket.write(Buffer.alloc(4096, 0xa5))],
  ]
  for (const [name, serve] of strangers) {
    test(`${name} is no upstream`, async () => {
      const { port } = await listen(createServer(serve))
      const { client, engine } = await openWorld(port, { config: { connectMs: 2_000 } })
      expect((await ask(client)).status).toBe(502)
      expect((await engine.probe(AbortSignal.timeout(5_000))).ok).toBe(false)
    })
  }

  test('a server that says nothing is given up after the time to connect', async () => {
    const { port } = await listen(createServer(() => undefined))
    const { client, engine } = await openWorld(port, { config: { connectMs: 100 } })
    expect((await ask(client)).status).toBe(504)
    expect(await engine.probe(AbortSignal.timeout(5_000))).toEqual({
      ok: false,
      detail: 'ETIMEDOUT',
    })
  })

  test('a client that leaves meanwhile is gone, and its connection goes to the next', async () => {
    const { port, connections, seen } = await openApplication(hello)
    let isHeld = true
    const held: Socket[] = []
    const line = createServer((socket) => {
      socket.on('error', () => undefined)
      if (isHeld) held.push(socket)
      else connectTcp(port, '127.0.0.1').pipe(socket)
    })
    const { port: linePort } = await listen(line)
    const { client, door } = await openWorld(linePort)
    const stream = client.request({ ':path': '/' })
    stream.on('error', () => undefined)
    await expect.poll(() => held.length).toBe(1)
    stream.close(8)
    expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: undefined })
    isHeld = false
    expect(seen.length + connections()).toBe(0)
  })

  test('a probe asks the health path, or only for a connection', async () => {
    const { port, seen, open } = await openApplication((stream, headers) => {
      stream.respond({ ':status': headers[':path'] === '/bad' ? 503 : 404 })
      stream.end()
    })
    const signal = AbortSignal.timeout(10_000)
    const probe = (healthPath: string | undefined) =>
      createHttp2Engine(upstreamOf(`http://127.0.0.1:${port}`, { healthPath })).probe(signal)
    expect(await probe(undefined)).toEqual({ ok: true, detail: 'connected' })
    expect(seen.length).toBe(0)
    expect(await probe('/health')).toEqual({ ok: true, detail: 'status 404' })
    expect(await probe('/bad')).toEqual({ ok: false, detail: 'status 503' })
    await expect.poll(open).toBe(0)
  })

  test('a probe that is called off ends at once, and leaves nothing open', async () => {
    const { port, open } = await listen(createServer((socket) => socket.resume()))
    const engine = createHttp2Engine(upstreamOf(`http://127.0.0.1:${port}`))
    const controller = new AbortController()
    const probe = engine.probe(controller.signal)
    await expect.poll(open).toBe(1)
    controller.abort()
    expect((await probe).ok).toBe(false)
  })
})

describe('R-GRPC-14 over TLS the upstream has to prove its name', () => {
  test('with the right authority and name it is served; with any other it is a 502', async () => {
    const own = await generateCertificate(['grpc.example', '127.0.0.1'])
    const other = await generateCertificate(['grpc.example'])
    const server = createSecureServer({ cert: own.certificate, key: own.key })
    server.on('stream', (stream) => hello(stream, {}, 0))
    server.on('sessionError', () => undefined)
    const { port } = await listen(server)
    const url = `https://127.0.0.1:${port}`
    for (const [config, status] of [
      [{ ca: own.certificate }, 200],
      [{ ca: own.certificate, serverName: 'grpc.example' }, 200],
      [{ ca: own.certificate, serverName: 'other.example' }, 502],
      [{ ca: other.certificate }, 502],
      [{}, 502],
    ] as const) {
      const { client } = await openWorld(port, { url, config: { protocol: 'h2', ...config } })
      expect((await ask(client)).status).toBe(status)
    }
  })

  test('whatever the environment says', async () => {
    const own = await generateCertificate(['127.0.0.1'])
    const server = createSecureServer({ cert: own.certificate, key: own.key })
    server.on('stream', (stream) => hello(stream, {}, 0))
    const { port } = await listen(server)
    const { client } = await openWorld(port, {
      url: `https://127.0.0.1:${port}`,
      config: { protocol: 'h2' },
    })
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      expect((await ask(client)).status).toBe(502)
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })

  test('a server of TLS that does not agree to h2 is a 502', async () => {
    const own = await generateCertificate(['127.0.0.1'])
    const server = createTlsServer({
      cert: own.certificate,
      key: own.key,
      ALPNProtocols: ['http/1.1'],
    })
    server.on('tlsClientError', () => undefined)
    const { port } = await listen(server)
    const { client } = await openWorld(port, {
      url: `https://127.0.0.1:${port}`,
      config: { protocol: 'h2', ca: own.certificate },
    })
    expect((await ask(client)).status).toBe(502)
  })
})

type PlainOptions = {
  readonly method?: string
  readonly path?: string
  readonly headers?: readonly string[]
  readonly body?: string
  readonly trailers?: Record<string, string>
}

/** A request in HTTP/1.1. */
async function http1(
  port: number,
  { method = 'GET', path = '/', headers = ['Host', 'a'], body, trailers }: PlainOptions,
): Promise<{
  readonly response: IncomingMessage
  readonly body: string
  readonly isComplete: boolean
}> {
  const request = httpRequest({ port, host: '127.0.0.1', method, path, headers: [...headers] })
  if (trailers !== undefined) request.addTrailers(trailers)
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  response.on('data', (part) => {
    text += String(part)
  })
  response.on('error', () => undefined)
  await new Promise((resolve) => response.once('close', resolve))
  return { response, body: text, isComplete: response.complete }
}
