import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { protect, protectUpgrade } from '../../library/src/middleware/node-http/index.ts'
import { linesOf, rawRequest, sendRaw } from './raw.ts'
import type { Shop } from './shops.ts'
import { listen } from './shops.ts'
import type { Stall } from './stall.ts'
import { openStall } from './stall.ts'

const opened: Shop[] = []
afterAll(async () => {
  await Promise.all(opened.map((shop) => shop.close()))
})

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

function upgradeRequest(...lines: readonly string[]): string {
  const text = rawRequest({ target: '/feed', lines: [...upgrade, ...lines] })
  return text.replace('Connection: close\r\n', '')
}

async function open(serve: (socket: Duplex) => unknown): Promise<{
  stall: Stall
  server: Server
  port: number
  ask: (...lines: readonly string[]) => ReturnType<typeof sendRaw>
  buy: () => ReturnType<Stall['buy']>
  seen: { authorization: string | undefined; paymentHash: string | undefined }[]
}> {
  const stall = openStall()
  const gate = stall.paywall.charge({ price: '10 sat', capability: 'feed', uses: 1 })
  const seen: { authorization: string | undefined; paymentHash: string | undefined }[] = []
  const server = createServer()
  const listener = protectUpgrade(gate, (request, socket, _head, receipt) => {
    seen.push({
      authorization: request.headers.authorization,
      paymentHash: receipt?.paymentHash,
    })
    return serve(socket)
  })
  server.on(
    'upgrade',
    (request, socket, head) => void listener(request, socket, head).catch(() => undefined),
  )
  const shop = await listen(server)
  opened.push(shop)
  return {
    stall,
    server,
    port: shop.port,
    seen,
    ask: (...lines) => sendRaw(shop.port, upgradeRequest(...lines)),
    buy: () => stall.buy(gate, { target: '/feed' }),
  }
}

describe('R-SRV-64 an upgrade passes the same gate as a request', () => {
  const accept = (socket: Duplex): void => {
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
    )
  }

  test('unpaid, it is refused with a challenge, and nobody takes the socket', async () => {
    const { ask, seen } = await open(accept)
    const response = await ask()
    expect(response.status).toBe(402)
    expect(linesOf(response, 'www-authenticate')[0]).toMatch(/^L402 macaroon=/)
    expect(linesOf(response, 'connection')).toEqual(['close'])
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ACCESS_PAYMENT_REQUIRED' })
    expect(Number(linesOf(response, 'content-length')[0])).toBe(response.body.length)
    expect(seen).toEqual([])
  })

  test('paid, it is handed over once, without the credential', async () => {
    const { ask, buy, seen } = await open(accept)
    const { authorization, paymentHash } = await buy()
    const response = await ask(`Authorization: ${authorization}`)
    expect([response.status, response.body]).toEqual([101, 'hello'])
    expect(seen).toEqual([{ authorization: undefined, paymentHash }])
    expect((await ask(`Authorization: ${authorization}`)).status).toBe(402)
  })

  test('R-SRV-43 a listener that throws gives the use back', async () => {
    let broken = true
    const { ask, buy } = await open((socket) => {
      if (broken) throw new Error('the listener failed')
      accept(socket)
    })
    const { authorization } = await buy()
    expect((await ask(`Authorization: ${authorization}`)).status).toBe(0)
    broken = false
    expect((await ask(`Authorization: ${authorization}`)).status).toBe(101)
  })

  test('R-SRV-43 and does not when the client has left', async () => {
    let began: (socket: Duplex) => void = () => undefined
    const working = new Promise<Duplex>((resolve) => {
      began = resolve
    })
    let first = true
    const { ask, buy, port } = await open((socket) => {
      if (!first) return accept(socket)
      first = false
      socket.resume()
      began(socket)
      return new Promise((_, reject) => {
        socket.once('end', () => reject(new Error('the listener failed')))
      })
    })
    const { authorization } = await buy()
    const client = connect(port, '127.0.0.1')
    client.write(upgradeRequest(`Authorization: ${authorization}`))
    const socket = await working
    client.destroy()
    await once(socket, 'end')
    await new Promise(setImmediate)
    expect((await ask(`Authorization: ${authorization}`)).status).toBe(402)
  })

  test('a client that is refused cannot keep its connection', async () => {
    const { port, server } = await open(accept)
    const clients = Array.from({ length: 20 }, () => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      client.on('error', () => undefined)
      client.write(upgradeRequest())
      return client
    })
    const answers = await Promise.all(
      clients.map(async (client) => {
        const [chunk] = (await once(client, 'data')) as [Buffer]
        return chunk.toString().split(' ')[1]
      }),
    )
    expect(new Set(answers)).toEqual(new Set(['402']))
    const count = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_, open) => resolve(open)))
    await expect.poll(count, { timeout: 1500 }).toBe(0)
    for (const client of clients) client.destroy()
  })

  test('without an upgrade listener, it is a request like any other', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'feed' })
    let reached = 0
    const server = createServer(
      protect(gate, (_request, response) => {
        reached++
        response.end('paid')
      }),
    )
    const shop = await listen(server)
    opened.push(shop)
    expect(
      (await sendRaw(shop.port, rawRequest({ target: '/feed', lines: ['Upgrade: websocket'] })))
        .status,
    ).toBe(402)
    expect(reached).toBe(0)
  })
})
