import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { isL402Error } from 'satway'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../config/index.ts'
import type { Exchange } from './exchange.ts'
import type { Forward, ForwardEnd } from './forward.ts'
import { createUpstream, readStart } from './index.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function httpUpstream(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  return listen(http.createServer(handler))
}

/** A server that sends whatever it likes. Called with each request's head and what came with it. */
function rawUpstream(
  answer: (socket: Socket, request: string, connection: number) => void,
): Promise<number> {
  let connections = 0
  return listen(
    net.createServer((socket) => {
      const connection = connections++
      socket.on('data', (data) => answer(socket, data.toString('latin1'), connection))
    }),
  )
}

type Gateway = {
  readonly port: number
  /** Ends of exchanges, in order. */
  readonly ends: ForwardEnd[]
  end(): Promise<ForwardEnd>
  readonly upstream: ReturnType<typeof createUpstream>
}

type GatewayOptions = {
  readonly config?: Partial<UpstreamConfig>
  readonly forward?: Partial<Forward>
  readonly protocol?: 'http/1.1' | 'h2c'
  readonly before?: (exchange: Exchange) => Promise<Buffer | undefined>
}

/** What is around the engine in the gateway, as little as possible of it. */
async function gateway(upstreamPort: number, options: GatewayOptions = {}): Promise<Gateway> {
  const config: UpstreamConfig = {
    url: new URL(`http://127.0.0.1:${upstreamPort}`),
    protocol: 'http/1.1',
    ca: undefined,
    serverName: undefined,
    headers: [],
    signingKey: undefined,
    keepHost: false,
    connectMs: 5_000,
    headMs: 20_000,
    idleMs: 20_000,
    keepAlive: true,
    healthPath: undefined,
    ...options.config,
  }
  const upstream = createUpstream(config, { now: () => 1_700_000_000 })
  cleanups.push(() => upstream.close())
  const ends: ForwardEnd[] = []
  const waiting: ((end: ForwardEnd) => void)[] = []

  const serve = async (
    request: Exchange['request'],
    response: Exchange['response'],
  ): Promise<void> => {
    const exchange = { request, response, peer: { address: '127.0.0.1', isEncrypted: false } }
    const end = await upstream.forward(exchange, {
      method: request.method ?? '',
      target: request.url ?? '',
      clientAddress: '127.0.0.1',
      host: 'api.test',
      scheme: 'http',
      forwardedFor: [],
      receipt: undefined,
      maxBodyBytes: 10 * 1024 * 1024,
      headMs: config.headMs,
      idleMs: config.idleMs,
      bodyStart: await options.before?.(exchange),
      started: () => [],
      ...options.forward,
    })
    ends.push(end)
    waiting.shift()?.(end)
    if (end.kind !== 'refused') return
    const refusal = response as ServerResponse
    refusal.writeHead(end.status, { 'x-code': end.code, 'content-length': '0' })
    refusal.end()
  }
  const server =
    options.protocol === 'h2c'
      ? http2.createServer((request, response) => void serve(request, response))
      : http.createServer((request, response) => void serve(request, response))
  server.on('checkContinue', (request, response) => void serve(request, response))
  const port = await listen(server as net.Server)
  return {
    port,
    ends,
    upstream,
    end: () => new Promise((resolve) => waiting.push(resolve)),
  }
}

type Answer = {
  readonly status: number
  readonly rawHeaders: string[]
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  readonly trailers: NodeJS.Dict<string>
  readonly isComplete: boolean
}

async function read(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = []
  response.on('data', (part: Buffer) => parts.push(part))
  response.on('error', () => undefined)
  await closed(response)
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    headers: response.headers,
    body: Buffer.concat(parts).toString('latin1'),
    trailers: response.trailers,
    isComplete: response.complete,
  }
}

/** One request on a connection of its own. */
async function ask(
  port: number,
  options: http.RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<Answer> {
  const request = http.request({ port, host: '127.0.0.1', agent: false, ...options })
  request.on('error', () => undefined)
  request.end(options.body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return read(response)
}

/** Unlike `once`, whatever error comes before. */
function closed(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => stream.once('close', () => resolve()))
}

/** Everything that comes back on a connection, until it is closed. */
async function wire(port: number, text: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString('latin1')
  })
  await closed(socket)
  return answer
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

describe('R-FWD-8 a plain exchange', () => {
  test('passes status, header lines in order, and body', async () => {
    const port = await rawUpstream((socket) =>
      socket.write(
        'HTTP/1.1 418 Whatever\r\nsEt-Cookie: a=1\r\nX-One: 1\r\nKeep-Alive: timeout=9\r\nSet-Cookie: b=2\r\n' +
          'Connection: x-gone\r\nX-Gone: 1\r\nDate: then\r\nSatway-Token-Id: x\r\nContent-Length: 3\r\n\r\nabc',
      ),
    )
    const { port: at, end } = await gateway(port)
    const ended = end()
    const text = await wire(at, get)
    expect(text).toBe(
      "HTTP/1.1 418 I'm a Teapot\r\nsEt-Cookie: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\nDate: then\r\n" +
        'Content-Length: 3\r\nConnection: close\r\n\r\nabc',
    )
    expect(await ended).toEqual({ kind: 'done', status: 418 })
  })

  test('the upstream gets method, target and headers', async () => {
    const port = await httpUpstream((request, response) => {
      response.end(JSON.stringify([request.method, request.url, request.rawHeaders]))
    })
    const { port: at } = await gateway(port, { forward: { target: '/a?b=%20' } })
    const { body } = await ask(at, { method: 'PUT', headers: { 'X-A': '1', TE: 'trailers' } })
    expect(JSON.parse(body)).toEqual([
      'PUT',
      '/a?b=%20',
      [
        ...['host', `127.0.0.1:${port}`, 'connection', 'keep-alive', 'X-A', '1'],
        ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http'],
        ...['X-Forwarded-Host', 'api.test', 'Via', '1.1 satway', 'content-length', '0'],
      ],
    ])
  })

  for (const status of [401, 402, 404, 500, 503]) {
    test(`${status} of the upstream is the client’s, with its headers`, async () => {
      const port = await httpUpstream((_, response) => {
        response.writeHead(status, { 'WWW-Authenticate': 'Basic realm="x"' }).end('no')
      })
      const answer = await ask((await gateway(port)).port)
      expect(answer.status).toBe(status)
      expect(answer.headers['www-authenticate']).toBe('Basic realm="x"')
      expect(answer.body).toBe('no')
    })
  }

  for (const bytes of [0, 1, 512, 16 * 1024, 16 * 1024 + 1, 70_000, 3_000_000]) {
    for (const hasLength of [true, false]) {
      test(`${bytes} bytes ${hasLength ? 'with' : 'without'} a length`, async () => {
        const body = Buffer.alloc(bytes)
        for (let i = 0; i < bytes; i++) body[i] = (i * 7) & 0xff
        const port = await httpUpstream((_, response) => {
          if (hasLength) response.setHeader('Content-Length', bytes)
          response.write(body.subarray(0, 1))
          response.end(body.subarray(1))
        })
        const answer = await ask((await gateway(port)).port)
        expect(answer.isComplete).toBe(true)
        expect(Buffer.from(answer.body, 'latin1').equals(body)).toBe(true)
      })
    }
  }

  test('a body that ends with the connection is passed on', async () => {
    const port = await rawUpstream((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'))
    const { port: at, end } = await gateway(port)
    const ended = end()
    expect(await ask(at)).toMatchObject({ body: 'all of it', isComplete: true })
    expect((await ended).kind).toBe('done')
  })

  test('a client of HTTP/1.0 gets a body that ends with the connection', async () => {
    const port = await httpUpstream((_, response) => {
      response.write('a')
      response.end('b')
    })
    const { port: at } = await gateway(port)
    const text = await wire(at, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(text.endsWith('\r\n\r\nab')).toBe(true)
    expect(text.toLowerCase()).not.toContain('chunked')
  })
})

describe('R-FWD-25 a client over HTTP/2', () => {
  const twice = ['ETag', 'Date', 'Last-Modified', 'Content-Type', 'X-Content-Type-Options'].concat(
    'Access-Control-Allow-Credentials',
    'Location',
    'Retry-After',
  )

  async function askHttp2(port: number): Promise<{
    readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader
    readonly body: string
  }> {
    const client = http2.connect(`http://127.0.0.1:${port}`)
    cleanups.push(() => client.destroy())
    const stream = client.request({ ':path': '/' })
    const [headers] = await once(stream, 'response')
    let body = ''
    for await (const part of stream) body += String(part)
    return { headers, body }
  }

  for (const protocol of ['http/1.1', 'h2c'] as const) {
    test(`gets the first of lines that may stand once, from an upstream of ${protocol}`, async () => {
      const lines = twice.flatMap((name) => [name, 'first', name, 'second'])
      const port =
        protocol === 'http/1.1'
          ? await httpUpstream((_, response) => {
              response.writeHead(200, [...lines, 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
              response.end('body')
            })
          : await listen(
              http2
                .createServer({ strictSingleValueFields: false } as http2.ServerOptions)
                .on('stream', (stream) => {
                  const lower = lines.map((text) => text.toLowerCase())
                  const cookies = ['set-cookie', 'a=1', 'set-cookie', 'b=2']
                  stream.respond([':status', '200', ...lower, ...cookies] as never)
                  stream.end('body')
                }),
            )
      const { port: at, end } = await gateway(port, { protocol: 'h2c', config: { protocol } })
      const ended = end()
      const { headers, body } = await askHttp2(at)
      expect(headers[':status']).toBe(200)
      for (const name of twice) expect(headers[name.toLowerCase()]).toBe('first')
      expect(headers['set-cookie']).toEqual(['a=1', 'b=2'])
      expect(body).toBe('body')
      expect(await ended).toEqual({ kind: 'done', status: 200 })
    })
  }

  test('gets another answer where a head cannot be sent, and nothing of that head', async () => {
    const port = await httpUpstream((_, response) => response.end('body'))
    const { port: at } = await gateway(port, {
      protocol: 'h2c',
      forward: {
        started: () => [
          ['X-Own', 'a'],
          ['ETag', 'a'],
          ['x bad', 'a'],
        ],
      },
    })
    const { headers } = await askHttp2(at)
    expect([headers[':status'], headers['x-code']]).toEqual([502, 'UPSTREAM_UNAVAILABLE'])
    expect([headers['x-own'], headers['etag']]).toEqual([undefined, undefined])
  })

  for (const protocol of ['http/1.1', 'h2c'] as const) {
    test(`that resets a HEAD ends it at an upstream of ${protocol} at once`, async () => {
      const gone = Promise.withResolvers<void>()
      const came = Promise.withResolvers<void>()
      const port =
        protocol === 'http/1.1'
          ? await httpUpstream((request) => {
              came.resolve()
              request.socket.once('close', () => gone.resolve())
            })
          : await listen(
              http2.createServer().on('stream', (stream) => {
                came.resolve()
                stream.on('error', () => undefined)
                stream.once('close', () => gone.resolve())
              }),
            )
      const { port: at, end } = await gateway(port, { protocol: 'h2c', config: { protocol } })
      const ended = end()
      const client = http2.connect(`http://127.0.0.1:${at}`)
      cleanups.push(() => client.destroy())
      const stream = client.request({ ':path': '/', ':method': 'HEAD' })
      stream.on('error', () => undefined)
      await came.promise
      stream.close(http2.constants.NGHTTP2_CANCEL)
      await gone.promise
      expect(await ended).toEqual({ kind: 'client-left', status: undefined })
    })
  }
})

describe('R-GW-5 whether anything of a refused request may have reached the upstream', () => {
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  const long = (bytes: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`
  for (const [name, text, status, code, wasSent] of [
    ['a length above the limit', long(11), 413, 'REQUEST_TOO_LARGE', false],
    ['a first part above the limit', `${chunked}b\r\n01234567890\r\n`, 413, '', false],
    ['a second part above it', `${chunked}5\r\n01234\r\n6\r\n567890\r\n`, 413, '', true],
    ['a body that never begins', long(9), 408, 'REQUEST_TIMEOUT', false],
    ['a body that stops', `${long(9)}half`, 408, 'REQUEST_TIMEOUT', true],
  ] as const) {
    test(`${name}: ${wasSent}`, async () => {
      let seen = ''
      const port = await rawUpstream((_, request) => {
        seen += request
      })
      const { port: at, end } = await gateway(port, {
        forward: { maxBodyBytes: 10, bodyIdleMs: 300 },
      })
      const ended = end()
      const socket = net.connect(at, '127.0.0.1')
      cleanups.push(() => socket.destroy())
      socket.write(text)
      expect(await ended).toMatchObject({ kind: 'refused', status, wasSent, ...(code && { code }) })
      if (!wasSent) expect(seen).toBe('')
    })
  }

  test('an upstream that is not there: false, and one that breaks off: true', async () => {
    const { port: dead, ends } = await gateway(1)
    await ask(dead)
    expect(ends).toMatchObject([{ kind: 'refused', status: 502, wasSent: false }])
    const port = await rawUpstream((socket) => socket.destroy())
    const { port: breaking, ends: others } = await gateway(port)
    await ask(breaking)
    expect(others).toMatchObject([{ kind: 'refused', status: 502, wasSent: true }])
  })
})

describe('R-FWD-10 nginx as the upstream', () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-nginx-'))
  const file = Buffer.alloc(1024 * 1024, 'z')
  let nginx: ChildProcess
  let port = 0

  beforeAll(async () => {
    // A port that was free a moment ago.
    const probe = net.createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    port = (probe.address() as AddressInfo).port
    probe.close()
    await once(probe, 'close')
    writeFileSync(join(folder, 'file'), file)
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
      .join(' ')
    const config = join(folder, 'nginx.conf')
    writeFileSync(
      config,
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
      events {} http { access_log off; ${temp} gzip on; gzip_proxied any; gzip_types *;
      server { listen 127.0.0.1:${port}; root ${folder}; location /empty { return 204; } } }`,
    )
    nginx = spawn('nginx', ['-e', join(folder, 'error.log'), '-c', config], { stdio: 'ignore' })
    for (let isUp = false; !isUp; ) {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined)
      isUp = await new Promise((resolve) => {
        socket.on('connect', () => resolve(true)).on('close', () => resolve(false))
      })
      socket.destroy()
      if (!isUp) await delay(20)
    }
  })
  afterAll(async () => {
    nginx.kill()
    await once(nginx, 'exit')
    rmSync(folder, { recursive: true })
  })

  test('files, parts of files, compressed and unchanged ones, on kept connections', async () => {
    const { port: at, ends } = await gateway(port)
    const whole = await ask(at, { path: '/file' })
    expect(whole).toMatchObject({ status: 200, isComplete: true })
    expect(whole.body).toBe(file.toString('latin1'))
    const part = await ask(at, { path: '/file', headers: { Range: 'bytes=2-5' } })
    expect(part).toMatchObject({ status: 206, body: 'zzzz' })
    expect(part.headers['content-range']).toBe(`bytes 2-5/${file.length}`)
    const etag = whole.headers.etag!
    const same = await ask(at, { path: '/file', headers: { 'If-None-Match': etag } })
    expect(same).toMatchObject({ status: 304, body: '' })
    const small = await ask(at, { path: '/file', headers: { 'Accept-Encoding': 'gzip' } })
    expect(small.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(Buffer.from(small.body, 'latin1')).equals(file)).toBe(true)
    expect(await ask(at, { path: '/file', method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
    })
    expect(await ask(at, { path: '/empty' })).toMatchObject({ status: 204, body: '' })
    expect(await ask(at, { path: '/none' })).toMatchObject({ status: 404 })
    expect(await ask(at, { path: '/file', method: 'POST', body: 'x' })).toMatchObject({
      status: 405,
    })
    await until(() => ends.length === 8)
    expect(ends.every(({ kind }) => kind === 'done')).toBe(true)
  })
})

describe('R-FWD-23 the start of a response', () => {
  test('waits for its use to be recorded; what is given with it replaces the upstream’s', async () => {
    const port = await httpUpstream((_, response) => {
      response.writeHead(200, { 'Cache-Control': 'public', Vary: ['A', 'B'] }).end('body')
    })
    const seen: unknown[] = []
    let start: () => void = () => undefined
    const { port: at } = await gateway(port, {
      forward: {
        started: async (status, current) => {
          seen.push(status, current('cache-control'), current('Vary'), current('x'))
          await new Promise<void>((resolve) => {
            start = resolve
          })
          return [['Cache-Control', 'private']]
        },
      },
    })
    const request = http.get({ port: at, agent: false })
    let hasCome = false
    request.on('response', () => {
      hasCome = true
    })
    while (seen.length === 0) await delay(5)
    await delay(50)
    expect(seen).toEqual([200, 'public', 'A, B', undefined])
    expect(hasCome).toBe(false)
    const response = once(request, 'response')
    start()
    const answer = await read((await response)[0] as IncomingMessage)
    expect(answer.headers['cache-control']).toBe('private')
    expect(answer.body).toBe('body')
  })

  test('a long response is held only a little while it waits', async () => {
    let sent = 0
    const port = await httpUpstream((_, response) => {
      const part = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (sent < 64 * 1024 * 1024) {
          sent += part.length
          if (!response.write(part)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    })
    let start: () => void = () => undefined
    const { port: at } = await gateway(port, {
      forward: {
        started: () =>
          new Promise((resolve) => {
            start = () => resolve([])
          }),
      },
    })
    const answer = ask(at)
    await until(() => sent > 0)
    await settled(() => sent)
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    start()
    expect((await answer).body.length).toBe(64 * 1024 * 1024)
  })

  test('where it fails nothing is sent', async () => {
    const port = await httpUpstream((_, response) => response.end('secret'))
    for (const started of [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]) {
      const { port: at } = await gateway(port, { forward: { started } })
      expect(await ask(at)).toMatchObject({ status: 502, body: '' })
    }
  })

  test('where the upstream breaks off meanwhile, the response is cut after its start', async () => {
    const port = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      setTimeout(() => socket.destroy(), 20)
    })
    const { port: at, end } = await gateway(port, {
      forward: { started: () => delay(200, []) },
    })
    const ended = end()
    expect(await wire(at, get)).not.toContain('502')
    expect(await ended).toMatchObject({ kind: 'cut', status: 200 })
  })
})

/** Waits for something that must happen. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5)
}

/** Waits until a number grows no more. */
async function settled(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value()
    await delay(150)
  }
}

describe('R-FWD-10 streaming', () => {
  test('each server-sent event is there before the next is sent, the head before the first', async () => {
    const upstreams: ServerResponse[] = []
    const port = await httpUpstream((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.flushHeaders()
      upstreams.push(response)
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const request = http.get({ port: at, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    for (let i = 0; i < 5; i++) {
      upstreams[0]!.write(`data: ${i}\n\n`)
      const [part] = await once(response, 'data')
      expect(String(part)).toBe(`data: ${i}\n\n`)
    }
    upstreams[0]!.end()
    await once(response, 'end')
    expect(await ended).toEqual({ kind: 'done', status: 200 })
  })

  test('a client that reads slowly slows the upstream down, and gets all', async () => {
    const total = 64 * 1024 * 1024
    let sent = 0
    const port = await httpUpstream((_, response) => {
      const part = Buffer.alloc(64 * 1024, 7)
      const more = (): void => {
        while (sent < total) {
          sent += part.length
          if (!response.write(part)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    })
    const { port: at } = await gateway(port)
    const request = http.get({ port: at, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await settled(() => sent)
    expect(sent).toBeLessThan(total / 2)
    let got = 0
    response.on('data', (part: Buffer) => {
      got += part.length
    })
    await once(response, 'end')
    expect(got).toBe(total)
  })

  test('an upstream that reads slowly slows the client down, and gets all', async () => {
    const total = 64 * 1024 * 1024
    let got = 0
    const uploads: IncomingMessage[] = []
    const port = await httpUpstream((request, response) => {
      uploads.push(request)
      request.on('end', () => response.end('thanks'))
    })
    const { port: at } = await gateway(port, { forward: { maxBodyBytes: total } })
    const request = http.request({ port: at, method: 'POST', agent: false })
    let sent = 0
    const part = Buffer.alloc(64 * 1024, 7)
    const more = (): void => {
      while (sent < total) {
        sent += part.length
        if (!request.write(part)) return
      }
      request.end()
    }
    request.on('drain', more)
    more()
    await until(() => uploads.length === 1)
    await settled(() => sent)
    expect(sent).toBeLessThan(total / 2)
    uploads[0]!.on('data', (data: Buffer) => {
      got += data.length
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect((await read(response)).body).toBe('thanks')
    expect(got).toBe(total)
  })

  test('each part of a request body reaches the upstream before the next is sent', async () => {
    const uploads: IncomingMessage[] = []
    const port = await httpUpstream((request, response) => {
      uploads.push(request)
      request.on('end', () => response.end())
    })
    const { port: at } = await gateway(port)
    const request = http.request({ port: at, method: 'POST', agent: false })
    for (let i = 0; i < 4; i++) {
      request.write(`part ${i}`)
      await until(() => uploads.length === 1)
      const [part] = await once(uploads[0]!, 'data')
      expect(String(part)).toBe(`part ${i}`)
    }
    request.end()
    expect((await read((await once(request, 'response'))[0])).status).toBe(200)
  })
})

describe('R-FWD-11 who leaves', () => {
  test('a client that leaves before the head ends the upstream’s request at once', async () => {
    let isAborted = false
    let hasBegun = false
    const port = await httpUpstream((request) => {
      hasBegun = true
      request.on('close', () => {
        isAborted = true
      })
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const request = http.get({ port: at, agent: false }).on('error', () => undefined)
    await until(() => hasBegun)
    request.destroy()
    expect(await ended).toEqual({ kind: 'client-left', status: undefined })
    await until(() => isAborted)
  })

  test('a client that leaves inside the response ends the upstream’s request at once', async () => {
    let isClosed = false
    const port = await httpUpstream((_, response) => {
      response.write('a')
      response.on('close', () => {
        isClosed = true
      })
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const request = http.get({ port: at, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.destroy()
    expect(await ended).toEqual({ kind: 'client-left', status: 200 })
    await until(() => isClosed)
  })

  test('a client that leaves inside its body ends the upstream’s request at once', async () => {
    let isAborted = false
    let hasBegun = false
    const port = await httpUpstream((request) => {
      request.on('data', () => {
        hasBegun = true
      })
      request.on('error', () => {
        isAborted = true
      })
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const headers = { 'Content-Length': '100' }
    const request = http.request({ port: at, method: 'POST', agent: false, headers })
    request.on('error', () => undefined)
    request.write('some')
    await until(() => hasBegun)
    request.destroy()
    expect(await ended).toEqual({ kind: 'client-left', status: undefined })
    await until(() => isAborted)
  })

  test('a client that is gone already costs the upstream nothing', async () => {
    let requests = 0
    const port = await httpUpstream((_, response) => {
      requests++
      response.end()
    })
    let resume: () => void = () => undefined
    const { port: at, end } = await gateway(port, {
      before: (exchange) =>
        new Promise((resolve) => {
          exchange.response.on('close', () => resolve(undefined))
          resume = () => request.destroy()
        }),
    })
    const ended = end()
    const request = http.get({ port: at, agent: false }).on('error', () => undefined)
    await delay(50)
    resume()
    expect(await ended).toEqual({ kind: 'client-left', status: undefined })
    expect(requests).toBe(0)
  })

  for (const [how, head, part] of [
    ['shorter than its Content-Length', 'Content-Length: 100\r\n', 'some'],
    ['without its last chunk', 'Transfer-Encoding: chunked\r\n', '4\r\nsome\r\n'],
    ['inside a chunk', 'Transfer-Encoding: chunked\r\n', '5\r\nsome'],
    ['with a broken chunk', 'Transfer-Encoding: chunked\r\n', '4\r\nsome\r\nXYZ\r\n'],
  ] as const) {
    for (const version of ['1.1', '1.0']) {
      test(`a response ${how} is cut, for a client of HTTP/${version}`, async () => {
        const port = await rawUpstream((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${part}`)
          setTimeout(() => socket.end(), 20)
        })
        const { port: at, end } = await gateway(port)
        const ended = end()
        const socket = net.connect(at, '127.0.0.1')
        let error: Error | undefined
        let text = ''
        socket.on('error', (reason) => {
          error = reason
        })
        socket.on('data', (data) => {
          text += data.toString('latin1')
        })
        socket.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`)
        await closed(socket)
        expect(await ended).toMatchObject({ kind: 'cut', status: 200 })
        expect(text).not.toContain('0\r\n\r\n')
        // Without a length and without chunks only a reset tells that something is missing.
        const isBare = version === '1.0' && head.startsWith('Transfer')
        expect(error !== undefined || !isBare).toBe(true)
      })
    }
  }

  test('a reset is no end, where the body ends with the connection', async () => {
    const port = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nsome')
      setTimeout(() => socket.resetAndDestroy(), 30)
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const answer = await ask(at)
    expect(answer.isComplete).toBe(false)
    expect(await ended).toMatchObject({ kind: 'cut' })
  })
})

describe('R-FWD-12 long request bodies', () => {
  test('one that announces too much is refused before the upstream hears of it', async () => {
    let requests = 0
    const port = await httpUpstream((_, response) => {
      requests++
      response.end()
    })
    const { port: at, ends } = await gateway(port, { forward: { maxBodyBytes: 10 } })
    const answer = await ask(at, { method: 'POST', body: '12345678901' })
    expect(answer).toMatchObject({ status: 413 })
    expect(answer.headers['x-code']).toBe('REQUEST_TOO_LARGE')
    expect(ends).toMatchObject([{ kind: 'refused', status: 413, code: 'REQUEST_TOO_LARGE' }])
    expect(requests).toBe(0)
    expect(await ask(at, { method: 'POST', body: '1234567890' })).toMatchObject({ status: 200 })
  })

  test('one that turns out too long is broken off', async () => {
    let hasBegun = false
    let isBroken = false
    const port = await httpUpstream((request) => {
      request.on('error', () => {
        isBroken = true
      })
      request.on('data', () => {
        hasBegun = true
      })
    })
    const { port: at } = await gateway(port, { forward: { maxBodyBytes: 10 } })
    const request = http.request({ port: at, method: 'POST', agent: false })
    request.on('error', () => undefined)
    const response = once(request, 'response')
    request.write('12345')
    await until(() => hasBegun)
    request.end('678901')
    expect((await read((await response)[0] as IncomingMessage)).status).toBe(413)
    await until(() => isBroken)
  })

  test('the client gets the refusal although it goes on sending', async () => {
    const port = await httpUpstream((request) => request.resume())
    const { port: at } = await gateway(port, { forward: { maxBodyBytes: 10 } })
    const headers = { 'Transfer-Encoding': 'chunked' }
    const request = http.request({ port: at, method: 'POST', agent: false, headers })
    request.on('error', () => undefined)
    const timer = setInterval(() => request.write(Buffer.alloc(16 * 1024)), 5)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(413)
    // And not for ever.
    await closed(request)
    clearInterval(timer)
  })

  test('what was read already counts', async () => {
    const port = await httpUpstream((request, response) => request.pipe(response))
    const { port: at } = await gateway(port, {
      forward: { maxBodyBytes: 10 },
      before: (exchange) => readStart(exchange, 100),
    })
    expect(await ask(at, { method: 'POST', body: '1234567890' })).toMatchObject({
      status: 200,
      body: '1234567890',
    })
    const headers = { 'Transfer-Encoding': 'chunked' }
    const answer = await ask(at, { method: 'POST', body: '12345678901', headers })
    expect(answer.status).toBe(413)
  })
})

describe('R-FWD-13 stalled request bodies', () => {
  test('one that stops is refused', async () => {
    let isBroken = false
    const port = await httpUpstream((request) => {
      request.on('error', () => {
        isBroken = true
      })
      request.resume()
    })
    const { port: at } = await gateway(port, { config: { idleMs: 200 } })
    const headers = { 'Content-Length': '100' }
    const request = http.request({ port: at, method: 'POST', agent: false, headers })
    request.on('error', () => undefined)
    request.write('some')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(408)
    await until(() => isBroken)
    request.destroy()
  })

  test('one that moves is not, however long it takes', async () => {
    const port = await httpUpstream((request, response) => request.pipe(response))
    const { port: at } = await gateway(port, { config: { idleMs: 800, headMs: 800 } })
    const request = http.request({ port: at, method: 'POST', agent: false })
    const response = once(request, 'response')
    for (let i = 0; i < 10; i++) {
      request.write(`${i}`)
      await delay(200)
    }
    request.end()
    expect((await read((await response)[0] as IncomingMessage)).body).toBe('0123456789')
  })

  test('an upstream that does not take the body is late: 504', async () => {
    const port = await rawUpstream((socket) => socket.pause())
    const { port: at } = await gateway(port, {
      config: { idleMs: 300 },
      forward: { maxBodyBytes: 1e9 },
    })
    const request = http.request({ port: at, method: 'POST', agent: false })
    request.on('error', () => undefined)
    const part = Buffer.alloc(1024 * 1024)
    const more = (): void => {
      while (request.write(part));
    }
    request.on('drain', more)
    more()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(504)
    request.destroy()
  })
})

describe('R-FWD-14 how a request body is sent', () => {
  /** Says what it got. */
  const echo = (): Promise<number> =>
    httpUpstream((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const { 'content-length': length, 'transfer-encoding': coding } = request.headers
        response.end(JSON.stringify([length, coding, Buffer.concat(parts).toString()]))
      })
    })

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
    test(`${method} keeps its Content-Length`, async () => {
      const { port: at } = await gateway(await echo())
      const headers = { 'Content-Length': '4' }
      const { body } = await ask(at, { method, body: 'body', headers })
      expect(JSON.parse(body)).toEqual(['4', null, 'body'])
    })
    test(`${method} without one goes in chunks`, async () => {
      const { port: at } = await gateway(await echo())
      const headers = { 'Transfer-Encoding': 'chunked' }
      const { body } = await ask(at, { method, body: 'body', headers })
      expect(JSON.parse(body)).toEqual([null, 'chunked', 'body'])
    })
  }

  test('an empty body in chunks is an empty body', async () => {
    const { port: at } = await gateway(await echo())
    const headers = { 'Transfer-Encoding': 'chunked' }
    const { body } = await ask(at, { method: 'POST', headers })
    expect(JSON.parse(body)).toEqual(['0', null, ''])
  })

  test('a body that was read already goes on with its length', async () => {
    const { port: at } = await gateway(await echo(), { before: (e) => readStart(e, 100) })
    const headers = { 'Transfer-Encoding': 'chunked' }
    const { body } = await ask(at, { method: 'POST', body: 'body', headers })
    expect(JSON.parse(body)).toEqual(['4', null, 'body'])
  })

  test('the start goes first, and the rest follows', async () => {
    const { port: at } = await gateway(await echo(), {
      before: async ({ request }) => {
        const [part] = (await once(request, 'data')) as [Buffer]
        request.pause()
        return part
      },
    })
    const request = http.request({ port: at, method: 'POST', agent: false })
    const response = once(request, 'response')
    request.write('first ')
    await delay(50)
    request.end('second')
    const answer = await read((await response)[0] as IncomingMessage)
    expect(JSON.parse(answer.body)).toEqual([null, 'chunked', 'first second'])
  })

  test('a client that waits is told to go on', async () => {
    const { port: at } = await gateway(await echo())
    const headers = { Expect: '100-continue', 'Content-Length': '4' }
    const request = http.request({ port: at, method: 'POST', agent: false, headers })
    const response = once(request, 'response')
    request.flushHeaders()
    await once(request, 'continue')
    request.end('body')
    const answer = await read((await response)[0] as IncomingMessage)
    expect(JSON.parse(answer.body)).toEqual(['4', null, 'body'])
  })

  test('a client that waits is not told to go on with what is refused', async () => {
    const { port: at } = await gateway(await echo(), { forward: { maxBodyBytes: 3 } })
    const text = await wire(
      at,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    )
    expect(text.startsWith('HTTP/1.1 413 ')).toBe(true)
    expect(text).not.toContain('100 Continue')
  })

  test('a client that waits is told once, where the body is read before', async () => {
    const { port: at } = await gateway(await echo(), { before: (e) => readStart(e, 100) })
    const headers = { Expect: '100-continue', 'Content-Length': '4', Connection: 'close' }
    const request = http.request({ port: at, method: 'POST', agent: false, headers })
    let invitations = 0
    request.on('continue', () => {
      invitations++
      request.end('body')
    })
    const response = once(request, 'response')
    request.flushHeaders()
    await read((await response)[0] as IncomingMessage)
    expect(invitations).toBe(1)
  })
})

describe('R-FWD-12 reading a body before it is forwarded', () => {
  async function reading(
    options: http.RequestOptions & { readonly body?: string },
    limits: readonly [number, number?],
    act: (request: http.ClientRequest) => void = (request) => request.end(options.body),
  ): Promise<Buffer | string> {
    const result = Promise.withResolvers<Buffer | string>()
    const port = await listen(
      http.createServer((request, response) => {
        const peer = { address: '', isEncrypted: false }
        readStart({ request, response, peer }, ...limits).then(result.resolve, (error: unknown) => {
          result.resolve(isL402Error(error) ? error.code : String(error))
        })
      }),
    )
    const request = http.request({ port, host: '127.0.0.1', agent: false, ...options })
    request.on('error', () => undefined)
    cleanups.push(() => request.destroy())
    act(request)
    return result.promise
  }

  test('gives all of it', async () => {
    const body = await reading({ method: 'POST', body: 'a'.repeat(100_000) }, [100_000])
    expect(String(body)).toBe('a'.repeat(100_000))
  })
  test('gives nothing where there is none', async () => {
    expect(await reading({ method: 'GET' }, [100])).toEqual(Buffer.alloc(0))
  })
  test('refuses a longer one', async () => {
    expect(await reading({ method: 'POST', body: '12345' }, [4])).toBe('REQUEST_TOO_LARGE')
    const headers = { 'Transfer-Encoding': 'chunked' }
    expect(await reading({ method: 'POST', body: '12345', headers }, [4])).toBe('REQUEST_TOO_LARGE')
  })
  test('R-FWD-13 refuses one that stalls', async () => {
    const headers = { 'Content-Length': '5' }
    const stall = (request: http.ClientRequest): void => void request.write('12')
    expect(await reading({ method: 'POST', headers }, [10, 50], stall)).toBe('REQUEST_TIMEOUT')
  })
  test('refuses one whose client leaves', async () => {
    const headers = { 'Content-Length': '5' }
    const leave = (request: http.ClientRequest): void => {
      request.write('12', () => setTimeout(() => request.destroy(), 20))
    }
    expect(await reading({ method: 'POST', headers }, [10], leave)).toBe('REQUEST_MALFORMED')
  })
})

describe('R-FWD-15 time', () => {
  test('no head in time: 504, and the upstream’s request is over', async () => {
    let isClosed = false
    const port = await httpUpstream((request) => {
      request.on('close', () => {
        isClosed = true
      })
    })
    const { port: at, ends } = await gateway(port, { config: { headMs: 100 } })
    const answer = await ask(at)
    expect(answer.status).toBe(504)
    expect(answer.headers['x-code']).toBe('UPSTREAM_TIMEOUT')
    expect(ends).toMatchObject([{ kind: 'refused', status: 504, code: 'UPSTREAM_TIMEOUT' }])
    await until(() => isClosed)
  })

  test('a route’s own head time counts', async () => {
    const port = await httpUpstream((_, response) => setTimeout(() => response.end('late'), 5000))
    const { port: at } = await gateway(port, { forward: { headMs: 50 } })
    expect((await ask(at)).status).toBe(504)
  })

  test('no connection in time: 504', async () => {
    // A server that accepts nothing: its queue is full.
    const server = net.createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const tls = new URL(`https://127.0.0.1:${port}`)
    cleanups.push(() => server.close())
    server.on('connection', (socket) => cleanups.push(() => socket.destroy()))
    const { port: at } = await gateway(port, { config: { url: tls, connectMs: 200 } })
    expect((await ask(at)).status).toBe(504)
  })

  test('a response that stalls is cut', async () => {
    const port = await httpUpstream((_, response) => response.write('some'))
    const { port: at, ends } = await gateway(port, { config: { idleMs: 150 } })
    const answer = await ask(at)
    expect(answer).toMatchObject({ status: 200, body: 'some', isComplete: false })
    expect(ends).toMatchObject([{ kind: 'cut', status: 200 }])
  })

  test('a response that moves is not cut, however long it takes', async () => {
    const port = await httpUpstream(async (_, response) => {
      for (let i = 0; i < 10; i++) {
        response.write(`${i}`)
        await delay(200)
      }
      response.end()
    })
    const { port: at } = await gateway(port, { config: { idleMs: 800, headMs: 800 } })
    expect(await ask(at)).toMatchObject({ body: '0123456789', isComplete: true })
  })

  test('an upstream is not late while its client reads slowly', async () => {
    const total = 32 * 1024 * 1024
    const port = await httpUpstream((_, response) => response.end(Buffer.alloc(total)))
    const { port: at } = await gateway(port, { config: { idleMs: 1000 } })
    const request = http.get({ port: at, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let got = 0
    for await (const part of response) {
      got += (part as Buffer).length
      if (got % (4 * 1024 * 1024) < (part as Buffer).length) await delay(250)
    }
    expect(got).toBe(total)
  })

  test('a client that stops reading is let go', async () => {
    let isClosed = false
    const port = await httpUpstream((_, response) => {
      response.on('close', () => {
        isClosed = true
      })
      response.end(Buffer.alloc(64 * 1024 * 1024))
    })
    const { port: at, end } = await gateway(port, { config: { idleMs: 300 } })
    const ended = end()
    const request = http.get({ port: at, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    expect(await ended).toEqual({ kind: 'client-left', status: 200 })
    await until(() => isClosed)
  })
})

describe('R-FWD-16 answers that are none', () => {
  for (const [what, answer] of [
    ['not HTTP', 'hello\r\n\r\n'],
    ['another protocol', 'SSH-2.0-x\r\n'],
    ['a broken status line', 'HTTP/1.1 20x OK\r\n\r\n'],
    ['a broken header line', 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ],
    [
      'a transfer coding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nabc'],
    ['a line feed in a value', 'HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n\x01c\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(200_000)}\r\n\r\n`],
    [
      'protocols that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['an invitation that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['nothing', ''],
  ] as const) {
    test(`${what}: 502`, async () => {
      const port = await rawUpstream((socket) => socket.end(answer, 'latin1'))
      const { port: at, ends } = await gateway(port)
      const text = await wire(at, get)
      expect(text.startsWith('HTTP/1.1 502 Bad Gateway\r\n')).toBe(true)
      expect(text).not.toContain('abc')
      expect(ends).toMatchObject([{ kind: 'refused', status: 502, code: 'UPSTREAM_UNAVAILABLE' }])
    })
  }

  test('nobody there: 502', async () => {
    const server = net.createServer()
    const port = await listen(server)
    server.close()
    expect((await ask((await gateway(port)).port)).status).toBe(502)
  })

  test('after each the next request is served', async () => {
    const port = await rawUpstream((socket, _, connection) =>
      socket.write(
        connection === 0 ? 'rubbish\r\n' : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    const { port: at } = await gateway(port)
    expect((await ask(at)).status).toBe(502)
    expect(await ask(at)).toMatchObject({ status: 200, body: 'ok' })
  })
})

describe('R-FWD-17 an answer before the end of the request', () => {
  test('is passed on at once, and the next request is served', async () => {
    const port = await httpUpstream((_, response) => {
      response.writeHead(401).end('no')
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const request = http.request({ port: at, method: 'POST', agent: false })
    request.on('error', () => undefined)
    request.write('some')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(await read(response)).toMatchObject({ status: 401, body: 'no' })
    expect(await ended).toEqual({ kind: 'done', status: 401 })
    request.destroy()
    expect((await ask(at)).status).toBe(401)
  })

  test('the client’s connection can be used on, once its body is over', async () => {
    const port = await httpUpstream((request, response) => {
      response.end(request.method)
    })
    const { port: at } = await gateway(port)
    const socket = net.connect(at, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
    })
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsome')
    await until(() => text.endsWith('POST'))
    socket.write(`body${get}`)
    await closed(socket)
    expect(text.endsWith('GET')).toBe(true)
  })
})

describe('R-FWD-18 answers without a body', () => {
  for (const interim of ['102 Processing', '103 Early Hints\r\nLink: </a.css>']) {
    test(`${interim.slice(0, 3)} is not passed on`, async () => {
      const port = await rawUpstream((socket) =>
        socket.write(`HTTP/1.1 ${interim}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
      )
      const text = await wire((await gateway(port)).port, get)
      expect(text.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true)
      expect(text.endsWith('\r\n\r\nok')).toBe(true)
      expect(text).not.toContain('Link')
    })
  }

  test('HEAD keeps the length and gets no body', async () => {
    const port = await rawUpstream((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'),
    )
    const { port: at, end } = await gateway(port)
    const ended = end()
    const text = await wire(at, get.replace('GET', 'HEAD'))
    expect(text).toContain('Content-Length: 3\r\n')
    expect(text.endsWith('\r\n\r\n')).toBe(true)
    expect(await ended).toEqual({ kind: 'done', status: 200 })
  })

  for (const status of ['204 No Content', '304 Not Modified']) {
    for (const body of ['Content-Length: 3\r\n\r\nabc', '\r\n', 'ETag: "a"\r\n\r\n']) {
      test(`${status} with ${JSON.stringify(body)}`, async () => {
        const port = await rawUpstream((socket) => socket.write(`HTTP/1.1 ${status}\r\n${body}`))
        const { port: at, end } = await gateway(port)
        const ended = end()
        const text = await wire(at, get)
        expect(text.startsWith(`HTTP/1.1 ${status}\r\n`)).toBe(true)
        expect(text.endsWith('\r\n\r\n')).toBe(true)
        expect((await ended).kind).toBe('done')
        expect((await ask(at)).status).toBe(Number(status.slice(0, 3)))
      })
    }
  }
})

describe('R-FWD-19 trailers', () => {
  const answer =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n' +
    'X-Sum: 1\r\nKeep-Alive: x\r\nHost: a\r\nSatway-X: 1\r\n\r\n'

  test('are passed on after a chunked body', async () => {
    const port = await rawUpstream((socket) => socket.write(answer))
    const got = await ask((await gateway(port)).port)
    expect(got).toMatchObject({ body: 'abc', isComplete: true })
    expect(got.trailers).toEqual({ 'x-sum': '1' })
  })

  test('are left out where there is no place for them', async () => {
    const port = await rawUpstream((socket) => socket.write(answer))
    const text = await wire((await gateway(port)).port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(text.endsWith('\r\n\r\nabc')).toBe(true)
  })
})

const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('R-FWD-20 a kept connection that was closed', () => {
  /** Answers the first request of its first connection, and closes it at the second. */
  const closing = async (): Promise<{ port: number; requests: string[] }> => {
    const requests: string[] = []
    const port = await rawUpstream((socket, request, connection) => {
      requests.push(`${connection} ${request.slice(0, request.indexOf(' '))}`)
      if (connection === 0 && requests.length > 1) socket.destroy()
      else socket.write(request.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\n\r\n' : ok('answer'))
    })
    return { port, requests }
  }

  for (const method of ['GET', 'HEAD']) {
    test(`${method} is sent once more`, async () => {
      const { port, requests } = await closing()
      const { port: at } = await gateway(port)
      await ask(at)
      expect((await ask(at, { method })).status).toBe(200)
      expect(requests).toEqual(['0 GET', `0 ${method}`, `1 ${method}`])
    })
  }

  for (const [what, options] of [
    ['POST', { method: 'POST', body: 'x' }],
    ['POST without a body', { method: 'POST' }],
    ['DELETE', { method: 'DELETE' }],
    ['GET with a body', { method: 'GET', body: 'x', headers: { 'Content-Length': '1' } }],
  ] as const) {
    test(`${what} is not: 502`, async () => {
      const { port, requests } = await closing()
      const { port: at } = await gateway(port)
      await ask(at)
      expect((await ask(at, options)).status).toBe(502)
      expect(requests.length).toBeLessThanOrEqual(3)
      expect(requests.some((request) => request.startsWith('1'))).toBe(false)
    })
  }

  test('not where something of an answer came', async () => {
    let requests = 0
    const port = await rawUpstream((socket) => {
      requests++
      if (requests === 1) socket.write(ok('answer'))
      else socket.end('HTTP/1.1 200 O')
    })
    const { port: at } = await gateway(port)
    await ask(at)
    expect((await ask(at)).status).toBe(502)
    expect(requests).toBe(2)
  })

  test('not more than once, and not on a new connection', async () => {
    let requests = 0
    const port = await rawUpstream((socket) => {
      requests++
      if (requests === 1) socket.write(ok('answer'))
      else socket.destroy()
    })
    const { port: at } = await gateway(port)
    await ask(at)
    expect((await ask(at)).status).toBe(502)
    expect(requests).toBe(3)
    expect((await ask(at)).status).toBe(502)
    expect(requests).toBe(4)
  })

  test('one that was closed while it was idle is not used', async () => {
    const port = await rawUpstream((socket, request) => {
      socket.end(ok(request.slice(0, 4)))
    })
    const { port: at } = await gateway(port)
    for (let i = 0; i < 5; i++) {
      const answer = await ask(at, { method: 'POST', body: 'x' })
      expect(answer).toMatchObject({ status: 200, body: 'POST' })
    }
  })
})

describe('R-FWD-21 answers that nobody asked for', () => {
  for (const [when, wait] of [
    ['in the same packet', 0],
    ['a moment later', 20],
  ] as const) {
    test(`a second answer ${when} is not the next client’s`, async () => {
      const port = await rawUpstream((socket, _, connection) => {
        if (connection > 0) socket.write(ok('fresh'))
        else if (wait === 0) socket.write(ok('mine') + ok('poison'))
        else {
          socket.write(ok('mine'))
          setTimeout(() => socket.write(ok('poison')), wait)
        }
      })
      const { port: at } = await gateway(port)
      expect((await ask(at)).body).toBe('mine')
      await delay(wait * 3)
      for (let i = 0; i < 3; i++) expect((await ask(at)).body).toBe('fresh')
    })
  }

  test('what comes after the announced length is not the next client’s', async () => {
    const port = await rawUpstream((socket, _, connection) => {
      socket.write(connection === 0 ? `${ok('mine')}HTTP/1.1 200 OK\r\n\r\npoison` : ok('fresh'))
    })
    const { port: at } = await gateway(port)
    expect((await ask(at)).body).toBe('mine')
    expect((await ask(at)).body).toBe('fresh')
  })

  test('a body to HEAD is not the next client’s', async () => {
    const port = await rawUpstream((socket, _, connection) => {
      socket.write(connection === 0 ? ok(ok('poison')) : ok('fresh'))
    })
    const { port: at } = await gateway(port)
    expect((await ask(at, { method: 'HEAD' })).body).toBe('')
    expect((await ask(at)).body).toBe('fresh')
  })

  test('a connection that was broken off is not used again', async () => {
    const port = await rawUpstream((socket, _, connection) => {
      if (connection > 0) socket.write(ok('fresh'))
      else setTimeout(() => socket.write(ok('for the one that left')), 50)
    })
    const { port: at, end } = await gateway(port)
    const ended = end()
    const request = http.get({ port: at, agent: false }).on('error', () => undefined)
    await delay(20)
    request.destroy()
    await ended
    expect((await ask(at)).body).toBe('fresh')
  })

  for (const [keepAlive, connections] of [
    [true, 1],
    [false, 3],
  ] as const) {
    test(`with keep_alive: ${keepAlive} three requests take ${connections} connections`, async () => {
      const seen = new Set<number>()
      const said = new Set<string | undefined>()
      const port = await httpUpstream((request, response) => {
        seen.add(request.socket.remotePort!)
        said.add(request.headers.connection)
        response.end('x')
      })
      const { port: at } = await gateway(port, { config: { keepAlive } })
      for (let i = 0; i < 3; i++) expect((await ask(at)).body).toBe('x')
      expect(seen.size).toBe(connections)
      expect([...said]).toEqual([keepAlive ? 'keep-alive' : 'close'])
    })
  }

  test('as many connections as there are requests at a time', async () => {
    const waiting: ServerResponse[] = []
    const port = await httpUpstream((_, response) => void waiting.push(response))
    const { port: at } = await gateway(port)
    const answers = Promise.all(Array.from({ length: 100 }, () => ask(at)))
    await until(() => waiting.length === 100)
    for (const [i, response] of waiting.entries()) response.end(`${i}`)
    const bodies = new Set((await answers).map(({ body }) => body))
    expect(bodies.size).toBe(100)
  })
})

describe('R-FWD-22 TLS to the upstream', () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-proxy-'))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  let pem = { key: '', cert: '' }

  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...[
          '-days',
          '2',
          '-subj',
          '/CN=upstream.test',
          '-addext',
          'subjectAltName=DNS:upstream.test',
        ],
        ...['-keyout', files.key, '-out', files.cert],
      ],
      { stdio: 'ignore' },
    )
    pem = { key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.cert, 'utf8') }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const secure = (): Promise<number> =>
    listen(
      https.createServer(pem, (request, response) => {
        response.end((request.socket as unknown as { servername: string }).servername)
      }),
    )

  for (const [what, hasCa, serverName, status] of [
    ['the authority and the name', true, 'upstream.test', 200],
    ['no authority', false, 'upstream.test', 502],
    ['another name', true, 'other.test', 502],
    ['the name of the URL, which is not in the certificate', true, undefined, 502],
  ] as const) {
    test(`with ${what}: ${status}`, async () => {
      const port = await secure()
      const { port: at } = await gateway(port, {
        config: {
          url: new URL(`https://127.0.0.1:${port}`),
          ca: hasCa ? pem.cert : undefined,
          serverName,
        },
      })
      expect((await ask(at)).status).toBe(status)
    })
  }

  test('R-FWD-4 the client’s Host has no say in it', async () => {
    const port = await secure()
    const { port: at } = await gateway(port, {
      config: {
        url: new URL(`https://127.0.0.1:${port}`),
        ca: pem.cert,
        serverName: 'upstream.test',
        keepHost: true,
      },
      forward: { host: 'evil.test' },
    })
    for (let i = 0; i < 2; i++) {
      expect(await ask(at)).toMatchObject({ status: 200, body: 'upstream.test' })
    }
  })

  test('the environment cannot turn it off', async () => {
    const port = await secure()
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const { port: at } = await gateway(port, {
        config: { url: new URL(`https://127.0.0.1:${port}`), serverName: 'upstream.test' },
      })
      expect((await ask(at)).status).toBe(502)
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    }
  })
})

describe('R-FWD-24 whether an upstream is well', () => {
  test('by a connection', async () => {
    const server = net.createServer()
    const port = await listen(server)
    const { upstream } = await gateway(port)
    expect(await upstream.probe(AbortSignal.timeout(5000))).toEqual({
      ok: true,
      detail: 'connected',
    })
    server.close()
    expect(await upstream.probe(AbortSignal.timeout(5000))).toEqual({
      ok: false,
      detail: 'ECONNREFUSED',
    })
  })

  for (const [status, isWell] of [
    [200, true],
    [404, true],
    [500, false],
    [503, false],
  ] as const) {
    test(`by a health path that answers ${status}: ${isWell}`, async () => {
      const port = await httpUpstream((request, response) => {
        response.statusCode = request.url === '/health' && request.method === 'GET' ? status : 599
        response.end(Buffer.alloc(1_000_000))
      })
      const { upstream } = await gateway(port, { config: { healthPath: '/health' } })
      const probe = await upstream.probe(AbortSignal.timeout(5000))
      expect(probe).toEqual({ ok: isWell, detail: `status ${status}` })
    })
  }

  test('one that does not answer is not waited for', async () => {
    const port = await httpUpstream(() => undefined)
    const { upstream } = await gateway(port, { config: { healthPath: '/health' } })
    expect((await upstream.probe(AbortSignal.timeout(50))).ok).toBe(false)
    expect((await upstream.probe(AbortSignal.abort())).ok).toBe(false)
  })
})

describe('R-FWD-26 closing', () => {
  test('idle connections end at once, others after their answer', async () => {
    const sockets = new Set<Socket>()
    const waiting: ServerResponse[] = []
    const port = await httpUpstream((request, response) => {
      sockets.add(request.socket)
      request.socket.on('close', () => sockets.delete(request.socket))
      if (request.url === '/slow') waiting.push(response)
      else response.end()
    })
    const { port: at, upstream } = await gateway(port)
    const slow = ask(at, { path: '/slow' })
    await until(() => waiting.length === 1)
    await ask(at)
    expect(sockets.size).toBe(2)
    let isClosed = false
    const closed = upstream.close().then(() => {
      isClosed = true
    })
    await until(() => sockets.size === 1)
    expect(isClosed).toBe(false)
    waiting[0]!.end('answer')
    expect((await slow).body).toBe('answer')
    await closed
    await upstream.close()
    await until(() => sockets.size === 0)
  })
})

describe('R-FWD-25 clients over HTTP/2', () => {
  async function connect(port: number): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    session.on('error', () => undefined)
    await once(session, 'connect')
    cleanups.push(() => session.destroy())
    return session
  }

  async function ask2(
    session: http2.ClientHttp2Session,
    headers: http2.OutgoingHttpHeaders,
    body?: string,
  ): Promise<{
    headers: http2.IncomingHttpHeaders
    body: string
    code: number
    trailers: unknown
  }> {
    const stream = session.request(headers, { endStream: body === undefined })
    stream.on('error', () => undefined)
    let got: http2.IncomingHttpHeaders = {}
    let trailers: unknown
    let text = ''
    stream.on('response', (answer) => {
      got = answer
    })
    stream.on('trailers', (answer) => {
      trailers = answer
    })
    stream.on('data', (part) => {
      text += String(part)
    })
    if (body !== undefined) stream.end(body)
    await closed(stream)
    return { headers: got, body: text, code: stream.rstCode, trailers }
  }

  test('get the same answers, in lower case, without headers of one connection', async () => {
    const port = await rawUpstream((socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nX-One: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\n' +
          'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n',
      ),
    )
    const { port: at, end } = await gateway(port, { protocol: 'h2c' })
    const ended = end()
    const answer = await ask2(await connect(at), { ':path': '/' })
    expect(answer.headers).toMatchObject({
      ':status': 200,
      'x-one': '1',
      'set-cookie': ['a=1', 'b=2'],
    })
    expect(Object.keys(answer.headers)).not.toContain('connection')
    expect(Object.keys(answer.headers)).not.toContain('transfer-encoding')
    expect(answer.body).toBe('abc')
    expect(answer.trailers).toMatchObject({ 'x-sum': '1' })
    expect(await ended).toEqual({ kind: 'done', status: 200 })
  })

  test('send bodies, with and without a length', async () => {
    const port = await httpUpstream((request, response) => {
      response.setHeader('x-length', request.headers['content-length'] ?? 'none')
      request.pipe(response)
    })
    const { port: at } = await gateway(port, { protocol: 'h2c' })
    const session = await connect(at)
    const head = { ':path': '/', ':method': 'POST' }
    const one = await ask2(session, { ...head, 'content-length': 4 }, 'body')
    expect([one.body, one.headers['x-length']]).toEqual(['body', '4'])
    const two = await ask2(session, head, 'body')
    expect([two.body, two.headers['x-length']]).toEqual(['body', 'none'])
    const none = await ask2(session, { ':path': '/' })
    expect([none.body, none.headers['x-length']]).toEqual(['', 'none'])
  })

  test('a response that breaks off resets the stream, and only it', async () => {
    let requests = 0
    const port = await rawUpstream((socket) => {
      requests++
      if (requests === 1) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      else socket.write(ok('fine'))
    })
    const { port: at, ends } = await gateway(port, { protocol: 'h2c' })
    const session = await connect(at)
    expect((await ask2(session, { ':path': '/' })).code).toBe(
      http2.constants.NGHTTP2_INTERNAL_ERROR,
    )
    expect(ends).toMatchObject([{ kind: 'cut', status: 200 }])
    expect((await ask2(session, { ':path': '/' })).body).toBe('fine')
  })

  test('a stream that is reset ends the upstream’s request at once', async () => {
    let isClosed = false
    const port = await httpUpstream((_, response) => {
      response.write('a')
      response.on('close', () => {
        isClosed = true
      })
    })
    const { port: at, end } = await gateway(port, { protocol: 'h2c' })
    const ended = end()
    const stream = (await connect(at)).request({ ':path': '/' })
    await once(stream, 'data')
    stream.close(http2.constants.NGHTTP2_CANCEL)
    expect(await ended).toEqual({ kind: 'client-left', status: 200 })
    await until(() => isClosed)
  })

  for (const method of ['HEAD', 'GET']) {
    test(`204 and empty answers to ${method} end well`, async () => {
      const port = await httpUpstream((request, response) => {
        response.statusCode = request.url === '/204' ? 204 : 200
        response.end()
      })
      const { port: at, ends } = await gateway(port, { protocol: 'h2c' })
      const session = await connect(at)
      for (const path of ['/', '/204']) {
        const answer = await ask2(session, { ':path': path, ':method': method })
        expect([answer.code, answer.body]).toEqual([0, ''])
      }
      await until(() => ends.length === 2)
      expect(ends.map(({ kind }) => kind)).toEqual(['done', 'done'])
    })
  }

  test('R-FWD-10 a client that takes little slows the upstream down', async () => {
    const total = 64 * 1024 * 1024
    let sent = 0
    const port = await httpUpstream((_, response) => {
      const part = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (sent < total) {
          sent += part.length
          if (!response.write(part)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    })
    const { port: at } = await gateway(port, { protocol: 'h2c' })
    const stream = (await connect(at)).request({ ':path': '/' })
    await once(stream, 'response')
    await settled(() => sent)
    expect(sent).toBeLessThan(total / 2)
    let got = 0
    stream.on('data', (part: Buffer) => {
      got += part.length
    })
    await once(stream, 'end')
    expect(got).toBe(total)
  })

  test('R-FWD-17 an answer before the end of the request ends the stream', async () => {
    const port = await httpUpstream((_, response) => response.writeHead(401).end('no'))
    const { port: at, end } = await gateway(port, { protocol: 'h2c' })
    const ended = end()
    const stream = (await connect(at)).request({ ':path': '/', ':method': 'POST' })
    stream.on('error', () => undefined)
    stream.write('some')
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    expect(headers[':status']).toBe(401)
    stream.resume()
    await once(stream, 'end')
    stream.close()
    expect((await ended).kind).toBe('done')
  })
})
