import { constants, createBrotliCompress, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { openMarket, thrownBy } from './market.ts'
import type { Arrived, Reply, Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n
const mebibyte = 1 << 20

function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const queue = [...chunks]
  return new ReadableStream({
    pull: (controller) => {
      const chunk = queue.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

function multipart({ headers, body }: Arrived): Promise<FormData> {
  const type = headers['content-type']!
  return new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
}

describe('R-PAY-7 a body is sent again after the payment, the same', () => {
  const bodies: readonly (readonly [string, () => RequestInit['body'], string?])[] = [
    ['text', () => 'grüße', 'text/plain;charset=UTF-8'],
    ['bytes', () => Uint8Array.of(0, 255, 1)],
    ['an ArrayBuffer', () => Uint8Array.of(0, 255, 1).buffer],
    ['a Blob', () => new Blob(['blob'], { type: 'text/x' }), 'text/x'],
    [
      'URLSearchParams',
      () => new URLSearchParams({ a: '1 2' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['a stream', () => streamOf(Buffer.from('in '), Buffer.from('parts'))],
    ['an empty stream', () => streamOf()],
    ['a stream of exactly 1 MiB', () => streamOf(new Uint8Array(mebibyte).fill(7))],
    [
      'an async iterable',
      async function* () {
        yield Buffer.from('in ')
        yield Buffer.from('parts')
      } as unknown as () => RequestInit['body'],
    ],
  ]
  for (const [name, body, type] of bodies) {
    test(name, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const response = await market
        .client()
        .fetch(`${seller.origin}/data`, { method: 'POST', body: body()!, duplex: 'half' })
      expect(response.status).toBe(200)
      const [unpaid, paid] = seller.arrived
      expect(paid!.body.equals(unpaid!.body)).toBe(true)
      expect(paid!.headers['content-type']).toBe(type)
      const expected = await new Response(body()).arrayBuffer()
      expect(paid!.body.equals(Buffer.from(expected))).toBe(true)
    })
  }

  test('FormData', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const form = new FormData()
    form.set('name', 'väl')
    form.set('file', new Blob(['content']), 'f.txt')
    await market.client().fetch(`${seller.origin}/data`, { method: 'POST', body: form })
    const arrived = await multipart(seller.arrived[1]!)
    expect(arrived.get('name')).toBe('väl')
    expect(await (arrived.get('file') as File).text()).toBe('content')
  })

  test('that of a Request, with its method and headers', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const headers = { 'content-type': 'application/json', 'x-mine': '1' }
    const init = { method: 'PUT', headers, body: '{"a":1}' }
    const request = new Request(`${seller.origin}/data`, init)
    expect((await market.client().fetch(request)).status).toBe(200)
    const { method, headers: sent, body } = seller.arrived[1]!
    expect([method, sent['content-type'], sent['x-mine'], body.toString()]).toEqual([
      'PUT',
      'application/json',
      '1',
      '{"a":1}',
    ])
    expect(request.bodyUsed).toBe(true)
    expect((await thrownBy(market.client().fetch(request))).code).toBe('TypeError')
  })

  test('that a server refuses before it has read it', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (pulled++ === 8) controller.close()
        else controller.enqueue(new Uint8Array(64 * 1024).fill(pulled))
      },
    })
    // The answer comes while the body is still on its way.
    let early = true
    const fetchEarly = async (input: string, init: RequestInit): Promise<Response> => {
      if (!early) return fetch(input, init)
      early = false
      const { headers } = await fetch(input)
      return new Response('pay', { status: 402, headers })
    }
    const client = market.client({ fetch: fetchEarly })
    const response = await client.fetch(`${seller.origin}/data`, {
      method: 'POST',
      body,
      duplex: 'half',
    })
    expect(response.status).toBe(200)
    expect(seller.arrived.at(-1)!.body.length).toBe(8 * 64 * 1024)
  })
})

describe('R-PAY-8 a stream that is too long to be remembered', () => {
  const long = (): ReadableStream<Uint8Array> =>
    streamOf(new Uint8Array(mebibyte).fill(7), Uint8Array.of(8))

  test('is refused before anything is paid', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const { code, details } = await thrownBy(
      market.client().fetch(`${seller.origin}/data`, {
        method: 'POST',
        body: long(),
        duplex: 'half',
      }),
    )
    expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'body'])
    expect(seller.arrived.length).toBe(1)
    expect(market.spentMsat()).toBe(0n)
  })

  test('goes through in full where nothing is priced', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const response = await market.client().fetch(`${seller.origin}/free`, {
      method: 'POST',
      body: long(),
      duplex: 'half',
    })
    expect(response.status).toBe(200)
    expect(seller.arrived[0]!.body.length).toBe(mebibyte + 1)
  })

  test('goes through in full where there is a token', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    const init = { method: 'POST', body: long(), duplex: 'half' as const }
    expect((await client.fetch(`${seller.origin}/data`, init)).status).toBe(200)
    expect(seller.arrived.at(-1)!.body.length).toBe(mebibyte + 1)
  })

  test('that breaks is an error like any other, and nothing is paid', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const body = new ReadableStream<Uint8Array>({
      pull: () => {
        throw new Error('the source broke')
      },
    })
    const { code } = await thrownBy(
      market.client().fetch(`${seller.origin}/data`, { method: 'POST', body, duplex: 'half' }),
    )
    expect(code).toBe('TypeError')
    expect(market.spentMsat()).toBe(0n)
  })
})

describe('R-PAY-1 what is not priced', () => {
  const open = async (answer: () => Reply): Promise<Seller> =>
    startSeller({ ...openMarket(), answer })

  test('streams as it comes', async () => {
    let more = (): void => undefined
    const seller = await open(() => ({
      raw: (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
        more = () => response.end('data: 2\n\n')
      },
    }))
    const response = await openMarket().client().fetch(seller.origin)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toBe('data: 1\n\n')
    more()
    expect((await reader.read()).value).toBe('data: 2\n\n')
    expect((await reader.read()).done).toBe(true)
  })

  test('streams as it comes when it was paid for, too', async () => {
    const market = openMarket()
    let more = (): void => undefined
    const seller = await startSeller({
      ...market,
      answer: async (request, by) =>
        by.isPaid(request)
          ? {
              raw: (response) => {
                response.writeHead(200).write('1')
                more = () => response.end('2')
              },
            }
          : by.demand(),
    })
    const response = await market.client().fetch(seller.origin)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toBe('1')
    more()
    expect((await reader.read()).value).toBe('2')
  })

  test('is aborted by the caller’s signal, before and in the middle of the answer', async () => {
    const seller = await open(() => ({
      raw: (response) => {
        response.writeHead(200).write('1')
      },
    }))
    const client = openMarket().client()
    const before = AbortSignal.abort(new Error('no'))
    expect((await thrownBy(client.fetch(seller.origin, { signal: before }))).error).toEqual(
      new Error('no'),
    )
    expect(seller.arrived.length).toBe(0)
    const middle = new AbortController()
    const response = await client.fetch(seller.origin, { signal: middle.signal })
    middle.abort(new Error('enough'))
    await expect(response.text()).rejects.toThrow('enough')
    const request = new Request(seller.origin, { signal: middle.signal })
    await expect(client.fetch(request)).rejects.toThrow('enough')
  })

  test('takes a URL, text and a Request, with init over the Request', async () => {
    const seller = await open(() => ({ body: 'ok' }))
    const client = openMarket().client()
    await client.fetch(new URL(`${seller.origin}/a`))
    await client.fetch(`${seller.origin}/b`, { method: 'delete' })
    await client.fetch(
      new Request(`${seller.origin}/c`, { method: 'POST', body: 'x', headers: { a: '1' } }),
      { method: 'PATCH', body: 'y', headers: { b: '2' } },
    )
    const requests = seller.arrived.map(({ method, path, body, headers }) => [
      method,
      path,
      body.toString(),
      headers['a'],
      headers['b'],
    ])
    expect(requests).toEqual([
      ['GET', '/a', '', undefined, undefined],
      ['DELETE', '/b', '', undefined, undefined],
      ['PATCH', '/c', 'y', undefined, '2'],
    ])
  })

  test('keeps the settings of a Request', async () => {
    const seller = await open(() => ({ body: 'ok' }))
    await openMarket()
      .client()
      .fetch(new Request(seller.origin, { cache: 'no-store' }))
    expect(seller.arrived[0]!.headers['cache-control']).toBe('no-cache')
  })

  for (const [name, input, init] of [
    ['a relative URL', '/a', {}],
    ['another scheme', 'ftp://127.0.0.1/', {}],
    ['data:', 'data:text/plain,x', {}],
    ['a password in the URL', 'http://u:p@127.0.0.1/', {}],
    ['a body with GET', 'http://127.0.0.1/', { body: 'x' }],
    ['a method that is none', 'http://127.0.0.1/', { method: 'G T' }],
    ['CONNECT', 'http://127.0.0.1/', { method: 'CONNECT' }],
    ['a header that is none', 'http://127.0.0.1/', { headers: { 'a b': '1' } }],
    ['R-PAY-28 a misspelt limit', 'http://127.0.0.1/', { l402: { maxCost: '1 sat' } }],
    ['R-PAY-28 a number as a limit', 'http://127.0.0.1/', { l402: { maxCostMsat: 5 } }],
    ['R-PAY-28 text as pay', 'http://127.0.0.1/', { l402: { pay: 'false' } }],
    ['R-PAY-28 1', 'http://127.0.0.1/', { l402: { replaceAuthorization: 1 } }],
  ] as const) {
    test(`throws a TypeError, as fetch does, for ${name}`, async () => {
      const call = openMarket()
        .client()
        .fetch(input, init as RequestInit)
      expect((await thrownBy(call)).code).toBe('TypeError')
    })
  }

  test('throws what fetch throws when there is no server', async () => {
    const { error } = await thrownBy(openMarket().client().fetch('http://127.0.0.1:1/'))
    expect(error).toBeInstanceOf(TypeError)
    expect(openMarket().client().outcomeOf(error)).toBe('not_paid')
  })
})

describe('R-PAY-5 the body of a 402', () => {
  let bomb: Buffer
  beforeAll(async () => {
    bomb = await compressGibibyte()
    expect(bomb.length).toBeLessThan(mebibyte)
  })
  const hostile: readonly (readonly [string, () => Reply])[] = [
    [
      'that never ends',
      () => ({
        raw: (response) => {
          const chunk = Buffer.alloc(64 * 1024, 'x')
          const write = (): void => {
            if (!response.destroyed && response.write(chunk)) setImmediate(write)
            else response.once('drain', write)
          }
          write()
        },
      }),
    ],
    [
      'that never comes',
      () => ({
        raw: (response) => {
          response.flushHeaders()
        },
      }),
    ],
    [
      'that drips',
      () => ({
        raw: (response) => {
          const timer = setInterval(() => response.write(' '), 20)
          response.once('close', () => clearInterval(timer))
        },
      }),
    ],
    [
      'that unpacks to a gigabyte (brotli)',
      () => ({ headers: { 'content-encoding': 'br' }, body: bomb }),
    ],
    [
      'that unpacks to 64 MiB (gzip)',
      () => ({
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(Buffer.alloc(64 * mebibyte)),
      }),
    ],
    ['that is broken gzip', () => ({ headers: { 'content-encoding': 'gzip' }, body: 'no' })],
    ['that is JSON a thousand levels deep', () => ({ body: '['.repeat(60_000) })],
    ['that is null', () => ({ body: 'null' })],
  ]
  for (const [name, reply] of hostile) {
    test(`${name} costs neither memory nor the purchase`, { timeout: 30_000 }, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: async (request, by) => {
          if (by.isPaid(request)) return { body: 'paid' }
          const { headers } = await by.demand()
          const { raw, ...rest } = reply()
          if (raw === undefined) {
            return { ...rest, status: 402, headers: { ...headers, ...rest.headers } }
          }
          return {
            raw: (response) => {
              response.statusCode = 402
              response.setHeader('www-authenticate', headers!['www-authenticate']!)
              raw(response)
            },
          }
        },
      })
      const before = process.memoryUsage().rss
      const response = await market.client().fetch(seller.origin)
      expect(await response.text()).toBe('paid')
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * mebibyte)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }
})

/** 1 GiB of zeros, in less than a thousandth of that. */
async function compressGibibyte(): Promise<Buffer> {
  const compress = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  const packed = compress.toArray() as Promise<Buffer[]>
  const zeros = Buffer.alloc(16 * mebibyte)
  for (let i = 0; i < 64; i++) {
    await new Promise<void>((resolve) => compress.write(zeros, () => resolve()))
  }
  compress.end()
  return Buffer.concat(await packed)
}
