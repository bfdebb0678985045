import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTransport } from '../../library/src/transport/index.ts'
import type { RawServer } from './raw-server.ts'
import { caught, startEager, startRaw, turns, until } from './raw-server.ts'

const transport = createTransport()

function head(status: string, headers: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n')
}

function answer(status: string, headers: readonly string[], body: string | Buffer): Buffer {
  const length = `content-length: ${Buffer.byteLength(body)}`
  return Buffer.concat([
    Buffer.from(head(status, [...headers, length]), 'latin1'),
    Buffer.from(body),
  ])
}

/** Everything that a caller can see of an answer. */
async function look(fetching: Promise<Response>): Promise<unknown> {
  try {
    const response = await fetching
    const { status, statusText, ok, url, redirected } = response
    const hasBody = response.body !== null
    const headers = [...response.headers]
    const text = await response.text().catch((error: Error) => `${error.name}: ${error.message}`)
    return { status, statusText, ok, url, redirected, hasBody, headers, text }
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

const text = 'the same text, again and again; the same text, again and again'

describe('R-NET-1 R-NET-3 R-NET-5 an answer is what the platform’s fetch makes of it', () => {
  const same: readonly (readonly [string, string | Buffer, RequestInit?])[] = [
    ['with a length', answer('200 OK', ['x-a: 1'], 'hi')],
    ['without a length', `${head('200 OK')}hi`],
    [
      'in chunks',
      `${head('200 OK', ['transfer-encoding: chunked'])}2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n`,
    ],
    ['with trailers', `${head('200', ['transfer-encoding: chunked'])}0\r\nx-late: 1\r\n\r\n`],
    ['without a reason', answer('200', [], 'hi')],
    ['with bytes beyond ASCII in a header', answer('200 OK', ['x-a: \xe9\xff'], 'hi')],
    [
      'with lists of headers',
      answer(
        '402 P',
        ['www-authenticate: L402 a="1"', 'www-authenticate: LSAT b', 'x: 1', 'x: 2'],
        '',
      ),
    ],
    ['with cookies', answer('200 OK', ['set-cookie: a=1, b', 'set-cookie: c=2'], '')],
    ['of status 404', answer('404 Not Found', [], 'no')],
    ['of status 599', answer('599 X', [], 'no')],
    ['of status 999', answer('999 Request denied', [], 'no')],
    ['of status 204', head('204 No Content')],
    ['of status 205', head('205 Reset', ['content-length: 0'])],
    ['of status 304', head('304 Not Modified', ['etag: "1"', 'content-length: 10'])],
    [
      'to HEAD',
      head('200 OK', ['content-length: 10', 'content-encoding: gzip']),
      { method: 'HEAD' },
    ],
    ['after 103', `${head('103 Early', ['link: x'])}${head('200 OK')}hi`],
    ['of status 101', head('101 Switch', ['upgrade: x', 'connection: upgrade'])],
    ['of status 302', answer('302 Found', ['location: /elsewhere'], 'moved')],
    ['in gzip', answer('200 OK', ['content-encoding: gzip'], gzipSync(text))],
    ['in x-gzip', answer('200 OK', ['content-encoding: X-GZip'], gzipSync(text))],
    ['in deflate', answer('200 OK', ['content-encoding: deflate'], deflateSync(text))],
    ['in raw deflate', answer('200 OK', ['content-encoding: deflate'], deflateRawSync(text))],
    ['in br', answer('200 OK', ['content-encoding: br'], brotliCompressSync(text))],
    ['in zstd', answer('200 OK', ['content-encoding: zstd'], zstdCompressSync(text))],
    [
      'in gzip and br',
      answer('200 OK', ['content-encoding: gzip, br'], brotliCompressSync(gzipSync(text))),
    ],
    [
      'in two lines of codings',
      answer(
        '200 OK',
        ['content-encoding: gzip', 'content-encoding: br'],
        brotliCompressSync(gzipSync(text)),
      ),
    ],
    ['in identity', answer('200 OK', ['content-encoding: identity'], text)],
    ['in a coding that nobody knows', answer('200 OK', ['content-encoding: rot13'], 'grkg')],
    ['in gzip, and empty', answer('200 OK', ['content-encoding: gzip'], '')],
    ['in deflate, and empty', answer('200 OK', ['content-encoding: deflate'], '')],
    ['in garbage called gzip', answer('200 OK', ['content-encoding: gzip'], 'no gzip at all')],
    ['in garbage called br', answer('200 OK', ['content-encoding: br'], 'no brotli at all')],
    ['cut short of its length', `${head('200 OK', ['content-length: 10'])}cut`],
    ['cut in a chunk', `${head('200 OK', ['transfer-encoding: chunked'])}a\r\ncut`],
    ['with a chunk of no size', `${head('200 OK', ['transfer-encoding: chunked'])}zz\r\nhi`],
    ['with two lengths', `${head('200 OK', ['content-length: 2', 'content-length: 3'])}hi!`],
    ['that is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['that is empty', ''],
  ]
  for (const [name, bytes, init] of same) {
    test(name, async () => {
      const { url } = await startRaw(bytes)
      const target = `${url}/path?query=1#fragment`
      const ours = await look(transport.fetch(target, init ?? {}))
      expect(ours).toEqual(await look(fetch(target, { redirect: 'manual', ...init })))
    })
  }

  test('after 100 as well, which the platform does not expect', async () => {
    const { url } = await startRaw(`${head('100 Continue')}${head('200 OK')}hi`)
    expect(await (await transport.fetch(url, {})).text()).toBe('hi')
  })

  test('and is a Response that can be cloned, with its URL', async () => {
    const { url } = await startRaw(answer('999 X', [], 'hi'))
    const response = await transport.fetch(`${url}/#part`, {})
    expect(response).toBeInstanceOf(Response)
    const copy = response.clone()
    expect([copy.url, copy.status, copy.ok, await copy.text()]).toEqual([
      `${url}/`,
      999,
      false,
      'hi',
    ])
    expect(await response.text()).toBe('hi')
  })

  test('and its bytes can be read into memory of the reader', async () => {
    const { url } = await startRaw(answer('200 OK', [], 'hello'))
    const { body } = await transport.fetch(url, {})
    const reader = body!.getReader({ mode: 'byob' })
    const first = await reader.read(new Uint8Array(3))
    expect(Buffer.from(first.value!).toString()).toBe('hel')
    const second = await reader.read(new Uint8Array(8))
    expect(Buffer.from(second.value!).toString()).toBe('lo')
    expect((await reader.read(new Uint8Array(8))).done).toBe(true)
  })
})

describe('R-NET-10 bytes from a server', () => {
  test('whatever they are, end in an answer or in an error, and in nothing else', async () => {
    const seeds = [
      answer('200 OK', ['x: 1'], 'hi').toString('latin1'),
      `${head('200 OK', ['transfer-encoding: chunked', 'content-encoding: gzip'])}2\r\nhi\r\n0\r\n\r\n`,
      `${head('103 E')}${head('402 P', ['www-authenticate: L402 token="a", invoice="b"'])}`,
      head('101 S', ['upgrade: x', 'connection: upgrade']),
    ]
    const bit = fc.constantFrom(
      '\r\n',
      '\n',
      ':',
      ' ',
      '\0',
      '\xff',
      'HTTP/1.1 ',
      '9'.repeat(20),
      '-1',
    )
    const mutant = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), bit), { maxLength: 3 }))
      .map(([seed, edits]) =>
        edits.reduce((text, [where, what]) => {
          const at = where % (text.length + 1)
          return text.slice(0, at) + what + text.slice(at + (where % 3))
        }, seed),
      )
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(mutant, async (bytes) => {
        const { url } = await startRaw(Buffer.from(bytes, 'latin1'))
        try {
          const response = await transport.fetch(url, { signal: AbortSignal.timeout(5000) })
          await response.text()
          seen.add('answer')
        } catch (error) {
          const { name, message } = error as Error
          expect(name).toBe('TypeError')
          seen.add(message)
        }
      }),
      { numRuns: 300 },
    )
    expect(seen).toEqual(new Set(['answer', 'fetch failed', 'terminated']))
  })
})

describe('R-NET-8 a redirect comes back as it is', () => {
  for (const redirect of ['follow', 'error', 'manual'] as const) {
    test(`with redirect: ${redirect}`, async () => {
      const { url, requests } = await startRaw(answer('307 Moved', ['location: /b'], ''))
      const response = await transport.fetch(url, { redirect })
      expect([response.status, response.headers.get('location')]).toEqual([307, '/b'])
      expect(requests.length).toBe(1)
    })
  }
})

describe('R-NET-4 a body that does not come to its end breaks off', () => {
  for (const [name, coding, bytes] of [
    ['gzip without its end', 'gzip', gzipSync(text).subarray(0, 30)],
    ['deflate without its end', 'deflate', deflateSync(text).subarray(0, 20)],
    ['br without its end', 'br', brotliCompressSync(text).subarray(0, 20)],
    ['zstd without its end', 'zstd', zstdCompressSync(text).subarray(0, 20)],
    ['zstd that wants a window of 128 MiB', 'zstd', Buffer.from('28b52ffd0088010000', 'hex')],
    ['gzip in garbage', 'gzip, br', brotliCompressSync('no gzip at all')],
  ] as const) {
    test(name, async () => {
      const { url } = await startRaw(answer('200 OK', [`content-encoding: ${coding}`], bytes))
      const response = await transport.fetch(url, {})
      const { error } = await caught(response.text())
      expect([error.name, error.message]).toEqual(['TypeError', 'terminated'])
    })
  }

  test('also when it broke before anybody read it', async () => {
    const { url, sockets } = await startRaw((socket) => {
      socket.write(`${head('200 OK', ['content-length: 10'])}half`)
    })
    const response = await transport.fetch(url, {})
    sockets[0]!.resetAndDestroy()
    await turns()
    expect((await caught(response.text())).error.message).toBe('terminated')
  })

  test('also when the connection is reset, after what came before', async () => {
    const { url, sockets } = await startRaw((socket) => {
      socket.write(`${head('200 OK', ['content-length: 10'])}half`)
    })
    const reader = (await transport.fetch(url, {})).body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('half')
    sockets[0]!.resetAndDestroy()
    const { error, code } = await caught(reader.read())
    expect([error.message, code]).toEqual(['terminated', 'ECONNRESET'])
  })

  test('and what follows the end of a coding is not waited for', async () => {
    const { url, sockets } = await startRaw((socket) => {
      socket.write(head('200 OK', ['content-encoding: br', 'transfer-encoding: chunked']))
      const bytes = brotliCompressSync(text)
      socket.write(`${bytes.length.toString(16)}\r\n`)
      socket.write(bytes)
      socket.write('\r\n')
      const more = setInterval(() => socket.write('1\r\nx\r\n'), 20)
      socket.on('close', () => clearInterval(more))
    })
    const body = (await transport.fetch(url, {})).text()
    // Either way it ends: brotli refuses what follows, or stops before it.
    expect([text, undefined]).toContain(await body.catch(() => undefined))
    await until(() => sockets[0]!.destroyed)
  })
})

describe('R-NET-3 contents are decoded', () => {
  test('at most three times over', async () => {
    const three = gzipSync(gzipSync(gzipSync(text)))
    const good = await startRaw(answer('200 OK', ['content-encoding: gzip, gzip, gzip'], three))
    expect(await (await transport.fetch(good.url, {})).text()).toBe(text)
    const four = await startRaw(answer('200 OK', ['content-encoding: gzip, br, gzip, br'], 'x'))
    const { error, message } = await caught(transport.fetch(four.url, {}))
    expect([error.message, message]).toEqual([
      'fetch failed',
      'the answer is coded 4 times over; at most 3 are read',
    ])
  })

  test('whatever they are, however often, and however they are cut on the way', async () => {
    const coders = {
      gzip: gzipSync,
      deflate: deflateSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
    } as const
    const names = fc.constantFrom(...(Object.keys(coders) as (keyof typeof coders)[]))
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.array(names, { maxLength: 3 }),
        fc.array(fc.nat({ max: 300 }), { maxLength: 5 }),
        async (body, codings, cuts) => {
          let coded: Buffer = Buffer.from(body)
          for (const name of codings) coded = coders[name](coded)
          const { url } = await startRaw((socket) => {
            const list = codings.length === 0 ? [] : [`content-encoding: ${codings.join(', ')}`]
            socket.write(head('200 OK', [...list, `content-length: ${coded.length}`]))
            let at = 0
            const next = (): void => {
              const cut = cuts.shift()
              socket.write(coded.subarray(at, cut === undefined ? undefined : at + cut))
              if (cut === undefined) return
              at += cut
              setImmediate(next)
            }
            next()
          })
          const response = await transport.fetch(url, {})
          expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('as they come: the first part before the last is sent', async () => {
    const bytes = gzipSync(Buffer.alloc(300_000, text), { level: 0 })
    let sendRest: () => void = () => undefined
    const { url } = await startRaw((socket) => {
      socket.write(head('200 OK', ['content-encoding: gzip']))
      socket.write(bytes.subarray(0, 100_000))
      sendRest = () => socket.end(bytes.subarray(100_000))
    })
    const reader = (await transport.fetch(url, {})).body!.getReader()
    let length = (await reader.read()).value!.length
    expect(length).toBeGreaterThan(0)
    sendRest()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
    }
    expect(length).toBe(300_000)
  })
})

/** Sends without end, and counts. */
async function startEndless(): Promise<{ server: RawServer; sent: () => number }> {
  let sent = 0
  const server = await startRaw((socket) => {
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length
    }
    socket.on('drain', more)
    socket.write(head('200 OK'))
    more()
  })
  return { server, sent: () => sent }
}

describe('R-NET-2 a body is read as fast as its reader reads', () => {
  test('and no faster: a server that sends without end has to wait', async () => {
    const { server, sent } = await startEndless()
    const { body } = await transport.fetch(server.url, {})
    const reader = body!.getReader()
    await reader.read()
    let before = -1
    // What fits into the buffers of both systems, and then nothing more.
    while (before !== sent()) {
      before = sent()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(before).toBeLessThan(32 << 20)
    await reader.cancel()
    await until(() => server.sockets[0]!.destroyed)
  })

  test('a reader who cancels closes the connection', async () => {
    const { server } = await startEndless()
    const response = await transport.fetch(server.url, {})
    await response.body!.cancel()
    await until(() => server.sockets[0]!.destroyed)
  })

  test('unless all of it is here: then the connection serves again', async () => {
    const whole = answer('200 OK', [], 'short')
    const { url, sockets, requests } = await startRaw((socket) => socket.write(whole))
    for (let i = 0; i < 3; i++) {
      const response = await transport.fetch(url, {})
      await response.body!.cancel()
      await turns()
    }
    expect([requests.length, sockets.length]).toEqual([3, 1])
  })
})

describe('R-NET-18 connections', () => {
  const whole = answer('200 OK', [], 'x')

  test('are used again, one after the other', async () => {
    const { url, sockets } = await startRaw((socket) => socket.write(whole))
    for (let i = 0; i < 5; i++) {
      await (await transport.fetch(url, {})).text()
      await turns()
    }
    expect(sockets.length).toBe(1)
  })

  test('are new, and end, where the caller says Connection: close', async () => {
    const { url, sockets, requests } = await startRaw((socket) => socket.write(whole))
    for (const headers of [{}, { Connection: 'Close' }, {}]) {
      await (await transport.fetch(url, { headers })).text()
      await turns()
    }
    expect(sockets.length).toBe(2)
    expect(requests.map((request) => /connection: (.*)\r/i.exec(request)?.[1])).toEqual([
      'keep-alive',
      'close',
      'keep-alive',
    ])
    await until(() => sockets[1]!.destroyed)
  })

  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    test(`that the server has closed meanwhile are replaced, with ${method}`, async () => {
      const { url, sockets } = await startRaw((socket) => {
        socket.end(method === 'HEAD' ? head('200 OK') : whole)
      })
      // Without a pause between them, the end of the connection has not been heard of.
      for (let i = 0; i < 5; i++) await (await transport.fetch(url, { method })).text()
      expect(sockets.length).toBe(5)
    })
  }

  for (const [name, init] of [
    ['a POST', { method: 'POST' }],
    ['a DELETE', { method: 'DELETE' }],
    ['a body', { method: 'OPTIONS', body: 'x' }],
    ['a credential', { headers: { authorization: 'L402 x:y' } }],
  ] as const) {
    test(`that die with ${name} on them fail the call: it is never sent twice`, async () => {
      let arrived = 0
      const { url, requests } = await startRaw((socket) => {
        arrived++
        if (arrived === 1) socket.write(whole)
        else socket.destroy()
      })
      await (await transport.fetch(url, {})).text()
      await turns()
      const { code } = await caught(transport.fetch(url, init))
      expect([code, requests.length]).toEqual(['ECONNRESET', 2])
    })
  }

  test('that die after some bytes of an answer fail the call', async () => {
    let count = 0
    const { url } = await startRaw((socket) => {
      count++
      if (count === 1) socket.write(whole)
      else socket.end('HTTP/1.1 2')
    })
    await (await transport.fetch(url, {})).text()
    await turns()
    expect((await caught(transport.fetch(url, {}))).error.message).toBe('fetch failed')
    expect(count).toBe(2)
  })

  test('that are new and closed at once are not tried again', async () => {
    const { url, requests } = await startRaw((socket) => socket.destroy())
    expect((await caught(transport.fetch(url, {}))).code).toBe('ECONNRESET')
    expect(requests.length).toBe(1)
  })

  test('R-NET-20 end with close(), idle or in use, and no more are made', async () => {
    const { url, sockets } = await startRaw((socket, request) => {
      if (request.includes('/slow')) socket.write(`${head('200 OK', ['content-length: 4'])}sl`)
      else if (!request.includes('/mute')) socket.write(whole)
    })
    const own = createTransport()
    const slow = await own.fetch(`${url}/slow`, {})
    await (await own.fetch(url, {})).text()
    const mute = caught(own.fetch(`${url}/mute`, { headers: { connection: 'close' } }))
    await until(() => sockets.length === 3)
    own.close()
    await until(() => sockets.every((socket) => socket.destroyed))
    expect((await mute).error.message).toBe('fetch failed')
    await expect(slow.text()).rejects.toThrow(TypeError)
    expect((await caught(own.fetch(url, {}))).error.message).toBe('fetch failed')
    expect(sockets.length).toBe(3)
  })

  test('are not used again after an answer that came before the end of the request', async () => {
    const { url, sockets } = await startEager(whole)
    const endless = new ReadableStream({ pull: () => new Promise(() => undefined) })
    const init = { method: 'POST', body: endless, duplex: 'half' } as const
    expect(await (await transport.fetch(url, init)).text()).toBe('x')
    await until(() => sockets[0]!.destroyed)
  })
})
