import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTransport } from '../../library/src/transport/index.ts'
import { encodeForm } from '../../library/src/transport/multipart.ts'
import { caught, closeAfterTest, startDeaf, startEager, startRaw, until } from './raw-server.ts'

const transport = createTransport()
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** A request as it arrived: its first line, its headers, its body. */
async function sentBy(send: (url: string) => Promise<Response>): Promise<{
  readonly line: string
  readonly headers: Map<string, string>
  readonly body: string
}> {
  const { url, requests } = await startRaw(ok)
  await (await send(`${url}/path?a=b`)).text()
  const [head = '', ...rest] = requests[0]!.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const pairs = lines.map((one) => one.split(/: (.*)/s) as [string, string])
  const headers = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]))
  return { line, headers, body: rest.join('\r\n\r\n') }
}

const form = (): FormData => {
  const fields = new FormData()
  fields.append('plain', 'a\nb')
  fields.append('a "quoted"\nname', 'ü')
  fields.append('file', new File(['content'], 'ü "x"\n.txt', { type: 'text/plain' }))
  fields.append('bare', new File(['\0\x01'], 'bare'))
  return fields
}
const chunks = (): ReadableStream =>
  ReadableStream.from([Buffer.from('one '), new Uint8Array(), Buffer.from('two')])
async function* generated(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('gen')
}

describe('R-NET-6 a body is sent as the platform sends it', () => {
  const bodies: readonly (readonly [string, () => unknown])[] = [
    ['nothing', () => undefined],
    ['null', () => null],
    ['empty text', () => ''],
    ['text', () => 'grüße 😀'],
    ['text with half a character', () => 'a\ud800b'],
    ['a number, as text', () => 42],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b c', d: '&' })],
    ['bytes', () => new Uint8Array([1, 2, 255])],
    ['part of some bytes', () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
    ['an ArrayBuffer', () => new Uint8Array([1, 2]).buffer],
    ['a DataView', () => new DataView(new Uint8Array([1, 2, 3]).buffer, 1)],
    ['a Blob', () => new Blob(['blob'])],
    ['a Blob with a type', () => new Blob(['blob'], { type: 'text/csv' })],
    ['an empty Blob', () => new Blob([])],
    ['a form', form],
    ['an empty form', () => new FormData()],
    ['a stream', chunks],
    ['a generator', generated],
  ]
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']) {
    for (const [name, make] of bodies) {
      if (method !== 'POST' && name !== 'text' && name !== 'nothing' && name !== 'a form') continue
      test(`${name} with ${method}`, async () => {
        const init = (): RequestInit =>
          ({ method, body: make(), duplex: 'half' }) as unknown as RequestInit
        const [ours, theirs] = [
          await sentBy((url) => transport.fetch(url, init())),
          await sentBy((url) => fetch(url, init())),
        ]
        const facts = ({ line, headers, body }: typeof ours): unknown => {
          const type = headers.get('content-type')
          const [, boundary = '---'] = /boundary=(.*)/.exec(type ?? '') ?? []
          return {
            line,
            type: type?.replaceAll(boundary, 'B'),
            // A boundary of another length.
            length: body.includes(boundary) ? 'known' : headers.get('content-length'),
            coding: headers.get('transfer-encoding'),
            body: body.replaceAll(boundary, 'B').replace(/[0-9a-f]+\r\n/g, ''),
          }
        }
        expect(facts(ours)).toEqual(facts(theirs))
        if (ours.headers.has('content-length')) {
          expect(Number(ours.headers.get('content-length'))).toBe(ours.body.length)
        }
      })
    }
  }

  test('a type that the caller set stays', async () => {
    const headers = { 'Content-Type': 'application/json' }
    const sent = await sentBy((url) =>
      transport.fetch(url, { method: 'POST', body: '{}', headers }),
    )
    expect(sent.headers.get('content-type')).toBe('application/json')
  })

  test('bytes are those at the time of the call', async () => {
    const body = new Uint8Array([65, 66])
    const sent = await sentBy((url) => {
      const sending = transport.fetch(url, { method: 'POST', body })
      body.fill(67)
      return sending
    })
    expect(sent.body).toBe('AB')
  })

  test('a form arrives as it was, whatever is in it', async () => {
    const word = fc.string({ unit: 'binary', maxLength: 20 })
    const value = fc.oneof(word, fc.uint8Array({ maxLength: 100 }))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(word, value), { maxLength: 5 }), async (entries) => {
        const fields = new FormData()
        for (const [name, one] of entries) {
          if (typeof one === 'string') fields.append(name, one)
          else fields.append(name, new File([Uint8Array.from(one)], 'file'))
        }
        const blob = encodeForm(fields)
        const headers = { 'content-type': blob.type }
        const read = await new Response(blob, { headers }).formData()
        const plain = async (form: FormData): Promise<unknown> =>
          Promise.all(
            [...form].map(async ([name, one]) => [
              // Line ends are CR LF on the way; a platform keeps them so.
              name.replace(/\r\n|\r|\n/g, '\r\n'),
              typeof one === 'string'
                ? one.replace(/\r\n|\r|\n/g, '\r\n')
                : Buffer.from(await one.arrayBuffer()).toString('hex'),
            ]),
          )
        expect(await plain(read)).toEqual(await plain(fields))
      }),
      { numRuns: 200 },
    )
  })

  test('a file is not read into memory first, and has its length', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'satway-'))
    closeAfterTest(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'big'), Buffer.alloc(200_000, 'x'))
    const file = await openAsBlob(join(folder, 'big'))
    const fields = new FormData()
    fields.append('file', file, 'big')
    const whole = await sentBy((url) => transport.fetch(url, { method: 'POST', body: file }))
    expect(whole.headers.get('content-length')).toBe('200000')
    const part = await sentBy((url) => transport.fetch(url, { method: 'POST', body: fields }))
    expect(Number(part.headers.get('content-length'))).toBe(part.body.length)
    expect(part.body).toContain('x'.repeat(200_000))
  })

  const refused: readonly (readonly [string, RequestInit])[] = [
    ['a body with GET', { body: 'x' }],
    ['a body with HEAD', { method: 'HEAD', body: 'x' }],
    ['a stream without duplex', { method: 'POST', body: chunks() }],
  ]
  for (const [name, init] of refused) {
    test(`${name} is a TypeError, and nothing is sent`, async () => {
      const { url, sockets } = await startRaw(ok)
      expect((await caught(transport.fetch(url, init))).error).toBeInstanceOf(TypeError)
      expect(sockets.length).toBe(0)
    })
  }

  test('a stream that somebody reads, or has read, is a TypeError', async () => {
    for (const take of [
      (stream: ReadableStream) => stream.getReader(),
      (stream: ReadableStream) => stream.cancel(),
    ]) {
      const body = chunks()
      await take(body)
      const init = { method: 'POST', body, duplex: 'half' } as const
      const { error } = await caught(transport.fetch('http://127.0.0.1:1234', init))
      expect(error).toBeInstanceOf(TypeError)
    }
  })

  test('a stream of anything but bytes fails the call, and closes the connection', async () => {
    const { url, sockets } = await startRaw(ok)
    const body: ReadableStream = ReadableStream.from([Buffer.from('a'), 'text'])
    const { error, message } = await caught(
      transport.fetch(url, { method: 'POST', body, duplex: 'half' }),
    )
    expect([error.message, message]).toEqual(['fetch failed', 'body: expected a stream of bytes'])
    await until(() => sockets.every(({ destroyed }) => destroyed))
  })

  test('a stream that breaks fails the call with its reason', async () => {
    const { url } = await startRaw(ok)
    const reason = new Error('disk gone')
    const body = new ReadableStream({ pull: () => Promise.reject(reason) })
    const { error } = await caught(transport.fetch(url, { method: 'POST', body, duplex: 'half' }))
    expect([error.message, error.cause]).toEqual(['fetch failed', reason])
  })

  test('a stream is read no faster than the server takes it', async () => {
    const { url } = await startDeaf()
    let given = 0
    let isCancelled = false
    const body = new ReadableStream({
      pull: (control) => {
        given += 65_536
        control.enqueue(new Uint8Array(65_536))
      },
      cancel: () => {
        isCancelled = true
      },
    })
    const stop = new AbortController()
    const sending = transport.fetch(url, {
      method: 'POST',
      body,
      duplex: 'half',
      signal: stop.signal,
    })
    let before = -1
    while (before !== given) {
      before = given
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(given).toBeLessThan(32 << 20)
    stop.abort()
    expect((await caught(sending)).error.name).toBe('AbortError')
    expect(isCancelled).toBe(true)
  })
})

describe('R-NET-7 headers', () => {
  test('that belong to the connection are ours, whatever the caller set', async () => {
    const given = {
      host: 'evil.example',
      connection: 'upgrade, x-kept',
      'content-length': '999',
      expect: '100-continue',
      'keep-alive': 'timeout=1',
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'close',
      te: 'trailers',
      trailer: 'x',
      'transfer-encoding': 'chunked',
      upgrade: 'h2c',
      'http2-settings': 'x',
      'x-kept': '1',
    }
    const { headers } = await sentBy((url) => transport.fetch(url, { headers: given }))
    expect(headers.get('host')).toMatch(/^127\.0\.0\.1:\d+$/)
    headers.delete('host')
    expect([...headers.keys()].sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'user-agent',
      'x-kept',
    ])
    expect(headers.get('connection')).toBe('keep-alive')
  })

  test('that are missing are added, and those that are there stay', async () => {
    const bare = await sentBy((url) => transport.fetch(url, {}))
    expect(Object.fromEntries(bare.headers)).toMatchObject({
      accept: '*/*',
      'user-agent': 'satway',
      'accept-encoding': 'gzip, deflate, br, zstd',
    })
    const own = { Accept: 'text/csv', 'User-Agent': 'mine/1', 'Accept-Encoding': 'br' }
    const set = await sentBy((url) => transport.fetch(url, { headers: own }))
    expect(Object.fromEntries(set.headers)).toMatchObject({
      accept: 'text/csv',
      'user-agent': 'mine/1',
      'accept-encoding': 'br',
    })
  })

  test('a part of a file is asked for as it is', async () => {
    const sent = await sentBy((url) => transport.fetch(url, { headers: { Range: 'bytes=5-' } }))
    expect(sent.headers.get('accept-encoding')).toBe('identity')
  })

  for (const cache of ['no-store', 'reload', 'no-cache', 'default'] as const) {
    test(`cache: ${cache} says what the platform says`, async () => {
      const [ours, theirs] = [
        await sentBy((url) => transport.fetch(url, { cache })),
        await sentBy((url) => fetch(url, { cache })),
      ]
      for (const name of ['cache-control', 'pragma']) {
        expect(ours.headers.get(name)).toBe(theirs.headers.get(name))
      }
    })
  }

  test('methods are written as they are named in HTTP', async () => {
    expect((await sentBy((url) => transport.fetch(url, { method: 'patch' }))).line).toBe(
      'PATCH /path?a=b HTTP/1.1',
    )
  })
})

describe('R-NET-13 what is not sent', () => {
  const secret = 'p4ssw0rd'
  const cases: readonly (readonly [string, string, RequestInit?])[] = [
    ['no URL', `nonsense ${secret}`],
    ['a relative URL', `/path?token=${secret}`],
    ['file:', `file:///etc/${secret}`],
    ['ftp:', `ftp://127.0.0.1/${secret}`],
    ['data:', `data:text/plain,${secret}`],
    ['a user name', `http://${secret}@127.0.0.1/`],
    ['a password', `http://user:${secret}@127.0.0.1/`],
    ['the port of mail', `http://127.0.0.1:25/${secret}`],
    ['port 0', `http://127.0.0.1:0/${secret}`],
    ['CONNECT', 'http://127.0.0.1:1234', { method: 'connect' }],
    ['TRACE', 'http://127.0.0.1:1234', { method: 'TRACE' }],
    ['a method with a space', 'http://127.0.0.1:1234', { method: `GET ${secret}` }],
    ['a method with a line', 'http://127.0.0.1:1234', { method: `GET\r\nx: ${secret}` }],
    [
      'a header value with a line',
      'http://127.0.0.1:1234',
      { headers: { x: `a\r\ny: ${secret}` } },
    ],
    ['a header value with NUL', 'http://127.0.0.1:1234', { headers: { x: `a\0${secret}` } }],
    ['a header value with ESC', 'http://127.0.0.1:1234', { headers: { x: `a\x1b${secret}` } }],
    ['a header value beyond bytes', 'http://127.0.0.1:1234', { headers: { x: `€${secret}` } }],
    ['a header name with a colon', 'http://127.0.0.1:1234', { headers: { [`x:${secret}`]: '1' } }],
    [
      'a header name with a line',
      'http://127.0.0.1:1234',
      { headers: { [`x\r\n${secret}`]: '1' } },
    ],
    [
      'an integrity that would not be checked',
      'http://127.0.0.1:1234',
      { integrity: `sha256-${secret}` },
    ],
    [
      'a dispatcher that would not be used',
      'http://127.0.0.1:1234',
      { dispatcher: {} } as unknown as RequestInit,
    ],
  ]
  for (const [name, url, init] of cases) {
    test(`${name}: a TypeError that does not tell what it refused`, async () => {
      const { error, message } = await caught(transport.fetch(url, init ?? {}))
      expect(error).toBeInstanceOf(TypeError)
      expect(`${error.message} ${message}`).not.toContain(secret)
    })
  }

  test('a line end in the URL is no line end in the request', async () => {
    const { url, requests } = await startRaw(ok)
    await transport.fetch(`${url}/a\r\nb?c=\r\nx: y d`, {})
    expect(requests[0]!.split('\r\n')[0]).toBe('GET /ab?c=x:%20y%20d HTTP/1.1')
  })

  test('options of a transport outside their range make none', () => {
    for (const options of [
      { maxHeaderBytes: 10 },
      { maxHeaderBytes: Number.NaN },
      { connectTimeoutMs: 0 },
      { connectTimeoutMs: 2 ** 31 },
      { idleTimeoutMs: 1.5 },
    ]) {
      expect(() => createTransport(options)).toThrow(RangeError)
    }
    expect(() => createTransport({ verifyTls: 'no' as never })).toThrow(TypeError)
    expect(() => createTransport({ lookup: 'dns' as never })).toThrow(TypeError)
  })
})

describe('R-NET-9 a signal ends the call at every stage, with its own reason', () => {
  const reason = new Error('enough')
  const hang = new Promise<never>(() => undefined)

  test('before it begins, and the body is given back', async () => {
    const { url, sockets } = await startRaw(ok)
    let cancelled: unknown
    const body = new ReadableStream({
      cancel: (why) => {
        cancelled = why
      },
    })
    const init = {
      method: 'POST',
      body,
      duplex: 'half',
      signal: AbortSignal.abort(reason),
    } as const
    expect((await caught(transport.fetch(url, init))).error).toBe(reason)
    expect([cancelled, sockets.length]).toEqual([reason, 0])
  })

  test('while DNS is asked', async () => {
    const slow = createTransport({ lookup: () => hang })
    const stop = new AbortController()
    const asked = slow.fetch('http://shop.test/', { signal: stop.signal })
    setTimeout(() => stop.abort(reason), 20)
    expect((await caught(asked)).error).toBe(reason)
  })

  test('in the same turn of the loop', async () => {
    const { url } = await startRaw(ok)
    const stop = new AbortController()
    const asked = transport.fetch(url, { signal: stop.signal })
    stop.abort(reason)
    expect((await caught(asked)).error).toBe(reason)
  })

  test('while TLS is agreed on', async () => {
    const { url, sockets } = await startRaw(() => undefined)
    const stop = new AbortController()
    const asked = transport.fetch(url.replace('http', 'https'), { signal: stop.signal })
    asked.catch(() => undefined)
    await until(() => sockets.length === 1)
    stop.abort(reason)
    expect((await caught(asked)).error).toBe(reason)
    await until(() => sockets[0]!.destroyed)
  })

  test('while the body is sent', async () => {
    const { url, sockets } = await startRaw(ok)
    const stop = new AbortController()
    let cancelled: unknown
    const body = new ReadableStream({
      start: (control) => control.enqueue(Buffer.from('first')),
      cancel: (why) => {
        cancelled = why
      },
    })
    const asked = transport.fetch(url, {
      method: 'POST',
      body,
      duplex: 'half',
      signal: stop.signal,
    })
    asked.catch(() => undefined)
    await until(() => sockets.length === 1)
    stop.abort(reason)
    expect((await caught(asked)).error).toBe(reason)
    expect(cancelled).toBe(reason)
    await until(() => sockets[0]!.destroyed)
  })

  test('while the head is waited for', async () => {
    const { url, sockets, requests } = await startRaw((socket) => socket.write('HTTP/1.1 200'))
    const stop = new AbortController()
    const asked = transport.fetch(url, { signal: stop.signal })
    asked.catch(() => undefined)
    await until(() => requests.length === 1)
    stop.abort(reason)
    expect((await caught(asked)).error).toBe(reason)
    await until(() => sockets[0]!.destroyed)
  })

  test('while the body is read, and before', async () => {
    for (const coding of ['', 'content-encoding: gzip\r\n']) {
      for (const readFirst of [true, false]) {
        const { url, sockets } = await startRaw((socket) =>
          socket.write(`HTTP/1.1 200 OK\r\n${coding}\r\n${coding === '' ? 'x' : ''}`),
        )
        const stop = new AbortController()
        const response = await transport.fetch(url, { signal: stop.signal })
        const reader = response.body!.getReader()
        if (readFirst && coding === '') await reader.read()
        const reading = readFirst ? caught(reader.read()) : undefined
        stop.abort(reason)
        expect((await (reading ?? caught(reader.read()))).error).toBe(reason)
        await until(() => sockets[0]!.destroyed)
      }
    }
  })

  test('after the head, while the body is still being sent: its source hears why', async () => {
    const { url } = await startEager('HTTP/1.1 200 OK\r\n\r\nx')
    const stop = new AbortController()
    let cancelled: unknown
    const body = new ReadableStream({
      start: (control) => control.enqueue(Buffer.from('first')),
      cancel: (why) => {
        cancelled = why
      },
    })
    const init = { method: 'POST', body, duplex: 'half', signal: stop.signal } as const
    const response = await transport.fetch(url, init)
    stop.abort(reason)
    expect((await caught(response.text())).error).toBe(reason)
    expect(cancelled).toBe(reason)
  })

  test('and not after: a signal that is used for long keeps nothing', async () => {
    const { url } = await startRaw((socket) => socket.write(ok))
    const stop = new AbortController()
    let listeners = 0
    const { signal } = stop
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--
      removeEventListener.apply(signal, args)
    }
    for (let i = 0; i < 5; i++) await (await transport.fetch(url, { signal })).text()
    for (let i = 0; i < 5; i++)
      await (await transport.fetch(url, { signal, method: 'HEAD' })).text()
    await caught(transport.fetch('http://127.0.0.1:1', { signal }))
    expect(listeners).toBe(0)
  })
})
