import { once } from 'node:events'
import type { ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Metadata, status } from '@grpc/grpc-js'
import { attenuate, decodeToken, encodeToken } from 'satway/macaroon'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { CallEnd, EchoClient, EchoServer } from './grpc-stage.ts'
import { number, openEchoClient, openEchoServer } from './grpc-stage.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { narrow, openStage, payFor, paymentHashOf } from './stage.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type World = { readonly server: EchoServer; readonly stage: Stage; readonly client: EchoClient }

const priced = 'POST /satway.test.Echo/:method: { price: 10 sat, capability: echo'

/** A client and a server of `@grpc/grpc-js`, and a gateway between them. */
async function setUp(terms = '', more: readonly string[] = []): Promise<World> {
  const server = await openEchoServer()
  open.push(server)
  const upstream = `{ url: 'http://127.0.0.1:${server.port}', protocol: h2c }`
  const stage = await openStage(shop(upstream, [`${priced}${terms} }`], more))
  open.push(stage)
  const client = openEchoClient(stage.port)
  open.push(client)
  return { server, stage, client }
}

/** One message there, with metadata, and all that comes back. */
function call(
  client: EchoClient,
  name: string,
  message: Buffer,
  given: Readonly<Record<string, string>> = {},
): Promise<CallEnd> {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(given)) metadata.set(key, value)
  const stream = client.call(name, metadata)
  stream.resume()
  stream.write(message)
  stream.end()
  return stream.ended
}

async function buy({ stage, client }: World): Promise<string> {
  const { trailers } = await call(client, 'unary', Buffer.from('?'))
  return await payFor(stage.buyer, String(trailers.get('www-authenticate')[0] ?? ''))
}

describe('R-E2E-6 a gRPC call that is not paid', () => {
  test('ends with status 13, `payment required`, and the challenge in its metadata', async () => {
    const { client, server } = await setUp()
    const end = await call(client, 'unary', Buffer.from('hello'))
    expect([end.code, end.details]).toEqual([status.INTERNAL, 'payment required'])
    expect(end.trailers.get('www-authenticate')).toEqual([
      expect.stringMatching(/^L402 macaroon="[^"]+", invoice="lnbcrt[^"]+", version="0"/),
    ])
    expect(end.messages).toEqual([])
    expect(server.seen).toEqual([])
  })

  for (const name of ['count', 'collect', 'talk']) {
    test(`ends so for a stream too: ${name}`, async () => {
      const { client, server } = await setUp()
      const stream = client.call(name)
      stream.resume()
      for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(20_000))
      const end = await stream.ended
      expect([end.code, end.details]).toEqual([status.INTERNAL, 'payment required'])
      expect(end.trailers.get('www-authenticate')).toHaveLength(1)
      expect(server.seen).toEqual([])
    })
  }

  test('and one with a forged token is UNAUTHENTICATED, without a challenge', async () => {
    const world = await setUp()
    const authorization = await buy(world)
    const forged = authorization.replace(/[0-9a-f]{64}$/, '00'.repeat(32))
    const end = await call(world.client, 'unary', Buffer.from('x'), { authorization: forged })
    expect(end.code).toBe(status.UNAUTHENTICATED)
    expect(end.trailers.get('www-authenticate').join()).not.toContain('invoice')
    expect(world.server.seen).toEqual([])
  })

  test('one that a caveat forbids is PERMISSION_DENIED', async () => {
    const world = await setUp()
    const authorization = narrow(await buy(world), 'method = GET')
    const end = await call(world.client, 'unary', Buffer.from('x'), { authorization })
    expect(end.code).toBe(status.PERMISSION_DENIED)
  })

  test('one that nobody lists is UNIMPLEMENTED, and costs nothing', async () => {
    const { stage, client } = await setUp()
    await stage.reload(
      shop(
        `{ url: '${stage.gateway.current().services[0]!.config.upstream!.url.href}', protocol: h2c }`,
        ['POST /satway.test.Echo/Count: 10 sat'],
      ),
    )
    expect((await call(client, 'unary', Buffer.from('x'))).code).toBe(status.UNIMPLEMENTED)
    expect(stage.invoices()).toBe(0)
  })
})

describe('R-E2E-7 a gRPC call that is paid', () => {
  test('passes with metadata both ways, and the server gets facts in place of the token', async () => {
    const world = await setUp()
    const authorization = await buy(world)
    const end = await call(world.client, 'unary', Buffer.from('hello'), {
      authorization,
      'x-wish': 'much',
    })
    expect([end.code, String(end.messages[0])]).toEqual([status.OK, 'hello'])
    expect(end.initial.get('x-initial')).toEqual(['head'])
    expect(end.initial.get('x-bytes-bin')).toEqual([Buffer.of(0, 1, 254, 255)])
    expect(end.trailers.get('x-trailer')).toEqual(['tail'])
    const { metadata } = world.server.seen[0]!
    expect(metadata.get('x-wish')).toEqual(['much'])
    expect(metadata.get('satway-payment-hash')).toEqual([paymentHashOf(authorization)])
    expect(metadata.get('authorization')).toEqual([])
  })

  for (const name of ['macaroon', 'grpc-metadata-macaroon', 'authorization']) {
    test(`may bring its token as metadata of the name ${name}`, async () => {
      const world = await setUp()
      const authorization = await buy(world)
      const value = name === 'authorization' ? authorization : metadataOf(authorization)
      const end = await call(world.client, 'unary', Buffer.from('hello'), { [name]: value })
      expect([end.code, String(end.messages[0])]).toEqual([status.OK, 'hello'])
      const { metadata } = world.server.seen[0]!
      expect(metadata.get('satway-payment-hash')).toEqual([paymentHashOf(authorization)])
      expect(metadata.get(name)).toEqual([])
    })
  }

  test('streams from the server, in order', async () => {
    const world = await setUp()
    const authorization = await buy(world)
    const end = await call(world.client, 'count', number(500), { authorization })
    expect(end.code).toBe(status.OK)
    expect(end.messages.map((part) => part.readUInt32BE())).toEqual([...Array(500).keys()])
  })

  test('streams from the client, to its end', async () => {
    const world = await setUp()
    const stream = world.client.call('collect', await paid(world))
    stream.resume()
    for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(1000, i))
    stream.end()
    const end = await stream.ended
    expect([end.code, end.messages[0]?.readUInt32BE()]).toEqual([status.OK, 100_000])
  })

  test('streams both ways at once, each answer before the next question', async () => {
    const world = await setUp()
    const stream = world.client.call('talk', await paid(world))
    for (const word of ['one', 'two', 'three']) {
      const answer = once(stream, 'data')
      stream.resume()
      stream.write(Buffer.from(word))
      expect(String((await answer)[0])).toBe(word)
    }
    stream.end()
    expect((await stream.ended).code).toBe(status.OK)
  })

  test('carries messages of 1 MiB', async () => {
    const world = await setUp(', max_body: 4MiB')
    const message = Buffer.alloc(1024 * 1024, 'satway')
    const authorization = await buy(world)
    const end = await call(world.client, 'unary', message, { authorization })
    expect([end.code, end.messages[0]?.equals(message)]).toEqual([status.OK, true])
  })

  test('gets the status of the server as it is: code, message, metadata', async () => {
    const world = await setUp()
    const authorization = await buy(world)
    for (let i = 0; i < 5; i++) {
      const end = await call(world.client, 'fail', Buffer.from('x'), { authorization })
      expect([end.code, end.details]).toEqual([status.FAILED_PRECONDITION, 'not today: 100 %'])
      expect(end.trailers.get('x-reason')).toEqual(['because'])
    }
  })

  test('ends at its deadline, and the server is told', async () => {
    const world = await setUp()
    const metadata = await paid(world)
    const stream = world.client.call('hang', metadata, { deadline: Date.now() + 500 })
    stream.resume()
    stream.write(Buffer.from('x'))
    stream.end()
    expect((await stream.ended).code).toBe(status.DEADLINE_EXCEEDED)
    await world.server.cancelled()
  })

  test('ends at the server when the client cancels', async () => {
    const world = await setUp()
    const stream = world.client.call('endless', await paid(world))
    stream.write(Buffer.from('x'))
    stream.end()
    stream.resume()
    await once(stream, 'data')
    stream.cancel()
    await world.server.cancelled()
    expect((await stream.ended).code).toBe(status.CANCELLED)
    await vi.waitFor(() => expect(world.stage.records.at(-1)?.end).toBe('client-left'))
  })

  test('is cut when its token is revoked', async () => {
    const world = await setUp()
    const authorization = await buy(world)
    const metadata = new Metadata()
    metadata.set('authorization', authorization)
    const stream = world.client.call('endless', metadata)
    stream.write(Buffer.from('x'))
    stream.end()
    stream.resume()
    await once(stream, 'data')
    world.stage.state.deny(paymentHashOf(authorization), 'test')
    expect((await stream.ended).code).not.toBe(status.OK)
    await world.server.cancelled()
  })
})

describe('R-E2E-8 a limited use and gRPC', () => {
  test('is counted for each call that the server answered, whatever its status of gRPC', async () => {
    const world = await setUp(', uses: 3')
    const authorization = await buy(world)
    const codes: status[] = []
    for (const name of ['unary', 'fail', 'unary', 'unary']) {
      codes.push((await call(world.client, name, Buffer.from('x'), { authorization })).code)
    }
    // An error of gRPC is an answer: it comes with 200.
    expect(codes).toEqual([status.OK, status.FAILED_PRECONDITION, status.OK, status.INTERNAL])
  })

  test('is counted also for UNAVAILABLE that the server says itself in a head', async () => {
    const upstream = await openHttp2((stream) => {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '14',
          'grpc-message': 'busy',
        },
        { endStream: true },
      )
    })
    const { client, authorization } = await setUpBefore(upstream)
    const first = await call(client, 'unary', Buffer.from('x'), { authorization })
    expect([first.code, first.details]).toEqual([status.UNAVAILABLE, 'busy'])
    const second = await call(client, 'unary', Buffer.from('x'), { authorization })
    expect([second.code, second.details]).toEqual([status.INTERNAL, 'payment required'])
  })

  test('is given back where the answer is 503 of HTTP, or there is none', async () => {
    let answer = (stream: ServerHttp2Stream): void =>
      stream.respond({ ':status': 503 }, { endStream: true })
    const upstream = await openHttp2((stream) => answer(stream))
    const { client, authorization } = await setUpBefore(upstream)
    const codeOf = async (): Promise<status> =>
      (await call(client, 'unary', Buffer.from('x'), { authorization })).code
    expect(await codeOf()).toBe(status.UNAVAILABLE)
    answer = (stream) => stream.close(2)
    expect(await codeOf()).toBe(status.UNAVAILABLE)
    answer = (stream) => stream.session!.destroy()
    expect(await codeOf()).toBe(status.UNAVAILABLE)
    answer = (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end()
    }
    expect(await codeOf()).toBe(status.OK)
    expect(await codeOf()).toBe(status.INTERNAL)
  })
})

async function paid(world: World): Promise<Metadata> {
  const metadata = new Metadata()
  metadata.set('authorization', await buy(world))
  return metadata
}

/** The form in which lnd's clients send a token: hex of a macaroon that has its preimage in it. */
function metadataOf(authorization: string): string {
  const [, token, preimage] = /^L402 ([^:]+):([0-9a-f]{64})$/.exec(authorization)!
  const macaroon = attenuate(decodeToken(token!), `preimage=${preimage}`)
  return Buffer.from(encodeToken(macaroon), 'base64').toString('hex')
}

async function openHttp2(answer: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    stream.resume()
    answer(stream)
  })
  server.on('sessionError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({ close: () => server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A gateway before an upstream, and a token for one call. */
async function setUpBefore(
  url: string,
): Promise<{ readonly client: EchoClient; readonly authorization: string }> {
  const stage = await openStage(shop(`{ url: '${url}', protocol: h2c }`, [`${priced}, uses: 1 }`]))
  open.push(stage)
  const client = openEchoClient(stage.port)
  open.push(client)
  const { trailers } = await call(client, 'unary', Buffer.from('?'))
  const challenge = String(trailers.get('www-authenticate')[0] ?? '')
  return { client, authorization: await payFor(stage.buyer, challenge) }
}
