import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createTransport } from '../../library/src/transport/index.ts'
import type { RawServer } from './raw-server.ts'
import { caught, closedPort, startDeaf, startRaw, until } from './raw-server.ts'

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => `${line(i)}\r\n`).join('')

describe('R-NET-11 the head of an answer is bounded', () => {
  const transport = createTransport()
  const heads: readonly (readonly [string, string, string | RegExp])[] = [
    ['20 KB in one header', `x: ${'a'.repeat(20_000)}\r\n`, 'HPE_HEADER_OVERFLOW'],
    ['20 KB in a name', `${'a'.repeat(20_000)}: 1\r\n`, 'HPE_HEADER_OVERFLOW'],
    [
      '20 KB of challenges',
      lines(200, () => `www-authenticate: ${'L402 '.repeat(20)}`),
      'HPE_HEADER_OVERFLOW',
    ],
    ['3000 lines', lines(3000, (i) => `x${i}: 1`), /.*/],
    ['3000 lines of one letter', lines(3000, () => 'x:'), /.*/],
    ['1001 lines', lines(1001, () => 'x: 1'), /.*/],
  ]
  for (const [name, head, code] of heads) {
    test(`${name} is an error, and the connection ends`, async () => {
      const { url, sockets } = await startRaw((socket) =>
        socket.write(`HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\nhi`),
      )
      const failed = await caught(transport.fetch(url, {}))
      expect(failed.error.message).toBe('fetch failed')
      expect(String(failed.code ?? failed.message)).toMatch(code)
      expect(JSON.stringify(failed.error.cause)).not.toContain('rawPacket')
      await until(() => sockets[0]!.destroyed)
    })
  }

  test('a reason of 20 KB, and a status line without end', async () => {
    for (const bytes of [
      `HTTP/1.1 200 ${'a'.repeat(20_000)}\r\n\r\n`,
      'HTTP/1.1 '.repeat(20_000),
    ]) {
      const { url } = await startRaw((socket) => socket.write(bytes))
      expect((await caught(transport.fetch(url, {}))).error.message).toBe('fetch failed')
    }
  })

  test('1000 lines are read, all of them', async () => {
    const head = lines(999, () => 'x: 1')
    const { url } = await startRaw(`HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\nhi`)
    const response = await transport.fetch(url, {})
    expect(response.headers.get('x')!.split(', ').length).toBe(999)
    expect(response.headers.get('content-length')).toBe('2')
  })

  test('as the options say', async () => {
    const head = `x: ${'a'.repeat(20_000)}\r\n`
    const { url } = await startRaw(`HTTP/1.1 200 OK\r\n${head}\r\n`)
    const wide = createTransport({ maxHeaderBytes: 32_768 })
    expect((await wide.fetch(url, {})).headers.get('x')!.length).toBe(20_000)
    const narrow = createTransport({ maxHeaderBytes: 1024 })
    const small = await startRaw(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(2000)}\r\n\r\n`)
    expect((await caught(narrow.fetch(small.url, {}))).code).toBe('HPE_HEADER_OVERFLOW')
  })

  test('answers of 1xx without end', async () => {
    const { url, sockets } = await startRaw((socket) => {
      const more = setInterval(() => socket.write('HTTP/1.1 103 Early\r\n\r\n'.repeat(10)), 5)
      socket.on('close', () => clearInterval(more))
    })
    const { message } = await caught(transport.fetch(url, {}))
    expect(message).toBe('too many answers of 1xx')
    await until(() => sockets[0]!.destroyed)
  })

  test('endless trailers break the body off', async () => {
    const { url } = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n')
      socket.write(lines(3000, (i) => `x${i}: ${'a'.repeat(20)}`))
    })
    const { error } = await caught((await transport.fetch(url, {})).text())
    expect(error.message).toBe('terminated')
  })

  test('a chunk extension without end breaks the body off', async () => {
    const { url } = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;')
      socket.write('a=b;'.repeat(20_000))
    })
    const { error } = await caught((await transport.fetch(url, {})).text())
    expect(error.message).toBe('terminated')
  })
})

describe('R-NET-12 waiting has an end', () => {
  const quick = createTransport({ idleTimeoutMs: 150 })
  // What has to come in time, and what must not be given up, has more of it.
  const patient = createTransport({ idleTimeoutMs: 1500 })
  const gone = (sockets: RawServer['sockets']): Promise<void> =>
    until(() => sockets.length > 0 && sockets.every(({ destroyed }) => destroyed))

  test('for DNS', async () => {
    const slow = createTransport({
      lookup: () => new Promise(() => undefined),
      connectTimeoutMs: 100,
    })
    const { error, code, message } = await caught(slow.fetch('http://shop.test/', {}))
    expect([error.message, code]).toEqual(['fetch failed', 'ETIMEDOUT'])
    expect(message).toBe('no connection after 100 ms')
  })

  test('for TLS', async () => {
    const { url, sockets } = await startRaw(() => undefined)
    const hurried = createTransport({ connectTimeoutMs: 1000 })
    const { code } = await caught(hurried.fetch(url.replace('http', 'https'), {}))
    expect(code).toBe('ETIMEDOUT')
    await gone(sockets)
  })

  test('for a server that never answers', async () => {
    const { url, sockets } = await startRaw(() => undefined)
    const { code, message } = await caught(quick.fetch(url, {}))
    expect([code, message]).toEqual(['ETIMEDOUT', 'no whole head of an answer after 150 ms'])
    await gone(sockets)
  })

  test('for a head that comes byte by byte', async () => {
    const { url } = await startRaw((socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: 1234567890'))
    expect((await caught(quick.fetch(url, {}))).code).toBe('ETIMEDOUT')
  })

  test('for a body that stops, decoded or not', async () => {
    for (const coding of ['', 'content-encoding: gzip\r\n']) {
      const { url, sockets } = await startRaw((socket) =>
        socket.write(`HTTP/1.1 200 OK\r\n${coding}\r\n${coding === '' ? 'some' : '\x1f'}`),
      )
      const { error, code } = await caught((await patient.fetch(url, {})).text())
      expect([error.message, code]).toEqual(['terminated', 'ETIMEDOUT'])
      await gone(sockets)
    }
  })

  test('for a server that stops taking the body', async () => {
    const { url } = await startDeaf()
    const body = new ReadableStream({ pull: (control) => control.enqueue(new Uint8Array(65_536)) })
    const { code } = await caught(quick.fetch(url, { method: 'POST', body, duplex: 'half' }))
    expect(code).toBe('ETIMEDOUT')
  })

  test('but not for a reader who takes his time, nor for a server that is never silent', async () => {
    const { url } = await startRaw((socket) =>
      drip(socket, 'HTTP/1.1 200 OK\r\n\r\n', '0123456789'.repeat(5)),
    )
    const reader = (await patient.fetch(url, {})).body!.getReader()
    await reader.read()
    // Twice the limit, and then the rest: with 50 bytes, one in 50 ms, longer than the limit as well.
    await new Promise((resolve) => setTimeout(resolve, 3200))
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      text += Buffer.from(value).toString()
    }
    expect(text.endsWith('9')).toBe(true)
  })

  test('nor for a caller whose body takes its time', async () => {
    const { url } = await startRaw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')
    const body = new ReadableStream({
      pull: async (control) => {
        await new Promise((resolve) => setTimeout(resolve, 3200))
        control.enqueue(Buffer.from('late'))
        control.close()
      },
    })
    const response = await patient.fetch(url, { method: 'POST', body, duplex: 'half' })
    expect(await response.text()).toBe('hi')
  })
})

/** Sends the first text at once, the second one byte at a time; without a second one, the first. */
function drip(socket: Socket, first: string, then?: string): void {
  const text = then ?? first
  if (then !== undefined) socket.write(first)
  let i = 0
  const timer = setInterval(() => {
    if (i < text.length) socket.write(text[i++]!)
    else if (then !== undefined) socket.end()
  }, 50)
  socket.on('close', () => clearInterval(timer))
}

describe('R-NET-10 an error says what went wrong, in our words', () => {
  test('a refused connection', async () => {
    const port = await closedPort()
    const { error, code, message } = await caught(
      createTransport().fetch(`http://127.0.0.1:${port}`, {}),
    )
    expect([error.name, error.message, code]).toEqual(['TypeError', 'fetch failed', 'ECONNREFUSED'])
    expect(message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`)
  })

  test('a name with two addresses, where both refuse', async () => {
    const transport = createTransport({ lookup: async () => ['127.0.0.1', '::1'] })
    const { code } = await caught(transport.fetch(`http://shop.test:${await closedPort()}`, {}))
    expect(code).toBe('ECONNREFUSED')
  })

  test('a name that does not exist', async () => {
    const missing = Object.assign(new Error('getaddrinfo ENOTFOUND shop.test'), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
    })
    for (const lookup of [() => Promise.reject(missing), async () => []]) {
      const failed = await caught(createTransport({ lookup }).fetch('http://shop.test', {}))
      expect(failed.code).toBe('ENOTFOUND')
      // A redirect may have led there, and a name may be a sentence.
      expect(inspect(failed.error, { depth: 10, showHidden: true })).not.toContain('shop.test')
    }
  })

  test('never repeats what the server sent', async () => {
    const { url } = await startRaw('HTTP/1.1 200 OK\r\nbad header s3cret\r\n\r\n')
    const { error, code } = await caught(createTransport().fetch(url, {}))
    expect(code).toMatch(/^HPE_/)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('s3cret')
  })
})
