import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { L402Error } from 'satway'
import { afterEach, describe, expect, test } from 'vitest'
import type { Door } from '../../../../test/gateway/door.ts'
import { forwardOf, openDoor, upstreamOf } from '../../../../test/gateway/door.ts'
import type { RawClient } from '../../../../test/gateway/websocket-stage.ts'
import {
  acceptOfZeros,
  openRawClient,
  upgradeLines,
  upgradeText,
} from '../../../../test/gateway/websocket-stage.ts'
import type { UpstreamConfig } from '../config/index.ts'
import { generateCertificate } from '../edge/generated-certificate.ts'
import type { Forward } from './index.ts'
import { joinUpgrade } from './upgrade.ts'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

type Application = {
  readonly port: number
  /** All bytes that each connection brought, as latin1. */
  readonly received: string[]
  readonly sockets: Socket[]
  open(): number
}

/** An application that does with a connection what a test says, once the request's head is there. */
async function openApplication(
  serve: (socket: Socket, head: string) => void,
  ended: (socket: Socket) => void = (socket) => socket.end(),
): Promise<Application> {
  const received: string[] = []
  const sockets: Socket[] = []
  let open = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const place = received.push('') - 1
    sockets.push(socket)
    open++
    let isServed = false
    socket.setEncoding('latin1')
    socket.on('data', (part) => {
      received[place] = `${received[place]}${part}`
      if (isServed || !received[place]!.includes('\r\n\r\n')) return
      isServed = true
      serve(socket, received[place]!)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => open--)
    socket.on('end', () => ended(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    received,
    sockets,
    open: () => open,
  }
}

type Options = {
  readonly forward?: Partial<Forward>
  readonly config?: Partial<UpstreamConfig>
  readonly signal?: AbortSignal
  readonly url?: string
}

type World = { readonly door: Door; send(text: string): RawClient }

async function openWorld(port: number, options: Options = {}): Promise<World> {
  const url = options.url ?? `http://127.0.0.1:${port}`
  const config = upstreamOf(url, { protocol: 'http/1.1', ...options.config })
  const signal = options.signal ?? new AbortController().signal
  const door = await openDoor({
    upgrade: (exchange) =>
      joinUpgrade(config, exchange, forwardOf(exchange, options.forward), signal),
  })
  toClose.push(() => door.close())
  return {
    door,
    send: (text) => {
      const client = openRawClient(door.http1Port, text)
      toClose.push(() => client.socket.destroy())
      return client
    },
  }
}

const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  `Sec-WebSocket-Accept: ${acceptOfZeros}\r\n\r\n`

const accept = (socket: Socket): void => {
  socket.write(switching)
}

/** A text frame of a server. */
const frame = (text: string): string => `\x81${String.fromCharCode(text.length)}${text}`
/** A masked text frame of a client; the mask is zero. */
const clientFrame = (text: string): string =>
  `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`

describe('R-WS-1 only WebSocket upgrades are joined', () => {
  const replaced = (name: string, ...lines: string[]): string => {
    const rest = upgradeLines.filter((line) => !line.startsWith(name))
    return upgradeText('/', [...rest, ...lines])
  }
  for (const [name, text] of [
    ['h2c', replaced('Upgrade:', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__')],
    ['h2c beside websocket', replaced('Upgrade:', 'Upgrade: websocket, h2c')],
    ['two Upgrade lines', replaced('Upgrade:', 'Upgrade: h2c', 'Upgrade: websocket')],
    ['TLS', replaced('Upgrade:', 'Upgrade: TLS/1.0')],
    ['an invented protocol', replaced('Upgrade:', 'Upgrade: websocketx')],
    ['POST', upgradeText().replace('GET', 'POST')],
    ['HTTP/1.0', upgradeText().replace('HTTP/1.1', 'HTTP/1.0')],
    ['no key', replaced('Sec-WebSocket-Key')],
    ['a short key', replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAA')],
    [
      'two keys',
      upgradeText('/', [...upgradeLines, 'Sec-WebSocket-Key: BBBBBBBBBBBBBBBBBBBBBB==']),
    ],
    ['a length', upgradeText('/', [...upgradeLines, 'Content-Length: 5']) + 'hello'],
    [
      'a chunked body',
      `${upgradeText('/', [...upgradeLines, 'Transfer-Encoding: chunked'])}0\r\n\r\n`,
    ],
  ] as const) {
    test(`${name}: 400, and the upstream is not asked`, async () => {
      const application = await openApplication(accept)
      const { send, door } = await openWorld(application.port)
      expect(await send(text).ended).toMatch(/^HTTP\/1.1 400 /)
      const refused = { kind: 'refused', code: 'REQUEST_AMBIGUOUS', wasSent: false }
      expect(await door.nextEnd()).toMatchObject(refused)
      expect(application.sockets.length).toBe(0)
    })
  }

  test('an upstream that speaks HTTP/2 is not asked', async () => {
    const application = await openApplication(accept)
    const { send } = await openWorld(application.port, { config: { protocol: 'h2c' } })
    expect(await send(upgradeText()).ended).toMatch(/^HTTP\/1.1 502 /)
    expect(application.sockets.length).toBe(0)
  })
})

describe('R-WS-3 behind an upgrade that the upstream did not take nothing follows', () => {
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n'
  const answers: readonly (readonly [string, string, RegExp])[] = [
    [
      '403',
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nX-Why: w\r\n\r\nno!',
      /^HTTP\/1.1 403 .*x-why: w.*no!$/is,
    ],
    [
      '426, as for a wrong version',
      'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
      /^HTTP\/1.1 426 .*sec-websocket-version: 13/is,
    ],
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', /^HTTP\/1.1 200 .*ok$/is],
    [
      '200 with an Upgrade',
      'HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok',
      /^HTTP\/1.1 200 .*ok$/is,
    ],
    [
      'a chunked body',
      'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n',
      /^HTTP\/1.1 404 .*no!/is,
    ],
    ['101 without Upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', /^HTTP\/1.1 502 /],
    [
      '101 to h2c',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      /^HTTP\/1.1 502 /,
    ],
    ['101 with another key', switching.replace('ICX+', 'AAAA'), /^HTTP\/1.1 502 /],
    ['101 without a key', switching.replace(/Sec-.*\r\n/, ''), /^HTTP\/1.1 502 /],
    ['nothing', '', /^HTTP\/1.1 502 /],
    ['noise', '\x00\x01\x02\r\n\r\n', /^HTTP\/1.1 502 /],
    [
      'a head without end',
      `HTTP/1.1 101 Switching Protocols\r\nX-A: ${'a'.repeat(100_000)}`,
      /^HTTP\/1.1 502 /,
    ],
  ]
  for (const [name, answer, expected] of answers) {
    test(`after ${name} the connection ends, and what came behind the head is thrown away`, async () => {
      const application = await openApplication((socket) => {
        if (answer === '') socket.destroy()
        else socket.write(answer, 'latin1')
      })
      const { send, door } = await openWorld(application.port)
      const client = send(`${upgradeText()}${hidden}`)
      client.socket.write(hidden)
      await once(client.socket, 'data')
      if (!client.socket.destroyed) client.socket.write(hidden)
      const text = await client.ended
      expect(text).toMatch(expected)
      expect(text).toMatch(/connection: close/i)
      await door.nextEnd()
      await expect.poll(application.open).toBe(0)
      // One connection, one request, not a byte more.
      expect(application.received.length).toBe(1)
      expect(application.received[0]).not.toContain('hidden')
      expect(application.received[0]).toMatch(/\r\n\r\n$/)
    })
  }

  test('an answer that breaks off is cut', async () => {
    const application = await openApplication((socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart')
      setTimeout(() => socket.destroy(), 50)
    })
    const { send, door } = await openWorld(application.port)
    const text = await send(upgradeText()).ended
    expect(text).toMatch(/content-length: 100/i)
    expect(text).toMatch(/part$/)
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 403 })
  })

  test('an answer that stalls is cut', async () => {
    const application = await openApplication((socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart')
    })
    const { send, door } = await openWorld(application.port, { forward: { idleMs: 100 } })
    await send(upgradeText()).ended
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 403 })
    await expect.poll(application.open).toBe(0)
  })

  test('the caller is asked before the answer goes on, and may add to it', async () => {
    const application = await openApplication((socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!')
    })
    const asked: unknown[] = []
    const { send } = await openWorld(application.port, {
      forward: {
        started: (status, current) => {
          asked.push(status, current('content-length'))
          return [['Cache-Control', 'private']]
        },
      },
    })
    expect(await send(upgradeText()).ended).toMatch(/cache-control: private/i)
    expect(asked).toEqual([403, '3'])
  })

  test('a caller that fails is a 502', async () => {
    for (const started of [
      () => Promise.reject(new Error('no store')),
      () => [['X-Bad', 'a\r\nX-More: b']] as const,
    ] as Forward['started'][]) {
      for (const answer of [switching, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n']) {
        const application = await openApplication((socket) => socket.write(answer))
        const { send, door } = await openWorld(application.port, { forward: { started } })
        const text = await send(upgradeText()).ended
        expect(text).toMatch(/^HTTP\/1.1 502 /)
        expect(text).not.toContain('X-More')
        expect(await door.nextEnd()).toMatchObject({ kind: 'refused', status: 502, wasSent: true })
        await expect.poll(application.open).toBe(0)
      }
    }
  })
})

describe('R-WS-2 what is sent with a head is not lost', () => {
  test('by the client with its request, and by the server with its 101', async () => {
    const application = await openApplication((socket) => {
      socket.write(switching + frame('first'), 'latin1')
    })
    const { send } = await openWorld(application.port)
    const client = send(upgradeText() + clientFrame('early'))
    await expect.poll(() => client.text()).toContain(frame('first'))
    await expect.poll(() => application.received[0]).toContain(clientFrame('early'))
  })

  test('what comes before the 101 waits for it, and comes in order', async () => {
    const application = await openApplication((socket) => {
      setTimeout(() => accept(socket), 150)
    })
    const { send } = await openWorld(application.port)
    const client = send(upgradeText() + clientFrame('one'))
    await expect.poll(() => application.received.length).toBe(1)
    client.socket.write(clientFrame('two'), 'latin1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(application.received[0]).toMatch(/\r\n\r\n$/)
    await expect
      .poll(() => application.received[0])
      .toContain(clientFrame('one') + clientFrame('two'))
  })

  test('the head of the 101 has no length, and says nothing for the gateway', async () => {
    const application = await openApplication((socket) => {
      socket.write(
        switching.replace(
          '\r\n\r\n',
          '\r\nContent-Length: 5\r\nSatway-Amount-Msat: 1\r\nX-A: 1\r\nX-A: 2\r\n\r\n',
        ),
      )
    })
    const { send } = await openWorld(application.port)
    const client = send(upgradeText())
    await expect.poll(() => client.text()).toContain('\r\n\r\n')
    expect(client.text()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/)
    expect(client.text()).toMatch(/X-A: 1\r\nX-A: 2\r\n/)
    expect(client.text()).not.toMatch(/content-length|satway/i)
    expect(client.text().match(/^connection:/gim)?.length).toBe(1)
    expect(client.text().match(/^upgrade:/gim)?.length).toBe(1)
  })
})

describe('R-WS-2 what passes is counted', () => {
  test('frames both ways, and the body of a refusal', async () => {
    const traffic = { requestBytes: 0, responseBytes: 0 }
    const joined = await openApplication((socket) => {
      socket.write(switching + frame('first'), 'latin1')
    })
    const { send } = await openWorld(joined.port, { forward: { traffic } })
    const client = send(upgradeText() + clientFrame('early'))
    await expect.poll(() => joined.received[0]).toContain(clientFrame('early'))
    await expect.poll(() => client.text()).toContain(frame('first'))
    expect(traffic).toEqual({ requestBytes: 11, responseBytes: 7 })

    const refused = { requestBytes: 0, responseBytes: 0 }
    const refusing = await openApplication((socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!')
    })
    const other = await openWorld(refusing.port, { forward: { traffic: refused } })
    await other.send(`${upgradeText()}more`).ended
    expect(refused).toEqual({ requestBytes: 0, responseBytes: 3 })
  })
})

describe('R-WS-5 each side is read no faster than the other reads', () => {
  test('a client that does not read stops the upstream', async () => {
    let written = 0
    const part = Buffer.alloc(64 * 1024)
    const application = await openApplication((socket) => {
      accept(socket)
      const more = (): void => {
        while (!socket.destroyed) {
          written += part.length
          if (!socket.write(part)) return
        }
      }
      socket.on('drain', more)
      more()
    })
    const { send } = await openWorld(application.port)
    const client = send(upgradeText())
    await expect.poll(() => client.text().length).toBeGreaterThan(0)
    client.socket.pause()
    expect(await settled(() => written)).toBeLessThan(40 * 1024 * 1024)
    client.socket.resume()
    const before = written
    await expect.poll(() => written, { timeout: 10_000 }).toBeGreaterThan(before)
  })

  test('an upstream that does not read stops the client', async () => {
    const application = await openApplication((socket) => {
      accept(socket)
      socket.pause()
    })
    const { send } = await openWorld(application.port)
    const client = send(upgradeText())
    await expect.poll(() => client.text()).toContain('\r\n\r\n')
    let written = 0
    const part = Buffer.alloc(64 * 1024)
    const more = (): void => {
      while (!client.socket.destroyed) {
        written += part.length
        if (!client.socket.write(part)) return
      }
    }
    client.socket.on('drain', more)
    more()
    expect(await settled(() => written)).toBeLessThan(40 * 1024 * 1024)
  })
})

describe('R-WS-4 ends pass both ways', () => {
  test('a side that has sent all may still receive', async () => {
    const application = await openApplication(accept, (socket) => {
      socket.end(`${frame('after your end')}\x88\0`, 'latin1')
    })
    const { send, door } = await openWorld(application.port)
    const client = send(upgradeText())
    await expect.poll(() => client.text()).toContain('\r\n\r\n')
    client.socket.end(clientFrame('last'), 'latin1')
    expect(await client.ended).toContain(frame('after your end'))
    expect(application.received[0]).toContain(clientFrame('last'))
    expect(['done', 'client-left']).toContain((await door.nextEnd()).kind)
  })

  test('a reset of one side ends the other', async () => {
    const application = await openApplication(accept)
    const { send, door } = await openWorld(application.port)
    const first = send(upgradeText())
    await expect.poll(() => first.text()).toContain('\r\n\r\n')
    first.socket.resetAndDestroy()
    expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: 101 })
    await expect.poll(application.open).toBe(0)

    const second = send(upgradeText())
    await expect.poll(() => second.text()).toContain('\r\n\r\n')
    application.sockets[1]?.resetAndDestroy()
    await second.ended
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 101 })
  })

  test('a server that hangs up after its close frame does not take it from the client', async () => {
    const application = await openApplication((socket) => {
      socket.write(`${switching}\x88\x02\x03\xe8`, 'latin1', () => {
        setTimeout(() => socket.resetAndDestroy(), 30)
      })
    })
    const { send } = await openWorld(application.port)
    expect(await send(upgradeText()).ended).toMatch(/\x88\x02\x03\xe8$/)
  })

  test('a client that leaves while the upstream is asked', async () => {
    const application = await openApplication(() => undefined)
    const { send, door } = await openWorld(application.port)
    for (const leave of [
      (socket: Socket) => socket.resetAndDestroy(),
      (socket: Socket) => socket.end(),
    ]) {
      const client = send(upgradeText())
      await expect.poll(application.open).toBe(1)
      leave(client.socket)
      expect(await door.nextEnd()).toEqual({ kind: 'client-left', status: undefined })
      await client.ended
      await expect.poll(application.open).toBe(0)
    }
  })
})

describe('R-WS-6 waiting has an end', () => {
  test('no answer to the upgrade: 504', async () => {
    const application = await openApplication(() => undefined)
    const { send, door } = await openWorld(application.port, { forward: { headMs: 100 } })
    expect(await send(upgradeText()).ended).toMatch(/^HTTP\/1.1 504 /)
    expect(await door.nextEnd()).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    await expect.poll(application.open).toBe(0)
  })

  test('nobody there: 502', async () => {
    const application = await openApplication(accept)
    await toClose.pop()!()
    const { send, door } = await openWorld(application.port)
    expect(await send(upgradeText()).ended).toMatch(/^HTTP\/1.1 502 /)
    expect(await door.nextEnd()).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('an idle connection whose client does not answer the farewell is destroyed', async () => {
    const application = await openApplication(accept)
    const { send, door } = await openWorld(application.port, { forward: { idleMs: 100 } })
    const client = send(upgradeText())
    client.socket.removeAllListeners('end')
    expect(await door.nextEnd()).toMatchObject({ kind: 'cut', status: 101 })
    expect(client.text()).toMatch(/\x88\x06\x03\xe9idle$/)
    await expect.poll(application.open).toBe(0)
  })
})

describe('R-WS-8 a close frame of ours stands between two frames, or nowhere', () => {
  const expired = new L402Error('ACCESS_EXPIRED')

  test('between two frames, also of a message in fragments', async () => {
    const controller = new AbortController()
    const application = await openApplication((socket) => {
      socket.write(`${switching}\x01\x03abc`, 'latin1')
    })
    const { send } = await openWorld(application.port, { signal: controller.signal })
    const client = send(upgradeText() + clientFrame('x'))
    await expect.poll(() => client.text()).toMatch(/\x01\x03abc$/)
    await expect.poll(() => application.received[0]).toContain(clientFrame('x'))
    controller.abort(expired)
    expect(await client.ended).toMatch(/\x01\x03abc\x88\x0f\x03\xf0token expired$/)
    // To the application it is masked, as all that a client sends.
    const sent = application.received[0]!.split(clientFrame('x'))[1]!
    expect(Buffer.from(sent, 'latin1').subarray(0, 2)).toEqual(Buffer.of(0x88, 0x82))
    expect(sent.length).toBe(8)
  })

  for (const [name, part] of [
    ['in the middle of a payload', '\x81\x05abc'],
    ['in the middle of a head', '\x81'],
    ['in the middle of a length', '\x82\x7f\0\0\0'],
    ['after bytes that are no frames', `\x82\x7f${'\xff'.repeat(8)}`],
    ['after a close frame', '\x88\0'],
  ] as const) {
    test(`${name} the connection just ends`, async () => {
      const controller = new AbortController()
      const application = await openApplication((socket) => {
        socket.write(switching + part, 'latin1')
      })
      const { send, door } = await openWorld(application.port, { signal: controller.signal })
      const client = send(upgradeText())
      await expect.poll(() => client.text().endsWith(part)).toBe(true)
      controller.abort(expired)
      expect((await client.ended).endsWith(part)).toBe(true)
      expect(await door.nextEnd()).toMatchObject({ kind: 'cut', error: expired })
      await expect.poll(application.open).toBe(0)
    })
  }

  test('a signal before the 101 ends the wait', async () => {
    const controller = new AbortController()
    const application = await openApplication(() => undefined)
    const { send, door } = await openWorld(application.port, { signal: controller.signal })
    const client = send(upgradeText())
    await expect.poll(application.open).toBe(1)
    controller.abort(expired)
    expect(await client.ended).toMatch(/^HTTP\/1.1 502 /)
    expect(await door.nextEnd()).toMatchObject({ kind: 'refused', error: expired })
    const late = send(upgradeText())
    expect(await late.ended).toMatch(/^HTTP\/1.1 502 /)
  })
})

describe('R-WS-9 over TLS the upstream has to prove its name', () => {
  test('with the right authority it is joined, without it is a 502', async () => {
    const own = await generateCertificate(['127.0.0.1'])
    const server = createTlsServer({ cert: own.certificate, key: own.key }, (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(switching + frame('secret'), 'latin1'))
    })
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    toClose.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const url = `https://127.0.0.1:${port}`
    const { send } = await openWorld(port, { url, config: { ca: own.certificate } })
    const client = send(upgradeText())
    await expect.poll(() => client.text()).toContain(frame('secret'))
    const stranger = await openWorld(port, { url })
    expect(await stranger.send(upgradeText()).ended).toMatch(/^HTTP\/1.1 502 /)
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
