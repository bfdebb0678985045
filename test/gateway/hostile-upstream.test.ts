import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openRaw } from '../adapters/raw.ts'
import type { HostileUpstream } from './hostile.ts'
import { answerOf, openHostile } from './hostile.ts'
import { openHttp2 } from './http2-client.ts'
import { shop } from './shop.ts'
import type { Stage } from './stage.ts'
import { openStage } from './stage.ts'

const times = 'head_timeout: 700ms, idle_timeout: 700ms'
let upstream: HostileUpstream
let stage: Stage
beforeAll(async () => {
  upstream = await openHostile()
  stage = await openStage(
    shop(upstream.url, [
      `GET /hostile: { free: true, ${times} }`,
      `POST /hostile: { free: true, ${times} }`,
      `GET /paid: { price: 10 sat, uses: 1, ${times} }`,
      'GET /good: free',
    ]),
  )
})
afterEach(() => {
  // No test of this file may have met a fault of the gateway's own.
  expect(stage.told.filter((line) => line.startsWith('fault'))).toEqual([])
})
afterAll(async () => {
  await stage.close()
  await upstream.close()
})

/** The bytes that a client gets until its connection ends. */
async function get(target: string, method = 'GET'): Promise<string> {
  const socket = openRaw(stage.port)
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`)
  let text = ''
  try {
    for await (const part of socket) text += String(part)
  } catch (error) {
    // A connection that is cut may be reset.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  return text
}

let asked = 0

/** Others get their own answers, one after the other and at once. */
async function othersAreServed(): Promise<void> {
  const names = Array.from({ length: 8 }, () => `mine${++asked}`)
  const [first = '', ...rest] = names
  const answers = [
    await get(`/good?${first}`),
    ...(await Promise.all(rest.map((name) => get(`/good?${name}`)))),
  ]
  for (const [i, answer] of answers.entries()) {
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(bodyOf(answer)).toBe(names[i])
  }
}

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}

const evil = answerOf('POISON', 'X-Poison: yes')
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const head = (...lines: readonly string[]): string =>
  ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')

describe('R-E2E-19 an answer that is no well-formed HTTP is 502, and nothing of it is passed on', () => {
  for (const [name, bytes] of [
    ['no HTTP', 'SSH-2.0-POISON\r\n\r\n'],
    ['an empty line', '\r\n\r\n\r\nPOISON'],
    ['a status of two digits', 'HTTP/1.1 20 POISON\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 POISON\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 099 POISON\r\nContent-Length: 0\r\n\r\n'],
    ['another version', 'HTTP/3.7 200 POISON\r\nContent-Length: 0\r\n\r\n'],
    ['a carriage return in a value', head('X-A: b\rX-Poison: POISON', 'Content-Length: 0')],
    ['a zero byte in a value', head('X-A: POISON\0', 'Content-Length: 0')],
    ['a space before the colon', head('Content-Length : 6') + 'POISON'],
    ['a line without a colon', head('POISON', 'Content-Length: 0')],
    ['a name with a space', head('X POISON: a', 'Content-Length: 0')],
    ['length and chunks', head('Content-Length: 6', 'Transfer-Encoding: chunked') + 'POISON'],
    ['chunks and length', head('Transfer-Encoding: chunked', 'Content-Length: 6') + '0\r\n\r\n'],
    ['two lengths', head('Content-Length: 6', 'Content-Length: 7') + 'POISON!'],
    ['a list of lengths', head('Content-Length: 6, 6') + 'POISON'],
    ['a negative length', head('Content-Length: -6') + 'POISON'],
    ['a signed length', head('Content-Length: +6') + 'POISON'],
    ['a length of letters', head('Content-Length: six') + 'POISON'],
    ['a length beyond all numbers', head(`Content-Length: ${'9'.repeat(30)}`) + 'POISON'],
    ['a coding that is not known', head('Transfer-Encoding: x-poison') + 'POISON'],
    ['chunks that are not the last coding', head('Transfer-Encoding: chunked, gzip') + 'POISON'],
    ['a coding below the chunks', head('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n'],
    ['a head of 70 KiB', head(`X-A: ${'P'.repeat(70 * 1024)}`, 'Content-Length: 0')],
    ['12000 lines', head(...Array.from({ length: 12_000 }, (_, i) => `X-${i}: POISON`)) + 'x'],
    [
      'a switch that nobody asked for',
      'HTTP/1.1 101 POISON\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
  ] as const) {
    test(name, async () => {
      upstream.script = (socket) => socket.write(bytes, 'latin1')
      const answer = await get('/hostile')
      expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
      expect(answer).toMatch(/^retry-after: \d+\r$/im)
      expect(JSON.parse(bodyOf(answer))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
      expect(answer).not.toContain('POISON')
      await othersAreServed()
    })
  }

  for (const [name, script] of [
    ['a connection that ends without a word', (socket) => socket.end()],
    ['one that is reset', (socket) => socket.resetAndDestroy()],
    ['a head that breaks off', (socket) => socket.end('HTTP/1.1 200 OK\r\nX-Poison: POI')],
  ] satisfies [string, (socket: Socket) => unknown][]) {
    test(name, async () => {
      upstream.script = script
      const answer = await get('/hostile')
      expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
      expect(answer).not.toContain('POI')
      await othersAreServed()
    })
  }

  test('a head that never ends is 502 or 504, in time', async () => {
    upstream.script = (socket) => {
      const timer = setInterval(() => socket.write('X-Poison: yes\r\n'), 20)
      socket.once('close', () => clearInterval(timer))
      socket.write('HTTP/1.1 200 OK\r\n')
    }
    expect(await get('/hostile')).toMatch(/^HTTP\/1\.1 50[24] /)
    await othersAreServed()
  })

  test('what was paid for it is given back', async () => {
    const authorization = await stage.buy('/paid')
    const paid = async (): Promise<Response> =>
      await fetch(`${stage.url}/paid`, { headers: { authorization } })
    for (const bytes of ['POISON\r\n\r\n', head('X-A: b\rX-B: c'), head('Content-Length: 1, 2')]) {
      upstream.script = (socket) => socket.write(bytes, 'latin1')
      expect((await paid()).status).toBe(502)
    }
    upstream.script = (socket) => socket.write(answerOf('bought'))
    expect(await (await paid()).text()).toBe('bought')
    expect((await paid()).status).toBe(402)
  })
})

describe('R-E2E-20 an answer that breaks off never looks complete', () => {
  for (const [name, script, body] of [
    [
      'less than its length',
      (socket) => socket.end(`${head('Content-Length: 100')}half`),
      /^half$/,
    ],
    [
      'less than its length, and a reset',
      (socket) => {
        socket.write(`${head('Content-Length: 100')}half`)
        setTimeout(() => socket.resetAndDestroy(), 20)
      },
      /^half$/,
    ],
    [
      'less than its length, and silence',
      (socket) => socket.write(`${head('Content-Length: 100')}half`),
      /^half$/,
    ],
    ['no last chunk', (socket) => socket.end(`${chunked}4\r\nhalf\r\n`), /^4\r\nhalf\r\n$/],
    ['half a chunk', (socket) => socket.end(`${chunked}8\r\nhalf`), /half/],
    ['a chunk without end, and silence', (socket) => socket.write(`${chunked}8\r\nhalf`), /half/],
    [
      'a chunk longer than it says',
      (socket) => socket.write(`${chunked}4\r\nhalfPOISON\r\n0\r\n\r\n`),
      /half/,
    ],
    [
      'a length of a chunk that is none',
      (socket) => socket.write(`${chunked}4\r\nhalf\r\nzz\r\nPOISON\r\n0\r\n\r\n`),
      /half/,
    ],
    [
      'a negative chunk',
      (socket) => socket.write(`${chunked}4\r\nhalf\r\n-6\r\nPOISON\r\n0\r\n\r\n`),
      /half/,
    ],
    [
      'a chunk beyond all numbers',
      (socket) => socket.write(`${chunked}4\r\nhalf\r\n${'F'.repeat(20)}\r\nPOISON`),
      /half/,
    ],
    [
      'a last chunk that is not quite one',
      (socket) => socket.end(`${chunked}4\r\nhalf\r\n0\r\nX`),
      /half/,
    ],
  ] satisfies [string, (socket: Socket) => unknown, RegExp][]) {
    test(name, async () => {
      upstream.script = script
      const answer = await get('/hostile')
      // It may have been found out before anything was sent.
      if (answer.startsWith('HTTP/1.1 502 ')) {
        expect(answer).not.toContain('POISON')
        await othersAreServed()
        return
      }
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(bodyOf(answer)).toMatch(body)
      expect(answer).not.toMatch(/0\r\n\r\n$/)
      expect(answer).not.toContain('POISON')
      await othersAreServed()
    })
  }

  test('nor over HTTP/2', async () => {
    const client = await openHttp2(stage.url)
    for (const script of [
      (socket: Socket) => socket.end(`${head('Content-Length: 100')}half`),
      (socket: Socket) => socket.end(`${chunked}4\r\nhalf\r\n`),
      (socket: Socket) => socket.write(`${chunked}4\r\nhalf\r\nzz\r\n`),
    ]) {
      upstream.script = script
      const answer = await client.ask({ ':path': '/hostile' })
      expect(answer.status === 502 || answer.resetCode !== 0).toBe(true)
      const good = await client.ask({ ':path': `/good?h${++asked}` })
      expect(String(good.body)).toBe(`h${asked}`)
    }
    await client.close()
  })
})

describe('R-E2E-21 what an upstream sends beyond its answer reaches nobody', () => {
  for (const [name, script] of [
    ['a second answer at once', (socket) => socket.write(answerOf('one') + evil)],
    ['ten answers at once', (socket) => socket.write(answerOf('one') + evil.repeat(10))],
    [
      'half of a second answer, and its end a little later',
      (socket) => {
        socket.write(answerOf('one') + evil.slice(0, 20))
        setTimeout(() => socket.write(evil.slice(20)), 5)
      },
    ],
    [
      'a second answer behind a long one',
      (socket) => socket.write(answerOf('one'.repeat(1_000_000)) + evil),
    ],
    ['more than its length', (socket) => socket.write(answerOf('one') + 'POISON')],
    [
      'bytes after the last chunk',
      (socket) => socket.write(`${chunked}3\r\none\r\n0\r\n\r\nPOISON${evil}`),
    ],
  ] satisfies [string, (socket: Socket) => unknown][]) {
    test(name, async () => {
      upstream.script = script
      for (let i = 0; i < 5; i++) {
        const answer = await get('/hostile')
        expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
        expect(answer).toContain('one')
        expect(answer).not.toContain('POISON')
        await othersAreServed()
      }
    })
  }

  for (const [name, method, bytes] of [
    ['a body after HEAD', 'HEAD', evil],
    ['a body with 204', 'GET', `HTTP/1.1 204 No Content\r\n\r\n${evil}`],
    ['a body with 304', 'GET', `HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n${evil}`],
  ] as const) {
    test(name, async () => {
      upstream.script = (socket) => socket.write(bytes)
      for (let i = 0; i < 5; i++) {
        const answer = await get('/hostile', method)
        expect(bodyOf(answer)).toBe('')
        await othersAreServed()
      }
    })
  }

  test('a second answer while nobody asks ends its connection', async () => {
    const closed = Promise.withResolvers<void>()
    upstream.script = (socket) => {
      socket.once('close', () => closed.resolve())
      socket.write(answerOf('one'))
      setTimeout(() => socket.write(evil), 50)
    }
    expect(bodyOf(await get('/hostile'))).toBe('one')
    await closed.promise
    await othersAreServed()
  })

  test('with `keep_alive: false` no answer can be somebody else’s, whenever it comes', async () => {
    const own = await openHostile()
    own.script = (socket) => {
      socket.write(answerOf('one'))
      setTimeout(() => socket.write(evil), 3)
    }
    const careful = await openStage(
      shop(`{ url: '${own.url}', keep_alive: false }`, ['GET /hostile: free', 'GET /good: free']),
    )
    const bodies = async (path: string): Promise<string> =>
      await (await fetch(careful.url + path)).text()
    const got = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => [
        await bodies('/hostile'),
        await bodies(`/good?mine${i}`),
      ]),
    )
    expect(got).toEqual(got.map((_, i) => ['one', `mine${i}`]))
    expect(own.connections()).toBe(120)
    await careful.close()
    await own.close()
  })

  for (const [name, answer] of [
    ['short answers', answerOf('one')],
    ['long answers', answerOf('one'.repeat(100_000))],
  ] as const) {
    test(`while many ask at once: ${name}`, async () => {
      upstream.script = (socket) => socket.write(answer + evil)
      const names = Array.from({ length: 200 }, () => `mine${++asked}`)
      const answers = await Promise.all(
        names.map(async (name, i) => {
          const hostile = i % 4 === 0 ? await get('/hostile') : ''
          return hostile.includes('POISON') ? 'POISON' : bodyOf(await get(`/good?${name}`))
        }),
      )
      expect(answers).toEqual(names)
    })
  }
})

describe('R-E2E-22 interim answers', () => {
  test('are not passed on, however many there are', async () => {
    upstream.script = (socket) => {
      const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </POISON>\r\n\r\n'
      socket.write(hint.repeat(20_000) + answerOf('after'))
    }
    const answer = await get('/hostile')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(bodyOf(answer)).toBe('after')
    expect(answer).not.toContain('POISON')
    await othersAreServed()
  })
})

describe('R-E2E-23 an upstream that answers before it was told everything', () => {
  test('is heard, and its answer reaches a client that is still sending', async () => {
    upstream.script = (socket) => socket.write(answerOf('early'))
    const socket = openRaw(stage.port)
    socket.write('POST /hostile HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\nbegun')
    let text = ''
    socket.on('data', (part: string) => {
      text += part
    })
    await vi.waitFor(() => expect(bodyOf(text)).toBe('early'), 5000)
    socket.destroy()
    await othersAreServed()
  })

  test('and one that reads nothing is 504 in time', async () => {
    upstream.script = (socket) => socket.pause()
    const socket = openRaw(stage.port)
    socket.write('POST /hostile HTTP/1.1\r\nHost: shop\r\nContent-Length: 9000000\r\n\r\n')
    socket.write('x'.repeat(9_000_000))
    let text = ''
    socket.on('data', (bytes: string) => {
      text += bytes
    })
    await vi.waitFor(() => expect(text).toMatch(/^HTTP\/1\.1 504 /), 8000)
    socket.destroy()
    await othersAreServed()
  })
})
