import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { skipPart } from '../parts.ts'
import { curl, curlLack } from './curl.ts'
import type { Http2Client } from './http2-client.ts'
import { openHttp2, readAnswer } from './http2-client.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { openStage, payFor, paymentHashOf } from './stage.ts'
import type { TestUpstream } from './upstream.ts'
import { openUpstream } from './upstream.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const tls =
  'listen: { address: 127.0.0.1:0, tls: { generate: true, names: [localhost], folder: ./tls } }'

type World = {
  readonly stage: Stage
  readonly upstream: TestUpstream
  readonly client: Http2Client
}

/** A client of HTTP/2, a gateway, an upstream of HTTP/1.1. */
async function setUp(
  kind: 'tls' | 'h2c',
  routes: readonly string[],
  options: Parameters<typeof openStage>[1] = {},
): Promise<World> {
  const upstream = await openUpstream()
  open.push(upstream)
  const stage = await openStage(shop(upstream.url, routes, kind === 'tls' ? [tls] : []), options)
  open.push(stage)
  const client = await connectTo(stage, kind)
  return { stage, upstream, client }
}

async function connectTo(stage: Stage, kind: 'tls' | 'h2c'): Promise<Http2Client> {
  const client =
    kind === 'tls'
      ? await openHttp2(`https://localhost:${stage.port}`, certificateOf(stage))
      : await openHttp2(`http://127.0.0.1:${stage.port}`)
  open.push(client)
  return client
}

/** What the gateway made for itself. */
function certificateOf(stage: Stage): string {
  const folder = join(stage.folder, 'tls')
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const pair = texts.find((text) => text.includes('BEGIN CERTIFICATE'))
  return /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(pair ?? '')![0]
}

/** An upstream of which a test says everything. */
async function serveWith(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const get = (path: string): { ':path': string } => ({ ':path': path })

for (const kind of ['tls', 'h2c'] as const) {
  describe(`R-E2E-1 over HTTP/2 with ${kind}`, () => {
    test('a route asks for payment, and is served when it is paid', async () => {
      const { stage, upstream, client } = await setUp(kind, ['GET /a: 10 sat', 'GET /free: free'])
      const asked = await client.ask(get('/a'))
      expect(asked.status).toBe(402)
      expect(asked.headers['content-type']).toBe('application/problem+json')
      expect(JSON.parse(String(asked.body))).toMatchObject({ code: 'ACCESS_PAYMENT_REQUIRED' })
      const challenge = asked.headers['www-authenticate']
      expect(challenge).toMatch(/^L402 macaroon="/)
      const authorization = await payFor(stage.buyer, String(challenge))
      const served = await client.ask({ ...get('/a?x=%2F'), authorization })
      expect([served.status, String(served.body)]).toEqual([200, 'served'])
      expect(served.headers['cache-control']).toBe('private')
      expect(String((await client.ask(get('/free'))).body)).toBe('served')
      expect((await client.ask(get('/unlisted'))).status).toBe(404)
      expect((await client.ask({ ...get('/a'), ':method': 'DELETE' })).status).toBe(405)
      expect(upstream.seen.map(({ url }) => url)).toEqual(['/a?x=%2F', '/free'])
      expect(upstream.seen[0]!.headers).toMatchObject({
        'satway-payment-hash': paymentHashOf(authorization),
        'x-forwarded-proto': kind === 'tls' ? 'https' : 'http',
        'x-forwarded-host': `${kind === 'tls' ? 'localhost' : '127.0.0.1'}:${stage.port}`,
        via: '2.0 satway',
      })
      expect(upstream.seen[0]!.headers['authorization']).toBeUndefined()
    })

    test('a hundred requests at once on one connection get each its own answer', async () => {
      const { stage, upstream, client } = await setUp(kind, [
        'GET /n/:n: { price: 10 sat, uses: 70, capability: n }',
      ])
      upstream.answer = (request, response) => response.end(`answer to ${request.url}`)
      const asked = await client.ask(get('/n/0'))
      const authorization = await payFor(stage.buyer, String(asked.headers['www-authenticate']))
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => client.ask({ ...get(`/n/${i}`), authorization })),
      )
      const served = answers.filter(({ status }) => status === 200)
      expect(served).toHaveLength(70)
      expect(answers.filter(({ status }) => status === 402)).toHaveLength(30)
      for (const [i, { status, body }] of answers.entries()) {
        if (status === 200) expect(String(body)).toBe(`answer to /n/${i}`)
      }
      expect(upstream.seen).toHaveLength(70)
    })

    test('bodies of 8 MiB pass both ways, byte by byte', async () => {
      const sent = randomBytes(8 * 1024 * 1024)
      const url = await serveWith((request, response) => {
        response.setHeader('x-length', request.headers['content-length'] ?? 'chunked')
        request.pipe(response)
      })
      const stage = await openStage(
        shop(url, ['POST /echo: { free: true, max_body: 9MiB }'], kind === 'tls' ? [tls] : []),
      )
      open.push(stage)
      const client = await connectTo(stage, kind)
      const post = { ':method': 'POST', ':path': '/echo' }
      const chunked = await client.ask(post, sent)
      expect(chunked.headers['x-length']).toBe('chunked')
      const announced = await client.ask({ ...post, 'content-length': sent.length }, sent)
      expect(announced.headers['x-length']).toBe(String(sent.length))
      for (const { status, body } of [chunked, announced]) {
        expect([status, sha256(body)]).toEqual([200, sha256(sent)])
      }
    })

    test('trailers of the upstream arrive', async () => {
      const url = await serveWith((_, response) => {
        response.writeHead(200, { trailer: 'x-checksum' })
        response.write('part')
        response.addTrailers({ 'x-checksum': 'abc', vary: '*' })
        response.end()
      })
      const stage = await openStage(shop(url, ['GET /a: free'], kind === 'tls' ? [tls] : []))
      open.push(stage)
      const client = await connectTo(stage, kind)
      const answer = await client.ask({ ...get('/a'), te: 'trailers' })
      expect([answer.status, String(answer.body)]).toEqual([200, 'part'])
      expect(answer.trailers).toMatchObject({ 'x-checksum': 'abc' })
      expect(answer.trailers['vary']).toBeUndefined()
    })
  })
}

describe('R-E2E-1 one gateway for both', () => {
  test('a token that was bought over HTTP/2 opens HTTP/1.1, and the other way round', async () => {
    const { stage, client } = await setUp('h2c', ['GET /a: 10 sat', 'GET /b: 10 sat'])
    const asked = await client.ask(get('/a'))
    const a = await payFor(stage.buyer, String(asked.headers['www-authenticate']))
    const b = await stage.buy('/b')
    const response = await fetch(`${stage.url}/a`, { headers: { authorization: a } })
    expect([response.status, await response.text()]).toEqual([200, 'served'])
    expect((await client.ask({ ...get('/b'), authorization: b })).status).toBe(200)
  })
})

describe('R-E2E-1 an upstream that speaks HTTP/2', () => {
  for (const [name, answer, body] of [
    [
      'a head that is all of it',
      (stream) => stream.respond({ ':status': 404, 'x-own': 'kept' }, { endStream: true }),
      '',
    ],
    [
      'a head, and an end of its own',
      (stream) => {
        stream.respond({ ':status': 404, 'x-own': 'kept' })
        setImmediate(() => stream.end())
      },
      '',
    ],
    [
      'a head and a body',
      (stream) => {
        stream.respond({ ':status': 404, 'x-own': 'kept' })
        stream.end('not here')
      },
      'not here',
    ],
  ] satisfies [string, (stream: ServerHttp2Stream) => void, string][]) {
    test(`a counted answer arrives as it is: ${name}`, async () => {
      const server = createHttp2Server()
      server.on('stream', (stream: ServerHttp2Stream) => answer(stream))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      open.push({ close: async () => void server.close() })
      const { port } = server.address() as AddressInfo
      const upstream = `{ url: 'http://127.0.0.1:${port}', protocol: h2c }`
      const stage = await openStage(shop(upstream, ['GET /a: { price: 10 sat, uses: 2 }']))
      open.push(stage)
      const authorization = await stage.buy('/a')
      const client = await connectTo(stage, 'h2c')
      const over2 = await client.ask({ ...get('/a'), authorization })
      expect([over2.status, over2.headers['x-own'], String(over2.body)]).toEqual([
        404,
        'kept',
        body,
      ])
      expect(over2.resetCode).toBe(0)
      const over1 = await fetch(`${stage.url}/a`, { headers: { authorization } })
      expect([over1.status, over1.headers.get('x-own'), await over1.text()]).toEqual([
        404,
        'kept',
        body,
      ])
      expect((await client.ask({ ...get('/a'), authorization })).status).toBe(402)
    })
  }
})

describe('R-E2E-2 what HTTP/2 has in two places', () => {
  for (const [name, headers, status] of [
    ['a host that is the authority', { host: 'shop.example' }, 200],
    ['a host in other letters', { host: 'SHOP.example' }, 200],
    ['a host that is another', { host: 'evil.example' }, 400],
  ] as const) {
    test(`${name}: ${status}`, async () => {
      const { upstream, client } = await setUp('h2c', ['GET /a: free'])
      const answer = await client.ask({ ...get('/a'), ':authority': 'shop.example', ...headers })
      expect(answer.status).toBe(status)
      expect(upstream.seen).toHaveLength(status === 200 ? 1 : 0)
    })
  }

  test('the authority decides the service, and hosts that are not served are 421', async () => {
    const upstream = await openUpstream()
    open.push(upstream)
    const text = shop(upstream.url, ['GET /a: free']).replace(
      '    upstream',
      '    hosts: [shop.example]\n    upstream',
    )
    const stage = await openStage(text)
    open.push(stage)
    const client = await connectTo(stage, 'h2c')
    const statusOf = async (authority: string): Promise<number> =>
      (await client.ask({ ...get('/a'), ':authority': authority })).status
    expect(await statusOf('shop.example:8443')).toBe(200)
    expect(await statusOf('shop.example.evil.net')).toBe(421)
    expect(upstream.seen.map(({ headers }) => headers['x-forwarded-host'])).toEqual([
      'shop.example:8443',
    ])
  })

  test('TE and pseudo-headers end at the gateway, and cookies are one line', async () => {
    const { upstream, client } = await setUp('h2c', ['GET /a: free'])
    await client.ask({ ...get('/a'), te: 'trailers', cookie: ['a=1', 'b=2'] })
    const { headers } = upstream.seen[0]!
    expect(headers.te).toBeUndefined()
    expect(headers.cookie).toBe('a=1; b=2')
    expect(Object.keys(headers).filter((name) => name.startsWith(':'))).toEqual([])
  })
})

describe('R-E2E-3 an answer over HTTP/2 that is cut', () => {
  test('is reset when the upstream breaks off, and never looks complete', async () => {
    const { upstream, client } = await setUp('h2c', ['GET /a: free'])
    upstream.answer = (_, response) => {
      response.write('half')
      setTimeout(() => response.socket?.destroy(), 50)
    }
    const answer = await client.ask(get('/a'))
    expect([answer.status, String(answer.body)]).toEqual([200, 'half'])
    expect(answer.resetCode).not.toBe(0)
    expect((await client.ask(get('/unlisted'))).status).toBe(404)
  })

  test('is reset when its token is revoked', async () => {
    const { stage, upstream, client } = await setUp('h2c', ['GET /a: 10 sat'])
    const authorization = await stage.buy('/a')
    upstream.answer = (_, response) => response.write('endless ')
    const stream = client.open({ ...get('/a'), authorization })
    const answer = readAnswer(stream)
    await once(stream, 'data')
    stage.state.deny(paymentHashOf(authorization), 'test')
    expect((await answer).resetCode).not.toBe(0)
    expect((await client.ask({ ...get('/a'), authorization })).status).toBe(402)
  })
})

describe('R-E2E-4 a client over HTTP/2 that leaves', () => {
  test('ends its request at the upstream, and has used what it paid for', async () => {
    const { stage, upstream, client } = await setUp('h2c', ['GET /a: { price: 10 sat, uses: 1 }'])
    const authorization = await stage.buy('/a')
    let stream: ClientHttp2Stream
    const broken = new Promise<void>((resolve) => {
      upstream.answer = (request) => {
        request.socket.once('close', () => resolve())
        stream.close(8)
      }
    })
    stream = client.open({ ...get('/a'), authorization })
    readAnswer(stream)
    await broken
    await vi.waitFor(() => expect(stage.records.at(-1)?.end).toBe('client-left'))
    upstream.answer = (_, response) => response.end('served')
    expect((await client.ask({ ...get('/a'), authorization })).status).toBe(402)
  })

  test('before it was decided is no fault of the gateway', async () => {
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<never>()
    answered.promise.catch(() => undefined)
    const { stage, client } = await setUp('h2c', ['GET /a: 10 sat', 'GET /free: free'], {
      payee: {
        network: 'regtest',
        createInvoice: () => {
          asked.resolve()
          return answered.promise
        },
        lookupInvoice: () => Promise.reject(new Error('not asked')),
        settlements: async function* () {},
      },
    })
    const stream = client.open(get('/a'))
    const answer = readAnswer(stream)
    await asked.promise
    stream.close(8)
    await answer
    // Its answer comes after all that was sent before it.
    await new Promise((resolve) => client.session.ping(resolve))
    answered.reject(new Error('the wallet is away'))
    await vi.waitFor(() => expect(stage.records).toHaveLength(1))
    expect(stage.records[0]).toMatchObject({ end: 'client-left' })
    expect(stage.told.filter((line) => line.startsWith('fault'))).toEqual([])
    expect((await client.ask(get('/free'))).status).toBe(200)
  })
})

describe('R-E2E-5 a drain', () => {
  test('tells HTTP/2 clients to go, and finishes their streams', async () => {
    const { stage, upstream, client } = await setUp('h2c', ['GET /a: free'])
    const reached = Promise.withResolvers<ServerResponse>()
    upstream.answer = (_, response) => {
      response.write('one ')
      reached.resolve(response)
    }
    const stream = client.open(get('/a'))
    const answer = readAnswer(stream)
    const response = await reached.promise
    const goaway = once(client.session, 'goaway')
    const closed = stage.gateway.close(5000)
    await goaway
    response.end('two')
    const { status, body, resetCode } = await answer
    expect([status, String(body), resetCode]).toEqual([200, 'one two', 0])
    await closed
  })
})

describe.skipIf(skipPart('curl', curlLack()))('with curl', () => {
  test('R-E2E-1 --http2 over TLS: 402, pay, 200', async () => {
    const { stage } = await setUp('tls', ['GET /a: 10 sat'])
    const file = join(stage.folder, 'ca.pem')
    writeFileSync(file, certificateOf(stage))
    const ask = (...args: readonly string[]): ReturnType<typeof curl> =>
      curl('--http2', '--cacert', file, '--include', ...args, `https://localhost:${stage.port}/a`)
    await buysWith(stage, ask)
  })

  test('R-E2E-1 --http2-prior-knowledge without TLS: 402, pay, 200', async () => {
    const { stage } = await setUp('h2c', ['GET /a: 10 sat'])
    const ask = (...args: readonly string[]): ReturnType<typeof curl> =>
      curl('--http2-prior-knowledge', '--include', ...args, `${stage.url}/a`)
    await buysWith(stage, ask)
  })

  test('R-E2E-3 a response that was cut is an error to curl', async () => {
    const { stage, upstream } = await setUp('h2c', ['GET /a: free'])
    upstream.answer = (_, response) => {
      response.write('half')
      setTimeout(() => response.socket?.destroy(), 50)
    }
    const { code, stdout } = await curl('--http2-prior-knowledge', `${stage.url}/a`)
    expect(stdout).toBe('half')
    expect(code).not.toBe(0)
  })

  test('R-E2E-1 the upgrade to h2c by a header is not taken, and the request is served', async () => {
    const { stage } = await setUp('h2c', ['GET /a: free'])
    const { code, stdout } = await curl('--http2', '--include', `${stage.url}/a`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^HTTP\/1\.1 200 /)
    expect(stdout).toMatch(/served$/)
  })
})

async function buysWith(
  stage: Stage,
  ask: (...args: readonly string[]) => ReturnType<typeof curl>,
): Promise<void> {
  const asked = await ask()
  expect(asked.stdout).toMatch(/^HTTP\/2 402 /)
  const challenge = /^www-authenticate: (L402 .*)\r$/im.exec(asked.stdout)?.[1]
  const authorization = await payFor(stage.buyer, challenge ?? null)
  const served = await ask('--header', `Authorization: ${authorization}`)
  expect(served.stdout).toMatch(/^HTTP\/2 200 /)
  expect(served.stdout).toMatch(/served$/)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
