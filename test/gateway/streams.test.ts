import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { Agent, request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { skipPart } from '../parts.ts'
import { curl, curlLack, startCurl } from './curl.ts'
import type { GatewayChild } from './gateway-child.ts'
import { startGatewayChild } from './gateway-child.ts'
import { openHttp2 } from './http2-client.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { openStage } from './stage.ts'

const MiB = 1024 * 1024

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function setUp(routes: readonly string[], answer: Answer): Promise<Stage> {
  const url = await listen(createServer((request, response) => void answer(request, response)))
  const stage = await openStage(shop(url, routes))
  open.push(stage)
  return stage
}

/** What a raw connection gets: its head, and then the body as it is read. */
async function getRaw(
  port: number,
  authorization: string,
): Promise<{ readonly socket: ReturnType<typeof connect>; readonly head: string }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  open.push({ close: () => socket.destroy() })
  socket.write(`GET /a HTTP/1.1\r\nHost: shop\r\nAuthorization: ${authorization}\r\n\r\n`)
  const [part] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  return { socket, head: part.toString('latin1') }
}

/** The value once it no longer changes. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1, same = 0; ; ) {
    await pause(50)
    same = read() === last ? same + 1 : 0
    last = read()
    if (same === 8) return last
  }
}

describe('R-E2E-13 server-sent events', () => {
  test('begin with a head that comes by itself, before there is any event', async () => {
    const stage = await setUp(['GET /a: 10 sat'], (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
    })
    const { head } = await getRaw(stage.port, await stage.buy('/a'))
    expect(head).toMatch(/^HTTP\/1\.1 200 /)
    expect(head).toMatch(/\r\n\r\n$/)
  })
})

describe.skipIf(skipPart('curl', curlLack()))('R-E2E-13 server-sent events with curl', () => {
  test('arrive one by one, each before the next is sent', async () => {
    const events: ServerResponse[] = []
    const stage = await setUp(['GET /events: 10 sat'], (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      response.flushHeaders()
      events.push(response)
    })
    const authorization = await stage.buy('/events')
    const child = startCurl(
      ...['--no-buffer', '--include', '--header', 'Accept: text/event-stream'],
      ...['--header', `Authorization: ${authorization}`, `${stage.url}/events`],
    )
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    await vi.waitFor(() => expect(events).toHaveLength(1), 5000)
    for (let i = 1; i <= 10; i++) {
      events[0]!.write(`data: ${i}\n\n`)
      await vi.waitFor(() => expect(text).toMatch(new RegExp(`data: ${i}\n\n$`)), 5000)
    }
    const closed = once(child, 'close')
    events[0]!.end()
    await closed
    expect(child.exitCode).toBe(0)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toMatch(/^content-type: text\/event-stream/im)
  })
})

describe('R-E2E-14 time-outs', () => {
  const route = 'GET /a: { price: 10 sat, uses: 1, head_timeout: 1s, idle_timeout: 1s }'

  test('do not end a stream that moves, however long it takes', async () => {
    const stage = await setUp([route], async (_, response) => {
      for (let i = 0; i < 20; i++) {
        response.write(`${i} `)
        await pause(150)
      }
      response.end('end')
    })
    const authorization = await stage.buy('/a')
    const response = await fetch(`${stage.url}/a`, { headers: { authorization } })
    expect(await response.text()).toBe(`${[...Array(20).keys()].join(' ')} end`)
  })

  test('cut one that stalls, and its use is counted', async () => {
    const stage = await setUp([route], (_, response) => response.write('half'))
    const authorization = await stage.buy('/a')
    const response = await fetch(`${stage.url}/a`, { headers: { authorization } })
    const began = performance.now()
    await expect(response.text()).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(8000)
    await vi.waitFor(() => expect(stage.records.at(-1)?.end).toBe('cut'))
    const again = await fetch(`${stage.url}/a`, { headers: { authorization } })
    expect(again.status).toBe(402)
  })

  test('cut a client that reads nothing for too long', async () => {
    const part = Buffer.alloc(MiB)
    const stage = await setUp([route], (_, response) => {
      const more = (): void => {
        while (response.write(part));
      }
      response.on('drain', more)
      more()
    })
    const authorization = await stage.buy('/a')
    const { head } = await getRaw(stage.port, authorization)
    expect(head).toMatch(/^HTTP\/1\.1 200 /)
    await vi.waitFor(() => expect(stage.records.at(-1)?.end).toBe('client-left'), 15_000)
  })
})

describe('R-E2E-15 memory', () => {
  let child: GatewayChild
  let server: Server
  let answer: Answer
  beforeAll(async () => {
    server = createServer((request, response) => void answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    child = await startGatewayChild(
      shop(url, [
        'GET /a: { price: 10 sat, uses: 100 }',
        'POST /a: { free: true, max_body: 160MiB }',
      ]),
    )
  })
  afterAll(async () => {
    await child.close()
    server.closeAllConnections()
    server.close()
  })

  async function buy(): Promise<string> {
    const response = await fetch(`${child.url}/a`)
    await response.body?.cancel()
    return await child.pay(response.headers.get('www-authenticate') ?? '')
  }

  test('does not grow with a response of 200 MiB and a client that reads slowly', async () => {
    const total = 200 * MiB
    const part = Buffer.alloc(256 * 1024, 'satway')
    let sent = 0
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': total })
      const more = (): void => {
        while (sent < total) {
          sent += part.length
          if (!response.write(part)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    }
    const authorization = await buy()
    const before = (await child.memory()).now
    const { socket, head } = await getRaw(child.port, authorization)
    // What is under way when nobody reads is what four sockets hold.
    expect(await settled(() => sent)).toBeLessThan(40 * MiB)
    expect((await child.memory()).now - before).toBeLessThan(48 * MiB)
    let received = Buffer.byteLength(head, 'latin1') - head.indexOf('\r\n\r\n') - 4
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length
      // Slower than the upstream, for the first part.
      if (received < 20 * MiB) {
        socket.pause()
        setTimeout(() => socket.resume(), 2)
      }
    })
    socket.resume()
    await vi.waitFor(() => expect(received).toBe(total), { timeout: 20_000, interval: 50 })
    // What was passed on waits to be collected, but not all of it.
    expect((await child.memory()).peak - before).toBeLessThan(140 * MiB)
  }, 40_000)

  test('does not grow with a client over HTTP/2 that reads slowly', async () => {
    const part = Buffer.alloc(256 * 1024, 'satway')
    const total = 100 * MiB
    let sent = 0
    answer = (_, response) => {
      const more = (): void => {
        while (sent < total) {
          sent += part.length
          if (!response.write(part)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    }
    const authorization = await buy()
    const before = (await child.memory()).now
    const client = await openHttp2(child.url)
    open.push(client)
    const stream = client.open({ ':path': '/a', authorization })
    stream.end()
    const [{ ':status': status }] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    expect(status).toBe(200)
    expect(await settled(() => sent)).toBeLessThan(40 * MiB)
    expect((await child.memory()).now - before).toBeLessThan(48 * MiB)
    let received = 0
    for await (const bytes of stream as AsyncIterable<Buffer>) received += bytes.length
    expect(received).toBe(total)
  }, 40_000)

  test('does not grow with an upload of 160 MiB to an upstream that reads slowly', async () => {
    const total = 160 * MiB
    const part = Buffer.alloc(256 * 1024, 'satway')
    let received = 0
    let read = (): unknown => undefined
    answer = (request, response) => {
      request.pause()
      request.on('data', (bytes: Buffer) => {
        received += bytes.length
      })
      request.on('end', () => response.end(String(received)))
      request.pause()
      read = () => request.resume()
    }
    const before = (await child.memory()).now
    const upload = ask(`${child.url}/a`, { method: 'POST', headers: { 'content-length': total } })
    let sent = 0
    const more = (): void => {
      while (sent < total) {
        sent += part.length
        if (!upload.write(part)) return
      }
      upload.end()
    }
    upload.on('drain', more)
    more()
    expect(await settled(() => sent)).toBeLessThan(40 * MiB)
    expect((await child.memory()).now - before).toBeLessThan(48 * MiB)
    const answered = once(upload, 'response')
    read()
    const [response] = (await answered) as [IncomingMessage]
    let text = ''
    for await (const bytes of response as AsyncIterable<Buffer>) text += bytes.toString('utf8')
    expect([response.statusCode, text]).toEqual([200, String(total)])
    expect((await child.memory()).peak - before).toBeLessThan(120 * MiB)
  }, 40_000)
})

describe('R-E2E-16 a client that leaves', () => {
  test('in the middle of an upload ends the request at the upstream', async () => {
    const reached = Promise.withResolvers<IncomingMessage>()
    const stage = await setUp(['POST /a: { price: 10 sat, uses: 1 }'], (request) => {
      request.on('error', () => undefined)
      request.once('data', () => reached.resolve(request))
    })
    const authorization = await stage.buy('/a', { method: 'POST' })
    const upload = ask(`${stage.url}/a`, {
      method: 'POST',
      headers: { authorization, 'content-length': 1000 },
    })
    upload.on('error', () => undefined)
    upload.write('half')
    const request = await reached.promise
    // It breaks off with an error, which is as good an end.
    const closed = new Promise((resolve) => request.socket.once('close', resolve))
    upload.destroy()
    await closed
    expect(request.complete).toBe(false)
    await vi.waitFor(() => expect(stage.records.at(-1)?.end).toBe('client-left'))
    const again = await fetch(`${stage.url}/a`, { method: 'POST', headers: { authorization } })
    expect(again.status).toBe(402)
  })

  test('in the middle of a response ends it at the upstream', async () => {
    const reached = Promise.withResolvers<ServerResponse>()
    const stage = await setUp(['GET /a: free'], (_, response) => {
      response.write('half')
      reached.resolve(response)
    })
    const left = new AbortController()
    const response = await fetch(`${stage.url}/a`, { signal: left.signal })
    const closed = once(await reached.promise, 'close')
    left.abort()
    await closed
    await expect(response.text()).rejects.toThrow()
  })
})

type Got = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

describe('R-E2E-17 parts, validators and heads of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-files-'))
  const text = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('')
  writeFileSync(join(folder, 'a.txt'), text)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function setUpFiles(): Promise<{ readonly stage: Stage; readonly authorization: string }> {
    const app = express()
    app.use(express.static(folder))
    const stage = await openStage(shop(await listen(createServer(app)), ['GET /a.txt: 10 sat']))
    open.push(stage)
    return { stage, authorization: await stage.buy('/a.txt') }
  }

  test('pass as the upstream gives them', async () => {
    const { stage, authorization } = await setUpFiles()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    open.push({ close: () => agent.destroy() })
    // `fetch` adds headers of its own where a request has conditions.
    const get = async (headers: Record<string, string>, method = 'GET'): Promise<Got> => {
      const asking = ask(`${stage.url}/a.txt`, {
        method,
        agent,
        headers: { authorization, ...headers },
      })
      asking.end()
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      let body = ''
      for await (const bytes of response as AsyncIterable<Buffer>) body += bytes.toString('latin1')
      return { status: response.statusCode ?? 0, headers: response.headers, body }
    }

    const whole = await get({})
    expect([whole.status, whole.body]).toEqual([200, text])
    const etag = String(whole.headers['etag'])

    const part = await get({ range: 'bytes=5-14' })
    expect([part.status, part.body]).toEqual([206, text.slice(5, 15)])
    expect(part.headers['content-range']).toBe(`bytes 5-14/${text.length}`)
    const last = await get({ range: 'bytes=-9' })
    expect([last.status, last.body]).toEqual([206, text.slice(-9)])
    expect((await get({ range: 'bytes=999999-' })).status).toBe(416)

    const same = await get({ 'if-none-match': etag })
    expect([same.status, same.body, same.headers['etag']]).toEqual([304, '', etag])

    const head = await get({}, 'HEAD')
    expect([head.status, head.body]).toEqual([200, ''])
    expect(head.headers['content-length']).toBe(String(text.length))
    // The connection is as good as before.
    expect((await get({})).status).toBe(200)
  })
})

describe('R-E2E-18 a client that asks before it sends its body', () => {
  const body = 'x'.repeat(1000)

  /** Sends a head that expects 100, and the body only once it is told to. */
  async function expectFirst(
    port: number,
    authorization: string | undefined,
  ): Promise<{ readonly text: string; readonly sentBody: boolean }> {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      [
        'POST /a HTTP/1.1',
        'Host: shop',
        'Expect: 100-continue',
        `Content-Length: ${body.length}`,
        ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
        'Connection: close',
        '\r\n',
      ].join('\r\n'),
    )
    let text = ''
    let sentBody = false
    for await (const part of socket as AsyncIterable<Buffer>) {
      text += part.toString('latin1')
      if (!sentBody && text.startsWith('HTTP/1.1 100 ')) {
        sentBody = true
        socket.write(body)
      }
      // Who is refused does not send it, and goes.
      if (!sentBody && text.includes('\r\n\r\n')) socket.end()
    }
    return { text, sentBody }
  }

  test('is told 402 at once, and sends nothing', async () => {
    let reached = 0
    const stage = await setUp(['POST /a: 10 sat'], () => reached++)
    const { text, sentBody } = await expectFirst(stage.port, undefined)
    expect(text).toMatch(/^HTTP\/1\.1 402 /)
    expect(text).toMatch(/^www-authenticate: L402 /im)
    expect([sentBody, reached]).toEqual([false, 0])
  })

  test('is told to go on when it has paid, once', async () => {
    let received = ''
    const stage = await setUp(['POST /a: 10 sat'], async (request, response) => {
      for await (const part of request) received += String(part)
      response.end('served')
    })
    const authorization = await stage.buy('/a', { method: 'POST' })
    const { text, sentBody } = await expectFirst(stage.port, authorization)
    expect(sentBody).toBe(true)
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(text.endsWith('served') || text.includes('served\r\n0\r\n')).toBe(true)
    expect(received).toBe(body)
  })

  test.skipIf(skipPart('curl', curlLack()))('curl uploads nothing that is refused', async () => {
    const stage = await setUp(
      ['PUT /a: { price: 10 sat, max_body: 32MiB }'],
      (request, response) => {
        request.resume()
        request.on('end', () => response.end('served'))
      },
    )
    const folder = mkdtempSync(join(tmpdir(), 'satway-upload-'))
    open.push({ close: () => rmSync(folder, { recursive: true, force: true }) })
    const file = join(folder, 'body')
    writeFileSync(file, Buffer.alloc(8 * MiB))
    const upload = (...args: readonly string[]): ReturnType<typeof curl> =>
      curl(
        ...['--http1.1', '--upload-file', file, '--expect100-timeout', '15'],
        ...['--output', join(folder, 'answer'), '--write-out', '%{http_code} %{size_upload}'],
        ...['--header', 'Expect: 100-continue', ...args, `${stage.url}/a`],
      )
    expect((await upload()).stdout).toBe('402 0')
    const authorization = await stage.buy('/a', { method: 'PUT' })
    const paid = await upload('--header', `Authorization: ${authorization}`)
    expect(paid.stdout).toBe(`200 ${8 * MiB}`)
  })
})
