import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ClientHttp2Session, ServerHttp2Stream } from 'node:http2'
import { connect, constants, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Stage } from './stage.ts'
import { openStage } from './stage.ts'

const open: (() => unknown)[] = []
const faults: unknown[] = []
const note = (fault: unknown): void => {
  faults.push(fault)
}

beforeEach(() => {
  faults.length = 0
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
})

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
  process.off('uncaughtException', note)
  process.off('unhandledRejection', note)
})

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The same numbers for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

/** Answers late and in pieces, with trailers. */
function serveHttp2(stream: ServerHttp2Stream, roll: (sides: number) => number): void {
  stream.on('error', () => undefined)
  stream.resume()
  setTimeout(() => {
    if (stream.destroyed) return
    if (roll(6) === 0) {
      stream.close(roll(12))
      return
    }
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => !stream.closed && stream.sendTrailers({ 'x-sum': '1' }))
    stream.end('x'.repeat(roll(30_000)))
  }, roll(5))
}

async function setUp(roll: (sides: number) => number): Promise<Stage> {
  const plain = await listen(
    createServer((request, response) => {
      request.resume()
      response.on('error', () => undefined)
      setTimeout(() => {
        if (roll(6) === 0) request.socket.destroy()
        else response.end('x'.repeat(roll(30_000)))
      }, roll(5))
    }),
  )
  const http2 = createHttp2Server()
  http2.on('sessionError', () => undefined)
  http2.on('stream', (stream) => serveHttp2(stream, roll))
  const second = await listen(http2)
  const service = (name: string, upstream: string): string => `
  - name: ${name}
    hosts: [${name}]
    upstream: { ${upstream}, head_timeout: 1s, idle_timeout: 1s }
    routes:
      "* /free": free
      "* /paid": { price: 1 sat, uses: 1000000, max_body: 1KiB }`
  const stage = await openStage(`
limits: { body_idle: 1s }
issuance: { burst: 1000000, per_minute: 1000000, global_burst: 1000000, global_per_minute: 1000000 }
services:${service('plain', `url: "http://127.0.0.1:${plain}"`)}${service('h2c', `url: "http://127.0.0.1:${second}", protocol: h2c`)}${service('dead', 'url: "http://127.0.0.1:1"')}
`)
  open.push(() => stage.close())
  return stage
}

/** One request that may be broken off at any moment. */
async function oneRequest(
  client: ClientHttp2Session,
  authority: string,
  authorization: string | undefined,
  roll: (sides: number) => number,
): Promise<void> {
  const pick = <T>(of: readonly T[]): T => of[roll(of.length)]!
  const stream = client.request(
    {
      ':method': pick(['HEAD', 'GET', 'POST']),
      ':path': pick(['/free', '/paid', '/none']),
      ':authority': authority,
      ...(roll(2) === 0 ? { expect: '100-continue' } : {}),
      ...(roll(4) === 0 ? { 'content-type': 'application/grpc', te: 'trailers' } : {}),
      ...(authorization === undefined ? {} : { authorization }),
    },
    { endStream: roll(3) === 0, waitForTrailers: roll(4) === 0 },
  )
  stream.on('error', () => undefined)
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': '1' }))
  if (roll(4) > 0) stream.resume()
  if (!stream.writableEnded && roll(2) === 0) stream.write('x'.repeat(roll(3000)))
  if (!stream.writableEnded && roll(3) === 0) stream.end()
  const waitMs = roll(5)
  await new Promise((resolve) =>
    waitMs === 4 ? setImmediate(resolve) : setTimeout(resolve, waitMs),
  )
  if (roll(3) > 0) stream.close(pick([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, 2]))
}

test('R-EDGE-31 streams that are reset at any moment end nothing else', async () => {
  const stage = await setUp(dice(1))
  const authorizations = new Map<string, string>()
  for (const authority of ['plain', 'h2c']) {
    const client = connect(stage.url)
    const stream = client.request({ ':path': '/paid', ':authority': authority })
    const [{ 'www-authenticate': challenge }] = await once(stream, 'response')
    client.destroy()
    const headers = new Headers({ 'www-authenticate': String(challenge) })
    authorizations.set(authority, await stage.pay(new Response('', { headers })))
  }
  const until = performance.now() + 4000
  const clients = Array.from({ length: 12 }, async (_, seed) => {
    const roll = dice(seed + 2)
    let requests = 0
    while (performance.now() < until) {
      const client = connect(stage.url)
      client.on('error', () => undefined)
      await once(client, 'connect')
      for (let i = roll(6); i >= 0 && !client.closed; i--) {
        const authority = ['plain', 'h2c', 'dead'][roll(3)]!
        const authorization = roll(2) === 0 ? authorizations.get(authority) : undefined
        const parallel = Array.from({ length: 1 + roll(4) }, () =>
          oneRequest(client, authority, authorization, roll),
        )
        requests += parallel.length
        await Promise.all(parallel)
      }
      client.destroy()
    }
    return requests
  })
  const requests = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0)
  expect(requests).toBeGreaterThan(200)
  expect(faults).toEqual([])
  expect(stage.told.filter((line) => line.startsWith('fault'))).toEqual([])
  await vi.waitFor(async () => expect((await fetch(`${stage.url}/none`)).status).toBe(421), 5000)
})
