import { once } from 'node:events'
import { Metadata, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../program/src/gateway/config/config.ts'
import { createHttp2Engine } from '../../program/src/gateway/proxy/http2-engine.ts'
import type { Forward } from '../../program/src/gateway/proxy/index.ts'
import type { Door } from './door.ts'
import { forwardOf, openDoor, upstreamOf } from './door.ts'
import type { EchoClient, EchoServer } from './grpc-stage.ts'
import { number, openEchoClient, openEchoServer } from './grpc-stage.ts'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

type World = { readonly server: EchoServer; readonly door: Door; readonly client: EchoClient }

/** A gRPC client, the engine under test, a gRPC server. */
async function open(
  more: Partial<Forward> = {},
  config: Partial<UpstreamConfig> = {},
): Promise<World> {
  const server = await openEchoServer()
  const engine = createHttp2Engine(upstreamOf(`http://127.0.0.1:${server.port}`, config))
  const door = await openDoor({
    forward: (exchange) => engine.forward(exchange, forwardOf(exchange, more)),
  })
  const client = openEchoClient(door.port)
  toClose.push(
    () => server.close(),
    () => door.close(),
    () => client.close(),
  )
  return { server, door, client }
}

describe('R-GRPC-1 calls of all four kinds pass', () => {
  test('unary, with metadata before and after the message', async () => {
    const { client, server, door } = await open()
    const metadata = new Metadata()
    metadata.set('x-wish', 'much')
    metadata.set('x-raw-bin', Buffer.of(0, 255, 1))
    const call = client.call('unary', metadata)
    call.resume()
    call.write(Buffer.from('hello'))
    call.end()
    const end = await call.ended
    expect(end.code).toBe(status.OK)
    expect(String(end.messages[0])).toBe('hello')
    expect(end.initial.get('x-initial')).toEqual(['head'])
    expect(end.initial.get('x-bytes-bin')).toEqual([Buffer.of(0, 1, 254, 255)])
    expect(end.trailers.get('x-trailer')).toEqual(['tail'])
    const [seen] = server.seen
    expect(seen?.metadata.get('x-wish')).toEqual(['much'])
    expect(seen?.metadata.get('x-raw-bin')).toEqual([Buffer.of(0, 255, 1)])
    expect(seen?.metadata.get('x-forwarded-for')).toEqual(['192.0.2.7'])
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
  })

  test('a stream from the server keeps its order', async () => {
    const { client, door } = await open()
    const end = await client.ask('count', number(500))
    expect(end.code).toBe(status.OK)
    expect(end.messages.map((part) => part.readUInt32BE())).toEqual([...Array(500).keys()])
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
  })

  test('a stream from the client is taken to its end', async () => {
    const { client } = await open()
    const call = client.call('collect')
    call.resume()
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1000, i))
    call.end()
    const end = await call.ended
    expect(end.code).toBe(status.OK)
    expect(end.messages[0]?.readUInt32BE()).toBe(100_000)
  })

  test('both ways at once, each answer before the next question', async () => {
    const { client, door } = await open()
    const call = client.call('talk')
    for (const word of ['one', 'two', 'three']) {
      const answer = once(call, 'data')
      call.resume()
      call.write(Buffer.from(word))
      expect(String((await answer)[0])).toBe(word)
    }
    call.end()
    expect((await call.ended).code).toBe(status.OK)
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
  })

  test('the server may end while the client is still sending', async () => {
    const { client, door } = await open()
    const call = client.call('talk')
    call.resume()
    call.write(Buffer.from('bye'))
    const end = await call.ended
    expect(end.code).toBe(status.OK)
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
  })

  test('messages of 1 MiB and 8 MiB pass both ways', async () => {
    const { client } = await open()
    for (const size of [1024 * 1024, 8 * 1024 * 1024]) {
      const message = Buffer.alloc(size, 'satway')
      const end = await client.ask('unary', message)
      expect(end.code).toBe(status.OK)
      expect(end.messages[0]?.equals(message)).toBe(true)
    }
  })

  test('an empty message passes', async () => {
    const { client } = await open()
    const end = await client.ask('unary', Buffer.alloc(0))
    expect(end.code).toBe(status.OK)
    expect(end.messages[0]?.length).toBe(0)
  })

  test('a hundred calls at once share connections, and none gets the answer of another', async () => {
    const { client } = await open()
    const ends = await Promise.all(
      Array.from({ length: 100 }, (_, i) => client.ask('unary', Buffer.from(`call ${i}`))),
    )
    expect(ends.map((end) => String(end.messages[0]))).toEqual(ends.map((_, i) => `call ${i}`))
  })
})

describe('R-GRPC-2 a status of the server arrives as it is', () => {
  test('twenty times in a row: code, message and metadata', async () => {
    const { client, door } = await open()
    for (let i = 0; i < 20; i++) {
      const end = await client.ask('fail', Buffer.from('x'))
      expect(end.code).toBe(status.FAILED_PRECONDITION)
      expect(end.details).toBe('not today: 100 %')
      expect(end.trailers.get('x-reason')).toEqual(['because'])
      expect(await door.nextEnd()).toEqual({ kind: 'done', status: 200 })
    }
  })

  test('a method that the server does not have is UNIMPLEMENTED', async () => {
    const { client, server } = await open()
    server.forget('unary')
    const end = await client.ask('unary', Buffer.from('x'))
    expect(end.code).toBe(status.UNIMPLEMENTED)
  })
})

describe('R-GRPC-3 deadlines and cancellation pass', () => {
  test('the server is told of the deadline, and the client sees it pass', async () => {
    const { client, server, door } = await open()
    const deadline = Date.now() + 1_500
    const end = await client.ask('hang', Buffer.from('x'), { deadline })
    expect(end.code).toBe(status.DEADLINE_EXCEEDED)
    await server.cancelled()
    const told = Number(server.seen[0]?.deadline)
    expect(Math.abs(told - deadline)).toBeLessThan(5_000)
    expect((await door.nextEnd()).kind).toBe('client-left')
  })

  test('a call that the client cancels ends at the server', async () => {
    const { client, server, door } = await open()
    const call = client.call('hang')
    call.resume()
    call.write(Buffer.from('x'))
    call.end()
    await server.called()
    call.cancel()
    expect((await call.ended).code).toBe(status.CANCELLED)
    await server.cancelled()
    expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: undefined })
  })

  test('so does a stream in its middle', async () => {
    const { client, server, door } = await open()
    const call = client.call('endless')
    call.write(Buffer.from('x'))
    call.end()
    call.resume()
    await once(call, 'data')
    call.cancel()
    await server.cancelled()
    expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: 200 })
  })
})

describe('R-GRPC-4 each side is read no faster than the other reads', () => {
  test('an endless stream to a client that does not read stops after a few hundred kilobytes', async () => {
    const { client, server } = await open()
    const call = client.call('endless')
    call.write(Buffer.from('x'))
    call.end()
    await server.called()
    const sent = await settled(() => server.sentBytes())
    expect(sent).toBeLessThan(4 * 1024 * 1024)
    call.cancel()
    await server.cancelled()
  })
})

describe('R-GRPC-5 a stream that breaks off is never a success', () => {
  test('a server that dies in the middle of its answers, ten times', async () => {
    for (let i = 0; i < 10; i++) {
      const { client, server, door } = await open()
      const call = client.call('endless')
      call.write(Buffer.from('x'))
      call.end()
      call.resume()
      await once(call, 'data')
      server.close()
      const end = await call.ended
      expect([status.INTERNAL, status.UNAVAILABLE, status.CANCELLED]).toContain(end.code)
      expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 200 })
    }
  })

  test('a server that is not there is UNAVAILABLE', async () => {
    const { client, server, door } = await open()
    server.close()
    const end = await client.ask('unary', Buffer.from('x'))
    expect(end.code).toBe(status.UNAVAILABLE)
    expect(end.details).toBe('UPSTREAM_UNAVAILABLE: It was refused.')
    expect(await door.nextEnd()).toMatchObject({ kind: 'refused', status: 502 })
  })
})

describe('R-GRPC-6 a server that restarts loses no call', () => {
  test('calls go on while its connections are drained again and again', async () => {
    const { client, server, door } = await open()
    const slow = client.call('talk')
    slow.resume()
    slow.write(Buffer.from('hello'))
    await once(slow, 'data')
    for (let i = 0; i < 10; i++) {
      const calls = Array.from({ length: 10 }, (_, k) => client.ask('unary', number(k)))
      server.drain()
      const ends = await Promise.all(calls)
      expect(ends.map((end) => end.code)).toEqual(Array(10).fill(status.OK))
      expect(ends.map((end) => end.messages[0]?.readUInt32BE())).toEqual([...Array(10).keys()])
    }
    expect(new Set(server.seen.map((call) => call.peer)).size).toBeGreaterThan(5)
    // The stream that was open before is still where it was.
    const answer = once(slow, 'data')
    slow.write(Buffer.from('still here'))
    expect(String((await answer)[0])).toBe('still here')
    slow.end()
    expect((await slow.ended).code).toBe(status.OK)
    expect(door.ends.every((end) => end.kind === 'done')).toBe(true)
  })
})

describe('R-GRPC-8 a call that stalls is told so in the form for gRPC', () => {
  test('no answer in time is DEADLINE_EXCEEDED', async () => {
    const { client } = await open({ headMs: 100 })
    const end = await client.ask('hang', Buffer.from('x'))
    expect(end.code).toBe(status.DEADLINE_EXCEEDED)
    expect(end.details).toBe('UPSTREAM_TIMEOUT: It was refused.')
  })

  test('a stream that stands still in its middle is reset', async () => {
    const { client, door } = await open({ idleMs: 150 })
    const call = client.call('talk')
    call.resume()
    call.write(Buffer.from('hello'))
    await once(call, 'data')
    expect((await call.ended).code).toBe(status.INTERNAL)
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 200 })
  })
})

describe('R-GRPC-11 a call that is too long is RESOURCE_EXHAUSTED', () => {
  test('by all of its messages together', async () => {
    const { client } = await open({ maxBodyBytes: 10_000 })
    const call = client.call('collect')
    call.resume()
    for (let i = 0; i < 20; i++) call.write(Buffer.alloc(1000))
    const end = await call.ended
    expect(end.code).toBe(status.RESOURCE_EXHAUSTED)
  })
})

/** The value once it no longer changes. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1, same = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    same = read() === last ? same + 1 : 0
    last = read()
    if (same === 6) return last
  }
}
