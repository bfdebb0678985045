import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, describe, expect, test } from 'vitest'
import { Failure } from '../../program/src/cli/failure.ts'
import { openAccessToken } from '../../program/src/mcp/access-token.ts'
import { serveHttp } from '../../program/src/mcp/serve-http.ts'
import { createServers } from '../../program/src/mcp/server.ts'
import type { Market } from '../client/market.ts'
import { openMarket } from '../client/market.ts'
import { startSeller } from '../client/seller.ts'
import type { Era, Office } from './office.ts'
import { call, openOffice, reportOf } from './office.ts'

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Open = {
  readonly office: Office
  readonly market: Market
  readonly url: string
  readonly secret: string
  readonly file: string
}

async function open(options: { readonly hosts?: readonly string[] } = {}): Promise<Open> {
  const market = openMarket()
  const office = openOffice(market)
  const token = openAccessToken(office.agent.home)
  const { url, close } = await serveHttp(createServers(office.parts, '0.0.0'), {
    host: '127.0.0.1',
    port: 0,
    hosts: options.hosts ?? [],
    token,
    onFault: () => undefined,
  })
  closers.push(async () => {
    await office.calls.end()
    await close()
  })
  return { office, market, url, file: token.file, secret: readFileSync(token.file, 'utf8').trim() }
}

async function hostAt(url: string, secret: string, era: Era): Promise<Client> {
  const host = new Client(
    { name: 'host', version: '0.0.0' },
    era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {},
  )
  const requestInit = { headers: { authorization: `Bearer ${secret}` } }
  await host.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
  closers.push(() => host.close())
  return host
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  },
})

type Sent = {
  readonly status: number
  readonly body: string
  readonly headers: NodeJS.Dict<string | string[]>
}

async function post(
  url: string,
  headers: Record<string, string>,
  body = initialize,
  method = 'POST',
): Promise<Sent> {
  return await new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: text, headers: response.headers }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(method === 'POST' ? body : undefined)
  })
}

for (const era of ['legacy', 'modern'] as const) {
  test(`R-MCP-50 a client with the token buys over HTTP, in the ${era} protocol`, async () => {
    const { market, url, secret } = await open()
    const { origin } = await startSeller(market)
    const host = await hostAt(url, secret, era)
    const told: number[] = []
    const result = await host.callTool(
      { name: 'fetch', arguments: { url: `${origin}/data`, saveAs: 'a.txt' } },
      { onprogress: ({ progress }) => told.push(progress) },
    )
    expect(reportOf(result)).toMatchObject({ outcome: 'paid_delivered', status: 200 })
    expect(told).toEqual([10])
    const other = await hostAt(url, secret, era)
    const again = await call(other, 'fetch', { url: `${origin}/data` })
    expect(reportOf(again)).toMatchObject({ outcome: 'not_paid', status: 200 })
    expect(market.spentMsat()).toBeLessThan(20_000n)
  })
}

describe('R-MCP-51 the token', () => {
  test('is made once, for its owner alone, and never replaced', async () => {
    const { office, file, secret } = await open()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(secret).toMatch(/^[\w-]{43}$/)
    openAccessToken(office.agent.home)
    expect(readFileSync(file, 'utf8').trim()).toBe(secret)
  })

  test('in a file that others can read, or that holds something else, is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'satway-token-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const { file } = openAccessToken({ folder })
    chmodSync(file, 0o644)
    expect(() => openAccessToken({ folder })).toThrow(Failure)
    chmodSync(file, 0o600)
    for (const content of ['', 'short', 'x'.repeat(44), `${'x'.repeat(43)}\nmore`]) {
      writeFileSync(file, content)
      expect(() => openAccessToken({ folder })).toThrow(Failure)
    }
  })

  test('must come with every request, as it is', async () => {
    const { url, secret } = await open()
    const wrong: readonly Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${secret.slice(0, -1)}` },
      { authorization: `Bearer ${secret}x` },
      { authorization: `Bearer ${secret.toUpperCase()}` },
      { authorization: `Basic ${secret}` },
      { authorization: secret },
      { authorization: `Bearer ${'A'.repeat(300)}` },
      { 'x-authorization': `Bearer ${secret}` },
    ]
    for (const headers of wrong) {
      const { status, body, headers: given } = await post(url, headers)
      expect(status).toBe(401)
      expect(given['www-authenticate']).toBe('Bearer realm="satway mcp"')
      expect(body).not.toContain(secret)
    }
    expect((await post(`${url}?token=${secret}`, {})).status).toBe(401)
    expect((await post(url, { authorization: `Bearer ${secret}` })).status).toBe(200)
  })

  test('given twice is given not at all', async () => {
    const { url, secret } = await open()
    const { port } = new URL(url)
    const line = `Authorization: Bearer ${secret}\r\n`
    const answer = await raw(
      Number(port),
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${line}${line}Content-Length: 0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  })
})

describe('R-MCP-52 web pages', () => {
  const refused: readonly (readonly [what: string, headers: Record<string, string>])[] = [
    ['a name that was made to lead here', { host: 'evil.example' }],
    ['such a name with our port', { host: 'evil.example:80' }],
    ['a name that begins like ours', { host: 'localhost.evil.example' }],
    ['another address', { host: '192.168.0.1' }],
    ['another site', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['another site that hides', { 'sec-fetch-site': 'cross-site' }],
    ['what is no host', { host: 'localhost@evil.example' }],
  ]
  for (const [what, headers] of refused) {
    test(`${what}: refused, even with the token`, async () => {
      const { url, secret } = await open()
      const { status } = await post(url, { authorization: `Bearer ${secret}`, ...headers })
      expect(status).toBe(403)
    })
  }

  test('two Host lines, or none, are refused', async () => {
    const { url, secret } = await open()
    const port = Number(new URL(url).port)
    for (const lines of ['', 'Host: localhost\r\nHost: evil.example\r\n']) {
      const answer = await raw(
        port,
        `POST /mcp HTTP/1.1\r\n${lines}Authorization: Bearer ${secret}\r\nContent-Length: 0\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /)
    }
  })

  test('the names of the loopback, and those that were told, are served', async () => {
    const { url, secret } = await open({ hosts: ['Agents.Example'] })
    const authorization = `Bearer ${secret}`
    for (const host of [
      'localhost',
      'localhost:1234',
      '127.0.0.1',
      '127.0.0.2:8404',
      '[::1]:80',
      'agents.example',
      'AGENTS.example:8404',
    ]) {
      expect((await post(url, { authorization, host })).status).toBe(200)
    }
    expect((await post(url, { authorization, origin: 'http://localhost:6274' })).status).toBe(200)
    expect((await post(url, { authorization, origin: 'https://agents.example' })).status).toBe(200)
  })
})

describe('R-MCP-53 what is sent is bounded', () => {
  test('more than 1 MiB is refused', async () => {
    const { url, secret } = await open()
    const authorization = `Bearer ${secret}`
    const padded = (bytes: number): string =>
      initialize.replace('{', `{${' '.repeat(bytes - initialize.length)}`)
    expect((await post(url, { authorization }, padded(1_048_576))).status).toBe(200)
    expect((await post(url, { authorization }, padded(1_048_577))).status).toBe(413)
    const { status } = await post(
      url,
      { authorization, 'transfer-encoding': 'chunked' },
      padded(1_100_000),
    )
    expect(status).toBe(413)
  })

  test('what is no message is refused, and nothing ends by it', async () => {
    const { url, secret } = await open()
    const authorization = `Bearer ${secret}`
    for (const body of [
      '',
      'x',
      '[]',
      '{}',
      'null',
      `${'['.repeat(50_000)}`,
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"__proto__"}}',
    ]) {
      const { status } = await post(url, { authorization }, body)
      expect(status).toBeLessThan(500)
    }
    expect((await post(url, { authorization }, initialize, 'GET')).status).toBe(405)
    expect((await post(url, { authorization, 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(url.replace('/mcp', '/'), { authorization })).status).toBe(404)
    expect((await post(url, { authorization })).status).toBe(200)
  })

  test('a caller that goes away ends its call, and nothing is paid', async () => {
    const { market, office, url, secret } = await open()
    const asked = Promise.withResolvers<void>()
    const { origin } = await startSeller({
      ...market,
      answer: () => {
        asked.resolve()
        return { raw: () => undefined }
      },
    })
    const host = await hostAt(url, secret, 'modern')
    const stop = new AbortController()
    const going = host.callTool(
      { name: 'fetch', arguments: { url: `${origin}/data` } },
      { signal: stop.signal },
    )
    await asked.promise
    stop.abort()
    await expect(going).rejects.toThrow()
    while (office.log.length === 0) await new Promise((done) => setTimeout(done, 10))
    expect(office.log.join()).toMatch(/^fetch 127\.0\.0\.1:\d+ INTERRUPTED/)
    expect(market.spentMsat()).toBe(0n)
  })
})

/** What a server answers to bytes that no client would send. */
async function raw(port: number, text: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
      socket.destroy()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

test('R-MCP-50 a connection ends after the answer where the client asked for that', async () => {
  const { url, secret } = await open()
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  closers.push(async () => {
    socket.destroy()
  })
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += String(chunk)
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const head = [
    'POST /mcp HTTP/1.1',
    'host: 127.0.0.1',
    'connection: close',
    `authorization: Bearer ${secret}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `content-length: ${initialize.length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${initialize}`)
  await closed
  expect(heard).toMatch(/^HTTP\/1\.1 200 /)
})
