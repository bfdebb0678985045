import { once } from 'node:events'
import type { ClientHttp2Session, Http2ServerRequest, OutgoingHttpHeaders } from 'node:http2'
import { connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { connect as connectRaw } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stage, StageOptions } from '../../../../test/gateway/edge-stage.ts'
import {
  openSocket,
  openStage,
  requestText,
  sendBytes,
  statuses,
} from '../../../../test/gateway/edge-stage.ts'
import type { Frame } from '../../../../test/gateway/http2-frames.ts'
import {
  data,
  emptySettings,
  frame,
  frameTypes,
  goAwayCode,
  headers,
  ping,
  preface,
  readFrames,
  resetStream,
} from '../../../../test/gateway/http2-frames.ts'

async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage(options)
  onTestFinished(() => opened.listeners.close(0))
  return opened
}

function session(port: number): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => undefined)
  onTestFinished(() => client.destroy())
  return client
}

type Answer = { readonly status: number; readonly body: string }

async function ask(
  client: ClientHttp2Session,
  lines: OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = client.request({ ':path': '/', ...lines }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [head] = await once(stream, 'response')
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return { status: Number(head[':status']), body: text }
}

/** A connection that has said what it speaks. */
async function greeted(port: number): Promise<Socket> {
  const socket = await openSocket(port)
  onTestFinished(() => {
    socket.destroy()
  })
  socket.write(Buffer.concat([preface, emptySettings]))
  return socket
}

const usual = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'api.example'],
] as const

/** How the stream of a request ended: its status, or the code of its reset. */
async function outcome(
  port: number,
  frames: readonly Buffer[],
): Promise<{ readonly status: number | undefined; readonly reset: number | undefined }> {
  const socket = await greeted(port)
  const read = readFrames(socket)
  socket.write(Buffer.concat(frames))
  setTimeout(() => socket.end(), 300)
  const got = (await read).filter(({ stream }) => stream === 1)
  const head = got.find(({ type }) => type === frameTypes.headers)
  const reset = got.find(({ type }) => type === frameTypes.resetStream)
  return {
    status: head === undefined ? undefined : statusIn(head),
    reset: reset?.payload.readUInt32BE(0),
  }
}

/** The first field of a response is its status: one byte for the usual ones, else a literal. */
function statusIn({ payload }: Frame): number | undefined {
  const known = [200, 204, 206, 304, 400, 404, 500][(payload[0]! & 0x7f) - 8]
  if ((payload[0]! & 0x80) !== 0) return known
  const bytes = payload.subarray(2, 5)
  return /^\d{3}$/.test(bytes.toString('latin1')) ? Number(bytes.toString('latin1')) : -1
}

describe('HTTP/2 without TLS', () => {
  test('R-EDGE-19 is spoken by who begins with it, beside HTTP/1.1 on one port', async () => {
    const { port, served } = await stage()
    const client = session(port)
    const [first, second, third] = await Promise.all([
      ask(client, { ':path': '/1' }),
      ask(client, { ':path': '/2', ':method': 'POST' }, 'x'.repeat(100_000)),
      sendBytes(port, requestText('GET /3 HTTP/1.0')),
    ])
    expect(first).toEqual({ status: 200, body: 'GET /1 0 127.0.0.1 false' })
    expect(second).toEqual({ status: 200, body: 'POST /2 100000 127.0.0.1 false' })
    expect(statuses(third)).toEqual([200])
    expect(served).toHaveLength(3)
  })

  test('R-EDGE-19 is spoken to a client whose first words come byte by byte', async () => {
    const { port, served } = await stage()
    const socket = await openSocket(port)
    const read = readFrames(socket)
    for (const byte of Buffer.concat([preface, emptySettings, headers(1, usual)])) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    setTimeout(() => socket.end(), 200)
    expect((await read).some(({ type }) => type === frameTypes.headers)).toBe(true)
    expect(served).toEqual(['GET / from 127.0.0.1'])
  })

  test('R-EDGE-19 is not, where it is turned off', async () => {
    const { port, served } = await stage({ listen: { http2: false } })
    await sendBytes(port, Buffer.concat([preface, emptySettings, headers(1, usual)]))
    expect(served).toEqual([])
  })

  test('R-EDGE-16 comes after a PROXY header', async () => {
    const { port, served } = await stage({ listen: { proxyProtocolFrom: ['127.0.0.1'] } })
    const socket = await openSocket(port)
    const read = readFrames(socket)
    const header = Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 443 80\r\n')
    socket.write(Buffer.concat([header, preface, emptySettings, headers(1, usual)]))
    setTimeout(() => socket.end(), 200)
    await read
    expect(served).toEqual(['GET / from 192.0.2.7'])
  })
})

describe('what can be read in two ways never reaches the handler', () => {
  const without = (name: string) => usual.filter(([other]) => other !== name)
  const changed = (name: string, value: string) =>
    usual.map(([other, old]) => [other, other === name ? value : old] as const)

  for (const [name, lines] of [
    ['R-EDGE-1 :authority and host that differ', [...usual, ['host', 'other.example']]],
    ['R-EDGE-4 another :scheme', changed(':scheme', 'ftp')],
    ['R-EDGE-4 a fragment', changed(':path', '/a#b')],
    ['R-EDGE-3 x_forwarded_for', [...usual, ['x_forwarded_for', '1.2.3.4']]],
    [
      'R-EDGE-5 CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a:443'],
      ],
    ],
    ['R-EDGE-5 TRACE', changed(':method', 'TRACE')],
    [
      'R-EDGE-7 too many lines',
      [...usual, ...Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'v'] as const)],
    ],
  ] as const) {
    test(`${name} is refused with a status`, async () => {
      const { port, served, faults } = await stage()
      const { status } = await outcome(port, [headers(1, lines as typeof usual)])
      expect(status === undefined ? undefined : Math.floor(status / 100)).toBe(4)
      expect(faults).toHaveLength(1)
      expect(served).toEqual([])
    })
  }

  for (const [name, frames] of [
    ['R-EDGE-1 neither :authority nor host', [headers(1, without(':authority') as never)]],
    ['R-EDGE-1 an empty :authority', [headers(1, changed(':authority', '') as never)]],
    ['R-EDGE-1 an :authority with a user', [headers(1, changed(':authority', 'u@b') as never)]],
    ['R-EDGE-4 an absolute :path', [headers(1, changed(':path', 'http://api.example/') as never)]],
    ['R-EDGE-1 two :authority', [headers(1, [...usual, [':authority', 'b']] as never)]],
    [
      'R-EDGE-2 transfer-encoding',
      [headers(1, [...usual, ['transfer-encoding', 'chunked']] as never)],
    ],
    ['R-EDGE-2 connection', [headers(1, [...usual, ['connection', 'close']] as never)]],
    [
      'R-EDGE-2 two lengths',
      [headers(1, [...usual, ['content-length', '0'], ['content-length', '0']] as never)],
    ],
    ['R-EDGE-4 no :path', [headers(1, without(':path') as never)]],
    ['R-EDGE-4 an upper-case name', [headers(1, [...usual, ['X-A', 'b']] as never)]],
  ] as const) {
    test(`${name} resets the stream`, async () => {
      const { port, served } = await stage()
      const { reset } = await outcome(port, frames)
      expect(reset).toBeGreaterThan(0)
      expect(served).toEqual([])
    })
  }

  test('R-EDGE-4 a header with a line end in it is dropped', async () => {
    const { port, exchanges } = await stage()
    const lines = [...usual, ['x-a', 'b\r\nc: d'], ['x-b', 'e']] as unknown as typeof usual
    expect(await outcome(port, [headers(1, lines)])).toMatchObject({ status: 200 })
    expect(exchanges[0]!.request.rawHeaders.slice(-2)).toEqual(['x-b', 'e'])
    expect(exchanges[0]!.request.headers).not.toHaveProperty('x-a')
  })

  test('R-EDGE-7 a head longer than the limit is refused, confirmed or not', async () => {
    const { port, served, faults } = await stage({ limits: { headBytes: 4096 } })
    const lines = [...usual, ['x-a', 'v'.repeat(5000)]] as unknown as typeof usual
    // Without an acknowledgement our settings bind nobody.
    await outcome(port, [headers(1, lines)])
    expect(faults).toMatchObject([{ status: 431 }])
    const acknowledgement = frame(frameTypes.settings, 1, 0, Buffer.alloc(0))
    const { reset } = await outcome(port, [acknowledgement, headers(1, lines)])
    expect(reset).toBeGreaterThan(0)
    expect(served).toEqual([])
  })

  test('R-EDGE-2 a body of another length than was announced is none', async () => {
    const events: string[] = []
    const { port, served } = await stage({
      handler: {
        request: ({ request }) => {
          request.resume()
          for (const event of ['end', 'aborted']) request.on(event, () => events.push(event))
        },
      },
    })
    const socket = await greeted(port)
    const read = readFrames(socket)
    const lines = [...usual, ['content-length', '10']] as unknown as typeof usual
    socket.write(headers(1, lines, false))
    while (served.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    socket.write(data(1, 'short'))
    setTimeout(() => socket.end(), 200)
    const reset = (await read).find(({ type }) => type === frameTypes.resetStream)
    expect(reset?.payload.readUInt32BE(0)).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
    expect(events[0]).toBe('aborted')
  })

  test('a host that is the same as :authority is served', async () => {
    const { port, served } = await stage()
    const lines = [...usual, ['host', 'API.example']] as unknown as typeof usual
    expect(await outcome(port, [headers(1, lines)])).toMatchObject({ status: 200 })
    expect(served).toHaveLength(1)
  })

  test('a host alone is enough', async () => {
    const { port, served } = await stage()
    const lines = [...without(':authority'), ['host', 'api.example']] as unknown as typeof usual
    expect(await outcome(port, [headers(1, lines)])).toMatchObject({ status: 200 })
    expect(served).toHaveLength(1)
  })
})

test('R-EDGE-10 Expect: 100-continue is answered when the body is read', async () => {
  const { port } = await stage()
  const client = session(port)
  const stream = client.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
  await once(stream, 'continue')
  stream.end('abc')
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  expect(text).toContain('POST / 3 ')
})

describe('floods', () => {
  const streams = Array.from({ length: 600 }, (_, i) => 2 * i + 1)
  const zeroWindow = Buffer.alloc(4)

  for (const [name, frames] of [
    ['rapid resets', streams.flatMap((i) => [headers(i, usual), resetStream(i)])],
    [
      'streams that the server has to reset',
      streams.flatMap((i) => [headers(i, usual), frame(frameTypes.windowUpdate, 0, i, zeroWindow)]),
    ],
    ['PING frames', Array.from({ length: 3000 }, ping)],
    ['SETTINGS frames', Array.from({ length: 3000 }, () => emptySettings)],
  ] as const) {
    test(`R-EDGE-20 too many ${name} end the session`, async () => {
      const { port, served } = await stage({ handler: { request: () => undefined } })
      const socket = await greeted(port)
      const read = readFrames(socket)
      socket.write(Buffer.concat(frames))
      // It ends by itself. What it says then may be lost: there was more to read.
      expect(goAwayCode(await read)).not.toBe(constants.NGHTTP2_NO_ERROR)
      expect(served.length).toBeLessThan(500)
    })
  }

  test('R-EDGE-20 more than 100 streams at a time are refused', async () => {
    const { port, served } = await stage({ handler: { request: () => undefined } })
    const socket = await greeted(port)
    const read = readFrames(socket)
    const streams = Array.from({ length: 120 }, (_, i) => headers(2 * i + 1, usual))
    socket.write(Buffer.concat(streams))
    setTimeout(() => socket.end(), 300)
    const resets = (await read).filter(({ type }) => type === frameTypes.resetStream)
    expect(served).toHaveLength(100)
    expect(resets).toHaveLength(20)
  })

  test('a busy client with some cancelled requests goes on', async () => {
    const { port } = await stage()
    const client = session(port)
    for (let i = 0; i < 100; i++) {
      const stream = client.request({ ':path': '/' })
      stream.on('error', () => undefined)
      stream.close(constants.NGHTTP2_CANCEL)
      expect(await ask(client, { ':path': '/' })).toMatchObject({ status: 200 })
    }
  })
})

describe('R-EDGE-31 a stream that is reset', () => {
  for (const method of ['HEAD', 'GET', 'POST']) {
    test(`${method}, before its body is asked for, ends nothing else`, async () => {
      const faults: unknown[] = []
      const note = (fault: unknown): void => {
        faults.push(fault)
      }
      process.on('uncaughtException', note)
      onTestFinished(() => {
        process.off('uncaughtException', note)
      })
      const { port, served } = await stage({
        handler: {
          request: ({ request, response }) => {
            const { stream } = request as Http2ServerRequest
            stream.once('close', () => {
              expect(() => response.writeContinue()).not.toThrow()
              request.resume()
            })
          },
        },
      })
      const client = session(port)
      for (let i = 0; i < 20; i++) {
        const lines = { ':path': '/', ':method': method, expect: '100-continue' }
        const stream = client.request(lines, { endStream: false })
        stream.on('error', () => undefined)
        await expect.poll(() => served.length, { interval: 1 }).toBe(i + 1)
        stream.close(i % 2 === 0 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR)
        await once(stream, 'close')
      }
      expect((await ask(session(port), { ':method': 'TRACE' })).status).toBe(405)
      expect(faults).toEqual([])
    })
  }
})

describe('idle sessions', () => {
  test('R-EDGE-13 are told to go, however much they ping', async () => {
    const { port } = await stage({ limits: { keepAliveMs: 500 } })
    const socket = await greeted(port)
    const read = readFrames(socket)
    const pings = setInterval(() => socket.writable && socket.write(ping()), 100)
    onTestFinished(() => clearInterval(pings))
    expect(goAwayCode(await read)).toBe(0)
  })

  test('R-EDGE-13 are cut when the client does not go', async () => {
    const { port, counts } = await stage({ limits: { keepAliveMs: 300 } })
    const socket = connectRaw({ port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => {
      socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(Buffer.concat([preface, emptySettings, headers(1, usual)]))
    while (counts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    while (counts.at(-1) !== 0) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  test('R-EDGE-12 are closed when they never said what they speak', async () => {
    const { port } = await stage({ limits: { headMs: 300 } })
    const socket = await openSocket(port)
    const read = readFrames(socket)
    socket.write(preface.subarray(0, 20))
    await read
  })

  test('R-EDGE-13 are not idle while a stream is open', async () => {
    const { port } = await stage({
      limits: { keepAliveMs: 100 },
      handler: { request: ({ response }) => setTimeout(() => response.end('late'), 1500) },
    })
    expect(await ask(session(port), {})).toEqual({ status: 200, body: 'late' })
  })
})

test('R-EDGE-17 closing tells sessions to go, and lets their streams end', async () => {
  let finish = (): void => undefined
  let isServed = false
  const { port, listeners } = await openStage({
    handler: {
      request: ({ response }) => {
        isServed = true
        finish = () => response.end('done')
      },
    },
  })
  const client = session(port)
  const answer = ask(client, {})
  const idle = session(port)
  await once(idle, 'connect')
  while (!isServed) await new Promise((resolve) => setTimeout(resolve, 5))
  const goAway = once(client, 'goaway')
  const idleClosed = once(idle, 'close')
  const closed = listeners.close(20_000)
  await Promise.all([goAway, idleClosed])
  finish()
  expect(await answer).toEqual({ status: 200, body: 'done' })
  await closed
})
