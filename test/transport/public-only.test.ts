import { describe, expect, test } from 'vitest'
import { isL402Error } from '../../library/src/errors.ts'
import { createTransport } from '../../library/src/transport/index.ts'
import { caught, startRaw, turns } from './raw-server.ts'

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'
const publicOnly = { publicOnly: true } as const

async function refusal(work: Promise<unknown>): Promise<unknown> {
  const { error } = await caught(work)
  if (!isL402Error(error, 'POLICY_REFUSED')) throw error
  return error.details
}

describe('R-NET-14 an address in an untrusted URL has to be public', () => {
  const inside = [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '2130706433',
    '0',
    '0.0.0.0',
    '127.0.0.1.',
    '１２７.0.0.1',
    '127。0。0。1',
    '10.0.0.1',
    '0xa000001',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:a00:1]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[64:ff9b::a00:1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::1]',
    '[2002:0a00:0001::]',
    '[2002:7f00:1::1]',
    '[2001:0:a00:1::]',
    '[fe80::1]',
    '[febf::1]',
    '[fc00::1]',
    '[fd00::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[2001:db8::1]',
    '[100::1]',
  ]
  for (const host of inside) {
    test(`${host} is refused before anything is connected`, async () => {
      let asked = 0
      const transport = createTransport({
        lookup: async () => {
          asked++
          return ['127.0.0.1']
        },
      })
      for (const scheme of ['http', 'https']) {
        const url = `${scheme}://${host}:8443/path?token=s3cret`
        const { origin } = new URL(url)
        expect(await refusal(transport.fetch(url, {}, publicOnly))).toEqual({
          reason: 'private-address',
          origin,
          hint: expect.any(String),
        })
      }
      expect(asked).toBe(0)
    })
  }

  test('a zone in an address is no URL at all', async () => {
    const { error } = await caught(
      createTransport().fetch('http://[fe80::1%25eth0]/', {}, publicOnly),
    )
    expect(error).toBeInstanceOf(TypeError)
  })

  test('without publicOnly they are connected to, as ever', async () => {
    const { port } = await startRaw(ok)
    const transport = createTransport()
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', 'localhost']) {
      expect(await (await transport.fetch(`http://${host}:${port}/`, {})).text()).toBe('hi')
    }
  })
})

describe('R-NET-15 a name in an untrusted URL leads to public addresses only', () => {
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['a private one', ['10.0.0.1']],
    ['this machine', ['127.0.0.1', '::1']],
    ['a public one and a private one', ['8.8.8.8', '10.0.0.1']],
    ['a private one and a public one', ['10.0.0.1', '8.8.8.8']],
    ['a public one and a private one of the other family', ['8.8.8.8', 'fd00::1']],
    [
      'a hundred public ones and the metadata of a cloud',
      [...Array(100).fill('8.8.8.8'), '169.254.169.254'],
    ],
    ['a mapped one', ['::ffff:192.168.1.1']],
    ['a link-local one with its zone', ['fe80::1%lo']],
    ['one behind NAT64', ['64:ff9b::7f00:1']],
  ]
  for (const [name, addresses] of lists) {
    test(`${name} is refused`, async () => {
      const transport = createTransport({ lookup: async () => addresses })
      for (const url of ['http://shop.test/', 'https://shop.test/']) {
        expect(await refusal(transport.fetch(url, {}, publicOnly))).toMatchObject({
          reason: 'private-address',
          origin: url.slice(0, -1),
        })
      }
    })
  }

  test('by the system’s own answer, too: localhost and what is under it', async () => {
    const { port, sockets } = await startRaw(ok)
    const details = await refusal(
      createTransport().fetch(`http://localhost:${port}/`, {}, publicOnly),
    )
    expect(details).toMatchObject({ reason: 'private-address' })
    expect(sockets.length).toBe(0)
  })

  test('a name that leads to something that is no address is not connected to', async () => {
    for (const address of ['localhost', '', '127.1', '0x7f000001', '127.0.0.1:80', null as never]) {
      const { port, sockets } = await startRaw(ok)
      const transport = createTransport({ lookup: async () => [address] })
      const { code } = await caught(transport.fetch(`http://shop.test:${port}`, {}, publicOnly))
      expect([code, sockets.length]).toEqual(['ENOTFOUND', 0])
    }
  })

  test('no address, no answer and a failure are errors of their own', async () => {
    const failure = Object.assign(new Error('servfail'), {
      code: 'EAI_AGAIN',
      syscall: 'getaddrinfo',
    })
    for (const [lookup, code] of [
      [async () => [], 'ENOTFOUND'],
      [async () => undefined as never, 'ENOTFOUND'],
      [() => Promise.reject(failure), 'EAI_AGAIN'],
      [() => Promise.reject('no error'), 'ENOTFOUND'],
      [() => new Promise<never>(() => undefined), 'ETIMEDOUT'],
    ] as const) {
      const transport = createTransport({ lookup, connectTimeoutMs: 100 })
      expect((await caught(transport.fetch('http://shop.test', {}, publicOnly))).code).toBe(code)
    }
  })

  test('where it need not be public, an injected DNS is asked as well', async () => {
    const { port, requests } = await startRaw(ok)
    const transport = createTransport({ lookup: async () => ['127.0.0.1'] })
    expect(await (await transport.fetch(`http://shop.test:${port}/`, {})).text()).toBe('hi')
    expect(requests[0]).toContain(`host: shop.test:${port}\r\n`)
  })

  test('a body for a refused address is given back', async () => {
    let cancelled = false
    const body = (): ReadableStream => {
      cancelled = false
      return new ReadableStream({
        cancel: () => {
          cancelled = true
        },
      })
    }
    const transport = createTransport({ lookup: async () => ['10.0.0.1'] })
    for (const url of ['http://10.0.0.1/', 'http://shop.test/']) {
      await refusal(
        transport.fetch(url, { method: 'POST', body: body(), duplex: 'half' }, publicOnly),
      )
      expect(cancelled).toBe(true)
    }
  })
})

describe('R-NET-16 connections that were not checked', () => {
  test('do not serve a request that has to be', async () => {
    const { port, sockets } = await startRaw((socket) => socket.write(ok))
    const transport = createTransport({ lookup: async () => ['127.0.0.1'] })
    const url = `http://shop.test:${port}/`
    await (await transport.fetch(url, {})).text()
    await turns()
    // The connection is idle in the pool, and serves whoever does not ask for more.
    expect(await refusal(transport.fetch(url, {}, publicOnly))).toMatchObject({
      reason: 'private-address',
    })
    await (await transport.fetch(url, {})).text()
    expect(sockets.length).toBe(1)
  })
})
