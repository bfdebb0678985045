import { once } from 'node:events'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stage, StageOptions } from '../../../../test/gateway/edge-stage.ts'
import {
  asHttp1,
  openSocket,
  openStage,
  plain,
  problemOf,
  readAll,
  requestText,
  sendBytes,
  statuses,
  usualLimits,
} from '../../../../test/gateway/edge-stage.ts'
import { openListeners } from './index.ts'

async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage(options)
  onTestFinished(() => opened.listeners.close(0))
  return opened
}

async function connected(port: number): Promise<Socket> {
  const socket = await openSocket(port)
  socket.on('error', () => undefined)
  onTestFinished(() => {
    socket.destroy()
  })
  return socket
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** How long a promise takes, in milliseconds. */
async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly tookMs: number }> {
  const started = performance.now()
  const value = await work
  return { value, tookMs: performance.now() - started }
}

describe('slow clients', () => {
  const limits = { headMs: 1000 }

  for (const [name, bytes, http2] of [
    ['half a head', 'GET / HTTP/1.1\r\nHost: a\r\nX-', true],
    ['half a head, without HTTP/2', 'GET / HTTP/1.1\r\nHost: a\r\nX-', false],
    ['half a second head', `${requestText('GET / HTTP/1.1')}GET /2 HTTP/1.1\r\nHo`, true],
  ] as const) {
    test(`R-EDGE-12 ${name} gets 408 and the end of the connection`, async () => {
      const { port } = await stage({ limits, listen: { http2 } })
      const { value, tookMs } = await timed(sendBytes(port, bytes))
      expect(statuses(value).at(-1)).toBe(408)
      expect(problemOf(value)).toMatchObject({ status: 408, code: 'REQUEST_TIMEOUT' })
      expect(value.wasReset).toBe(false)
      expect(tookMs).toBeGreaterThan(900)
      expect(tookMs).toBeLessThan(10_000)
    })
  }

  for (const [name, bytes] of [
    ['nothing at all', ''],
    ['what could become HTTP/2', 'PR'],
  ] as const) {
    test(`R-EDGE-12 ${name} gets the end of the connection without an answer`, async () => {
      const { port } = await stage({ limits })
      expect((await sendBytes(port, bytes)).text).toBe('')
    })
  }

  test('R-EDGE-12 500 slowloris connections are gone within 12 s with the usual limits', async () => {
    const { port, counts } = await stage()
    const sockets = await Promise.all(Array.from({ length: 500 }, () => connected(port)))
    const started = performance.now()
    const drips: NodeJS.Timeout[] = []
    onTestFinished(() => drips.forEach(clearInterval))
    const ends = sockets.map((socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
      // One more header now and then, and never an end.
      drips.push(setInterval(() => socket.writable && socket.write('X-Slow: 1\r\n'), 1000))
      return readAll(socket)
    })
    for (const answer of await Promise.all(ends)) expect(statuses(answer)).toEqual([408])
    await until(() => counts.at(-1) === 0)
    expect(performance.now() - started).toBeLessThan(12_000)
  })

  test('R-EDGE-13 a connection that is kept alive is closed when it is idle', async () => {
    const { port } = await stage({ limits: { keepAliveMs: 500 } })
    const { value, tookMs } = await timed(sendBytes(port, requestText('GET / HTTP/1.1')))
    expect(statuses(value)).toEqual([200])
    expect(tookMs).toBeGreaterThan(450)
    expect(tookMs).toBeLessThan(10_000)
  })

  test('R-EDGE-13 a request under way is not idle', async () => {
    const { port } = await stage({
      limits: { keepAliveMs: 100, headMs: 200 },
      handler: { request: ({ response }) => setTimeout(() => response.end('late'), 2500) },
    })
    const answer = await sendBytes(port, requestText('GET / HTTP/1.1', 'Connection: close'))
    expect(answer.text).toContain('late')
  })
})

describe('connection limits', () => {
  test('R-EDGE-14 the newest connection beyond the limit is turned away with 503', async () => {
    const { port, counts } = await stage({ limits: { connections: 2 } })
    const first = await connected(port)
    const second = await connected(port)
    const third = await sendBytes(port, requestText('GET / HTTP/1.1'))
    expect(statuses(third)).toEqual([503])
    expect(third.text).toMatch(/^retry-after: \d+\r$/im)
    first.destroy()
    await until(() => counts.at(-1) === 1)
    expect(statuses(await sendBytes(port, requestText('GET / HTTP/1.0')))).toEqual([200])
    second.destroy()
    await until(() => counts.at(-1) === 0)
  })

  test('R-EDGE-15 a client has its own limit, and others have theirs', async () => {
    const { port, counts } = await stage({
      limits: { connectionsPerClient: 2 },
      listen: { proxyProtocolFrom: ['127.0.0.1'] },
    })
    const from = async (address: string): Promise<Socket> => {
      const socket = await connected(port)
      const family = address.includes(':') ? 'TCP6' : 'TCP4'
      const own = family === 'TCP6' ? '::1' : '127.0.0.1'
      socket.write(`PROXY ${family} ${address} ${own} 1 2\r\n`)
      return socket
    }
    const served = async (address: string): Promise<boolean> => {
      const socket = await from(address)
      const answer = readAll(socket)
      socket.write(requestText('GET / HTTP/1.0'))
      return statuses(await answer)[0] === 200
    }
    await from('192.0.2.1')
    const second = await from('192.0.2.1')
    await from('2001:db8:0:1::1')
    await from('2001:db8:0:1::2')
    // A turn of the loop for each header to be read.
    await until(() => counts.at(-1) === 4)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await served('192.0.2.1')).toBe(false)
    expect(await served('192.0.2.2')).toBe(true)
    expect(await served('2001:db8:0:1:ffff::3')).toBe(false)
    expect(await served('2001:db8:0:2::1')).toBe(true)
    second.destroy()
    await until(() => counts.at(-1) === 3)
    expect(await served('192.0.2.1')).toBe(true)
  })

  test('R-EDGE-15 an address that carries many clients has none', async () => {
    const { port } = await stage({
      limits: { connectionsPerClient: 1 },
      carriesMany: (address) => address === '127.0.0.1',
    })
    await connected(port)
    expect(statuses(await sendBytes(port, requestText('GET / HTTP/1.0')))).toEqual([200])
  })
})

describe('the PROXY protocol', () => {
  const listen = { proxyProtocolFrom: ['127.0.0.0/8'] }
  const request = requestText('GET / HTTP/1.0')
  const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
  const version2 = (command: number, protocol: number, body: readonly number[]) =>
    Buffer.concat([signature, Buffer.from([command, protocol, 0, body.length, ...body])])
  const ipv4 = [192, 0, 2, 7, 10, 0, 0, 1, 1, 187, 0, 80]
  const ipv6 = [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 9, ...Array(16).fill(0), 1, 187, 0, 80]

  for (const [name, header, address] of [
    ['version 1, IPv4', Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 443 80\r\n'), '192.0.2.7'],
    ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:DB8:0:0::9 ::1 443 80\r\n'), '2001:db8::9'],
    ['version 1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    [
      'version 1, unknown with addresses',
      Buffer.from('PROXY UNKNOWN ::2 ::1 1 2\r\n'),
      '127.0.0.1',
    ],
    ['version 2, IPv4', version2(0x21, 0x11, ipv4), '192.0.2.7'],
    ['version 2, IPv6', version2(0x21, 0x21, ipv6), '2001:db8::9'],
    ['version 2, with more fields', version2(0x21, 0x11, [...ipv4, 4, 0, 1, 0]), '192.0.2.7'],
    ['version 2, local', version2(0x20, 0x00, []), '127.0.0.1'],
    ['version 2, unspecified', version2(0x21, 0x00, []), '127.0.0.1'],
  ] as const) {
    test(`R-EDGE-16 ${name} gives the client's address`, async () => {
      const { port, served } = await stage({ listen })
      const whole = await sendBytes(port, Buffer.concat([header, Buffer.from(request)]))
      expect(statuses(whole)).toEqual([200])
      const inPieces = await connected(port)
      const answer = readAll(inPieces)
      for (const byte of header) {
        inPieces.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      inPieces.write(request)
      expect(statuses(await answer)).toEqual([200])
      expect(served).toEqual([`GET / from ${address}`, `GET / from ${address}`])
    })
  }

  for (const [name, bytes] of [
    ['no header', request],
    ['a header that is none', `PROXY TCP4 1.2.3 10.0.0.1 443 80\r\n${request}`],
    ['a header for UDP', Buffer.concat([version2(0x21, 0x12, ipv4), Buffer.from(request)])],
    ['a header without an end', `PROXY ${'x'.repeat(200)}`],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ] as const) {
    test(`R-EDGE-16 ${name} from a balancer closes the connection`, async () => {
      const { port, served } = await stage({ listen })
      expect((await sendBytes(port, bytes)).text).toBe('')
      expect(served).toEqual([])
    })
  }

  test('R-EDGE-16 half a header is waited for as long as for a head', async () => {
    const { port } = await stage({ listen, limits: { headMs: 300 } })
    const { value, tookMs } = await timed(sendBytes(port, 'PROXY TCP4 1'))
    expect(value.text).toBe('')
    expect(tookMs).toBeGreaterThan(250)
  })

  test('R-EDGE-16 a header from anybody else is a malformed request', async () => {
    const { port, served } = await stage({ listen: { proxyProtocolFrom: ['10.0.0.0/8'] } })
    const first = await sendBytes(port, `PROXY TCP4 192.0.2.7 10.0.0.1 443 80\r\n${request}`)
    const second = await sendBytes(
      port,
      Buffer.concat([version2(0x21, 0x11, ipv4), Buffer.from(request)]),
    )
    expect([...statuses(first), ...statuses(second)]).toEqual([400, 400])
    expect(served).toEqual([])
  })
})

describe('closing', () => {
  test('R-EDGE-17 waits for what is under way, and ends what is idle at once', async () => {
    let finish = (): void => undefined
    const { port, listeners } = await openStage({
      handler: {
        request: ({ request, response }) => {
          if (request.url === '/slow') finish = () => response.end('done at last')
          else response.end('quick')
        },
      },
    })
    const silent = await connected(port)
    const silentEnd = readAll(silent)
    const idle = await connected(port)
    const idleEnd = readAll(idle)
    idle.write(requestText('GET /quick HTTP/1.1'))
    await once(idle, 'data')
    const busy = await connected(port)
    const busyEnd = readAll(busy)
    busy.write(requestText('GET /slow HTTP/1.1'))
    await until(() => finish.name !== '' && finish.toString().includes('at last'))

    let isClosed = false
    const closed = listeners.close(20_000).then(() => {
      isClosed = true
    })
    expect(statuses(await idleEnd)).toEqual([200])
    expect((await silentEnd).text).toBe('')
    await expect(openSocket(port)).rejects.toThrow('ECONNREFUSED')
    expect(isClosed).toBe(false)
    finish()
    const answer = await busyEnd
    expect(answer.text).toContain('done at last')
    expect(answer.text).toMatch(/^connection: close\r$/im)
    await closed
  })

  test('R-EDGE-17 cuts what has not ended in time', async () => {
    const { port, listeners, served } = await openStage({
      handler: { request: () => undefined },
    })
    const socket = await connected(port)
    const end = readAll(socket)
    socket.write(requestText('GET / HTTP/1.1'))
    await until(() => served.length === 1)
    const { tookMs } = await timed(listeners.close(300))
    expect(tookMs).toBeGreaterThan(250)
    expect((await end).text).toBe('')
  })

  test('R-EDGE-17 lets an answer whose head was sent go on to its end', async () => {
    const { port, listeners } = await openStage({
      handler: {
        request: ({ response }) => {
          const answer = asHttp1(response)
          answer.writeHead(200, { 'Content-Length': 10 })
          answer.write('12345')
          setTimeout(() => answer.end('67890'), 300)
        },
      },
    })
    const socket = await connected(port)
    const end = readAll(socket)
    socket.write(requestText('GET / HTTP/1.1'))
    await once(socket, 'data')
    await listeners.close(20_000)
    expect((await end).text).toMatch(/1234567890$/)
  })

  test('R-EDGE-17 waits for upgraded connections', async () => {
    const { port, listeners, upgrades } = await openStage({
      handler: {
        upgrade: ({ socket }) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      },
    })
    const socket = await connected(port)
    const end = readAll(socket)
    socket.write(requestText('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket'))
    await once(socket, 'data')
    const closed = listeners.close(20_000)
    setTimeout(() => upgrades[0]!.socket.end('bye'), 100)
    expect((await end).text).toContain('bye')
    await closed
  })

  test('gives the address back', async () => {
    const first = await openStage()
    await first.listeners.close(0)
    const second = await openStage({ listen: { port: first.port } })
    expect(second.port).toBe(first.port)
    await second.listeners.close(0)
  })
})

describe('opening', () => {
  const handler = {
    request: ({ response }: { response: { end(): unknown } }) => {
      response.end()
    },
    upgrade: () => undefined,
  }

  test('R-EDGE-18 opens all listeners, and says where they are', async () => {
    const listeners = await openListeners({
      listen: [plain, { ...plain, host: '::1' }],
      limits: usualLimits,
      handler,
    })
    onTestFinished(() => listeners.close(0))
    expect(listeners.addresses).toMatchObject([
      { host: '127.0.0.1', scheme: 'http' },
      { host: '::1', scheme: 'http' },
    ])
    for (const { host, port } of listeners.addresses) {
      const [response] = await once(get({ host, port }), 'response')
      expect(response.statusCode).toBe(200)
      response.resume()
    }
  })

  test('R-EDGE-18 gives each listener a handler of its own where there are several', async () => {
    const listeners = await openListeners({
      listen: [
        { ...plain, http2: true },
        { ...plain, http2: false },
      ],
      limits: usualLimits,
      handler: (listener) => ({
        request: ({ response }) => {
          response.end(`http2: ${listener.http2}`)
        },
        upgrade: () => undefined,
      }),
    })
    onTestFinished(() => listeners.close(0))
    const texts = await Promise.all(
      listeners.addresses.map(({ port }) => sendBytes(port, requestText('GET / HTTP/1.0'))),
    )
    expect(texts.map(({ text }) => text.slice(-4))).toEqual(['true', 'alse'])
  })

  test('R-EDGE-18 opens none when one address is taken', async () => {
    const taken = await stage()
    const free = await openStage()
    await free.listeners.close(0)
    const listen = [
      { ...plain, port: free.port },
      { ...plain, port: taken.port },
    ]
    await expect(openListeners({ listen, limits: usualLimits, handler })).rejects.toThrow(
      'EADDRINUSE',
    )
    const socket = connect(free.port, '127.0.0.1')
    const [error] = await once(socket, 'error')
    expect(error.code).toBe('ECONNREFUSED')
  })
})
