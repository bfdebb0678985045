import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attenuate, decodeToken, encodeToken, mint } from 'satway/macaroon'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAdmin } from '../../program/src/admin/index.ts'
import type { Answer, World } from './admin-world.ts'
import { ask, nowSeconds, openWorld, sale } from './admin-world.ts'
import { checkAnswer, expectValid } from './openapi-check.ts'

let world: World
let document: Record<string, unknown>

beforeEach(async () => {
  world = await openWorld()
  document = JSON.parse((await ask(world.admin.address, { path: '/openapi.json' })).text)
})

afterEach(async () => await world.close())

const full = (): string => readFileSync(world.macaroonFile, 'utf8').trim()
const narrowed = (...caveats: string[]): string =>
  encodeToken(attenuate(decodeToken(full()), ...caveats))

/** One request with a macaroon; its answer is held against the OpenAPI document. */
async function api(
  method: string,
  path: string,
  body?: unknown,
  macaroon: string = full(),
): Promise<Answer & { readonly json: Record<string, never> }> {
  const answer = await ask(world.admin.address, {
    method,
    path,
    headers: {
      authorization: `Macaroon ${macaroon}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  checkAnswer(document, method, path, answer)
  return { ...answer, json: answer.text.startsWith('{') ? JSON.parse(answer.text) : {} }
}

const service = (name: string): Record<string, unknown> => ({
  name,
  upstream: 'http://127.0.0.1:4000',
  routes: { 'GET /x': '5 sat' },
})

describe('the listener', () => {
  test('R-ADM-1 takes no address outside the loopback', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com', '']) {
      const config = { host, port: 0, keyFile: join(world.folder, 'k'), macaroonFile: 'm' }
      await expect(
        openAdmin({
          config,
          control: world.control,
          log: () => undefined,
          onFault: () => undefined,
        }),
      ).rejects.toThrow('is not the loopback')
    }
    expect(existsSync(join(world.folder, 'k'))).toBe(false)
  })

  test('R-ADM-1 says which address is taken', async () => {
    const port = Number(world.admin.address.split(':')[1])
    const config = {
      host: '127.0.0.1',
      port,
      keyFile: world.keyFile,
      macaroonFile: world.macaroonFile,
    }
    await expect(
      openAdmin({ config, control: world.control, log: () => undefined, onFault: () => undefined }),
    ).rejects.toThrow(`cannot listen on 127.0.0.1:${port} (EADDRINUSE)`)
  })

  for (const [host, status] of [
    ['127.0.0.1:8403', 200],
    ['localhost', 200],
    ['LOCALHOST:9000', 200],
    ['[::1]:8403', 200],
    ['evil.example', 421],
    ['evil.example:8403', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.evil.example', 421],
    ['evil.example#localhost', 421],
    ['user@localhost', 421],
    ['localhost:8403:8403', 421],
    ['0.0.0.0', 421],
    ['127.1', 421],
    ['', 421],
  ] as const) {
    test(`R-ADM-1 answers ${status} to the Host "${host}"`, async () => {
      for (const path of ['/healthz', '/v1/info', '/none']) {
        const answer = await ask(world.admin.address, { path, headers: { host } })
        expect(answer.status === 421).toBe(status === 421)
        if (status === 421) expect(JSON.parse(answer.text).code).toBe('ADMIN_HOST')
      }
    })
  }

  test('R-ADM-1 refuses two Hosts, none, and a target of another form', async () => {
    const authority = world.admin.address
    for (const [head, status] of [
      [`GET /healthz HTTP/1.1\r\nHost: ${authority}\r\nHost: evil.example`, 421],
      [`GET /healthz HTTP/1.1\r\nHost: evil.example\r\nHost: ${authority}`, 421],
      ['GET /healthz HTTP/1.1', 421],
      ['GET /healthz HTTP/1.0', 421],
      [`GET http://evil.example/healthz HTTP/1.1\r\nHost: ${authority}`, 400],
      [`GET //evil.example/healthz HTTP/1.1\r\nHost: ${authority}`, 400],
      [`GET * HTTP/1.1\r\nHost: ${authority}`, 400],
      [`GET /healthz HTTP/1.1\r\nHost: ${authority}`, 200],
    ] as const) {
      const answer = await raw(`${head}\r\nConnection: close\r\n\r\n`)
      expect(answer.split(' ')[1]).toBe(String(status))
      expect(answer.toLowerCase()).toContain('cache-control: no-store')
    }
  })

  test('R-ADM-2 answers what is no HTTP with a status and no-store', async () => {
    for (const bytes of [
      '\0\0\0\0\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const answer = await raw(bytes)
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(answer).toContain('Cache-Control: no-store')
    }
    expect((await api('GET', '/v1/info')).status).toBe(200)
  })

  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'http://127.0.0.1:8403' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-origin' },
  ]) {
    test(`R-ADM-2 refuses a web page: ${JSON.stringify(headers)}`, async () => {
      const authorization = `Macaroon ${full()}`
      for (const [method, path] of [
        ['GET', '/v1/services'],
        ['GET', '/readyz'],
        ['POST', '/v1/reload'],
        ['OPTIONS', '/v1/reload'],
      ] as const) {
        const answer = await ask(world.admin.address, {
          method,
          path,
          headers: { ...headers, authorization },
        })
        expect(answer.status).toBe(403)
        expect(JSON.parse(answer.text).code).toBe('ADMIN_ORIGIN')
      }
      expect(world.control.reloads).toBe(0)
      expect(world.control.probes).toBe(0)
    })
  }

  test('R-ADM-2 sends no CORS header and no cookie, and no-store with everything', async () => {
    const answers = [
      await api('GET', '/v1/info'),
      await api('GET', '/v1/none'),
      await api('GET', '/healthz'),
      await api('GET', '/metrics'),
      await api('POST', '/v1/services', {}),
      await api('DELETE', '/v1/services/none'),
      await api('GET', '/v1/transactions?format=csv'),
      await api('GET', '/v1/info', undefined, 'AAAA'),
      await ask(world.admin.address, { path: '/v1/info', headers: { cookie: `m=${full()}` } }),
    ]
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['set-cookie']).toBeUndefined()
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
    expect(answers.at(-1)?.status).toBe(401)
  })

  test('closes while a connection is open', async () => {
    const { admin } = world
    const socket = connect(Number(admin.address.split(':')[1]), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.on('error', () => undefined)
    await admin.close()
    await expect(ask(admin.address, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED')
    socket.destroy()
  })
})

describe('key and macaroon', () => {
  const open = async (folder: string): Promise<void> => await (await openWorld({ folder })).close()
  const inFolder = async (act: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'satway-admin-files-'))
    try {
      await act(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  test('R-ADM-3 R-ADM-4 are made once, 0600, and stay', async () => {
    const { folder, keyFile, macaroonFile } = world
    expect(statSync(keyFile).size).toBe(32)
    for (const file of [keyFile, macaroonFile]) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(decodeToken(full()).unverifiedCaveats).toEqual([])
    const before = [keyFile, macaroonFile].map((file) => readFileSync(file, 'hex'))
    await open(folder)
    expect([keyFile, macaroonFile].map((file) => readFileSync(file, 'hex'))).toEqual(before)
  })

  for (const [what, bytes, mode, message] of [
    ['31 bytes', Buffer.alloc(31, 7), 0o600, 'expected 32 random bytes'],
    ['33 bytes', Buffer.alloc(33, 7), 0o600, 'is longer than 32 bytes'],
    ['nothing', Buffer.alloc(0), 0o600, 'expected 32 random bytes'],
    ['zeros', Buffer.alloc(32), 0o600, 'expected 32 random bytes'],
    ['what others can read', Buffer.alloc(32, 7), 0o644, 'mode 0644'],
    ['what the group can write', Buffer.alloc(32, 7), 0o620, 'mode 0620'],
  ] as const) {
    test(`R-ADM-3 a key file with ${what} stops the start, and is not replaced`, async () => {
      await inFolder(async (folder) => {
        const file = join(folder, 'admin.key')
        writeFileSync(file, bytes)
        chmodSync(file, mode)
        await expect(open(folder)).rejects.toThrow(message)
        expect(readFileSync(file)).toEqual(bytes)
        expect(existsSync(join(folder, 'admin.macaroon'))).toBe(false)
      })
    })
  }

  test('R-ADM-4 a macaroon of another key stops the start; a narrowed one of this key does not', async () => {
    await inFolder(async (folder) => {
      await open(folder)
      const file = join(folder, 'admin.macaroon')
      const own = decodeToken(readFileSync(file, 'utf8').trim())
      writeFileSync(file, full())
      await expect(open(folder)).rejects.toThrow('holds no macaroon of this gateway')
      expect(readFileSync(file, 'utf8')).toBe(full())
      writeFileSync(file, encodeToken(attenuate(own, 'scope=read')))
      await open(folder)
      writeFileSync(file, 'nonsense')
      await expect(open(folder)).rejects.toThrow('holds no macaroon')
    })
  })
})

describe('authentication', () => {
  const info = async (authorization?: string): Promise<Answer> => {
    const answer = await ask(world.admin.address, {
      path: '/v1/info',
      headers: authorization === undefined ? {} : { authorization },
    })
    checkAnswer(document, 'GET', '/v1/info', answer)
    return answer
  }

  test('R-ADM-5 the macaroon of the file opens, in either base64 and any case of the scheme', async () => {
    for (const text of [
      `Macaroon ${full()}`,
      `macaroon ${full()}`,
      `MACAROON  ${full()}`,
      `Macaroon ${Buffer.from(full(), 'base64').toString('base64url')}`,
    ]) {
      expect((await info(text)).status).toBe(200)
    }
  })

  test('R-ADM-5 R-ADM-6 anything else is 401, and all refusals are alike', async () => {
    const key = readFileSync(world.keyFile)
    const identifier = decodeToken(full()).identifier
    const other = encodeToken(mint({ rootKey: Buffer.alloc(32, 9), identifier }))
    const bytes = Buffer.from(full(), 'base64')
    const flipped = Array.from(bytes, (_, i) => {
      const copy = Buffer.from(bytes)
      copy[i]! ^= 1
      return copy.toString('base64')
    })
    const version = (first: number, length: number): string =>
      encodeToken(mint({ rootKey: key, identifier: Buffer.alloc(length, 1).fill(first, 0, 1) }))
    const removed = decodeToken(narrowed('scope=read'))
    const bodies = new Set<string>()
    for (const text of [
      '',
      'AAAA',
      '!!!!',
      'x'.repeat(9000),
      full().slice(0, -8),
      other,
      version(1, 17),
      version(0, 16),
      version(0, 18),
      version(0, 66),
      encodeToken({ ...removed, unverifiedCaveats: [] }),
      full().slice(4),
      ...flipped,
    ]) {
      const answer = await info(`Macaroon ${text}`)
      // The location is unsigned: a flipped bit there changes nothing.
      if (answer.status === 200) continue
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Macaroon')
      bodies.add(answer.text)
      expect(answer.text).not.toContain(full().slice(0, 20))
    }
    expect([...bodies].map((body) => JSON.parse(body).code)).toEqual([
      'ADMIN_UNAUTHENTICATED',
      'ADMIN_UNAUTHENTICATED',
    ])
    for (const wrong of [
      undefined,
      '',
      full(),
      `Bearer ${full()}`,
      `L402 ${full()}:00`,
      'Macaroon',
    ]) {
      expect((await info(wrong)).status).toBe(401)
    }
  })

  test('R-ADM-5 a flipped bit passes only in the unsigned location', async () => {
    const bytes = Buffer.from(full(), 'base64')
    const locationEnd = bytes.indexOf('satway admin') + 'satway admin'.length
    let passed = 0
    for (let i = 0; i < bytes.length; i++) {
      const copy = Buffer.from(bytes)
      copy[i]! ^= 1
      const { status } = await info(`Macaroon ${copy.toString('base64')}`)
      if (status !== 401) expect(i).toBeLessThan(locationEnd)
      if (status !== 401) passed++
    }
    expect(passed).toBeLessThanOrEqual('satway admin'.length)
  })

  test('R-ADM-5 two Authorization lines are refused, both good', async () => {
    const line = `Authorization: Macaroon ${full()}\r\n`
    const head = `GET /v1/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`
    expect(await raw(`${head}${line}\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await raw(`${head}${line}${line}\r\n`)).toMatch(/^HTTP\/1\.1 401 /)
  })

  for (const [caveats, reason] of [
    [['tier=1'], 'the condition "tier" is not known'],
    [['Scope=read'], 'the condition "Scope" is not known'],
    [[' scope=read'], 'the condition " scope" is not known'],
    [['scope'], 'scope: expected some of'],
    [['scope='], 'scope: expected some of'],
    [['scope=write'], 'scope: expected some of'],
    [['scope=read,'], 'scope: expected some of'],
    [['scope=read,read'], 'scope: expected some of'],
    [['scope=read, revoke'], 'scope: expected some of'],
    [['scope=READ'], 'scope: expected some of'],
    [['expires=soon'], 'expires: expected unix seconds'],
    [['expires=1e12'], 'expires: expected unix seconds'],
    [['expires=-1'], 'expires: expected unix seconds'],
    [['expires=2099-01-01'], 'expires: expected unix seconds'],
    [['ip=localhost'], 'ip: expected an address'],
    [['ip=127.0.0.1/33'], 'ip: expected an address'],
    [['ip=127.0.0.1/08'], 'ip: expected an address'],
    [['ip=::ffff:127.0.0.1'], 'ip: expected an address'],
    [['ip=fe80::1%lo'], 'ip: expected an address'],
    [[`${'x'.repeat(80)}=1`], `the condition "${'x'.repeat(64)}…" is not known`],
    [['\u0007bell=1'], 'the condition "bell" is not known'],
  ] as const) {
    test(`R-ADM-7 ${JSON.stringify(caveats).slice(0, 40)} refuses`, async () => {
      const answer = await info(`Macaroon ${narrowed(...caveats)}`)
      expect(answer.status).toBe(403)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'ADMIN_CAVEAT' })
      expect(JSON.parse(answer.text).detail).toContain(reason)
    })
  }

  test('R-ADM-7 a caveat that is not UTF-8, or of a third party, refuses', async () => {
    const parent = decodeToken(full())
    const [one] = attenuate(parent, 'scope=read').unverifiedCaveats
    const third = {
      ...parent,
      unverifiedCaveats: [
        { ...one!, verificationId: new Uint8Array(72), location: one!.identifier },
      ],
    }
    expect((await info(`Macaroon ${encodeToken(third)}`)).status).toBe(401)
  })

  for (const [caveats, status] of [
    [['scope=read,revoke', 'scope=read'], 200],
    [['scope=read', 'scope=read'], 200],
    [['scope=read', 'scope=read,services'], 403],
    [['scope=revoke', 'scope=read'], 403],
    [['scope=read', 'scope=services', 'scope=read'], 403],
    [[`expires=${nowSeconds + 9}`, `expires=${nowSeconds + 5}`], 200],
    [[`expires=${nowSeconds + 5}`, `expires=${nowSeconds + 9}`], 403],
    [['ip=127.0.0.0/8', 'ip=127.0.0.1'], 200],
    [['ip=0.0.0.0/0', 'ip=127.0.0.0/8'], 200],
    [['ip=127.0.0.1', 'ip=127.0.0.0/8'], 403],
    [['ip=10.0.0.0/8', 'ip=127.0.0.1'], 403],
    [['ip=::/0', 'ip=127.0.0.1'], 403],
  ] as const) {
    test(`R-ADM-8 ${caveats.join(' then ')}: ${status}`, async () => {
      expect((await info(`Macaroon ${narrowed(...caveats)}`)).status).toBe(status)
    })
  }

  for (const [caveat, status] of [
    [`expires=${nowSeconds + 1}`, 200],
    [`expires=${nowSeconds}`, 403],
    ['ip=127.0.0.1', 200],
    ['ip=127.0.0.0/8', 200],
    ['ip=128.0.0.0/8', 403],
    ['ip=::1', 403],
  ] as const) {
    test(`R-ADM-9 ${caveat} at ${nowSeconds} from 127.0.0.1: ${status}`, async () => {
      expect((await info(`Macaroon ${narrowed(caveat)}`)).status).toBe(status)
    })
  }

  test('R-ADM-9 an expired macaroon is refused from its second on', async () => {
    const token = narrowed(`expires=${nowSeconds + 60}`)
    expect((await info(`Macaroon ${token}`)).status).toBe(200)
    world.setNow(nowSeconds + 60)
    expect((await info(`Macaroon ${token}`)).status).toBe(403)
  })

  const operations = [
    ['GET', '/v1/info', 'read'],
    ['GET', '/v1/services', 'read'],
    ['POST', '/v1/services', 'services'],
    ['GET', '/v1/services/weather', 'read'],
    ['PUT', '/v1/services/weather', 'services'],
    ['DELETE', '/v1/services/weather', 'services'],
    ['GET', '/v1/tokens', 'read'],
    ['GET', '/v1/tokens/00000001', 'read'],
    ['POST', '/v1/revocations', 'revoke'],
    ['GET', '/v1/revocations', 'read'],
    ['DELETE', '/v1/revocations/x', 'revoke'],
    ['GET', '/v1/transactions', 'read'],
    ['GET', '/v1/stats', 'read'],
    ['POST', '/v1/reload', 'services'],
  ] as const

  for (const [method, path, scope] of operations) {
    test(`R-ADM-9 ${method} ${path} needs ${scope}, and nothing else will do`, async () => {
      const without = ['read', 'services', 'revoke'].filter((name) => name !== scope).join(',')
      const body = method === 'POST' || method === 'PUT' ? {} : undefined
      const refused = await api(method, path, body, narrowed(`scope=${without}`))
      expect(refused.status).toBe(403)
      expect(refused.json).toMatchObject({ code: 'ADMIN_SCOPE' })
      expect(refused.json['detail']).toContain(`"${scope}"`)
      const let_in = await api(method, path, body, narrowed(`scope=${scope}`))
      expect(let_in.json['code']).not.toBe('ADMIN_SCOPE')
      expect(let_in.status).not.toBe(401)
      const stranger = await ask(world.admin.address, { method, path })
      expect(stranger.status).toBe(401)
    })
  }

  test('R-ADM-21 those are all operations there are, beside the open ones', async () => {
    const open = ['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json']
    const known = operations.map(
      ([method, path]) =>
        `${method} ${path
          .replace('/weather', '/{name}')
          .replace('/00000001', '/{id}')
          .replace(/\/x$/, '/{id}')}`,
    )
    const paths = document['paths'] as Record<string, Record<string, unknown>>
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual([...open, ...known].sort())
  })
})

describe('R-ADM-21 the OpenAPI document', () => {
  type Json = Record<string, never>
  type Operation = {
    readonly operationId: string
    readonly security?: readonly unknown[]
    readonly parameters?: readonly { readonly name: string; readonly in: string }[]
    readonly requestBody?: { readonly content: Json }
    readonly responses: Readonly<Record<string, { readonly content?: Json }>>
  }
  const operations = (): readonly (readonly [string, Operation])[] => {
    const paths = document['paths'] as Record<string, Record<string, Operation>>
    return Object.entries(paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => [path, operation] as const),
    )
  }

  test('is of version 3.1 and names every operation once', () => {
    expect(document['openapi']).toBe('3.1.0')
    const names = operations().map(([, { operationId }]) => operationId)
    expect(new Set(names).size).toBe(18)
    expect(names).toContain('putServicesName')
  })

  test('its examples fit its schemas', () => {
    let examples = 0
    for (const [path, { requestBody, responses }] of operations()) {
      const contents = [requestBody?.content, ...Object.values(responses).map((r) => r.content)]
      for (const content of contents) {
        for (const [type, { schema, example }] of Object.entries(content ?? {})) {
          expect(example, `${path}: ${type} has no example`).toBeDefined()
          expectValid(document, schema as never, example)
          examples++
        }
      }
    }
    expect(examples).toBeGreaterThan(100)
  })

  test('and the check notices an answer that does not fit', () => {
    const health = { $ref: '#/components/schemas/Health' }
    expect(() => expectValid(document, health, { ok: true })).toThrow()
    expect(() => expectValid(document, health, { ok: true, checks: [], more: 1 })).toThrow()
    expect(() => expectValid(document, health, { ok: true, checks: [{ name: 7 }] })).toThrow()
  })

  test('has every parameter of every path', () => {
    for (const [path, { parameters = [] }] of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const described = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
      expect(described).toEqual(inPath)
    }
  })

  test('and every query parameter that is described is taken', async () => {
    const values: Readonly<Record<string, string>> = {
      limit: '5',
      state: 'active',
      from: '2026-11-20',
      until: '2026-11-26',
      id: '00000001',
      format: 'json',
      by: 'service',
      capability: 'get.v1.weather.-city',
      after: Buffer.from('1795593599.1').toString('base64url'),
    }
    for (const [path, { parameters = [] }] of operations()) {
      const query = parameters
        .filter((one) => one.in === 'query')
        .map(({ name }) => `${name}=${values[name] ?? 'x'}`)
      if (query.length > 0)
        expect((await api('GET', `${path}?${query.join('&')}`)).status).toBe(200)
    }
  })

  test('marks as open what needs no macaroon, and nothing else', async () => {
    for (const [path, { security }] of operations()) {
      const { status } = await ask(world.admin.address, { path: path.replace(/\{\w+\}/, 'x') })
      if (security !== undefined) expect(status).toBe(200)
      else expect([401, 405]).toContain(status)
    }
  })

  test('has no reference that leads nowhere', () => {
    const { schemas } = document['components'] as { readonly schemas: Record<string, unknown> }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)]
    expect(references.length).toBeGreaterThan(50)
    for (const [, reference = ''] of references) {
      expect(Object.keys(schemas)).toContain(reference.replace('#/components/schemas/', ''))
    }
  })
})

describe('what is open', () => {
  const open = async (path: string, method = 'GET'): Promise<Answer> => {
    const answer = await ask(world.admin.address, { path, method })
    checkAnswer(document, method, path, answer)
    return answer
  }

  test('R-ADM-10 healthz, readyz, metrics, the document', async () => {
    expect((await open('/healthz')).text).toBe('{"status":"ok"}')
    const ready = await open('/readyz')
    expect(ready.status).toBe(200)
    expect(JSON.parse(ready.text).checks[0]).toEqual({
      name: 'wallet',
      ok: true,
      detail: 'answers',
      duration_ms: 1.25,
    })
    const metrics = await open('/metrics')
    expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(metrics.text).toContain('satway_requests_total 7')
    expect((await ask(world.admin.address, { path: '/healthz', method: 'HEAD' })).text).toBe('')
  })

  test('R-ADM-10 readyz is 503 with the checks when something fails', async () => {
    world.control.isHealthy = false
    const answer = await open('/readyz')
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text).ok).toBe(false)
  })

  test('R-ADM-10 many who ask are one probe', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await open('/readyz')))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(world.control.probes).toBeLessThan(5)
  })
})

describe('requests', () => {
  const post = async (
    body: string | Uint8Array,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Promise<Answer> =>
    await ask(world.admin.address, {
      method: 'POST',
      path: '/v1/services',
      headers: { authorization: `Macaroon ${full()}`, ...headers },
      body,
    })

  for (const [what, body, headers, status] of [
    ['no type', '{}', {}, 415],
    ['text', '{}', { 'content-type': 'text/plain' }, 415],
    ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['compressed', '{}', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 415],
    ['no JSON', '{', { 'content-type': 'application/json' }, 400],
    ['nothing', '', { 'content-type': 'application/json' }, 400],
    ['two documents', '{}{}', { 'content-type': 'application/json' }, 400],
    [
      'no UTF-8',
      Buffer.from([0x22, 0xff, 0x22]),
      { 'content-type': 'application/json; charset=utf-8' },
      400,
    ],
    ['an array', '[]', { 'content-type': 'application/json' }, 422],
    ['null', 'null', { 'content-type': 'application/json' }, 422],
    ['a number', '7', { 'content-type': 'application/json' }, 422],
  ] as const) {
    test(`R-ADM-11 a body that is ${what}: ${status}`, async () => {
      const answer = await post(body, headers as Record<string, string>)
      expect(answer.status).toBe(status)
      checkAnswer(document, 'POST', '/v1/services', answer)
    })
  }

  test('R-ADM-11 a body of 64 KiB is read, one byte more is 413', async () => {
    const sized = (bytes: number): string => {
      const rest = JSON.stringify({ ...service('big'), x: '' }).length
      return JSON.stringify({ ...service('big'), x: 'y'.repeat(bytes - rest) })
    }
    expect(Buffer.byteLength(sized(65_536))).toBe(65_536)
    expect((await post(sized(65_537))).status).toBe(413)
    expect((await post(sized(65_536))).status).toBe(201)
  })

  test('R-ADM-11 a body that does not tell its length is cut off at 64 KiB', async () => {
    const answer = await raw(
      `POST /v1/services HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Macaroon ${full()}\r\n` +
        'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n' +
        `14000\r\n"${'x'.repeat(0x14000 - 2)}"\r\n0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('R-ADM-11 nesting is bounded', async () => {
    const deep = (depth: number): string =>
      `{"name":"deep","upstream":${'['.repeat(depth)}${']'.repeat(depth)},"routes":{}}`
    expect((await post(deep(31))).status).toBe(201)
    expect((await post(deep(40))).status).toBe(400)
    expect((await post(deep(32_000))).status).toBe(400)
  })

  for (const [path, detail] of [
    ['/v1/tokens?limt=5', 'The parameter "limt" is not known here.'],
    ['/v1/tokens?limit=5&limit=6', 'The parameter "limit" is there twice.'],
    ['/v1/tokens?limit=', 'limit: expected 1 to 256 characters.'],
    ['/v1/tokens?limit=0', 'limit: expected a whole number from 1 to 1000.'],
    ['/v1/tokens?limit=1001', 'limit: expected a whole number from 1 to 1000.'],
    ['/v1/tokens?limit=1e2', 'limit: expected a whole number from 1 to 1000.'],
    ['/v1/tokens?state=sold', 'state: expected active or revoked or expired.'],
    ['/v1/tokens?from=yesterday', 'from: expected a day'],
    ['/v1/tokens?from=2026-02-30', 'from: expected a day'],
    ['/v1/tokens?from=2026-11-25T25:00:00Z', 'from: expected a day'],
    ['/v1/tokens?from=2026-11-25T08:00:00', 'from: expected a day'],
    ['/v1/tokens?from=2026-11-25&until=2026-11-25', 'until: expected a moment after `from`.'],
    ['/v1/tokens?id=abc', 'id: expected 8 to 64 hex digits.'],
    ['/v1/tokens?after=nonsense', 'after: expected the cursor of the page before.'],
    ['/v1/transactions?format=xml', 'format: expected json or csv.'],
    ['/v1/transactions?format=csv&limit=5', 'limit: CSV has no pages; leave it out.'],
    ['/v1/stats?by=month', 'by: expected day or service.'],
    ['/v1/stats?from=1000000000', 'from: expected at most 3660 days.'],
    ['/v1/info?verbose=1', 'The parameter "verbose" is not known here.'],
    ['/v1/services/weather?x', 'The parameter "x" is not known here.'],
    [`/v1/tokens?${'q'.repeat(80)}=1`, `The parameter "${'q'.repeat(64)}…" is not known here.`],
    ['/v1/tokens?%1b%5b31m=1', 'The parameter "[31m" is not known here.'],
  ] as const) {
    test(`R-ADM-12 ${path.slice(0, 60)} is 400`, async () => {
      const answer = await api('GET', path)
      expect(answer.status).toBe(400)
      expect(answer.json['code']).toBe('ADMIN_MALFORMED')
      expect(answer.json['detail']).toContain(detail)
    })
  }

  test('R-ADM-23 paths and methods that are not there', async () => {
    for (const [method, path, status, allow] of [
      ['GET', '/', 404, undefined],
      ['GET', '/v1', 404, undefined],
      ['GET', '/v1/services/', 404, undefined],
      ['GET', '/V1/info', 404, undefined],
      ['GET', '/v1/services/a/b', 404, undefined],
      ['GET', '/v1/services/UPPER', 404, undefined],
      ['PUT', '/v1/services/..%2f..%2fetc', 404, undefined],
      ['DELETE', '/v1/services/%00', 404, undefined],
      ['PATCH', '/v1/services', 405, 'GET, HEAD, POST'],
      ['DELETE', '/v1/info', 405, 'GET, HEAD'],
      ['GET', '/v1/reload', 405, 'POST'],
      ['POST', '/healthz', 405, 'GET, HEAD'],
      ['POST', '/v1/services/weather', 405, 'GET, HEAD, PUT, DELETE'],
    ] as const) {
      const body = method === 'PUT' ? JSON.stringify({ routes: {} }) : undefined
      const answer = await ask(world.admin.address, {
        method,
        path,
        headers: { authorization: `Macaroon ${full()}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body }),
      })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.headers['allow']).toBe(allow)
      const problem = JSON.parse(answer.text)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(problem.hint.length).toBeGreaterThan(20)
      expect(problem.status).toBe(status)
      expect(problem.type).toBe(
        `urn:satway:problem:${problem.code.toLowerCase().replaceAll('_', '-')}`,
      )
    }
  })

  test('R-ADM-23 a state that fails is 503, a fault 500, and neither tells what was in it', async () => {
    world.control.state.fault = new Error('secret: disk I/O error')
    for (const path of ['/v1/tokens', '/v1/transactions?format=csv', '/v1/tokens/00000001']) {
      const answer = await api('GET', path)
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(answer.text).not.toContain('secret')
    }
    world.control.fault = new TypeError('secret: no such thing')
    const answer = await api('POST', '/v1/services', service('news'))
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
    expect(world.faults).toEqual(['TypeError: secret: no such thing'])
  })
})

describe('info and services', () => {
  test('shows what runs', async () => {
    expect((await api('GET', '/v1/info', undefined, narrowed('scope=read'))).json).toEqual({
      version: '9.9.9',
      network: 'regtest',
      started_at: '2026-11-25T07:00:00Z',
      uptime_seconds: 3600,
      config_file: '/etc/satway/satway.yaml',
      workers: 2,
      services: 1,
      scopes: ['read'],
    })
  })

  test('R-ADM-13 a service is made, shown, replaced and deleted as a whole', async () => {
    const whole = {
      ...service('news'),
      hosts: ['news.example'],
      mount: '/v2',
      defaults: { lifetime: '1h' },
      routes: {
        'GET /v2/a': { price: '0.02 USD', uses: 3, free_tier: { requests: 10, per: '1d' } },
      },
    }
    const made = await api('POST', '/v1/services', whole)
    expect(made.status).toBe(201)
    expect(made.headers['location']).toBe('/v1/services/news')
    expect(made.json).toEqual({ name: 'news', origin: 'api', document: whole })
    expect((await api('GET', '/v1/services/news')).json).toEqual(made.json)
    expect((await api('GET', '/v1/services')).json['items']).toHaveLength(2)

    const next = { upstream: 'http://127.0.0.1:5000', routes: { 'GET /': 'free' } }
    const replaced = await api('PUT', '/v1/services/news', next)
    expect(replaced.json['document']).toEqual({ ...next, name: 'news' })

    expect((await api('DELETE', '/v1/services/news')).status).toBe(204)
    expect((await api('GET', '/v1/services/news')).status).toBe(404)
    expect((await api('DELETE', '/v1/services/news')).status).toBe(404)
    expect((await api('PUT', '/v1/services/news', next)).status).toBe(404)
  })

  for (const [method, path, body, status, mistakes] of [
    ['POST', '/v1/services', service('weather'), 409, undefined],
    ['PUT', '/v1/services/weather', service('weather'), 409, undefined],
    ['DELETE', '/v1/services/weather', undefined, 409, undefined],
    [
      'POST',
      '/v1/services',
      { name: 'news' },
      422,
      ['upstream: expected a URL', 'routes: expected at least one'],
    ],
    ['POST', '/v1/services', {}, 422, ['name: expected the name of the service']],
    [
      'POST',
      '/v1/services',
      { name: 'Not Good' },
      422,
      ['name: expected a letter, then up to 31 of a-z, 0-9 and -'],
    ],
    [
      'PUT',
      '/v1/services/news',
      service('other'),
      422,
      ['name: expected "news", as in the path, or nothing'],
    ],
  ] as const) {
    test(`R-ADM-13 ${method} ${path} ${JSON.stringify(body)?.slice(0, 30)}: ${status}`, async () => {
      const before = world.control.services()
      const answer = await api(method, path, body)
      expect(answer.status).toBe(status)
      expect(answer.json['mistakes']).toEqual(mistakes)
      expect(world.control.services()).toEqual(before)
    })
  }

  test('R-ADM-14 of many that make the same service, one is made', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => await api('POST', '/v1/services', service('news'))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
  })

  test('R-ADM-14 a mixture of changes ends as if they had come in turn', async () => {
    await api('POST', '/v1/services', service('news'))
    const answers = await Promise.all([
      api('PUT', '/v1/services/news', service('news')),
      api('DELETE', '/v1/services/news'),
      api('PUT', '/v1/services/news', service('news')),
      api('DELETE', '/v1/services/news'),
      api('POST', '/v1/services', service('news')),
      api('POST', '/v1/reload'),
    ])
    const deleted = answers.filter(({ status }) => status === 204).length
    const made = answers.filter(({ status }) => status === 201).length
    const isThere = world.control.services().some(({ name }) => name === 'news')
    expect(1 + made - deleted).toBe(isThere ? 1 : 0)
    expect(world.control.reloads).toBe(1)
  })

  test('R-ADM-14 who sends a body slowly makes nobody wait', async () => {
    const socket = connect(Number(world.admin.address.split(':')[1]), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `POST /v1/services HTTP/1.1\r\nHost: localhost\r\nAuthorization: Macaroon ${full()}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{`,
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await api('POST', '/v1/services', service('news'))).status).toBe(201)
    socket.destroy()
  })

  test('R-ADM-14 reload reads the file again, or lists every mistake', async () => {
    expect((await api('POST', '/v1/reload')).json).toEqual({ services: 1, needs_restart: [] })
    world.control.reloadMistakes = ['services[0].upstream: expected a URL', 'listen: expected']
    const refused = await api('POST', '/v1/reload')
    expect(refused.status).toBe(422)
    expect(refused.json['mistakes']).toEqual(world.control.reloadMistakes)
    expect(world.control.reloads).toBe(1)
  })

  test('R-ADM-28 reload names what waits for a restart', async () => {
    world.control.needsRestart = ['listen', 'wallet']
    expect((await api('POST', '/v1/reload')).json['needs_restart']).toEqual(['listen', 'wallet'])
  })

  test('R-ADM-15 a reader sees no secret that stands in a service', async () => {
    for (const path of ['/v1/services', '/v1/services/weather']) {
      const reader = await api('GET', path, undefined, narrowed('scope=read'))
      for (const secret of ['hunter2', 'sesame', 'plain-upstream-key']) {
        expect(reader.text).not.toContain(secret)
        expect((await api('GET', path)).text).toContain(secret)
      }
      expect(reader.text).toContain('"X-Key":"(hidden)"')
      expect(reader.text).toContain(`"X-Ref":"\${WEATHER_KEY}"`)
      expect(reader.text).toContain('"sign":"file:sign.key"')
      expect(reader.text).toContain('"http://(hidden)@127.0.0.1:3000/base?(hidden)"')
    }
  })
})

describe('tokens and revocations', () => {
  const hash = sale(1).paymentHash
  const tokenId = String(sale(1).tokenId)

  beforeEach(() => {
    world.seed(
      sale(1),
      sale(2, { tokenId: undefined }),
      sale(3, { validUntilSeconds: nowSeconds, capability: 'other' }),
      sale(4, { service: 'news', amountMsat: 2_100_000_000_000_000_001n }),
    )
  })

  test('R-ADM-16 R-ADM-18 are listed, the newest first', async () => {
    const { json } = await api('GET', '/v1/tokens')
    expect(json['next']).toBeNull()
    expect(json['items']).toMatchObject([
      {
        token_id: tokenId,
        payment_hash: hash,
        state: 'active',
        amount_msat: '10000',
        bought_at: '2026-11-25T07:59:59Z',
        valid_until: '2026-11-25T09:00:00Z',
        uses: 3,
      },
      { token_id: null, valid_until: null, last_seen_at: null, state: 'active' },
      { state: 'expired' },
      { service: 'news', amount_msat: '2100000000000000001' },
    ])
  })

  for (const [query, count] of [
    ['?service=news', 1],
    ['?service=none', 0],
    ['?capability=other', 1],
    ['?state=expired', 1],
    ['?state=active', 3],
    ['?state=revoked', 0],
    [`?id=${hash.slice(0, 8)}`, 1],
    [`?id=${tokenId.toUpperCase()}`, 1],
    [`?from=${nowSeconds - 2}`, 2],
    [`?until=${nowSeconds - 2}`, 2],
    [`?from=2026-11-25T07:59:58Z&until=2026-11-25T08:59:59%2B01:00`, 1],
    ['?from=2026-11-25', 4],
    ['?until=2026-11-25', 0],
  ] as const) {
    test(`R-ADM-16 ${query.slice(0, 30)} gives ${count}`, async () => {
      expect((await api('GET', `/v1/tokens${query}`)).json['items']).toHaveLength(count)
    })
  }

  test('R-ADM-16 pages join without gap or repetition', async () => {
    world.seed(...Array.from({ length: 50 }, (_, i) => sale(i + 10)))
    const seen: string[] = []
    let after = ''
    do {
      const { json } = await api('GET', `/v1/tokens?limit=7${after}`)
      for (const item of json['items'] as unknown as { payment_hash: string }[])
        seen.push(item.payment_hash)
      after = json['next'] === null ? '' : `&after=${json['next']}`
    } while (after !== '')
    expect(seen).toHaveLength(54)
    expect(new Set(seen).size).toBe(54)
  })

  test('R-ADM-16 one is found by hash, by id and by the first digits of either', async () => {
    for (const id of [
      hash,
      tokenId,
      hash.toUpperCase(),
      hash.slice(0, 8),
      tokenId.slice(0, 12),
      hash.slice(0, 63),
    ]) {
      expect((await api('GET', `/v1/tokens/${id}`)).json['payment_hash']).toBe(hash)
    }
    for (const id of ['00000099', hash.slice(0, 7), 'zzzzzzzz', '0'.repeat(64), `${hash}0`]) {
      expect((await api('GET', `/v1/tokens/${id}`)).status).toBe(404)
    }
    world.seed(sale(1, { paymentHash: `00000001${'c'.repeat(56)}` }))
    expect((await api('GET', '/v1/tokens/00000001')).status).toBe(409)
  })

  for (const [sold, capability, count] of [
    ['a name', 'report', 3],
    ['the key of a route that names what it sells', 'GET /r', 3],
    ['the key of a route that names nothing', 'GET /v1/weather/:city', 0],
    ['the key of a route that is no more', 'GET /old', 1],
    ['the defaults of the service', 'POST /d', 1],
  ] as const) {
    test(`R-ADM-27 a capability by ${sold}: ${capability} gives ${count}`, async () => {
      await api('POST', '/v1/services', {
        ...service('shop'),
        defaults: { capability: 'other' },
        routes: { 'GET /r': { price: '1 sat', capability: 'report' }, 'POST /d': '2 sat' },
      })
      world.seed(sale(5, { capability: 'get.old' }))
      const query = new URLSearchParams({ capability })
      expect((await api('GET', `/v1/tokens?${query}`)).json['items']).toHaveLength(count)
    })
  }

  test('R-ADM-27 a capability that nobody knows is 404, in every form of the list', async () => {
    for (const capability of ['reprot', 'GET /wss', 'GET /']) {
      for (const path of ['/v1/tokens?', '/v1/transactions?', '/v1/transactions?format=csv&']) {
        const answer = await api('GET', `${path}${new URLSearchParams({ capability })}`)
        expect(answer.status).toBe(404)
        expect(answer.json['detail']).toBe(
          `No service sells "${capability}", and it was never bought.`,
        )
      }
    }
    const empty = await api('GET', '/v1/tokens?capability=report&state=revoked')
    expect(empty.json['items']).toEqual([])
  })

  test('R-ADM-27 a route that two services sell under two names is 400 without the service', async () => {
    for (const [name, capability] of [
      ['one', 'report'],
      ['two', 'other'],
    ] as const) {
      const routes = { 'GET /r': { price: '1 sat', capability } }
      await api('POST', '/v1/services', { ...service(name), routes })
    }
    const query = `/v1/tokens?${new URLSearchParams({ capability: 'GET /r' })}`
    expect((await api('GET', query)).json['detail']).toContain('say which service')
    expect((await api('GET', `${query}&service=two`)).json['items']).toEqual([])
  })

  test('R-ADM-17 are revoked by hash or id, once, and taken back', async () => {
    const made = await api('POST', '/v1/revocations', { id: hash.toUpperCase(), reason: 'leaked' })
    expect(made.status).toBe(201)
    expect(made.json).toEqual({
      id: hash,
      reason: 'leaked',
      revoked_at: '2026-11-25T08:00:00Z',
      kind: 'token',
      known: true,
      token: { ...(await api('GET', `/v1/tokens/${hash}`)).json },
    })
    expect(made.json['token']).toMatchObject({ state: 'revoked', amount_msat: '10000', uses: 3 })
    // By its other name it is the same token.
    for (const id of [hash, tokenId, tokenId.slice(0, 10)]) {
      const again = await api('POST', '/v1/revocations', { id, reason: 'other' })
      expect(again.status).toBe(200)
      expect(again.json).toMatchObject({ id: hash, reason: 'leaked' })
    }
    expect((await api('GET', '/v1/revocations')).json['items']).toEqual([
      { id: hash, reason: 'leaked', revoked_at: '2026-11-25T08:00:00Z' },
    ])
    expect((await api('DELETE', `/v1/revocations/${tokenId.toUpperCase()}`)).status).toBe(204)
    expect((await api('DELETE', `/v1/revocations/${hash}`)).status).toBe(404)
    expect((await api('GET', `/v1/tokens/${hash}`)).json['state']).toBe('active')
  })

  test('R-ADM-17 the first digits stand for the whole id, if they are of one token', async () => {
    const { json } = await api('POST', '/v1/revocations', { id: tokenId.slice(0, 8).toUpperCase() })
    expect(json).toMatchObject({ id: tokenId, known: true })
    world.seed(sale(2, { paymentHash: `00000002${'c'.repeat(56)}` }))
    const several = await api('POST', '/v1/revocations', { id: '00000002' })
    expect(several.status).toBe(409)
    expect(world.control.state.denials().map(({ id }) => id)).toEqual([tokenId])
  })

  for (const id of [
    'zzz',
    'agent-7',
    'deadbeef',
    '0000001',
    'e'.repeat(64),
    `${hash.slice(0, 63)}b`,
  ]) {
    test(`R-ADM-17 ${id.slice(0, 20)} was never seen, and is not revoked`, async () => {
      const { status, json } = await api('POST', '/v1/revocations', { id })
      expect(status).toBe(404)
      expect(json['detail']).toContain('No such token was seen')
      expect(json['hint']).toContain('"unseen": true')
      expect(world.control.state.denials()).toEqual([])
    })
  }

  test('R-ADM-17 a delegation, and what was never seen, for who says so', async () => {
    for (const body of [
      { id: 'agent-7', kind: 'delegation' },
      { id: 'DEADBEEF', kind: 'delegation' },
      { id: 'E'.repeat(64), unseen: true },
    ] as const) {
      const { status, json } = await api('POST', '/v1/revocations', body)
      expect(status).toBe(201)
      const id = body.id === 'E'.repeat(64) ? 'e'.repeat(64) : body.id
      expect(json).toMatchObject({ id, reason: '', known: false, token: null })
    }
    expect((await api('POST', '/v1/revocations', { id: 'e'.repeat(64) })).status).toBe(200)
    expect((await api('DELETE', '/v1/revocations/agent-7')).status).toBe(204)
    expect((await api('GET', '/v1/revocations')).json['items']).toHaveLength(2)
  })

  test('R-ADM-9 R-ADM-17 who may not read is not told what was sold', async () => {
    const token = narrowed('scope=revoke')
    const { status, json } = await api('POST', '/v1/revocations', { id: hash }, token)
    expect(status).toBe(201)
    expect(json).toMatchObject({ known: true, token: null })
  })

  for (const [body, mistakes] of [
    [{}, ['id: expected a payment hash, a token id or a delegation id']],
    [{ id: '' }, ['id: expected a payment hash, a token id or a delegation id']],
    [{ id: 'a b' }, ['id: expected a payment hash, a token id or a delegation id']],
    [{ id: 7 }, ['id: expected a payment hash, a token id or a delegation id']],
    [{ id: 'x'.repeat(65) }, ['id: expected a payment hash, a token id or a delegation id']],
    [{ id: 'x', reason: 7 }, ['reason: expected one line of at most 200 characters']],
    [{ id: 'x', reason: 'y'.repeat(201) }, ['reason: expected one line of at most 200 characters']],
    [{ id: 'x', reason: 'a\nb' }, ['reason: expected one line of at most 200 characters']],
    [{ id: 'x', reason: '\u001b[31m' }, ['reason: expected one line of at most 200 characters']],
    [{ id: 'x', force: true }, ['force: not known here']],
    [{ id: 'x', kind: 'payment' }, ['kind: expected token or delegation']],
    [{ id: 'x', unseen: 'yes' }, ['unseen: expected true or false']],
    [
      { id: 'x', kind: 'delegation', unseen: true },
      ['unseen: is for tokens; a delegation is revoked without having been seen'],
    ],
    [
      { id: 'deadbeef', unseen: true },
      ['id: expected all 64 hex digits: nothing was seen that they could be taken from'],
    ],
    [
      { id: '', reason: 7, a: 1 },
      [
        'id: expected a payment hash, a token id or a delegation id',
        'reason: expected one line of at most 200 characters',
        'a: not known here',
      ],
    ],
  ] as const) {
    test(`R-ADM-17 ${JSON.stringify(body).slice(0, 40)} is no revocation`, async () => {
      const answer = await api('POST', '/v1/revocations', body)
      expect(answer.status).toBe(422)
      expect(answer.json['mistakes']).toEqual(mistakes)
      expect(world.control.state.denials()).toEqual([])
    })
  }
})

describe('transactions and stats', () => {
  test('R-ADM-18 are listed with what is known of each', async () => {
    world.seed(sale(1), sale(90, { isReported: false }))
    const { json } = await api('GET', '/v1/transactions?limit=1')
    expect(json['items']).toEqual([
      {
        payment_hash: sale(1).paymentHash,
        token_id: sale(1).tokenId,
        amount_msat: '10000',
        settled_at: '2026-11-25T07:59:59Z',
        reported: true,
        service: 'weather',
        capability: 'report',
        state: 'active',
        uses: 3,
        valid_until: '2026-11-25T09:00:00Z',
        last_seen_at: '2026-11-25T07:59:00Z',
      },
    ])
    const second = await api('GET', `/v1/transactions?limit=1&after=${json['next']}`)
    expect(second.json['items']).toMatchObject([
      { reported: false, settled_at: '2026-11-25T07:59:00Z' },
    ])
  })

  test('R-ADM-19 CSV has all pages, by parameter and by Accept', async () => {
    world.seed(...Array.from({ length: 2500 }, (_, i) => sale(i + 1)))
    const answer = await api('GET', '/v1/transactions?format=csv&state=active')
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
    expect(answer.headers['content-disposition']).toContain('transactions.csv')
    const lines = answer.text.split('\r\n')
    expect(lines).toHaveLength(2502)
    expect(lines[0]).toBe(
      'payment_hash,token_id,amount_msat,settled_at,reported,service,capability,state,uses,valid_until,last_seen_at',
    )
    expect(lines[2500]).toContain(sale(2500).paymentHash)
    expect(lines.at(-1)).toBe('')
    expect(new Set(lines).size).toBe(2502)
    expect(world.control.state.pages).toEqual([1000, 1000, 500])

    const accepted = await ask(world.admin.address, {
      path: '/v1/transactions',
      headers: { authorization: `Macaroon ${full()}`, accept: 'text/csv' },
    })
    expect(accepted.text).toBe(answer.text)
    const json = await ask(world.admin.address, {
      path: '/v1/transactions?format=json',
      headers: { authorization: `Macaroon ${full()}`, accept: 'text/csv' },
    })
    expect(json.text.startsWith('{')).toBe(true)
  })

  test('R-ADM-19 CSV of nothing is a line of titles', async () => {
    const answer = await api('GET', '/v1/transactions?format=csv')
    expect(answer.text.split('\r\n')).toHaveLength(2)
  })

  test('R-ADM-19 a reader that does not read stops the pages', async () => {
    world.seed(...Array.from({ length: 60_000 }, (_, i) => sale(i + 1, { uses: 0 })))
    const socket = connect(Number(world.admin.address.split(':')[1]), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `GET /v1/transactions?format=csv HTTP/1.1\r\nHost: localhost\r\nAuthorization: Macaroon ${full()}\r\n\r\n`,
    )
    await new Promise((resolve) => socket.once('readable', resolve))
    const { pages } = world.control.state
    let before = -1
    for (let i = 0; i < 100 && pages.length !== before; i++) {
      before = pages.length
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(pages.length).toBeLessThan(60)
    socket.destroy()
  })

  test('R-ADM-19 a state that fails on the way breaks the CSV off', async () => {
    world.seed(...Array.from({ length: 30_000 }, (_, i) => sale(i + 1, { uses: 0 })))
    const { state } = world.control
    const pages = state.transactions
    Object.assign(state, {
      transactions: (filter: Parameters<typeof pages>[0]) => {
        if (state.pages.length === 3) throw new Error('disk')
        return pages(filter)
      },
    })
    await expect(api('GET', '/v1/transactions?format=csv')).rejects.toThrow()
    expect(world.faults).toEqual(['AdminProblem: The state could not be read or written.'])
    expect((await api('GET', '/v1/info')).status).toBe(200)
  })

  test('R-ADM-19 a formula is harmless in a spreadsheet', async () => {
    const capability = '=HYPERLINK("http://evil.example","x")'
    world.seed(sale(1, { capability, service: '@SUM(A1)' }))
    const { text } = await api('GET', '/v1/transactions?format=csv')
    expect(text).toContain(`"'=HYPERLINK(""http://evil.example"",""x"")"`)
    expect(text).toContain(`"'@SUM(A1)"`)
    expect(text).not.toMatch(/,=|,@|,"=|,"@/)
  })

  test('R-ADM-20 R-ADM-18 stats by day and by service', async () => {
    const day = 86_400
    world.seed(
      sale(1),
      sale(2, { amountMsat: 9_007_199_254_740_993n }),
      sale(3, { service: 'news' }),
      sale(4, { settledAtSeconds: nowSeconds - day }),
      sale(5, { settledAtSeconds: nowSeconds - 8 * day }),
      sale(6, { service: undefined, tokenId: undefined }),
    )
    const byDay = await api('GET', '/v1/stats')
    expect(byDay.json).toEqual({
      from: '2026-11-19T00:00:00Z',
      until: '2026-11-26T00:00:00Z',
      total: { payments: 5, revenue_msat: '9007199254780993', uses: 15 },
      items: [
        { service: 'weather', day: '2026-11-24', payments: 1, revenue_msat: '10000', uses: 0 },
        { service: null, day: '2026-11-25', payments: 1, revenue_msat: '10000', uses: 0 },
        { service: 'news', day: '2026-11-25', payments: 1, revenue_msat: '10000', uses: 3 },
        {
          service: 'weather',
          day: '2026-11-25',
          payments: 2,
          revenue_msat: '9007199254750993',
          uses: 12,
        },
      ],
    })
    const byService = await api('GET', '/v1/stats?by=service&from=2026-11-01&until=2026-12-01')
    expect(byService.json['items']).toEqual([
      { service: 'weather', payments: 4, revenue_msat: '9007199254770993', uses: 12 },
      { service: null, payments: 1, revenue_msat: '10000', uses: 0 },
      { service: 'news', payments: 1, revenue_msat: '10000', uses: 3 },
    ])
    expect((await api('GET', '/v1/stats?service=news')).json['items']).toHaveLength(1)
    const hours = '/v1/stats?from=2026-11-24T12:00:00Z&until=2026-11-24T13:00:00Z'
    expect((await api('GET', hours)).json).toMatchObject({
      from: '2026-11-24T00:00:00Z',
      until: '2026-11-25T00:00:00Z',
      total: { payments: 1 },
    })
    expect((await api('GET', '/v1/stats?until=2020-01-01')).json['total']).toEqual({
      payments: 0,
      revenue_msat: '0',
      uses: 0,
    })
  })
})

describe('the log', () => {
  test('R-ADM-22 is told of each change that was asked for', async () => {
    const { paymentHash } = sale(1)
    world.seed(sale(1))
    await api('POST', '/v1/services', service('news'))
    await api('POST', '/v1/services', service('news'))
    await api('PUT', '/v1/services/none', service('none'))
    await api('DELETE', '/v1/services/weather', undefined, narrowed('scope=services'))
    await api('POST', '/v1/revocations', { id: 'agent-7', kind: 'delegation' })
    await api('DELETE', '/v1/revocations/agent-7')
    await api('POST', '/v1/revocations', { id: paymentHash.slice(0, 8) })
    await api('POST', '/v1/revocations', { id: 'e'.repeat(64) })
    await api('DELETE', `/v1/revocations/${'d'.repeat(64)}`)
    await api('POST', '/v1/reload', undefined, narrowed('scope=read'))
    await api('GET', '/v1/services')
    await api('POST', '/v1/reload', undefined, 'AAAA')
    const macaroon = Buffer.from(decodeToken(full()).identifier.subarray(1)).toString('hex')
    const changes = world.changes.map(({ action, target, result }) => [action, target, result])
    expect(changes).toEqual([
      ['service.create', 'news', 'done'],
      ['service.create', 'news', 'ADMIN_CONFLICT'],
      ['service.replace', 'none', 'ADMIN_NOT_FOUND'],
      ['service.delete', 'weather', 'ADMIN_CONFLICT'],
      ['revoke', 'agent-7', 'done'],
      ['unrevoke', 'agent-7', 'done'],
      ['revoke', paymentHash, 'done'],
      // Nobody knows what that is: perhaps a secret in the wrong place.
      ['revoke', 'eeeeeeee…', 'ADMIN_NOT_FOUND'],
      ['unrevoke', 'dddddddd…', 'ADMIN_NOT_FOUND'],
      ['reload', undefined, 'ADMIN_SCOPE'],
    ])
    for (const change of world.changes) expect(change.macaroon).toBe(macaroon)
    // Copies are told apart.
    expect(new Set(world.changes.map(({ copy }) => copy)).size).toBe(3)
  })

  test('R-ADM-22 carries no secret, and what others chose is cut', async () => {
    const key = readFileSync(world.keyFile)
    const token = narrowed('scope=services')
    await api(
      'POST',
      '/v1/services',
      { ...service('news'), upstream: 'http://u:hunter2@x/' },
      token,
    )
    await api('PUT', `/v1/services/${'x%20'.repeat(150)}%0a%1b`, service('news'), token)
    await api('PUT', `/v1/services/${key.toString('hex')}`, service('news'), token)
    await api('POST', '/v1/services', { ...service('news'), name: token }, token)
    const text = JSON.stringify(world.changes)
    const signature = Buffer.from(decodeToken(token).signature)
    for (const secret of [
      'hunter2',
      token,
      token.slice(-40),
      key.toString('hex'),
      key.toString('base64'),
      signature.toString('hex'),
    ]) {
      expect(text).not.toContain(secret)
    }
    expect(world.changes.map(({ target }) => target)).toEqual([
      'news',
      `${'x '.repeat(32)}…`,
      '[redacted]',
      '[redacted]',
    ])
  })
})

/** Everything that comes back for these bytes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(Number(world.admin.address.split(':')[1]), '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}
