import { afterEach, describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../program/src/gateway/config/config.ts'
import type { Forward } from '../../program/src/gateway/proxy/index.ts'
import { watchLongStream } from '../../program/src/gateway/proxy/index.ts'
import { joinUpgrade } from '../../program/src/gateway/proxy/upgrade.ts'
import type { Door } from './door.ts'
import { forwardOf, openDoor, upstreamOf } from './door.ts'
import type { SocketServer } from './websocket-stage.ts'
import { openSocketClient, openSocketServer } from './websocket-stage.ts'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

type World = { readonly door: Door; readonly server: SocketServer; readonly port: number }

async function open(
  more: Partial<Forward> = {},
  signal: AbortSignal = new AbortController().signal,
  config: Partial<UpstreamConfig> = {},
): Promise<World> {
  const server = await openSocketServer()
  const upstream = upstreamOf(`http://127.0.0.1:${server.port}`, {
    protocol: 'http/1.1',
    ...config,
  })
  const door = await openDoor({
    upgrade: (exchange) => joinUpgrade(upstream, exchange, forwardOf(exchange, more), signal),
  })
  toClose.push(
    () => server.close(),
    () => door.close(),
  )
  return { door, server, port: door.http1Port }
}

describe('R-WS-2 a WebSocket passes as it is', () => {
  test('text and bytes, both ways, in order', async () => {
    const { port, door } = await open()
    const client = await openSocketClient(port)
    for (let i = 0; i < 50; i++) client.socket.send(`message ${i}`)
    for (let i = 0; i < 50; i++) expect(String(await client.next())).toBe(`message ${i}`)
    const bytes = Buffer.from([0, 255, 1, 128])
    client.socket.send(bytes)
    expect(await client.next()).toEqual(bytes)
    client.socket.close(1000, 'done')
    expect(await client.closed).toEqual([1000, 'done'])
    expect(await door.nextEnd()).toEqual({ kind: 'done', status: 101 })
  })

  test('messages of every length that has another form, up to 1 MiB and more', async () => {
    const { port } = await open()
    const client = await openSocketClient(port, '/', { perMessageDeflate: false })
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 1024 * 1024, 5_000_000]) {
      const message = Buffer.alloc(size, size % 251)
      client.socket.send(message)
      expect((await client.next()).equals(message)).toBe(true)
    }
    client.socket.terminate()
  })

  test('a message in fragments, with a ping between them', async () => {
    const { port } = await open()
    const client = await openSocketClient(port)
    const pong = new Promise((resolve) => client.socket.once('pong', resolve))
    client.socket.send('one ', { fin: false })
    client.socket.ping('are you there')
    client.socket.send('two ', { fin: false })
    client.socket.send('three', { fin: true })
    expect(String(await client.next())).toBe('one two three')
    expect(String(await pong)).toBe('are you there')
    client.socket.terminate()
  })

  test('compressed messages', async () => {
    const { port, server } = await open()
    const client = await openSocketClient(port, '/', { perMessageDeflate: true })
    client.socket.send('satway '.repeat(5000))
    expect(String(await client.next())).toBe('satway '.repeat(5000))
    expect(server.seen[0]?.headers['sec-websocket-extensions']).toMatch(/permessage-deflate/)
    client.socket.terminate()
  })

  test('path, query, protocols and headers, by the rules for every request', async () => {
    const { port, server } = await open({}, undefined, { headers: [['X-Key', 'k']] })
    const client = await openSocketClient(port, '/feed?of=news', {
      protocols: ['one', 'two'],
      headers: { 'X-Mine': 'yes', 'Satway-Token-Id': 'forged', Authorization: 'L402 AGIA:00' },
    })
    expect(client.socket.protocol).toBe('two')
    const [seen] = server.seen
    expect(seen?.url).toBe('/feed?of=news')
    expect(seen?.headers).toMatchObject({
      upgrade: 'websocket',
      'x-mine': 'yes',
      'x-key': 'k',
      'x-forwarded-for': '192.0.2.7',
      host: `127.0.0.1:${server.port}`,
    })
    expect(seen?.headers['satway-token-id']).toBeUndefined()
    expect(seen?.headers.authorization).toBeUndefined()
    client.socket.terminate()
  })

  test('what `started` gives is in the head of the 101', async () => {
    const asked: number[] = []
    const { port } = await open({
      started: (status) => {
        asked.push(status)
        return Promise.resolve([['x-extra', 'given']])
      },
    })
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    const head = await new Promise<unknown>((resolve) => {
      socket.on('upgrade', (response) => resolve(response.headers['x-extra']))
    })
    expect(head).toBe('given')
    expect(asked).toEqual([101])
    socket.terminate()
  })
})

describe('R-WS-4 ends pass both ways', () => {
  for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) {
    test(`the server closes with ${code}`, async () => {
      const { port, door } = await open()
      const client = await openSocketClient(port)
      client.socket.send(`close ${code}`)
      if (code === 1001 || code === 1000 || code >= 1008) {
        expect(await client.closed).toEqual([code, 'as told'])
      }
      expect(await door.nextEnd()).toEqual({ kind: 'done', status: 101 })
    })

    test(`the client closes with ${code}`, async () => {
      const { port, server } = await open()
      const client = await openSocketClient(port)
      client.socket.close(code, 'enough')
      await client.closed
      await expect.poll(() => server.closed).toEqual([[code, 'enough']])
    })
  }

  test('a client that is torn away is torn away there', async () => {
    const { port, server, door } = await open()
    const client = await openSocketClient(port)
    client.socket.terminate()
    await expect.poll(() => server.closed).toEqual([[1006, '']])
    expect((await door.nextEnd()).kind).toBe('client-left')
  })

  test('a server that is torn away is torn away here', async () => {
    const { port, server, door } = await open()
    const client = await openSocketClient(port)
    await expect.poll(() => server.sockets.length).toBe(1)
    server.sockets[0]?.terminate()
    expect((await client.closed)[0]).toBe(1006)
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 101 })
  })
})

describe('R-WS-6 a connection on which nothing moves is closed', () => {
  test('with 1001 to the client', async () => {
    const { port, door, server } = await open({ idleMs: 150 })
    const client = await openSocketClient(port)
    expect(await client.closed).toEqual([1001, 'idle'])
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 101 })
    await expect.poll(() => server.closed).toEqual([[1001, '']])
  })

  test('one with pings is not idle', async () => {
    const { port } = await open({ idleMs: 1_000 })
    const client = await openSocketClient(port)
    let pongs = 0
    client.socket.on('pong', () => pongs++)
    const timer = setInterval(() => client.socket.ping(), 50)
    await expect.poll(() => pongs, { timeout: 20_000 }).toBeGreaterThan(40)
    clearInterval(timer)
    client.socket.send('still here')
    expect(String(await client.next())).toBe('still here')
    client.socket.terminate()
  })
})

describe('R-WS-7 what is not paid for any more is closed with 1008', () => {
  test('when the time of the token is over', async () => {
    const clock = { seconds: 1000 }
    const watch = watchLongStream({
      validUntilSeconds: 1100,
      now: () => clock.seconds,
      isDenied: () => false,
      everyMs: 20,
    })
    const { port, door, server } = await open({}, watch.signal)
    const client = await openSocketClient(port)
    client.socket.send('paid')
    expect(String(await client.next())).toBe('paid')
    clock.seconds = 1100
    expect(await client.closed).toEqual([1008, 'token expired'])
    expect(await door.nextEnd()).toMatchObject({
      kind: 'cut',
      status: 101,
      error: { code: 'ACCESS_EXPIRED' },
    })
    // The application is told that the line ends, not why.
    await expect.poll(() => server.closed).toEqual([[1001, '']])
  })

  test('when the token is revoked', async () => {
    let isDenied = false
    const watch = watchLongStream({
      validUntilSeconds: undefined,
      now: () => 0,
      isDenied: () => Promise.resolve(isDenied),
      everyMs: 20,
    })
    const { port } = await open({}, watch.signal)
    const client = await openSocketClient(port)
    client.socket.send('paid')
    await client.next()
    isDenied = true
    expect(await client.closed).toEqual([1008, 'token revoked'])
  })

  test('a server that goes says 1001', async () => {
    const controller = new AbortController()
    const { port } = await open({}, controller.signal)
    const client = await openSocketClient(port)
    controller.abort()
    expect(await client.closed).toEqual([1001, 'the server is going away'])
  })

  test('a stream of messages is ended between two of them', async () => {
    const controller = new AbortController()
    const { port, server } = await open({}, controller.signal)
    const client = await openSocketClient(port, '/', { perMessageDeflate: false })
    const bad: unknown[] = []
    client.socket.on('error', (error) => bad.push(error))
    await expect.poll(() => server.sockets.length).toBe(1)
    const timer = setInterval(() => server.sockets[0]?.send('tick '.repeat(20)), 1)
    for (let i = 0; i < 30; i++) expect(String(await client.next())).toBe('tick '.repeat(20))
    controller.abort()
    expect((await client.closed)[0]).toBe(1001)
    clearInterval(timer)
    // No frame of ours inside one of theirs: the client would have found an error.
    expect(bad).toEqual([])
  })
})
