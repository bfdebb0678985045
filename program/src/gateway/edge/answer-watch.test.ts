import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { connect, constants } from 'node:http2'
import { expect, onTestFinished, test } from 'vitest'
import type { Stage, StageOptions } from '../../../../test/gateway/edge-stage.ts'
import { openSocket, openStage, readAll, requestText } from '../../../../test/gateway/edge-stage.ts'
import type { Exchange } from '../proxy/index.ts'
import { watchAnswer } from './answer-watch.ts'

const limitMs = 500

/** `/own` is answered by the gateway itself; on `/open` somebody works. */
function answer(exchange: Exchange): void {
  if (exchange.request.url === '/open') return
  exchange.response.statusCode = 402
  const body: string = exchange.request.url === '/long' ? 'pay '.repeat(4_000_000) : 'pay'
  // Both kinds of response have it.
  ;(exchange.response as { end(body: string): unknown }).end(body)
  watchAnswer(exchange, limitMs)
}

async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage({ handler: { request: answer }, ...options })
  onTestFinished(() => opened.listeners.close(0))
  return opened
}

/** A client that takes no part of a body. */
async function greedless(port: number): Promise<ClientHttp2Session> {
  const client = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } })
  client.on('error', () => undefined)
  onTestFinished(() => client.destroy())
  await once(client, 'remoteSettings')
  return client
}

function ask(client: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = client.request({ ':path': path })
  stream.on('error', () => undefined)
  stream.resume()
  return stream
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work
  return performance.now() - started
}

function closed(one: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => one.once('close', () => resolve()))
}

test('R-EDGE-32 an answer that is not taken ends its stream, and others go on', async () => {
  const { port } = await stage()
  const client = await greedless(port)
  const open = ask(client, '/open')
  const own = ask(client, '/own')
  expect(await timeOf(closed(own))).toBeGreaterThan(limitMs - 100)
  expect(own.rstCode).toBe(constants.NGHTTP2_CANCEL)
  expect([open.closed, client.closed]).toEqual([false, false])
})

test('R-EDGE-32 a session that holds nothing else ends with it', async () => {
  const { port, counts } = await stage()
  const client = await greedless(port)
  for (let i = 0; i < 10; i++) ask(client, '/own')
  const tookMs = await timeOf(closed(client))
  expect(tookMs).toBeGreaterThan(limitMs - 100)
  expect(tookMs).toBeLessThan(limitMs + 2000)
  await expect.poll(() => counts.at(-1)).toBe(0)
})

test('R-EDGE-32 more than 20 that wait are not waited for as long', async () => {
  const { port } = await stage({
    handler: {
      request: (exchange) => {
        exchange.response.statusCode = 402
        ;(exchange.response as { end(body: string): unknown }).end('pay')
        watchAnswer(exchange, 60_000)
      },
    },
  })
  const [crowd, few] = await Promise.all([greedless(port), greedless(port)])
  for (let i = 0; i < 21; i++) ask(crowd, '/own')
  for (let i = 0; i < 20; i++) ask(few, '/own')
  const tookMs = await timeOf(closed(crowd))
  expect(tookMs).toBeGreaterThan(2500)
  expect(tookMs).toBeLessThan(10_000)
  expect(few.closed).toBe(false)
})

test('R-EDGE-32 answers that are taken end nothing, however many', async () => {
  const { port } = await stage()
  const client = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => client.destroy())
  await once(client, 'remoteSettings')
  const codes: number[] = []
  for (let round = 0; round < 3; round++) {
    const streams = Array.from({ length: 100 }, () => ask(client, '/own'))
    await Promise.all(streams.map(closed))
    for (const { rstCode } of streams) codes.push(rstCode)
    await new Promise((resolve) => setTimeout(resolve, limitMs / 2))
  }
  expect(new Set(codes)).toEqual(new Set([0]))
  expect(client.closed).toBe(false)
})

test('R-EDGE-32 over HTTP/1.1 one that is not taken ends the connection', async () => {
  const { port } = await stage()
  const socket = await openSocket(port)
  onTestFinished(() => {
    socket.destroy()
  })
  socket.pause()
  socket.write(requestText('GET /long HTTP/1.1'))
  const gone = new Promise<void>((resolve) => setTimeout(resolve, limitMs + 500))
  await gone
  const { text } = await readAll(socket.resume())
  expect(text.length).toBeLessThan(16_000_000)
})

test('R-EDGE-32 what the listener answers itself is watched too', async () => {
  const { port } = await stage({ noRefuse: true, limits: { bodyIdleMs: limitMs } })
  const client = await greedless(port)
  const stream = client.request({ ':path': '/a', ':method': 'TRACE' })
  stream.on('error', () => undefined)
  stream.resume()
  expect(await timeOf(closed(client))).toBeLessThan(limitMs + 2000)
})
