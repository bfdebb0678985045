import 'reflect-metadata'
import { execFile } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as x509 from '@peculiar/x509'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LinkReply, LinkRequest } from '../../library/src/lightning/adapter/index.ts'
import { NodeLink } from '../../library/src/lightning/adapter/index.ts'

type Identity = { readonly key: string; readonly cert: string }

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
let own: Identity
let stranger: Identity

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto as typeof globalThis.crypto)
  own = await createIdentity()
  stranger = await createIdentity()
})
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A certificate for a name under which the server is not reached. */
async function createIdentity(): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=node.test',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'node.test' }])],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    cert: certificate.toString('pem'),
  }
}

async function listen(server: Server, where: string | number = 0): Promise<number> {
  await new Promise<void>((resolve) => {
    if (typeof where === 'string') server.listen(where, resolve)
    else server.listen(where, '127.0.0.1', resolve)
  })
  closers.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return (server.address() as AddressInfo).port
}
async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`
}
async function serveTls(identity: Identity): Promise<string> {
  const server = createTlsServer(identity, (_, response) => response.end('"over TLS"'))
  server.on('tlsClientError', () => undefined)
  return `https://127.0.0.1:${await listen(server)}`
}
function linkTo(baseUrl: string, options: object = {}): NodeLink {
  const link = new NodeLink({ baseUrl, ...options })
  closers.push(() => link.close())
  return link
}
const get: LinkRequest = { method: 'GET', path: '/x' }
const post: LinkRequest = { method: 'POST', path: '/x', body: '{}' }
const patience = (): AbortSignal => AbortSignal.timeout(5000)
const kindOf = ({ kind }: LinkReply): string => kind

describe('R-ADP-20 a request', () => {
  test('arrives with headers, prefix, query and body, and its answer comes back', async () => {
    const seen: unknown[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers['x-key'], body])
        response.writeHead(201, { date: 'Thu, 26 Nov 2026 00:00:00 GMT' }).end('{"é":1}')
      })
    })
    const link = linkTo(`${url}/prefix/`, { headers: { 'X-Key': 'k' } })
    const reply = await link.request({ ...post, path: '/a?b=c%2F' }, patience())
    expect(reply).toEqual({ kind: 'answered', status: 201, text: '{"é":1}' })
    expect(seen).toEqual([['POST', '/prefix/a?b=c%2F', 'k', '{}']])
    expect(link.serverSeconds).toBe(Date.UTC(2026, 10, 26) / 1000)
  })

  test('that only reads is sent anew on a connection that turns out to be closed', async () => {
    let count = 0
    const url = await serve((request, response) => {
      count++
      // The second on a kept connection dies as if it had been closed before.
      if (count === 2) return void request.socket.resetAndDestroy()
      response.end('1')
    })
    const link = linkTo(url)
    expect(kindOf(await link.request(get, patience()))).toBe('answered')
    expect(kindOf(await link.request(get, patience()))).toBe('answered')
    expect(count).toBe(3)
  })

  test('that does something is sent once, and is lost when its connection dies', async () => {
    let count = 0
    const url = await serve((request, response) => {
      count++
      if (count > 1) return void request.socket.resetAndDestroy()
      response.end('1')
    })
    const link = linkTo(url)
    expect(kindOf(await link.request(post, patience()))).toBe('answered')
    expect(await link.request(post, patience())).toEqual({
      kind: 'lost',
      reason: 'the connection broke',
    })
    expect(kindOf(await link.request({ ...post, alone: true }, patience()))).toBe('lost')
    expect(count).toBe(3)
  })
})

describe('R-ADP-21 a request that cannot have arrived', () => {
  for (const [what, url, reason] of [
    ['nothing listens', 'http://127.0.0.1:9', /nothing listens there/],
    ['there is no such name', 'http://node.invalid:1', /no host of that name|looked up/],
  ] as const) {
    test(`is told from one that may have: ${what}`, async () => {
      expect(await linkTo(url).request(post, patience())).toEqual({
        kind: 'not-sent',
        reason: expect.stringMatching(reason),
      })
    })
  }

  test('because its caller has left before, or before there was a connection', async () => {
    const link = linkTo('http://127.0.0.1:9')
    expect(kindOf(await link.request(post, AbortSignal.abort()))).toBe('not-sent')
  })

  test('because the handshake never ends', async () => {
    const server = createPlainServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const link = linkTo(`https://127.0.0.1:${port}`)
    expect(await link.request(post, AbortSignal.timeout(100))).toEqual({
      kind: 'not-sent',
      reason: 'it could not be reached in time',
    })
  })

  test('is not one whose answer is waited for in vain', async () => {
    const url = await serve(() => undefined)
    expect(await linkTo(url).request(post, AbortSignal.timeout(100))).toEqual({
      kind: 'lost',
      reason: 'it did not answer in time',
    })
  })
})

describe('R-ADP-22 certificates', () => {
  test('that nobody vouches for are refused, with what to write', async () => {
    expect(await linkTo(await serveTls(own)).request(post, patience())).toEqual({
      kind: 'not-sent',
      reason: expect.stringContaining('cert=file:'),
    })
  })

  test('that are pinned are accepted, whatever names stand in them', async () => {
    const link = linkTo(await serveTls(own), { certificate: own.cert })
    for (let i = 0; i < 3; i++) {
      const reply = await link.request({ ...post, alone: i % 2 === 0 }, patience())
      expect(reply).toMatchObject({ status: 200, text: '"over TLS"' })
    }
  })

  test('other than the pinned one are refused', async () => {
    const link = linkTo(await serveTls(stranger), { certificate: own.cert })
    expect(await link.request(post, patience())).toEqual({
      kind: 'not-sent',
      reason: expect.stringContaining('not the one that was named'),
    })
  })

  test('on a port without TLS are asked for in vain', async () => {
    const url = await serve((_, response) => response.end())
    const link = linkTo(url.replace('http:', 'https:'))
    expect(await link.request(post, patience())).toEqual({
      kind: 'not-sent',
      reason: expect.stringMatching(/does not speak TLS/),
    })
  })

  test('in a text that is none are a mistake', () => {
    for (const certificate of [
      '',
      'hunter2',
      '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----',
    ]) {
      const make = (): unknown => new NodeLink({ baseUrl: 'https://127.0.0.1:1', certificate })
      expect(make).toThrow(RangeError)
      expect(make).not.toThrow(/hunter2/)
    }
  })
})

describe('R-ADP-23 answers', () => {
  for (const [what, body] of [
    ['too long', Buffer.alloc(2000, 'x')],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ] as const) {
    test(`that are ${what} are not read`, async () => {
      const url = await serve((_, response) => response.end(body))
      const link = linkTo(url, { maxAnswerBytes: 1000 })
      expect(await link.request(get, patience())).toMatchObject({ status: 200, text: undefined })
    })
  }

  test('that break off are not read', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('{"a"', () => response.destroy())
    })
    expect(await linkTo(url).request(get, patience())).toMatchObject({ text: undefined })
  })

  test('that point elsewhere are not followed', async () => {
    let followed = false
    const other = await serve((_, response) => {
      followed = true
      response.end('1')
    })
    const url = await serve((_, response) => response.writeHead(307, { location: other }).end())
    expect(await linkTo(url).request(post, patience())).toMatchObject({ status: 307 })
    expect(followed).toBe(false)
  })

  test('come line by line where they are a stream, and end when the caller leaves', async () => {
    const url = await serve((_, response) => {
      response.write('{"a":1}\r\n{"b"')
      setTimeout(() => response.write(':"é"}\n'), 20)
    })
    const stop = new AbortController()
    const opened = await linkTo(url).stream(get, stop.signal)
    if (opened.kind !== 'answered') throw new Error(opened.kind)
    const lines = opened.lines[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('{"a":1}')
    expect((await lines.next()).value).toBe('{"b":"é"}')
    const last = lines.next()
    stop.abort()
    await expect(last).rejects.toThrow()
  })

  test('whose line never ends are given up', async () => {
    const url = await serve((_, response) => response.end('x'.repeat(5000)))
    const opened = await linkTo(url, { maxAnswerBytes: 1000 }).stream(get, patience())
    if (opened.kind !== 'answered') throw new Error(opened.kind)
    await expect(opened.lines[Symbol.asyncIterator]().next()).rejects.toThrow()
  })
})

describe('R-ADP-24 a Unix socket', () => {
  test('is spoken to as a port is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'satway-link-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const socketPath = join(folder, 'rpc')
    await listen(
      createServer((_, response) => response.end('"near"')),
      socketPath,
    )
    const link = linkTo('http://localhost', { socketPath })
    expect(await link.request(post, patience())).toMatchObject({ text: '"near"' })
    const nowhere = linkTo('http://localhost', { socketPath: `${socketPath}-no` })
    expect(await nowhere.request(post, patience())).toEqual({
      kind: 'not-sent',
      reason: 'there is no such socket',
    })
  })
})

describe('R-ADP-25 a link', () => {
  test('shows none of its secrets', async () => {
    const link = linkTo('http://127.0.0.1:9', { headers: { authorization: 'hunter2' } })
    expect(inspect(link, { depth: 9, showHidden: true }) + JSON.stringify(link)).not.toContain(
      'hunter2',
    )
  })

  test('that only listens does not keep a process alive', async () => {
    const url = await serve((_, response) => response.write('{}\n'))
    const source = `
      import { NodeLink } from ${JSON.stringify(join(import.meta.dirname, '../../library/src/lightning/adapter/node-link.ts'))}
      const link = new NodeLink({ baseUrl: ${JSON.stringify(url)} })
      const request = { method: 'GET', path: '/', background: true }
      setTimeout(() => undefined, 500)
      link.stream(request, new AbortController().signal)
        .then(({ lines }) => lines[Symbol.asyncIterator]().next())
        .then(() => console.log('a line'))
    `
    const options = ['--input-type=module-typescript', '--eval', source]
    const printed = await new Promise((resolve, reject) => {
      execFile(process.execPath, options, { timeout: 20_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(stderr)),
      )
    })
    expect(printed).toBe('a line\n')
  })
})
