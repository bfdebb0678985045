import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { request as httpRequest } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stage, StageOptions } from '../../../../test/gateway/edge-stage.ts'
import {
  asHttp1,
  openSocket,
  openStage,
  problemOf,
  readAll,
  requestText,
  sendBytes,
  statuses,
} from '../../../../test/gateway/edge-stage.ts'

async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage(options)
  onTestFinished(() => opened.listeners.close(0))
  return opened
}

describe('what can be read in two ways never reaches the handler', () => {
  const body = 'Content-Length: 3'
  const table: readonly (readonly [string, string, string])[] = [
    // R-EDGE-1: Host
    ['R-EDGE-1 two Host lines', requestText('GET / HTTP/1.1', 'Host: a', 'Host: a'), '400'],
    [
      'R-EDGE-1 two Host lines in other case',
      requestText('GET / HTTP/1.1', 'host: a', 'HOST: b'),
      '400',
    ],
    ['R-EDGE-1 no Host line', 'GET / HTTP/1.1\r\n\r\n', '400'],
    ['R-EDGE-1 no Host line in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', '400'],
    ['R-EDGE-1 an empty Host line', requestText('GET / HTTP/1.1', 'Host: '), '400'],
    ['R-EDGE-1 a Host list', requestText('GET / HTTP/1.1', 'Host: a, b'), '400'],
    ['R-EDGE-1 a Host with a path', requestText('GET / HTTP/1.1', 'Host: a/b'), '400'],
    ['R-EDGE-1 a Host that begins with a dot', requestText('GET / HTTP/1.1', 'Host: .a.b'), '400'],
    ['R-EDGE-1 a Host with an empty label', requestText('GET / HTTP/1.1', 'Host: a..b:80'), '400'],
    ['R-EDGE-1 a Host with a user', requestText('GET / HTTP/1.1', 'Host: a@b'), '400'],
    [
      'R-EDGE-1 a Host that is not ASCII',
      requestText('GET / HTTP/1.1', 'Host: \xe9.example'),
      '400',
    ],
    [
      'R-EDGE-1 a Host with a space before the colon',
      requestText('GET / HTTP/1.1', 'Host : a'),
      '400',
    ],
    // R-EDGE-2: where a body ends
    [
      'R-EDGE-2 identity, chunked',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: identity, chunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 gzip, chunked',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 chunked twice',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: chunked, chunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 two Transfer-Encoding lines',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') +
        '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 xchunked',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: xchunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 a quoted chunked',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: "chunked"') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 chunked in HTTP/1.0',
      requestText('POST / HTTP/1.0', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 both framings',
      requestText('POST / HTTP/1.1', body, 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      '400',
    ],
    [
      'R-EDGE-2 both framings the other way',
      requestText('POST / HTTP/1.1', 'Transfer-Encoding: chunked', body) + '0\r\n\r\n',
      '400',
    ],
    ['R-EDGE-2 two lengths', requestText('POST / HTTP/1.1', body, body) + 'abc', '400'],
    [
      'R-EDGE-2 two lengths in one line',
      requestText('POST / HTTP/1.1', 'Content-Length: 3, 3') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 a signed length',
      requestText('POST / HTTP/1.1', 'Content-Length: +3') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 a negative length',
      requestText('POST / HTTP/1.1', 'Content-Length: -1') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 a hexadecimal length',
      requestText('POST / HTTP/1.1', 'Content-Length: 0x3') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 an enormous length',
      requestText('POST / HTTP/1.1', 'Content-Length: 99999999999999999999') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 a space before the colon',
      requestText('POST / HTTP/1.1', 'Content-Length : 3') + 'abc',
      '400',
    ],
    [
      'R-EDGE-2 a folded line',
      requestText('POST / HTTP/1.1', 'X-A: b', ' Content-Length: 3') + 'abc',
      '400',
    ],
    ['R-EDGE-2 a bare CR', 'GET / HTTP/1.1\rHost: a\r\n\r\n', '400'],
    ['R-EDGE-2 NUL in a header', requestText('GET / HTTP/1.1', 'X-A: b\0c'), '400'],
    // R-EDGE-3: names that others read with -
    ['R-EDGE-3 X_Forwarded_For', requestText('GET / HTTP/1.1', 'X_Forwarded_For: 1.2.3.4'), '400'],
    [
      'R-EDGE-3 x-forwarded_proto',
      requestText('GET / HTTP/1.1', 'x-forwarded_proto: https'),
      '400',
    ],
    ['R-EDGE-3 Content_Length', requestText('GET / HTTP/1.1', 'Content_Length: 3'), '400'],
    [
      'R-EDGE-3 Transfer_Encoding',
      requestText('GET / HTTP/1.1', 'Transfer_Encoding: chunked'),
      '400',
    ],
    // R-EDGE-4: the target
    ['R-EDGE-4 a target for another host', requestText('GET http://other/ HTTP/1.1'), '400'],
    [
      'R-EDGE-4 a target with another port',
      requestText('GET http://api.example:81/ HTTP/1.1'),
      '400',
    ],
    ['R-EDGE-4 a target with a user', requestText('GET http://u@api.example/ HTTP/1.1'), '400'],
    ['R-EDGE-4 a target of another scheme', requestText('GET ftp://api.example/ HTTP/1.1'), '400'],
    ['R-EDGE-4 a target without a slash', requestText('GET premium HTTP/1.1'), '400'],
    ['R-EDGE-4 a fragment', requestText('GET /premium#x HTTP/1.1'), '400'],
    ['R-EDGE-4 a tab in the target', requestText('GET /pre\tmium HTTP/1.1'), '400'],
    ['R-EDGE-4 DEL in the target', requestText('GET /pre\x7fmium HTTP/1.1'), '400'],
    ['R-EDGE-4 bytes that are not ASCII', requestText('GET /caf\xc3\xa9 HTTP/1.1'), '400'],
    ['R-EDGE-4 the asterisk without OPTIONS', requestText('GET * HTTP/1.1'), '400'],
    ['R-EDGE-4 HTTP/2.0 as text', requestText('GET / HTTP/2.0'), '400'],
    ['R-EDGE-4 HTTP/0.9', requestText('GET / HTTP/0.9'), '400'],
    ['R-EDGE-4 HTTP/1.2', requestText('GET / HTTP/1.2'), '400'],
    ['R-EDGE-4 no version', 'GET /\r\nHost: a\r\n\r\n', '400'],
    // R-EDGE-5: methods that are no requests for something
    ['R-EDGE-5 TRACE', requestText('TRACE / HTTP/1.1'), '405'],
    ['R-EDGE-5 CONNECT', requestText('CONNECT api.example:443 HTTP/1.1'), '405'],
    ['R-EDGE-5 CONNECT with a path', requestText('CONNECT / HTTP/1.1'), '405'],
  ]
  for (const [name, bytes, status] of table) {
    test(`${name} is ${status}, with a problem and the end of the connection`, async () => {
      const { port, served } = await stage({ noRefuse: true })
      // What comes after it would be served if anybody still listened.
      const answer = await sendBytes(port, bytes + requestText('GET /smuggled HTTP/1.1'))
      expect(statuses(answer)).toEqual([Number(status)])
      expect(problemOf(answer)).toMatchObject({ status: Number(status) })
      expect(problemOf(answer).code).toMatch(/^REQUEST_/)
      expect(answer.text).toMatch(/^connection: close\r$/im)
      expect(answer.text).toMatch(/^content-type: application\/problem\+json\r$/im)
      expect(answer.wasReset).toBe(false)
      expect(served).toEqual([])
    })
  }
})

describe('what is well formed is served', () => {
  const close = 'Connection: close'
  const table: readonly (readonly [string, string, string])[] = [
    ['a plain request', requestText('GET /a?b=c HTTP/1.1', close), 'GET /a?b=c'],
    [
      'a Host with the dot of the root',
      requestText('GET / HTTP/1.1', 'Host: a.b.', close),
      'GET /',
    ],
    ['a Host with a port', requestText('GET / HTTP/1.1', 'Host: [::1]:8080', close), 'GET /'],
    ['HTTP/1.0 with a Host', requestText('GET /old HTTP/1.0'), 'GET /old'],
    [
      'R-EDGE-4 a target for the request’s own host',
      requestText('GET http://API.example/a?b HTTP/1.1', close),
      'GET /a?b',
    ],
    ['R-EDGE-4 its root', requestText('GET https://api.example HTTP/1.1', close), 'GET /'],
    [
      'R-EDGE-4 its root and a query',
      requestText('GET http://api.example?q=1 HTTP/1.1', close),
      'GET /?q=1',
    ],
    ['R-EDGE-4 OPTIONS *', requestText('OPTIONS * HTTP/1.1', close), 'OPTIONS *'],
    [
      'R-EDGE-2 chunked',
      requestText('POST /c HTTP/1.1', 'Transfer-Encoding: chunked', close) +
        '3\r\nabc\r\n0\r\n\r\n',
      'POST /c',
    ],
    [
      'R-EDGE-2 Chunked',
      requestText('POST /c HTTP/1.1', 'Transfer-Encoding: Chunked', close) +
        '3\r\nabc\r\n0\r\n\r\n',
      'POST /c',
    ],
    [
      'R-EDGE-3 a header of one’s own with _',
      requestText('GET / HTTP/1.1', 'my_header: 1', close),
      'GET /',
    ],
    ['empty lines before it', `\r\n${requestText('GET / HTTP/1.1', close)}`, 'GET /'],
  ]
  for (const [name, bytes, served] of table) {
    test(name, async () => {
      const opened = await stage()
      expect(statuses(await sendBytes(opened.port, bytes))).toEqual([200])
      expect(opened.served).toEqual([`${served} from 127.0.0.1`])
      expect(opened.faults).toEqual([])
    })
  }

  test('R-EDGE-6 HTTP/1.0 is not kept alive, whatever it asks for', async () => {
    const { port } = await stage()
    const answer = await sendBytes(port, requestText('GET / HTTP/1.0', 'Connection: keep-alive'))
    expect(answer.text).toMatch(/^connection: close\r$/im)
  })
})

describe('R-EDGE-7 the size of a head', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: v`)

  test('as many lines as the limit are served, one more is 431', async () => {
    const { port, served, faults } = await stage()
    const head = ['Host: a', 'Connection: close']
    const most = await sendBytes(port, requestText('GET / HTTP/1.1', ...head, ...lines(98)))
    const more = await sendBytes(port, requestText('GET / HTTP/1.1', ...head, ...lines(99)))
    expect([...statuses(most), ...statuses(more)]).toEqual([200, 431])
    expect(served).toHaveLength(1)
    expect(faults).toMatchObject([{ status: 431, code: 'REQUEST_HEAD' }])
  })

  test('no line is dropped unseen: a last one beyond a thousand is found', async () => {
    const { port, served } = await stage({ limits: { headerCount: 5000 } })
    const text = requestText('GET / HTTP/1.1', ...lines(1400), 'Host: a', 'Host: b')
    expect(statuses(await sendBytes(port, text))).toEqual([400])
    expect(served).toEqual([])
  })

  test('more bytes than the limit are 431, and none of the answer is lost', async () => {
    const { port, served } = await stage({ limits: { headBytes: 4096 } })
    const text = requestText('GET / HTTP/1.1', `X-Long: ${'x'.repeat(200_000)}`)
    const answer = await sendBytes(port, text)
    expect(statuses(answer)).toEqual([431])
    expect(problemOf(answer)).toMatchObject({ status: 431, code: 'REQUEST_HEAD' })
    expect(served).toEqual([])
  })

  test('a long target counts too', async () => {
    const { port } = await stage({ limits: { headBytes: 4096 } })
    const answer = await sendBytes(port, requestText(`GET /${'x'.repeat(5000)} HTTP/1.1`))
    expect(statuses(answer)).toEqual([431])
  })
})

describe('R-EDGE-8 refusals', () => {
  test('are given to the handler where it wants them', async () => {
    const { port, served, faults } = await stage()
    const answer = await sendBytes(port, requestText('GET / HTTP/1.1', 'Host: a', 'Host: b'))
    expect(answer.text).toContain('two Host lines')
    expect(faults).toEqual([{ status: 400, code: 'REQUEST_AMBIGUOUS', reason: 'two Host lines' }])
    expect(served).toEqual([])
  })

  test('repeat nothing of the request', async () => {
    const { port } = await stage({ noRefuse: true })
    const answer = await sendBytes(
      port,
      requestText('GET /secret-path HTTP/1.1', 'Host: secret-a', 'Host: secret-b', 'X-A: secret-c'),
    )
    expect(answer.text).not.toContain('secret')
  })

  test('come after the answers to earlier requests of the connection', async () => {
    const { port, exchanges } = await stage({
      handler: { request: ({ response }) => setTimeout(() => response.end('first'), 50) },
    })
    const bytes = requestText('GET /1 HTTP/1.1') + 'NONSENSE\r\n\r\n'
    const answer = await sendBytes(port, bytes)
    expect(statuses(answer)).toEqual([200, 400])
    expect(answer.text).toContain('first')
    expect(exchanges).toHaveLength(1)
  })

  test('of a body that breaks off are given while nothing of the answer was sent', async () => {
    const { port } = await stage({ handler: { request: ({ request }) => request.resume() } })
    const head = requestText('POST / HTTP/1.1', 'Transfer-Encoding: chunked')
    const answer = await sendBytes(port, `${head}zz\r\nabc\r\n`)
    expect(statuses(answer)).toEqual([400])
  })

  test('of a body that breaks off cut an answer that was begun', async () => {
    const { port } = await stage({
      handler: {
        request: ({ request, response }) => {
          request.resume()
          asHttp1(response).writeHead(200, { 'Content-Length': 10 })
          asHttp1(response).write('half')
        },
      },
    })
    const socket = await openSocket(port)
    const answer = readAll(socket)
    socket.write(requestText('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write('zz\r\n')
    expect(statuses(await answer)).toEqual([200])
  })

  test('reach a client that is still sending a large body', async () => {
    const { port } = await stage({ noRefuse: true })
    const socket = await openSocket(port)
    const answer = readAll(socket)
    socket.write(requestText('POST / HTTP/1.1', 'Host: a', 'Host: b', 'Content-Length: 8000000'))
    socket.write(Buffer.alloc(8_000_000))
    const { text, wasReset } = await answer
    expect(statuses({ text, wasReset })).toEqual([400])
    expect(wasReset).toBe(false)
  })
})

describe('pipelined requests', () => {
  test('R-EDGE-9 are served one after the other, in order', async () => {
    let open = 0
    let most = 0
    const { port, served } = await stage({
      handler: {
        request: ({ request, response }) => {
          most = Math.max(most, ++open)
          setTimeout(() => {
            open--
            response.end(`answer to ${request.url}`)
          }, 20)
        },
      },
    })
    const texts = ['/1', '/2', '/3'].map((path) => requestText(`GET ${path} HTTP/1.1`))
    const bytes = [...texts, requestText('GET /4 HTTP/1.1', 'Connection: close')].join('')
    const { text } = await sendBytes(port, bytes)
    expect(most).toBe(1)
    expect(served.map((line) => line.slice(4, 6))).toEqual(['/1', '/2', '/3', '/4'])
    expect([...text.matchAll(/answer to (\/\d)/g)].map(([, path]) => path)).toEqual([
      '/1',
      '/2',
      '/3',
      '/4',
    ])
  })

  test('R-EDGE-9 are not served after an answer that ends the connection', async () => {
    const { port, served } = await stage({
      handler: {
        request: ({ response }) => {
          asHttp1(response).shouldKeepAlive = false
          setTimeout(() => response.end('last'), 20)
        },
      },
    })
    const answer = await sendBytes(port, requestText('GET /1 HTTP/1.1').repeat(3))
    expect(statuses(answer)).toEqual([200])
    expect(served).toHaveLength(1)
  })

  test('R-EDGE-9 more than 64 that wait end the connection', async () => {
    const { port, served } = await stage({ handler: { request: () => undefined } })
    const answer = await sendBytes(port, requestText('GET / HTTP/1.1').repeat(100))
    expect(answer.text).toBe('')
    expect(served).toHaveLength(1)
  })

  test('R-EDGE-9 of thousands that come at once no more are kept', async () => {
    const { port } = await stage({ handler: { request: () => undefined } })
    let begun = 0
    const count = (): void => {
      begun++
    }
    subscribe('http.server.request.start', count)
    onTestFinished(() => {
      unsubscribe('http.server.request.start', count)
    })
    await sendBytes(port, requestText('GET / HTTP/1.1').repeat(2000))
    expect(begun).toBeGreaterThan(60)
    expect(begun).toBeLessThan(100)
  })
})

describe('Expect: 100-continue', () => {
  const head = requestText('POST /e HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 3')

  test('R-EDGE-10 is answered when the body is read', async () => {
    const { port } = await stage()
    const socket = await openSocket(port)
    const first = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(`${data}`)),
    )
    socket.write(head)
    expect(await first).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    const rest = new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`)))
    socket.write('abc')
    expect(await rest).toContain('POST /e 3 127.0.0.1')
    socket.destroy()
  })

  test('R-EDGE-10 is not answered for a request that is refused', async () => {
    const { port } = await stage({
      handler: {
        request: ({ response }) => {
          response.statusCode = 402
          response.end()
        },
      },
    })
    const { text } = await sendBytes(port, head)
    expect(text).toMatch(/^HTTP\/1\.1 402 /)
    expect(text).not.toContain('100 Continue')
  })
})

describe('upgrades', () => {
  const websocket = ['Connection: Upgrade', 'Upgrade: websocket']

  test('R-EDGE-11 go to the handler with what came after the head', async () => {
    const { port, upgrades, served } = await stage()
    const { text } = await sendBytes(port, `${requestText('GET /ws HTTP/1.1', ...websocket)}frame`)
    expect(text).toContain('switched')
    expect(upgrades).toHaveLength(1)
    expect(upgrades[0]!.head.toString()).toBe('frame')
    expect(upgrades[0]!.peer).toEqual({ address: '127.0.0.1', isEncrypted: false })
    expect(served).toEqual([])
  })

  for (const [name, start, lines] of [
    [
      'h2c',
      'GET / HTTP/1.1',
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ],
    ['another method', 'POST / HTTP/1.1', [...websocket, 'Content-Length: 0']],
    ['a body', 'GET / HTTP/1.1', [...websocket, 'Content-Length: 0']],
    ['no Connection line', 'GET / HTTP/1.1', ['Upgrade: websocket']],
  ] as const) {
    test(`R-EDGE-11 with ${name} are requests like any other, and the last ones`, async () => {
      const { port, upgrades, served } = await stage()
      // Node drops what came in one packet with it: nothing may be read into the rest.
      const answer = await sendBytes(
        port,
        requestText(start, ...lines) + requestText('GET /next HTTP/1.1'),
      )
      expect(statuses(answer)).toEqual([200])
      expect(answer.text).toMatch(/^connection: close\r$/im)
      expect(upgrades).toEqual([])
      expect(served).toHaveLength(1)
    })
  }

  test('R-EDGE-11 pass the same checks', async () => {
    const { port, upgrades } = await stage({ noRefuse: true })
    const answer = await sendBytes(
      port,
      requestText('GET / HTTP/1.1', 'Host: a', 'Host: b', ...websocket),
    )
    expect(statuses(answer)).toEqual([400])
    expect(problemOf(answer)).toMatchObject({ code: 'REQUEST_AMBIGUOUS' })
    expect(upgrades).toEqual([])
  })

  test('R-EDGE-11 before the answer to an earlier request end the connection', async () => {
    const { port, upgrades } = await stage({ handler: { request: () => undefined } })
    const bytes = requestText('GET / HTTP/1.1') + requestText('GET /ws HTTP/1.1', ...websocket)
    expect((await sendBytes(port, bytes)).text).toBe('')
    expect(upgrades).toEqual([])
  })
})

test('keep-alive serves many requests on one connection', async () => {
  const { port, served, counts } = await stage()
  const { Agent } = await import('node:http')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  for (let i = 0; i < 5; i++) {
    await new Promise<void>((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path: `/${i}`, agent }, (response) => {
        response.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
  }
  expect(served).toHaveLength(5)
  expect(Math.max(...counts)).toBe(1)
})
