import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { brotliCompressSync, constants, createBrotliCompress, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TransportOptions } from '../../library/src/transport/index.ts'
import { createTransport } from '../../library/src/transport/index.ts'
import { openMarket, thrownBy } from './market.ts'
import type { Reply, Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const GiB = 1 << 30

/** 1 GiB of zeros in 809 bytes. */
let bomb: Buffer

beforeAll(async () => {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 }
  const packer = createBrotliCompress({ params })
  const parts: Buffer[] = []
  packer.on('data', (part: Buffer) => parts.push(part))
  const zeros = Buffer.alloc(1 << 20)
  for (let i = 0; i < GiB / zeros.length; i++) {
    if (!packer.write(zeros)) await once(packer, 'drain')
  }
  packer.end()
  await once(packer, 'end')
  bomb = Buffer.concat(parts)
})

/** Writes a head, and whatever follows, past what Node would let a server say. */
function bytes(response: ServerResponse, head: readonly string[], body?: string | Buffer): void {
  const { socket } = response
  socket?.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
  if (body !== undefined) socket?.write(body)
}

function endless(response: ServerResponse, part: string | Buffer): void {
  const { socket } = response
  const more = (): void => {
    while (socket?.destroyed === false && socket.write(part));
  }
  socket?.on('drain', more)
  more()
}

function drip(response: ServerResponse, text: string, everyMs: number): void {
  let i = 0
  const timer = setInterval(() => response.socket?.write(text[i++ % text.length]!), everyMs)
  response.socket?.on('close', () => clearInterval(timer))
}

/** The head of a 402 with a good challenge, as lines. */
async function demandHead(
  by: Seller,
  sat: bigint,
  more: readonly string[] = [],
): Promise<string[]> {
  const { headers } = await by.demand({ sat })
  return ['HTTP/1.1 402 Pay', `www-authenticate: ${headers?.['www-authenticate']}`, ...more]
}

const raw = (act: (response: ServerResponse) => void): Reply => ({ raw: act })
type Answer = (by: Seller) => Reply | Promise<Reply>

/** A 402 that nobody will pay: it costs more than the policy allows. */
const dear =
  (act: (response: ServerResponse, head: readonly string[]) => void, more?: string[]): Answer =>
  async (by) => {
    const head = await demandHead(by, 5000n, more)
    return raw((response) => act(response, head))
  }

async function shop(answer: Answer, options: TransportOptions = {}) {
  const market = openMarket()
  const seller = await startSeller({ ...market, answer: (_, by) => answer(by) })
  const transport = createTransport(options)
  return { market, seller, client: market.client({ fetch: transport.fetch }) }
}

describe('R-NET-19 a hostile server is paid nothing, and costs bounded time', () => {
  const quick = { idleTimeoutMs: 400, connectTimeoutMs: 400 }
  const challenges = 'www-authenticate: L402 token="AGIAJ", invoice="lnbc1"'

  /** What the call throws: a code of ours, or the name of the error and its cause. */
  const cases: readonly (readonly [string, string, Answer, TransportOptions?])[] = [
    [
      'a 402 whose body has no end',
      'BUDGET_EXCEEDED',
      dear((response, head) => {
        bytes(response, head)
        endless(response, Buffer.alloc(65_536, 'x'))
      }),
    ],
    [
      'a 402 whose body has no end, in chunks',
      'BUDGET_EXCEEDED',
      dear(
        (response, head) => {
          bytes(response, head)
          endless(response, `4000\r\n${'x'.repeat(0x4000)}\r\n`)
        },
        ['transfer-encoding: chunked'],
      ),
    ],
    [
      'a 402 whose body comes one byte a second',
      'BUDGET_EXCEEDED',
      dear((response, head) => {
        bytes(response, head)
        drip(response, '{"caveats":[]}', 1000)
      }),
    ],
    [
      'a 402 whose body never comes',
      'BUDGET_EXCEEDED',
      dear((response, head) => bytes(response, head)),
    ],
    [
      'a 402 whose body breaks off',
      'BUDGET_EXCEEDED',
      dear(
        (response, head) => {
          bytes(response, head, '{"caveats":')
          setTimeout(() => response.socket?.resetAndDestroy(), 20)
        },
        ['content-length: 1000'],
      ),
    ],
    [
      'a 402 in chunks that are none',
      'BUDGET_EXCEEDED',
      dear((response, head) => bytes(response, head, 'zz\r\nx'), ['transfer-encoding: chunked']),
    ],
    [
      'a 402 in gzip that is none',
      'BUDGET_EXCEEDED',
      dear(
        (response, head) => bytes(response, head, 'garbage'),
        ['content-encoding: gzip', 'content-length: 7'],
      ),
    ],
    [
      'a 402 of 809 bytes that are 1 GiB',
      'BUDGET_EXCEEDED',
      async (by) => {
        const head = await demandHead(by, 5000n, ['content-encoding: br', 'content-length: 809'])
        return raw((response) => bytes(response, head, bomb))
      },
    ],
    [
      'a 402 packed four times over',
      'fetch failed: the answer is coded 4 times over; at most 3 are read',
      dear((response, head) => bytes(response, head, 'x'), ['content-encoding: br, br, br, br']),
    ],
    [
      'a 402 with 20 KB in a header',
      'fetch failed: HPE_HEADER_OVERFLOW',
      dear((response, head) => bytes(response, head), [`x: ${'x'.repeat(20_000)}`]),
    ],
    [
      'a 402 with 20 KB in the challenge',
      'fetch failed: HPE_HEADER_OVERFLOW',
      dear(
        (response, head) => bytes(response, head),
        [`${challenges.slice(0, -1)}${'x'.repeat(20_000)}"`],
      ),
    ],
    [
      'a 402 with thousands of challenges',
      'fetch failed: HPE_HEADER_OVERFLOW',
      dear((response, head) => bytes(response, head), Array(3000).fill(challenges)),
    ],
    [
      'a 402 with thousands of lines of nothing',
      'fetch failed: the answer has more than 1000 header lines',
      dear((response, head) => bytes(response, head), Array(3000).fill('x:')),
    ],
    [
      'a 402 with as many challenges as fit, none of which is good',
      'CHALLENGE_MALFORMED',
      () =>
        raw((response) =>
          bytes(response, ['HTTP/1.1 402 P', ...Array(600).fill('www-authenticate: L402 x')]),
        ),
    ],
    [
      'a head that comes one byte at a time',
      'fetch failed: ETIMEDOUT',
      () =>
        raw((response) => drip(response, 'HTTP/1.1 402 Payment Required and more and more ', 50)),
      quick,
    ],
    ['no answer at all', 'fetch failed: ETIMEDOUT', () => raw(() => undefined), quick],
    [
      'a reset instead of an answer',
      'fetch failed: ECONNRESET',
      () => raw((response) => response.socket?.resetAndDestroy()),
    ],
    [
      'a reset in the head',
      'fetch failed: ECONNRESET',
      () =>
        raw((response) => {
          response.socket?.write('HTTP/1.1 402 Pay\r\nwww-authenticate: L402 tok')
          setTimeout(() => response.socket?.resetAndDestroy(), 20)
        }),
    ],
    [
      'an end in the head',
      'fetch failed: ECONNRESET',
      () => raw((response) => response.socket?.end('HTTP/1.1 402 Pay\r\nwww-authen')),
    ],
    [
      'two lengths',
      /^fetch failed: HPE_/.source,
      dear(
        (response, head) => bytes(response, head, 'xx'),
        ['content-length: 1', 'content-length: 2'],
      ),
    ],
    [
      'a length and chunks',
      /^fetch failed: HPE_/.source,
      dear(
        (response, head) => bytes(response, head, '0\r\n\r\n'),
        ['content-length: 5', 'transfer-encoding: chunked'],
      ),
    ],
    [
      'no HTTP',
      /^fetch failed: HPE_/.source,
      () => raw((r) => r.socket?.end('220 mail ready\r\n')),
    ],
    [
      '1xx without end',
      'fetch failed: too many answers of 1xx',
      () => raw((response) => endless(response, 'HTTP/1.1 103 Early\r\n\r\n')),
    ],
    [
      'a redirect to itself',
      'redirected too often',
      () => ({ status: 302, headers: { location: '/again' } }),
    ],
    [
      'a redirect with a body without end',
      'redirected too often',
      () =>
        raw((response) => {
          bytes(response, ['HTTP/1.1 302 Found', 'location: /again'])
          endless(response, Buffer.alloc(65_536))
        }),
    ],
    [
      'a redirect to a file',
      'redirected to something that is no http URL',
      () => ({ status: 302, headers: { location: 'file:///etc/passwd' } }),
    ],
  ]
  for (const [name, expected, answer, options] of cases) {
    test(name, async () => {
      const { market, seller, client } = await shop(answer, options)
      const began = performance.now()
      const { code, error } = await thrownBy(client.fetch(`${seller.origin}/data`))
      const { message, cause } = error as Error & { cause?: { code?: string; message: string } }
      const reason = cause === undefined ? message : `${message}: ${cause.code ?? cause.message}`
      expect(code === 'TypeError' ? reason : code).toMatch(new RegExp(expected))
      // The most is 2 s for the body of a 402, and a slow machine.
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(market.spentMsat()).toBe(0n)
      expect(client.outcomeOf(error)).not.toBe('unknown')
    })
  }

  test('a head without end is over when the caller says so', async () => {
    const { seller, client } = await shop(() => raw((response) => drip(response, 'HTTP/1.1 ', 100)))
    const signal = AbortSignal.timeout(300)
    expect((await thrownBy(client.fetch(seller.origin, { signal }))).code).toBe('TimeoutError')
  })

  test('a 402 that asks for nothing is the caller’s, also when it is a bomb', async () => {
    const { market, seller, client } = await shop(() => ({
      status: 402,
      headers: { 'content-encoding': 'br' },
      body: bomb,
    }))
    const response = await client.fetch(seller.origin)
    expect(response.status).toBe(402)
    await response.body!.cancel()
    expect(market.spentMsat()).toBe(0n)
  })

  const bodies: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    [
      'shorter than its length',
      (r) => r.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
    ],
    [
      'in gzip that is none',
      (r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('garbage'),
    ],
    [
      'in gzip that ends early',
      (r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('text').subarray(0, 15)),
    ],
    [
      'in chunks that are none',
      (r) => bytes(r, ['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], '5\r\nhello\r\n-1\r\n'),
    ],
    [
      'that is reset',
      (r) => {
        bytes(r, ['HTTP/1.1 200 OK', 'content-length: 9'], 'x')
        setTimeout(() => r.socket?.resetAndDestroy(), 20)
      },
    ],
  ]
  for (const [name, act] of bodies) {
    test(`a 200 ${name} breaks off for its reader`, async () => {
      const { seller, client } = await shop(() => raw(act))
      const response = await client.fetch(seller.origin)
      const { code, error } = await thrownBy(response.text())
      expect([code, (error as Error).message]).toEqual(['TypeError', 'terminated'])
    })
  }

  test('what a broken connection leaves of a purchase is finished by resume, and paid once', async () => {
    const market = openMarket()
    let isBroken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) =>
        isBroken && request.headers.authorization !== undefined
          ? raw((response) => response.socket?.resetAndDestroy())
          : by.serve(request),
    })
    const client = market.client({ fetch: createTransport().fetch })
    const { code, error } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(code).toBe('PAYMENT_NOT_DELIVERED')
    // Once: what carries a credential may have been counted, whatever became of the connection.
    const sent = seller.arrived.filter(({ headers }) => headers.authorization !== undefined)
    expect(sent.length).toBe(1)
    isBroken = false
    expect(await (await client.resume(error)).text()).toBe('paid /data')
    expect(market.spentMsat()).toBe(11_001n)
  })
})

describe('R-NET-19 R-NET-14 a redirect into this machine or a private network', () => {
  const inside = [
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '[::1]',
    '[::]',
    '[::ffff:10.0.0.1]',
    '[::ffff:a00:1]',
    '[64:ff9b::a00:1]',
    '[2002:a00:1::]',
    '[fe80::1]',
    '[fd00::1]',
    'localhost',
    'inside.test',
    'mixed.test',
    'rebinding.test',
  ]
  for (const host of inside) {
    test(`to ${host} is refused, and nothing is sent there`, async () => {
      const asked: string[] = []
      const { market, seller, client } = await shop(
        (by) => ({
          status: 307,
          headers: { location: `http://${host}:${new URL(by.origin).port}/admin?token=s3cret` },
        }),
        {
          lookup: async (name) => {
            asked.push(name)
            if (name === 'mixed.test') return ['192.88.98.1', '10.0.0.1']
            return ['127.0.0.1']
          },
        },
      )
      const { port } = new URL(seller.origin)
      // The caller chose this one, wherever it is. The server of it is a stranger.
      const init = { method: 'POST', body: 'x' }
      const url = `http://shop.test:${port}/`
      const { code, details, error } = await thrownBy(client.fetch(url, init))
      expect([code, details['reason'], details['origin']]).toEqual([
        'POLICY_REFUSED',
        'private-address',
        new URL(`http://${host}:${port}`).origin,
      ])
      expect(String(error)).not.toContain('s3cret')
      expect([seller.arrived.length, market.spentMsat()]).toEqual([1, 0n])
    })
  }

  test('is refused by DNS also where the URL itself is not trusted, and allowed where the policy names it', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const { port } = new URL(seller.origin)
    const { fetch } = createTransport({ lookup: async () => ['127.0.0.1'] })
    const url = `http://shop.test:${port}/free`
    const l402 = { untrustedUrl: true }
    const strict = market.client({ fetch })
    expect((await thrownBy(strict.fetch(url, { l402 }))).details['reason']).toBe('private-address')
    expect(seller.arrived.length).toBe(0)
    const policy = {
      maxPaymentMsat: '1000 sat',
      maxTotalMsat: '1000 sat',
      allowPrivateHosts: ['shop.test'],
    }
    const allowing = market.client({ fetch, policy })
    expect(await (await allowing.fetch(url, { l402 })).text()).toBe('free')
  })
})

/** What a buyer in a process of its own does, and how much memory it takes for that, at most. */
const buyer = (url: string, act: string): string => `
  const { createClient } = await import(${door('client')})
  const { createTransport } = await import(${door('transport')})
  let orders = 0
  const payer = {
    network: 'regtest',
    pay: async () => { orders++; return { status: 'unknown' } },
    lookupPayment: async () => undefined,
  }
  const client = createClient({
    payer,
    policy: { maxPaymentMsat: '1000 sat', maxTotalMsat: '100000 sat' },
    now: () => 1_900_000_000,
    fetch: createTransport().fetch,
  })
  const url = ${JSON.stringify(url)}
  await (await client.fetch(url + '/free')).text()
  const before = process.memoryUsage.rss()
  let most = before
  const look = () => { most = Math.max(most, process.memoryUsage.rss()) }
  const timer = setInterval(look, 2)
  const readSome = async (response, least) => {
    const reader = response.body.getReader()
    let length = 0
    while (length < least) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      look()
    }
    await reader.cancel()
    return length >= least
  }
  const result = await (async () => { ${act} })()
  await new Promise((resolve) => setTimeout(resolve, 200))
  look()
  clearInterval(timer)
  console.log(JSON.stringify({ result, orders, grownBytes: most - before }))
  process.exit()`

function door(folder: string): string {
  return JSON.stringify(new URL(`../../library/src/${folder}/index.ts`, import.meta.url).href)
}

async function runBuyer(
  url: string,
  act: string,
): Promise<{ readonly result: unknown; readonly orders: number; readonly grownBytes: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', buyer(url, act)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  await once(child, 'close')
  if (out === '') throw new Error(err)
  return JSON.parse(out)
}

describe('R-NET-19 a bomb is not unpacked for whoever does not read it', () => {
  const thrown = `.then(() => 'answered', (error) => error.code)`
  const cases: readonly (readonly [string, Answer, act: string, result: unknown])[] = [
    [
      'in a 402 that is too dear',
      async (by) => {
        const head = await demandHead(by, 5000n, ['content-encoding: br', 'content-length: 809'])
        return raw((response) => bytes(response, head, bomb))
      },
      `return client.fetch(url)${thrown}`,
      'BUDGET_EXCEEDED',
    ],
    [
      'in a 402 that is only asked about',
      async (by) => {
        const head = await demandHead(by, 10n, ['content-encoding: br', 'content-length: 809'])
        return raw((response) => bytes(response, head, bomb))
      },
      `return (await client.quote(url)).status`,
      'payable',
    ],
    [
      'in a 200, of which 1 MiB is read',
      () => ({ headers: { 'content-encoding': 'br' }, body: bomb }),
      `return readSome(await client.fetch(url), 1 << 20)`,
      true,
    ],
    [
      'in a 200, of which nothing is read for a while',
      () => ({ headers: { 'content-encoding': 'br' }, body: bomb }),
      `const response = await client.fetch(url)
       const reader = response.body.getReader()
       await reader.read()
       await new Promise((resolve) => setTimeout(resolve, 500))
       await reader.cancel()
       return true`,
      true,
    ],
    [
      'in a 200, packed three times over',
      () => ({
        headers: { 'content-encoding': 'br, gzip, br' },
        body: brotliCompressSync(gzipSync(bomb)),
      }),
      `return readSome(await client.fetch(url), 1 << 20)`,
      true,
    ],
    [
      'in a 200 that is endless without packing',
      () =>
        raw((response) => {
          bytes(response, ['HTTP/1.1 200 OK'])
          endless(response, Buffer.alloc(65_536))
        }),
      `return readSome(await client.fetch(url), 1 << 20)`,
      true,
    ],
    [
      'in a 402 that is endless without packing',
      dear((response, head) => {
        bytes(response, head)
        endless(response, Buffer.alloc(65_536, ' '))
      }),
      `return client.fetch(url)${thrown}`,
      'BUDGET_EXCEEDED',
    ],
  ]
  for (const [name, answer, act, result] of cases) {
    test(`${name}: memory grows by less than 150 MB, and nothing is paid`, async () => {
      expect(bomb.length).toBe(809)
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: (request, by) => (request.path === '/free' ? { body: 'free' } : answer(by)),
      })
      const told = await runBuyer(seller.origin, act)
      expect(told).toMatchObject({ result, orders: 0 })
      expect(told.grownBytes).toBeLessThan(150e6)
      if (process.env['SATWAY_SHOW_FIGURES'] !== undefined) {
        process.stdout.write(`${name}: ${(told.grownBytes / 1e6).toFixed(1)} MB\n`)
      }
    })
  }
})
