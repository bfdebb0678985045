// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateCertificate } from '../edge/generated-certificate.ts'
import type { ConfigMistake, GatewayConfig } from './config.ts'
import type { ConfigReading, ServiceDocument } from './index.ts'
import { combine, oneLineConfig, readConfig, readServiceDocument } from './index.ts'

const secret = 'hunter2-never-shown'
let folder: string
let pair: { readonly certificate: string; readonly key: string }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'satway-config-'))
  pair = await generateCertificate(['localhost'])
  const other = await generateCertificate(['localhost'])
  write('cert.pem', pair.certificate)
  write('key.pem', pair.key, 0o600)
  write('other-key.pem', other.key, 0o600)
  write('satway.keys', `1:${'ab'.repeat(32)}\n`, 0o600)
  write('shared.keys', `1:${'ab'.repeat(32)}\n`, 0o640)
  write('bad.keys', `1:${secret}\n`, 0o600)
  write('secret', `${secret}\r\n`, 0o600)
  write('public', 'hello', 0o644)
  write('large', 'x'.repeat(1_048_577), 0o600)
  writeFileSync(join(folder, 'latin'), Buffer.from([0xe9]))
  mkdirSync(join(folder, 'folder'))
  symlinkSync('secret', join(folder, 'link'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string, mode = 0o644): void {
  writeFileSync(join(folder, name), text, { mode })
  chmodSync(join(folder, name), mode)
}

function where(env: Readonly<Record<string, string>> = {}) {
  return { file: join(folder, 'satway.yaml'), env: { HOME: '/home/satway', ...env } }
}

async function read(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ConfigReading> {
  return await readConfig(text, where(env))
}

async function configOf(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayConfig> {
  const reading = await read(text, env)
  if ('mistakes' in reading) throw new Error(sentences(reading.mistakes).join('\n'))
  return reading.config
}

async function mistakesOf(text: string, env: Readonly<Record<string, string>> = {}) {
  const reading = await read(text, env)
  return 'mistakes' in reading ? sentences(reading.mistakes) : []
}

function sentences(mistakes: readonly ConfigMistake[]): readonly string[] {
  return mistakes.map(({ line, column, path, message }) =>
    [line === undefined ? '-' : `${line}:${column}`, path, message]
      .filter((part) => part !== '')
      .join(' '),
  )
}

/** A service with one line changed or added. */
function service(...lines: readonly string[]): string {
  const base = ['name: shop', 'upstream: http://127.0.0.1:3000', 'routes: { GET /x: 10 sat }']
  const nameOf = (line: string): string => line.slice(0, line.indexOf(':'))
  const kept = base.map((line) => lines.find((other) => nameOf(other) === nameOf(line)) ?? line)
  const all = [...kept, ...lines.filter((line) => !kept.includes(line))]
  return `wallet: devnet\nservices:\n  - ${all.join('\n    ')}\n`
}

describe('R-CONF-1 a configuration is read whole', () => {
  test('the smallest one has every default filled in', async () => {
    const config = await configOf(service())
    expect(config).toMatchObject({
      listen: [
        {
          host: '127.0.0.1',
          port: 8402,
          tls: undefined,
          http2: true,
          proxyProtocolFrom: [],
          forwardAuth: undefined,
        },
      ],
      trustedProxies: [],
      block: [],
      wallet: {
        kind: 'devnet',
        file: '/home/satway/.satway/devnet.json',
        balanceMsat: 1_000_000_000n,
        force: false,
      },
      keys: undefined,
      keysFile: undefined,
      state: join(folder, 'satway.db'),
      admin: {
        host: '127.0.0.1',
        port: 8403,
        keyFile: join(folder, 'admin.key'),
        macaroonFile: join(folder, 'admin.macaroon'),
      },
      issuance: { burst: 60, perMinute: 60, globalBurst: 1000, globalPerMinute: 1000 },
      limits: {
        headBytes: 16_384,
        headerCount: 100,
        headMs: 10_000,
        bodyIdleMs: 30_000,
        keepAliveMs: 75_000,
        connections: 20_000,
        connectionsPerClient: 1000,
      },
      rates: undefined,
      log: { access: 'json', file: undefined },
      drainMs: 30_000,
      cors: true,
      legacyLsat: 'off',
      unknownCaveats: 'refuse',
      invalidCredential: 401,
      priceGracePercent: 0,
      challengeSeconds: 600,
    })
    expect(config.services[0]).toMatchObject({
      name: 'shop',
      hosts: ['*'],
      mount: '/',
      upstream: {
        url: new URL('http://127.0.0.1:3000'),
        protocol: 'http/1.1',
        headers: [],
        keepHost: false,
        connectMs: 5000,
        headMs: 60_000,
        idleMs: 60_000,
        keepAlive: true,
      },
    })
    expect([...config.services[0]!.routes]).toEqual([
      [
        'GET /x',
        {
          sale: {
            price: { kind: 'fixed', amountMsat: 10_000n },
            capability: undefined,
            tier: 0,
            uses: undefined,
            lifetimeSeconds: 3600,
            description: undefined,
            freeTier: undefined,
          },
          rewrite: undefined,
          concurrency: undefined,
          rateLimit: undefined,
          maxBodyBytes: 10_485_760,
          headMs: undefined,
          idleMs: undefined,
        },
      ],
    ])
  })

  test('all that can be said is read', async () => {
    const config = await configOf(
      `listen:
  - address: 0.0.0.0:443
    tls: { certificate: file:cert.pem, key: file:key.pem }
    http2: false
    proxy_protocol_from: [10.0.0.0/8]
  - { address: 0.0.0.0:444, tls: { generate: true, names: [localhost, 127.0.0.1] } }
  - address: "[::1]:445"
    tls:
      acme: { directory: "https://ca.example/dir", agree_to_terms: true, email: a@b.example, names: [api.example.com], folder: acme, http: 127.0.0.1:80, ca: file:cert.pem }
  - { address: 127.0.0.1:446, forward_auth: nginx }
trusted_proxies: [10.0.0.0/8]
block: [192.0.2.0/24, 192.0.3.1]
wallet: { devnet: { file: none, balance: 5 sat, force: true } }
keys: file:satway.keys
state: data/state.db
admin: { address: "[::1]:1", key: a.key, macaroon: /a.macaroon }
issuance: { burst: 1, per_minute: 0.5, global_burst: 2, global_per_minute: 3, challenge: 30s }
limits: { head: 1KiB, headers: 10, head_timeout: 1s, body_idle: 2s, keep_alive: 3s, connections: 9, connections_per_client: 5 }
rates: { url: "https://rates.example/{currency}", member: "data.{currency}", max_age: 2m, refresh: 30s, timeout: 1s }
log: { access: text, file: ~/access.log }
drain: 0s
cors: false
legacy_lsat: after
unknown_caveats: skip
invalid_credential: 402
price_grace: 2.5
services:
  - name: shop
    hosts: [API.example.com, "*.example.com", "[::1]"]
    mount: /v1
    upstream:
      url: https://up.example/base/
      protocol: h2
      ca: file:cert.pem
      server_name: Inner.example
      headers: { X-Key: "Bearer \${KEY}", X-File: file:secret }
      sign: \${SIGN}
      keep_host: true
      connect_timeout: 1s
      head_timeout: 2s
      idle_timeout: 3s
      keep_alive: false
      health: /health?deep=1
    routes:
      GET /v1/free: { free: true, concurrency: 4, rate_limit: { requests: 5, per: 1m, burst: 7, by: network } }
      POST /v1/report:
        price: 0.02 USD
        capability: report
        tier: 2
        uses: 3
        lifetime: 1d
        description: One report
        free_tier: { requests: 10, per: 1d }
        rate_limit: { requests: 60, per: 1m }
        concurrency: 8
        max_body: 1MiB
        head_timeout: 2m
        idle_timeout: 3m
        rewrite: { strip_prefix: /v1, add_prefix: /api }
      "* /v1/dynamic/*": { price: { url: "http://127.0.0.1:4000/price?a=b", headers: [X-Size, a], body: 64KiB, timeout: 1s } }
`,
      { KEY: 'k3y', SIGN: 's'.repeat(16) },
    )
    expect(
      config.listen.map(({ tls, http2, proxyProtocolFrom, forwardAuth }) => [
        tls,
        http2,
        proxyProtocolFrom,
        forwardAuth,
      ]),
    ).toEqual([
      [
        { kind: 'own', certificate: pair.certificate.trimEnd(), key: pair.key.trimEnd() },
        false,
        ['10.0.0.0/8'],
        undefined,
      ],
      [
        { kind: 'generated', names: ['localhost', '127.0.0.1'], folder: join(folder, 'tls') },
        true,
        [],
        undefined,
      ],
      [
        {
          kind: 'acme',
          directory: 'https://ca.example/dir',
          email: 'a@b.example',
          names: ['api.example.com'],
          folder: join(folder, 'acme'),
          httpHost: '127.0.0.1',
          httpPort: 80,
          ca: pair.certificate.trimEnd(),
        },
        true,
        [],
        undefined,
      ],
      [undefined, true, [], 'nginx'],
    ])
    expect(config).toMatchObject({
      block: ['192.0.2.0/24', '192.0.3.1/32'],
      wallet: { file: undefined, balanceMsat: 5000n, force: true },
      keys: `1:${'ab'.repeat(32)}`,
      keysFile: join(folder, 'satway.keys'),
      state: join(folder, 'data/state.db'),
      admin: { host: '::1', port: 1, keyFile: join(folder, 'a.key'), macaroonFile: '/a.macaroon' },
      issuance: { burst: 1, perMinute: 0.5, globalBurst: 2, globalPerMinute: 3 },
      limits: {
        headBytes: 1024,
        headerCount: 10,
        headMs: 1000,
        bodyIdleMs: 2000,
        keepAliveMs: 3000,
        connections: 9,
        connectionsPerClient: 5,
      },
      rates: {
        url: 'https://rates.example/{currency}',
        member: 'data.{currency}',
        maxAgeMs: 120_000,
        refreshMs: 30_000,
        timeoutMs: 1000,
      },
      log: { access: 'text', file: '/home/satway/access.log' },
      drainMs: 0,
      cors: false,
      legacyLsat: 'after',
      unknownCaveats: 'skip',
      invalidCredential: 402,
      priceGracePercent: 2.5,
      challengeSeconds: 30,
    })
    const [shop] = config.services
    expect(shop).toMatchObject({
      hosts: ['api.example.com', '*.example.com', '[::1]'],
      mount: '/v1',
    })
    expect(shop?.upstream).toEqual({
      url: new URL('https://up.example/base'),
      protocol: 'h2',
      ca: pair.certificate.trimEnd(),
      serverName: 'inner.example',
      headers: [
        ['X-Key', 'Bearer k3y'],
        ['X-File', secret],
      ],
      signingKey: 's'.repeat(16),
      keepHost: true,
      connectMs: 1000,
      headMs: 2000,
      idleMs: 3000,
      keepAlive: false,
      healthPath: '/health?deep=1',
    })
    expect(shop?.routes.get('GET /v1/free')).toMatchObject({
      sale: undefined,
      concurrency: 4,
      rateLimit: { requests: 5, perSeconds: 60, burst: 7, by: 'network' },
    })
    expect(shop?.routes.get('POST /v1/report')).toEqual({
      sale: {
        price: { kind: 'fiat', amountMicros: 20_000n, currency: 'USD' },
        capability: 'report',
        tier: 2,
        uses: 3,
        lifetimeSeconds: 86_400,
        description: 'One report',
        freeTier: { requests: 10, windowSeconds: 86_400 },
      },
      rewrite: { stripPrefix: '/v1', addPrefix: '/api' },
      concurrency: 8,
      rateLimit: { requests: 60, perSeconds: 60, burst: 60, by: 'token' },
      maxBodyBytes: 1_048_576,
      headMs: 120_000,
      idleMs: 180_000,
    })
    expect(shop?.routes.get('* /v1/dynamic/*')?.sale?.price).toEqual({
      kind: 'http',
      url: 'http://127.0.0.1:4000/price?a=b',
      timeoutMs: 1000,
      headers: ['a', 'x-size'],
      bodyBytes: 65_536,
    })
  })

  test('mistakes of all kinds come at once, in the order of the file', async () => {
    const found = await mistakesOf(`drain: 30
admn: 127.0.0.1:1
services:
  - name: shop
    upstream: ftp://x
    routes:
      GET /a: 10
      GET /a/: 5 sat
      FOO: free
      GET /b: { price: 1 EUR, user: 3 }
  - name: shop
    upstream: http://127.0.0.1:8402
    routes: { GET /c: "\${NOT_THERE}" }
`)
    expect(found).toEqual([
      '1:1 wallet expected the wallet: devnet, { devnet: { … } }, or the URI of a wallet, such as lnd://…',
      '1:8 drain expected a duration with its unit: write 30s',
      '2:1 admn is not known here; did you mean admin?',
      '5:15 services[0].upstream expected the URL of an upstream, such as http://127.0.0.1:3000; http or https',
      '7:15 services[0].routes["GET /a"] expected an amount with its unit: write 10 sat',
      '8:16 services[0].routes["GET /a/"] differs from another route by case or a last slash only',
      '9:12 services[0].routes.FOO expected a method or *, a space and a path, such as GET /v1/weather/:city',
      '10:31 services[0].routes["GET /b"].user is not known here; did you mean uses?',
      '11:5 services[1].mount every host with this mount belongs to the service shop already',
      '11:11 services[1].name shop is the name of the service shop already',
      '12:15 services[1].upstream is the gateway itself, which listens there (listen[0].address)',
      '13:23 services[1].routes["GET /c"] environment variable NOT_THERE is not set',
    ])
  })

  test('no message repeats what a reference stands for, whatever it is put into', async () => {
    const env = { S: secret }
    const texts = ['${S}', 'file:secret', 'x${S}y']
    const places = [
      ...[
        'listen',
        'wallet',
        'keys',
        'state',
        'admin',
        'drain',
        'cors',
        'legacy_lsat',
        'price_grace',
        'invalid_credential',
        'block',
        'services',
      ].map((name) => (text: string) => `${name}: "${text}"\n`),
      ...['block', 'trusted_proxies', 'services'].map(
        (name) => (text: string) => `${name}: ["${text}"]\n`,
      ),
      (text: string) =>
        `listen: { address: "${text}", tls: { certificate: "${text}", key: "${text}" } }\n`,
      (text: string) =>
        `listen: { address: 127.0.0.1:1, tls: { acme: { directory: "${text}", names: ["${text}"], email: "${text}", http: "${text}", ca: "${text}" } } }\n`,
      (text: string) => `rates: { url: "${text}", member: "${text}", max_age: "${text}" }\n`,
      (text: string) =>
        `log: { access: "${text}" }\nlimits: { head: "${text}", headers: "${text}" }\nissuance: { burst: "${text}", challenge: "${text}" }\n`,
      (text: string) =>
        service(`hosts: ["${text}", "${text}"]`, `mount: "${text}"`, `upstream: "${text}"`),
      (text: string) =>
        service(
          `upstream: { url: "http://${text}@h/?${text}", protocol: "${text}", ca: "${text}", server_name: "${text}/", sign: "${text}", health: "${text}", headers: { Host: "${text}", X: "${text}\\n" } }`,
        ),
      (text: string) =>
        service(
          `routes: { GET /x: "${text}" }`,
          `defaults: { lifetime: "${text}", capability: "${text}!", uses: "${text}" }`,
        ),
      (text: string) =>
        service(
          `routes: { GET /x: { price: { url: "${text}", headers: ["${text} "], body: "${text}" }, rewrite: { strip_prefix: "${text}" }, free_tier: { per: "${text}" } } }`,
        ),
      (text: string) =>
        service(
          `routes: { GET /x: { price: 1 sat, capability: "${text}" }, GET /y: { price: 2 sat, capability: "${text}" } }`,
        ).replaceAll('hunter2', 'hunter'),
    ]
    let mistakes = 0
    for (const place of places) {
      for (const text of texts) {
        const reading = await read(place(text), env)
        if (!('mistakes' in reading)) continue
        mistakes += reading.mistakes.length
        expect(JSON.stringify(reading.mistakes)).not.toContain(secret)
      }
    }
    expect(mistakes).toBeGreaterThan(100)
  })
})

describe('R-CONF-25 what was read is a value', () => {
  test('nothing in it can be changed', async () => {
    const config = await configOf(service('hosts: [a.example]'))
    const routes = config.services[0]!.routes as Map<string, unknown>
    expect(() => routes.set('GET /y', {})).toThrow(TypeError)
    expect(() => routes.delete('GET /x')).toThrow(TypeError)
    expect(() => routes.clear()).toThrow(TypeError)
    expect(() => (config.services as unknown[]).push(1)).toThrow(TypeError)
    expect(() => Object.assign(config, { drainMs: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.limits, { headBytes: 1 })).toThrow(TypeError)
    expect(() => Object.assign(routes.get('GET /x')!, { sale: undefined })).toThrow(TypeError)
    expect(routes.size).toBe(1)
  })
})

describe('R-CONF-3 names that are not known', () => {
  for (const [text, expected] of [
    ['limts: {}', '1:1 limts is not known here; did you mean limits?'],
    ['trustedProxies: []', '1:1 trustedProxies is not known here; did you mean trusted_proxies?'],
    ['price-grace: 1', '1:1 ["price-grace"] is not known here; did you mean price_grace?'],
    ['WALLET: devnet', '1:1 WALLET is not known here; did you mean wallet?'],
    ['limits: { haed: 1KiB }', '1:11 limits.haed is not known here; did you mean head?'],
    ['log: { colour: x }', '1:8 log.colour is not known here; there are access, file'],
    ['<<: { a: 1 }', '1:1 ["<<"] merge keys (<<) are not read; use `defaults` of the service'],
    ['toString: 1', /^1:1 toString is not known here; there are listen, /],
  ] as const) {
    test(text, async () => {
      const found = await mistakesOf(`${text}\nwallet: devnet\n`)
      expect(found).toHaveLength(1)
      expect(found[0]).toEqual(
        typeof expected === 'string'
          ? expected.replace('["price-grace"]', 'price-grace')
          : expect.stringMatching(expected),
      )
    })
  }
})

describe('R-CONF-4 where a mistake is shown', () => {
  for (const [text, expected] of [
    [
      'wallet: devnet\nlisten: 80',
      '2:9 listen expected an address and a port: write 127.0.0.1:80 for this machine only',
    ],
    [
      'wallet: devnet\nlisten: { address: x }',
      '2:20 listen.address expected an address and a port, such as 127.0.0.1:8402 or [::1]:8402',
    ],
    [
      'wallet: devnet\nlisten:\n  - { http2: true }',
      '3:5 listen[0].address expected an address and a port, such as 127.0.0.1:8402 or [::1]:8402',
    ],
    [
      '{}',
      '1:1 wallet expected the wallet: devnet, { devnet: { … } }, or the URI of a wallet, such as lnd://…',
    ],
    ['x', '1:1 expected names and values, such as wallet: devnet'],
    ['wallet: devnet\nservices: {}', '2:1 services expected a list of services, each with a name'],
    [
      'wallet: devnet\nservices: [3]',
      '2:12 services[0] expected a mapping of name, hosts, mount, upstream, defaults, routes',
    ],
  ] as const) {
    test(JSON.stringify(text), async () => expect(await mistakesOf(text)).toEqual([expected]))
  }
})

describe('R-CONF-5 environment variables', () => {
  const header = async (value: string, env: Readonly<Record<string, string>>) => {
    const config = await configOf(
      service(`upstream: { url: "http://127.0.0.1:3000", headers: { X: ${value} } }`),
      env,
    )
    return config.services[0]?.upstream?.headers[0]?.[1]
  }
  test('they stand inside of texts, several of them, and are not looked into', async () => {
    expect(await header('"a ${A}-${B_2} $ $A {A}"', { A: '${B_2}', B_2: 'b' })).toBe(
      'a ${B_2}-b $ $A {A}',
    )
    expect(await header('"$${A} $$${A}"', { A: 'x' })).toBe('${A} $${A}')
    expect(await header('"${A}"', { A: 'file:/etc/passwd' })).toBe('file:/etc/passwd')
  })

  for (const [text, message] of [
    ['${A}', 'environment variable A is not set'],
    ['${EMPTY}', 'environment variable EMPTY is empty'],
    ['${', 'expected ${NAME} of letters, digits and _; write $${ for the characters themselves'],
    ['${A', 'expected ${NAME} of letters, digits and _; write $${ for the characters themselves'],
    ['${}', 'expected ${NAME} of letters, digits and _; write $${ for the characters themselves'],
    [
      '${a b}',
      'expected ${NAME} of letters, digits and _; write $${ for the characters themselves',
    ],
    ['${__proto__}', 'environment variable __proto__ is not set'],
  ] as const) {
    test(`${text} is a mistake`, async () => {
      const found = await mistakesOf(service(`routes: { GET /x: "${text}" }`), { EMPTY: '' })
      expect(found).toEqual([`5:23 services[0].routes["GET /x"] ${message}`])
    })
  }

  test('names of members and of services are taken as they are', async () => {
    const found = await mistakesOf(service('name: "${A}"', 'routes: { "GET /${A}": 1 sat }'), {
      A: 'x',
    })
    expect(found).toHaveLength(2)
    expect(found.join()).toContain('services[0].name expected a lower-case letter')
    expect(found.join()).toContain(
      'services[0].routes["GET /${A}"] expected the canonical spelling',
    )
  })
})

describe('R-CONF-6 files', () => {
  const ca = (value: string) => service(`upstream: { url: "https://up.example", ca: "${value}" }`)
  const headers = (value: string) =>
    service(`upstream: { url: "http://127.0.0.1:1", headers: { X: "${value}" } }`)

  test('a file loses its last line end and nothing else', async () => {
    const config = await configOf(headers('file:secret'))
    expect(config.services[0]?.upstream?.headers).toEqual([['X', secret]])
  })

  test('a link is followed, and a variable may stand in the path', async () => {
    expect(await mistakesOf(headers('file:link'))).toEqual([])
    expect(await mistakesOf(headers('file:${DIR}/secret'), { DIR: folder })).toEqual([])
  })

  for (const [value, message] of [
    ['file:nothing', ': there is no such file'],
    ['file:', 'is not a regular file'],
    ['file:folder', ': is not a regular file'],
    ['file:large', ': is larger than 1 MiB'],
    ['file:latin', ': is not UTF-8 text'],
    ['file:/dev/null', ': is not a regular file'],
    ['file:secret/x', ': there is no such file'],
    ['file:${NOPE}', 'environment variable NOPE is not set'],
  ] as const) {
    test(`${value} is a mistake`, async () => {
      const [found, ...more] = await mistakesOf(ca(value))
      expect(more).toEqual([])
      expect(found).toContain('services[0].upstream.ca ')
      expect(found).toContain(message)
    })
  }

  test('a pipe does not keep the reader waiting', async () => {
    const { execFileSync } = await import('node:child_process')
    execFileSync('mkfifo', [join(folder, 'pipe')])
    expect((await mistakesOf(ca('file:pipe')))[0]).toContain('is not a regular file')
  })

  test.skipIf(process.platform === 'win32')(
    'a secret that others can read says how to mend that',
    async () => {
      const [found] = await mistakesOf(headers('file:public'))
      expect(found).toContain(`run: chmod 600 ${join(folder, 'public')}`)
      expect((await mistakesOf(`keys: file:shared.keys\n${service()}`))[0]).toContain('chmod 600')
      expect(await mistakesOf(ca('file:cert.pem'))).toEqual([])
    },
  )

  test('secrets do not stand in the configuration', async () => {
    const literal = `keys: "1:${'cd'.repeat(32)}"\n${service(`upstream: { url: "http://127.0.0.1:1", sign: ${secret} }`)}`
    expect(await mistakesOf(literal)).toEqual([
      '1:7 keys a secret does not belong in here: write file:PATH or ${NAME}',
      '5:50 services[0].upstream.sign a secret does not belong in here: write file:PATH or ${NAME}',
    ])
    expect((await mistakesOf(`keys: "$\${A}"\n${service()}`))[0]).toContain(
      'does not belong in here',
    )
  })

  test('keys are checked, and nothing of them is repeated', async () => {
    const found = await mistakesOf(`keys: file:bad.keys\n${service()}`)
    expect(found).toEqual([
      '1:7 keys expected a key ring, kid:hex,…: keys[0]: expected a kid, a colon and 64 hex digits',
    ])
    const config = await configOf(`keys: \${K}\n${service()}`, { K: `7:${'ab'.repeat(32)}` })
    expect(config).toMatchObject({ keys: `7:${'ab'.repeat(32)}`, keysFile: undefined })
  })
})

describe('R-CONF-9 routes that the library refuses', () => {
  for (const [routes, expected] of [
    ['{ HEAD /x: free }', 'routes["HEAD /x"] HEAD follows GET'],
    ['{ TRACE /x: free }', 'routes["TRACE /x"] TRACE is never served'],
    [
      '{ "GET x": free }',
      'routes["GET x"] expected a method or *, a space and a path: write GET /x',
    ],
    ['{ "GET /a/*/b": free }', 'routes["GET /a/*/b"] * only as the last segment'],
    ['{ "GET /a//b": free }', 'routes["GET /a//b"] expected the canonical spelling of the path'],
    ['{ "GET /:a/:a": free }', 'routes["GET /:a/:a"] expected each :name once'],
    [
      '{ GET /a: 1 sat, GET /A: 2 sat }',
      'routes["GET /A"] differs from another route by case or a last slash only',
    ],
    ['{ GET /a/:b: 1 sat, "GET /a/:c": 2 sat }', 'routes["GET /a/:c"] is listed twice'],
    [
      '{ "GET /a!": 1 sat, "GET /a~": 2 sat }',
      'routes["GET /a~"] same capability as "GET /a!"; name one of them',
    ],
    [
      '{ GET /a: { price: 1 sat, capability: c, uses: 3 }, GET /b: { price: 2 sat, capability: c, lifetime: 1d } }',
      'routes["GET /b"].capability is sold by "GET /a" on other terms (price, uses, lifetime): a token of one would open the other',
    ],
    [
      '{ GET /a: { price: 1 sat, capability: c, free_tier: { requests: 1, per: 1d } }, GET /b: { price: 1 sat, capability: c } }',
      'routes["GET /b"].capability has another free tier by "GET /a"; free requests are counted by capability',
    ],
    ['{}', 'routes expected at least one route'],
    ['[]', 'routes expected a mapping of routes to prices'],
    ['{ GET /a: }', 'routes["GET /a"] expected free, a price such as 10 sat, or a mapping'],
    ['{ GET /a: {} }', 'routes["GET /a"] expected a price, such as price: 10 sat, or free: true'],
    ['{ GET /a: { free: false } }', 'routes["GET /a"].free expected true, or a price instead'],
    ['{ GET /a: { free: true, price: 1 sat } }', 'routes["GET /a"].price a free route has none'],
  ] as const) {
    test(`${routes}: ${expected}`, async () => {
      const found = await mistakesOf(service(`routes: ${routes}`))
      expect(found.map((one) => one.replace(/^\d+:\d+ services\[0\]\./, ''))).toEqual([expected])
    })
  }

  test('routes of one capability on the same terms go together, whatever kind of price they have', async () => {
    const rates = 'rates: { url: "https://r.example/", member: "a.{currency}" }\n'
    const same = ['10 sat', '0.01 USD', '{ url: "http://127.0.0.1:1/p" }']
    for (const price of same) {
      const routes = `routes: { GET /a: { price: ${price}, capability: c }, POST /b: { price: ${price}, capability: c } }`
      expect(await mistakesOf(rates + service(routes))).toEqual([])
    }
    const other =
      'routes: { GET /a: { price: 0.01 USD, capability: c }, POST /b: { price: 0.01 EUR, capability: c } }'
    expect((await mistakesOf(rates + service(other)))[0]).toContain('on other terms (price)')
  })

  test('a long key is told from another one with the same beginning', async () => {
    const long = `GET /${'a'.repeat(80)}`
    const found = await mistakesOf(
      service(`routes: { "${long}": 1 sat, "${long}b": { price: 2 sat, tier: 300 } }`),
    )
    const message = 'expected a capability: the path is too long to be the name of what is sold'
    expect(found.map((one) => one.replace(/^5:\d+ services\[0\]\.routes/, ''))).toEqual([
      `["${long.slice(0, 64)}"] ${message}`,
      `["${long.slice(0, 64)}"].tier expected a whole number from 0 to 255`,
    ])
  })
})

describe('R-CONF-10 services, mounts and defaults', () => {
  test('defaults hold for all routes, a route wins, and none takes away', async () => {
    const config = await configOf(
      service(
        'defaults: { price: 5 sat, uses: 3, lifetime: 1d, concurrency: 2, free_tier: { requests: 1, per: 1d }, rate_limit: { requests: 1, per: 1s }, rewrite: { add_prefix: /api }, max_body: 1KiB }',
        'routes: { GET /a: {}, GET /b: 7 sat, GET /c: { uses: none, free_tier: none, rate_limit: none, concurrency: none, rewrite: none, lifetime: 1h }, GET /d: free }',
      ),
    )
    const routes = config.services[0]!.routes
    expect(routes.get('GET /a')).toMatchObject({
      sale: {
        price: { amountMsat: 5000n },
        uses: 3,
        lifetimeSeconds: 86_400,
        freeTier: { requests: 1, windowSeconds: 86_400 },
      },
      concurrency: 2,
      maxBodyBytes: 1024,
      rewrite: { stripPrefix: undefined, addPrefix: '/api' },
    })
    expect(routes.get('GET /b')).toMatchObject({ sale: { price: { amountMsat: 7000n }, uses: 3 } })
    expect(routes.get('GET /c')).toMatchObject({
      sale: { uses: undefined, freeTier: undefined, lifetimeSeconds: 3600 },
      concurrency: undefined,
      rateLimit: undefined,
      rewrite: undefined,
    })
    expect(routes.get('GET /d')).toMatchObject({
      sale: undefined,
      concurrency: 2,
      maxBodyBytes: 1024,
    })
  })

  test('hosts and mounts are told apart', async () => {
    const two = (first: string, second: string) =>
      `wallet: devnet\nservices:\n  - { name: a, upstream: "http://127.0.0.1:1", ${first} }\n  - { name: b, upstream: "http://127.0.0.1:1", ${second} }\n`
    const routes = (path: string) => `routes: { "GET ${path}": 1 sat }`
    const together = [
      [`hosts: [a.example], ${routes('/x')}`, `hosts: [b.example], ${routes('/x')}`],
      [`hosts: [a.example], ${routes('/x')}`, `hosts: ["*.example"], ${routes('/x')}`],
      [routes('/x'), `mount: /v2, ${routes('/v2/x')}`],
    ] as const
    for (const [first, second] of together) expect(await mistakesOf(two(first, second))).toEqual([])
    const clashing = [
      [routes('/x'), routes('/x')],
      [`hosts: [a.example, c.example], ${routes('/x')}`, `hosts: [c.example], ${routes('/x')}`],
      [`mount: /v2, ${routes('/v2')}`, `mount: /V2, ${routes('/V2')}`],
    ] as const
    for (const [first, second] of clashing) {
      const found = await mistakesOf(two(first, second))
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(
        /services\[1\]\.mount .*with this mount belongs to the service a already$/,
      )
    }
  })

  for (const [lines, expected] of [
    [
      ['mount: /v2'],
      'services[0].routes["GET /x"] is not below the mount of its service; write it in full',
    ],
    [
      ['mount: /v2', 'routes: { GET /v20: free }'],
      'services[0].routes["GET /v20"] is not below the mount of its service; write it in full',
    ],
    [['hosts: []'], 'services[0].hosts expected a list of one or more host names'],
    [['hosts: [a.example, A.example]'], 'services[0].hosts[1] is in the list already'],
    [
      ['name: Shop'],
      'services[0].name expected a lower-case letter, then lower-case letters, digits or -, at most 32 in all, such as weather',
    ],
  ] as const) {
    test(`${lines.join(', ')}: ${expected}`, async () => {
      const found = await mistakesOf(service(...lines))
      expect(found.map((one) => one.replace(/^\d+:\d+ /, ''))).toEqual([expected])
    })
  }

  test('what is below the mount is in order', async () => {
    expect(
      await mistakesOf(service('mount: /v2', 'routes: { GET /v2: free, "GET /v2/*": 1 sat }')),
    ).toEqual([])
  })
})

describe('R-CONF-11 R-CONF-12 who, where', () => {
  for (const [text, expected] of [
    [
      'trusted_proxies: [0.0.0.0/0]',
      'trusted_proxies[0] expected the networks of your own proxies: to trust everybody lets each client choose its address',
    ],
    [
      'trusted_proxies: ["::/0"]',
      'trusted_proxies[0] expected the networks of your own proxies: to trust everybody lets each client choose its address',
    ],
    [
      'listen: { address: 127.0.0.1:1, proxy_protocol_from: [0.0.0.0/0] }',
      'listen.proxy_protocol_from[0] expected the networks of your own proxies: to trust everybody lets each client choose its address',
    ],
    [
      'block: [0.0.0.0/0]',
      'block[0] expected less than everybody; to stop selling, stop the gateway',
    ],
    [
      'block: [10.0.0.1/8]',
      'block[0] expected a network without bits beyond /8, or a single address',
    ],
    [
      'admin: 0.0.0.0:8403',
      'admin expected an address that only this machine reaches, such as 127.0.0.1:8403',
    ],
    [
      'admin: { address: example.com:1 }',
      'admin.address expected an address that only this machine reaches, such as 127.0.0.1:8403',
    ],
    ['admin: true', 'admin expected a mapping of address, key, macaroon'],
    ['admin: 127.0.0.1:8402', 'admin its port is that of listen[0].address: expected another one'],
    [
      'listen: ["127.0.0.1:1", "192.0.2.1:8403"]',
      'admin its port is that of listen[1].address: expected another one',
    ],
    ['admin: { address: "127.0.0.1:0" }', ''],
    [
      'limits: { connections: 5, connections_per_client: 6 }',
      'limits.connections_per_client expected at most connections (5)',
    ],
    [
      'limits: { connections_per_client: 20001 }',
      'limits.connections_per_client expected at most connections (20000)',
    ],
    ['limits: { connections: 5 }', ''],
    ['limits: { connections: 0 }', 'limits.connections expected a whole number from 1 to 1000000'],
    [
      'limits: { connections_per_client: 1.5 }',
      'limits.connections_per_client expected a whole number from 1 to 1000000',
    ],
    ['limits: { headers: 5 }', 'limits.headers expected a whole number from 10 to 2000'],
    ['limits: { head: 2MiB }', 'limits.head expected a size with its unit from 1KiB to 1MiB'],
    [
      'limits: { keep_alive: 2h }',
      'limits.keep_alive expected a duration with its unit from 1s to 1h',
    ],
    ['listen: [127.0.0.1:1, 0.0.0.0:1]', 'listen[1] another listener already listens there'],
    [
      'listen: [{ address: 127.0.0.1:1, tls: {} }, 127.0.0.1:1]',
      'listen[0].tls expected { certificate, key }, { generate: true } or { acme: { … } }|listen[1] another listener already listens there',
    ],
    ['listen: []', 'listen expected one or more addresses'],
    [
      'listen: { address: 127.0.0.1:1, tls: { certificate: file:cert.pem, key: file:other-key.pem } }',
      'listen.tls.key is not the key of this certificate, or neither can be used',
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { certificate: file:key.pem, key: file:key.pem } }',
      'listen.tls.certificate expected a certificate in PEM, such as file:cert.pem',
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { generate: true, names: ["a b"] } }',
      'listen.tls.names[0] expected a name for the certificate, such as api.example.com or 127.0.0.1; other letters in the xn-- form',
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { generate: false } }',
      'listen.tls.generate expected true',
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { acme: { directory: "https://a.example", agree_to_terms: false, names: [a.example] } } }',
      'listen.tls.acme.agree_to_terms expected true, when you agree to the terms of the authority',
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { acme: { directory: "http://a.example", agree_to_terms: true, names: [localhost] } } }',
      "listen.tls.acme.directory expected the URL of the authority's directory; https|listen.tls.acme.names[0] expected a name for the certificate, such as api.example.com; a name without a dot is of no public host",
    ],
    [
      'listen: { address: 127.0.0.1:1, tls: { acme: { directory: "https://a.example", agree_to_terms: true, names: ["*.a.example"] } } }',
      'listen.tls.acme.names[0] expected a name for the certificate, such as api.example.com; names with * cannot be proven over HTTP',
    ],
    [
      'listen: { address: 0.0.0.0:80, tls: { acme: { directory: "https://a.example", agree_to_terms: true, names: [a.example] } } }',
      'listen.tls.acme.http another listener already listens there',
    ],
    [
      'rates: { url: "http://rates.example", member: a }',
      'rates.url expected the URL of a rate source, https: whoever changes the rate on the way sets your prices',
    ],
    [
      'rates: { url: "https://rates.example", member: "a b", refresh: 1h }',
      'rates.member expected names with dots between, such as data.{currency}',
    ],
    [
      'rates: { url: "https://rates.example", member: a, refresh: 1h }',
      'rates.refresh expected less than max_age, or there would be times without a rate',
    ],
  ] as const) {
    test(`${text}: ${expected}`, async () => {
      const found = await mistakesOf(`${text}\n${service()}`)
      expect(found.map((one) => one.replace(/^1:\d+ /, '')).join('|')).toBe(expected)
    })
  }

  for (const host of [
    'api.example.com:80',
    '',
    'a b',
    '*',
    'x*',
    '*.',
    'a.*',
    '**',
    'http://a',
    'a.example.',
    'ä.example',
    '-a.example',
    '1.2.3',
    '::1',
    '[::x]',
  ]) {
    test(`hosts: [${host}] ${host === '*' ? 'is everybody' : 'is a mistake'}`, async () => {
      const found = await mistakesOf(service(`hosts: ["${host}"]`))
      if (host === '*') expect(found).toEqual([])
      else
        expect(found.join()).toMatch(
          /^6:13 services\[0\]\.hosts\[0\] expected a host name without port/,
        )
    })
  }

  test('off and on are said with false', async () => {
    expect((await configOf(`admin: false\n${service()}`)).admin).toBeUndefined()
  })

  test('devnet does not run in production unless it is told to', async () => {
    expect(await mistakesOf(service(), { NODE_ENV: 'production' })).toEqual([
      expect.stringMatching(/^1:9 wallet the embedded network has no real money/),
    ])
    const forced = service().replace('devnet', '{ devnet: { force: true } }')
    expect(await mistakesOf(forced, { NODE_ENV: 'production' })).toEqual([])
  })
})

describe('R-CONF-13 headers for the upstream', () => {
  for (const [header, expected] of [
    ['Host: a', 'Host expected another header; the upstream is told its own host, or keep_host'],
    ['Connection: a', 'Connection expected a header that does not belong to the connection itself'],
    [
      'transfer-encoding: a',
      'transfer-encoding expected a header that does not belong to the connection itself',
    ],
    [
      'Content-Length: "3"',
      'Content-Length expected a header that does not belong to the connection itself',
    ],
    [
      'content_length: "3"',
      'content_length expected a header that does not belong to the connection itself',
    ],
    ['Proxy: a', 'Proxy expected a header that does not belong to the connection itself'],
    [
      'Proxy-Anything: a',
      'Proxy-Anything expected a header that does not belong to the connection itself',
    ],
    ['Keep_Alive: a', 'Keep_Alive expected a header that does not belong to the connection itself'],
    [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Proto expected another name: X-Forwarded-… is what the gateway says of the client',
    ],
    [
      'x_forwarded_for: a',
      'x_forwarded_for expected another name: X-Forwarded-… is what the gateway says of the client',
    ],
    ['X: "\u20ac"', 'X expected a value of printable ASCII characters'],
    ['X: "😀"', 'X expected a value of printable ASCII characters'],
    ['X-A: a, x_a: b', 'x_a is there in another spelling'],
    [
      'Satway-Token-Id: a',
      'Satway-Token-Id expected another name: Satway-… is what the gateway says itself',
    ],
    [
      'satway_amount: a',
      'satway_amount expected another name: Satway-… is what the gateway says itself',
    ],
    ['"a b": c', '["a b"] expected the name of a header: letters, digits and -'],
    ['"a:": c', '["a:"] expected the name of a header: letters, digits and -'],
    ['X: 5', 'X expected text; put it in quotes'],
    ['X: ""', 'X expected a value'],
    ['X: "a\\r\\nEvil: b"', 'X expected a value of one line'],
    ['X: "a\\0b"', 'X expected a value of printable ASCII characters'],
    ['X: "ä"', 'X expected a value of printable ASCII characters'],
    ['X: " a"', 'X expected a value without white space before or after it'],
    ['X-A: a, x-a: b', 'x-a is there in another spelling'],
  ] as const) {
    test(header, async () => {
      const found = await mistakesOf(
        service(`upstream: { url: "http://127.0.0.1:1", headers: { ${header} } }`),
      )
      expect(
        found.map((one) => one.replace(/^\d+:\d+ services\[0\]\.upstream\.headers\.?/, '')),
      ).toEqual([expected])
    })
  }
})

describe('R-CONF-14 upstreams', () => {
  for (const [url, expected] of [
    ['http://127.0.0.1:3000', undefined],
    ['https://up.example', undefined],
    ['HTTP://UP.example/Base', undefined],
    ['http://[::1]:3000/a/b', undefined],
    ['ftp://up.example', 'http or https'],
    ['127.0.0.1:3000', 'http or https'],
    ['http://', 'such as'],
    ['http://u:p@h', 'without a user or password'],
    ['http://@h', 'without a user or password'],
    ['http://h/?a', 'without a query or fragment'],
    ['http://h#a', 'without a query or fragment'],
    ['http://h/a//b', 'no //, no dot segments'],
    ['http://h/../b', 'no //, no dot segments'],
    ['http://h/%2e%2e/b', 'no //, no dot segments'],
    ['http://h\\\\x', 'such as'],
    ['http://h /', 'such as'],
    ['http://h:0', "port 0 is nobody's"],
    ['http://h:99999', 'such as'],
    ['http://localhost:8402', 'is the gateway itself, which listens there (listen[0].address)'],
    ['http://0.0.0.0:8402', 'is the gateway itself, which listens there (listen[0].address)'],
    ['http://127.0.0.1:8403', 'is the gateway itself, which listens there (admin)'],
  ] as const) {
    test(`${url} ${expected === undefined ? 'is one' : `is refused: ${expected}`}`, async () => {
      const found = await mistakesOf(service(`upstream: "${url}"`))
      if (expected === undefined) expect(found).toEqual([])
      else {
        expect(found).toHaveLength(1)
        expect(found[0]).toContain(expected)
      }
    })
  }

  for (const [more, expected] of [
    ['url: "http://h", protocol: h2', 'protocol h2 is with TLS; write h2c for http:'],
    ['url: "https://h", protocol: h2c', 'protocol h2c is without TLS; write h2 for https:'],
    ['url: "http://h", server_name: a', 'server_name only for an upstream with https:'],
    ['url: "http://h", protocol: grpc', 'protocol expected http/1.1 or h2c or h2'],
    [
      'url: "https://h", ca: nothing',
      'ca expected the certificate of an authority in PEM, such as file:ca.pem',
    ],
    ['url: "http://h", health: "//x"', 'health expected a path, such as /health'],
    [
      'url: "http://h", head_timeout: 0s',
      'head_timeout expected a duration with its unit from 10ms to 1d',
    ],
    ['url: "http://h", keep_alive: "no"', 'keep_alive expected true or false'],
  ] as const) {
    test(more, async () => {
      const found = await mistakesOf(service(`upstream: { ${more} }`))
      expect(found.map((one) => one.replace(/^\d+:\d+ services\[0\]\.upstream\./, ''))).toEqual([
        expected,
      ])
    })
  }

  test('another proxy may do the forwarding, if all listeners are for its questions', async () => {
    const text = (listen: string, proxies = '[127.0.0.0/8]') =>
      `wallet: devnet\nlisten: ${listen}\ntrusted_proxies: ${proxies}\nservices: [{ name: a, routes: { GET /x: 1 sat } }]\n`
    const asked = '{ address: 127.0.0.1:1, forward_auth: nginx }'
    const config = await configOf(text(asked))
    expect(config.services[0]?.upstream).toBeUndefined()
    expect(config.listen[0]?.forwardAuth).toBe('nginx')
    expect((await mistakesOf(text(`[${asked}, 127.0.0.1:2]`)))[0]).toContain(
      'services[0].upstream expected the URL of an upstream',
    )
    expect(await mistakesOf(text(asked, '[]'))).toEqual([
      '2:47 listen.forward_auth answers trusted proxies only: expected their networks in trusted_proxies',
    ])
  })
})

describe('R-CONF-15 beginnings of paths', () => {
  for (const value of [
    'v1/api',
    'https://h/p',
    '/p?q',
    '/p#f',
    '/p/',
    '//p',
    '/p//q',
    '/a/../b',
    '/%61',
    '/a/:b',
    '/a*',
    '',
    ' /p',
    '/p q',
    '/%2f',
  ]) {
    test(`${JSON.stringify(value)} is none, as a prefix or a mount`, async () => {
      const rewritten = await mistakesOf(
        service(`routes: { GET /x: { price: 1 sat, rewrite: { add_prefix: "${value}" } } }`),
      )
      expect(rewritten.join()).toContain(
        'routes["GET /x"].rewrite.add_prefix expected the beginning of a path, such as /v1',
      )
      const stripped = await mistakesOf(
        service(`routes: { GET /x: { price: 1 sat, rewrite: { strip_prefix: "${value}" } } }`),
      )
      expect(stripped.join()).toContain(
        'routes["GET /x"].rewrite.strip_prefix expected the beginning of a path, such as /v1',
      )
      expect((await mistakesOf(service(`mount: "${value}"`))).join()).toContain(
        'services[0].mount expected the beginning of a path',
      )
    })
  }

  test('a route begins with what is taken off it', async () => {
    const routes = (prefix: string) =>
      service(`routes: { GET /v1/x: { price: 1 sat, rewrite: { strip_prefix: ${prefix} } } }`)
    expect(await mistakesOf(routes('/v1'))).toEqual([])
    expect((await mistakesOf(routes('/v')))[0]).toContain(
      'strip_prefix the path of the route does not begin with it',
    )
    expect(
      (await mistakesOf(service('routes: { GET /x: { price: 1 sat, rewrite: {} } }')))[0],
    ).toContain('expected strip_prefix, add_prefix or both')
  })
})

describe('R-CONF-8 prices that need or ask somebody', () => {
  test('a price in money needs rates', async () => {
    const priced = service('routes: { GET /x: 0.01 USD }')
    expect(await mistakesOf(priced)).toEqual([
      '5:23 services[0].routes["GET /x"] a price in money needs `rates`: where its rate is read',
    ])
    expect(await mistakesOf(`rates: { url: "https://r.example/", member: a }\n${priced}`)).toEqual(
      [],
    )
  })

  test('R-CONF-30 one rate is not taken for two currencies', async () => {
    const rates = (member: string, url = 'https://r.example/') =>
      `rates: { url: "${url}", member: "${member}" }\n`
    const two = service('routes: { GET /eur: 0.02 EUR, GET /usd: 0.02 USD, GET /chf: 1 CHF }')
    const message =
      'rates.member expected {currency} in member or url: prices are in CHF, EUR and USD, and one rate would be taken for all of them'
    const found = await mistakesOf(rates('data.rates.USD') + two)
    expect(found.map((one) => one.replace(/^1:\d+ /, ''))).toEqual([message])
    expect(await mistakesOf(rates('data.{currency}') + two)).toEqual([])
    expect(await mistakesOf(rates('a', 'https://r.example/{currency}') + two)).toEqual([])
  })

  test('R-CONF-30 a service that is being stored does not bring another currency', async () => {
    const text = `rates: { url: "https://r.example/", member: USD }\n${service('routes: { GET /x: 0.02 USD }')}`
    const stored = (price: string): ServiceDocument => ({
      name: 'other',
      document: {
        name: 'other',
        mount: '/b',
        upstream: 'http://127.0.0.1:3000',
        routes: { 'GET /b': price },
      },
    })
    const mistakes = async (price: string, fresh?: string) => {
      const options = fresh === undefined ? {} : { fresh }
      const reading = await combine(text, [stored(price)], where(), options)
      return 'mistakes' in reading ? sentences(reading.mistakes) : []
    }
    expect(await mistakes('1 USD', 'other')).toEqual([])
    expect((await mistakes('1 EUR', 'other')).join()).toMatch(
      /^- routes\["GET \/b"\] rates: expected \{currency\} .* in EUR and USD/,
    )
    // At a start nobody can say which of them is wrong.
    expect((await mistakes('1 EUR')).join()).toMatch(/^1:\d+ rates\.member expected \{currency\}/)
  })

  for (const [price, expected] of [
    ['{}', 'url expected the URL of a pricer'],
    ['{ url: "ftp://x" }', 'url expected the URL of a pricer; http or https'],
    ['{ url: "http://u@x" }', 'url expected the URL of a pricer; without a user or password'],
    [
      '{ url: "http://x", timeout: 11s }',
      'timeout expected a duration with its unit from 10ms to 10s',
    ],
    ['{ url: "http://x", body: 11MiB }', 'body expected a size with its unit from 0B to 10MiB'],
    [
      '{ url: "http://x", headers: [Authorization] }',
      'headers[0] expected a header that is no credential',
    ],
    [
      '{ url: "http://x", headers: [satway-a] }',
      'headers[0] expected a header that the gateway lets through',
    ],
    ['{ url: "http://x", headers: x }', 'headers expected a list of header names'],
    [
      '{ url: "http://x", methods: [] }',
      'methods is not known here; there are url, headers, body, timeout',
    ],
  ] as const) {
    test(`${price}: ${expected}`, async () => {
      const found = await mistakesOf(service(`routes: { GET /x: { price: ${price} } }`))
      expect(
        found.map((one) => one.replace(/^\d+:\d+ services\[0\]\.routes\["GET \/x"\]\.price\./, '')),
      ).toEqual([expected])
    })
  }
})

describe('R-CONF-16 documents of the admin API', () => {
  const upstream = { url: 'http://127.0.0.1:3000' }
  const routes = { 'GET /x': '10 sat' }
  const one = async (document: unknown, env: Readonly<Record<string, string>> = {}) => {
    const reading = await readServiceDocument(document, where(env))
    return 'mistakes' in reading ? sentences(reading.mistakes) : reading.service
  }

  test('one is read as a service of the file is', async () => {
    expect(
      await one({ name: 'shop', upstream: 'http://127.0.0.1:3000', routes, hosts: ['a.example'] }),
    ).toMatchObject({
      name: 'shop',
      hosts: ['a.example'],
    })
  })

  test('it reads no file, and of the environment what is meant for it', async () => {
    const document = {
      name: 'shop',
      upstream: {
        ...upstream,
        sign: 'file:secret',
        headers: { A: 'file:secret', B: '${HOME}', C: '${SATWAY_C}', D: 'plain' },
      },
      routes: { 'GET /x': { price: '1 sat', description: '${PATH}' } },
    }
    expect(await one(document, { SATWAY_C: 'c', PATH: '/bin' })).toEqual([
      '- upstream.sign file: references are read in the configuration file only',
      '- upstream.headers.A file: references are read in the configuration file only',
      '- upstream.headers.B the admin API refers to environment variables that start with SATWAY_ only, not to "HOME"',
      '- routes["GET /x"].description the admin API refers to environment variables that start with SATWAY_ only, not to "PATH"',
    ])
    const good = await one(
      { name: 'shop', upstream: { ...upstream, headers: { C: '${SATWAY_C}' } }, routes },
      { SATWAY_C: 'c' },
    )
    expect(good).toMatchObject({ upstream: { headers: [['C', 'c']] } })
  })

  test('a literal signing key is refused', async () => {
    expect(
      await one({ name: 'shop', upstream: { ...upstream, sign: 'x'.repeat(32) }, routes }),
    ).toEqual(['- upstream.sign a secret does not belong in here: write ${SATWAY_NAME}'])
  })

  for (const document of [
    undefined,
    null,
    1,
    'x',
    [],
    [[]],
    {},
    { name: 1 },
    { name: 'a', routes: 3 },
    JSON.parse('{"__proto__":{"name":"a"}}'),
    JSON.parse('{"name":"a","routes":{"__proto__":"free"}}'),
    JSON.parse('{"name":"a","routes":{"constructor":"free"}}'),
  ]) {
    test(`${JSON.stringify(document)} is none`, async () => {
      expect(Array.isArray(await one(document))).toBe(true)
    })
  }

  test('one without bottom is refused', async () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 5000; i++) deep = { a: deep }
    expect(await one({ name: 'a', upstream: deep, routes })).toContainEqual(
      expect.stringContaining('is nested too deeply'),
    )
    const wide = {
      name: 'a',
      upstream,
      routes: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`GET /${i}`, 'free'])),
    }
    expect(await one(wide)).toContainEqual('- routes expected at most 1000 routes')
  })
})

describe('R-CONF-17 services of the file and of the admin API', () => {
  const made = (name: string, more: object = {}): ServiceDocument => ({
    name,
    document: { name, upstream: 'http://127.0.0.1:3000', routes: { 'GET /x': '10 sat' }, ...more },
  })
  const joined = async (stored: readonly ServiceDocument[], fresh?: string) =>
    await combine(
      service('hosts: [a.example]'),
      stored,
      where(),
      fresh === undefined ? {} : { fresh },
    )

  test('they stand beside each other, those of the file first', async () => {
    const reading = await joined([made('extra')])
    if ('mistakes' in reading) throw new Error(sentences(reading.mistakes).join())
    expect(reading.config.services.map(({ name }) => name)).toEqual(['shop', 'extra'])
    expect(reading.documents).toEqual([
      {
        name: 'shop',
        document: {
          name: 'shop',
          hosts: ['a.example'],
          upstream: 'http://127.0.0.1:3000',
          routes: { 'GET /x': '10 sat' },
        },
      },
    ])
  })

  test('the documents of the file have their references as they were written', async () => {
    const reading = await readConfig(
      service('upstream: { url: "${U}", headers: { A: "file:secret" } }'),
      where({ U: 'http://127.0.0.1:1' }),
    )
    expect(reading).toMatchObject({
      documents: [{ document: { upstream: { url: '${U}', headers: { A: 'file:secret' } } } }],
    })
  })

  test('a name or a place that both have is a mistake of the file that says how to delete the other', async () => {
    const byName = await joined([made('shop')])
    expect(byName).toMatchObject({ mistakes: [{ isCollision: true }] })
    expect('mistakes' in byName ? sentences(byName.mistakes) : []).toEqual([
      '3:11 services[0].name shop is the name of a service that was made through the admin API; to delete that one: satway admin services delete shop',
    ])
    const byPlace = await joined([made('other', { hosts: ['b.example', 'a.example'] })])
    expect('mistakes' in byPlace ? sentences(byPlace.mistakes) : []).toEqual([
      '3:5 services[0].mount one of its hosts with this mount belongs to a service that was made through the admin API; to delete that one: satway admin services delete other',
    ])
  })

  test('one that is being stored gives way itself', async () => {
    const reading = await joined([made('other', { hosts: ['a.example'] })], 'other')
    expect(reading).toMatchObject({ mistakes: [{ isCollision: true }] })
    expect('mistakes' in reading ? sentences(reading.mistakes) : []).toEqual([
      '- mount one of its hosts with this mount belongs to the service shop already',
    ])
    const wrong = await joined([made('other', { routes: { 'GET /x': 5 } })], 'other')
    expect('mistakes' in wrong ? sentences(wrong.mistakes) : []).toEqual([
      '- routes["GET /x"] expected an amount with its unit: write 5 sat',
    ])
  })

  test('a stored one that is wrong says how to delete it, and one under another name too', async () => {
    const reading = await joined([
      made('old', { routes: { 'GET /x': '1 EUR' } }),
      { name: 'b', document: made('c').document },
    ])
    expect('mistakes' in reading ? sentences(reading.mistakes) : []).toEqual([
      '- stored.b.name expected b, under which it is kept (made through the admin API; to delete it: satway admin services delete b)',
      '- stored.b.mount every host with this mount belongs to the service old (made through the admin API) already (made through the admin API; to delete it: satway admin services delete b)',
      '- stored.old.routes["GET /x"] a price in money needs `rates`: where its rate is read (made through the admin API; to delete it: satway admin services delete old)',
    ])
  })

  test('an upstream that is the gateway is found there too', async () => {
    const reading = await joined([made('loop', { upstream: 'http://localhost:8402' })])
    expect('mistakes' in reading ? sentences(reading.mistakes).join() : '').toContain(
      'is the gateway itself',
    )
  })
})

describe('R-CONF-18 the one line', () => {
  test('it is one service with one price', async () => {
    const config = await configOf(
      oneLineConfig({ upstream: 'http://127.0.0.1:3000', price: '10sat' }),
    )
    expect(config).toMatchObject({
      listen: [{ host: '127.0.0.1', port: 8402 }],
      admin: { host: '127.0.0.1', port: 8403, keyFile: '/home/satway/.satway/admin.key' },
      state: '/home/satway/.satway/gateway.db',
      wallet: { kind: 'devnet' },
      services: [{ name: 'api', hosts: ['*'] }],
    })
    const sale = { price: { kind: 'fixed', amountMsat: 10_000n }, capability: 'all' }
    expect([...config.services[0]!.routes]).toMatchObject([
      ['* /', { sale }],
      ['* /*', { sale }],
    ])
  })

  test('the wallet of the devnet is where the other commands look for it', async () => {
    const text = oneLineConfig({ upstream: 'http://127.0.0.1:3000', price: '10sat' })
    const reading = await read(text, { SATWAY_HOME: '/srv/satway' })
    expect('config' in reading ? reading.config.wallet : reading).toMatchObject({
      kind: 'devnet',
      file: '/srv/satway/devnet.json',
    })
  })

  test('its options are texts, whatever is in them', async () => {
    const evil = '"\nadmin: 0.0.0.0:1 # ${HOME} \\'
    const found = await mistakesOf(
      oneLineConfig({ upstream: evil, price: evil, listen: evil, capability: evil }),
    )
    expect(found).toHaveLength(6)
    expect(found.join()).not.toContain('admin')
    const config = await configOf(
      oneLineConfig({
        upstream: 'http://127.0.0.1:1',
        price: '1 sat',
        listen: '[::1]:0',
        admin: '[::1]:0',
        state: 's.db',
        uses: 3,
        lifetime: '1d',
        capability: 'c',
      }),
    )
    expect(config).toMatchObject({
      listen: [{ host: '::1', port: 0 }],
      state: join(folder, 's.db'),
    })
    expect(config.services[0]?.routes.get('* /*')?.sale).toMatchObject({
      uses: 3,
      lifetimeSeconds: 86_400,
      capability: 'c',
    })
  })
})

describe('R-CONF-19 warnings', () => {
  const warnings = async (text: string) => {
    const reading = await read(text)
    return 'warnings' in reading ? sentences(reading.warnings) : sentences(reading.mistakes)
  }
  for (const [text, expected] of [
    [service(), []],
    [service('upstream: { url: "https://up.example", headers: { A: b } }'), []],
    [
      service('upstream: { url: "http://up.example", headers: { A: b } }'),
      [
        '4:22 services[0].upstream.url plain http to another machine: what is sold can be read and changed on the way',
      ],
    ],
    [
      service('upstream: https://up.example'),
      [
        '4:15 services[0].upstream no sign and no headers: the upstream cannot tell requests of the gateway from those of anybody who reaches it',
      ],
    ],
    [service('routes: { GET /x: free }'), ['5:5 services[0].routes every route is free']],
    ['wallet: devnet\n', ['1:1 services nothing is sold yet']],
    [
      `rates: { url: "https://r.example/", member: data.rates.USD }\n${service('routes: { GET /x: 0.02 EUR }')}`,
      [
        '1:45 rates.member neither url nor member names a currency with {currency}, and prices are in EUR: make sure that this is its rate',
      ],
    ],
    [
      `rates: { url: "https://r.example/", member: data.rates.USD }\n${service('routes: { GET /x: 0.02 USD }')}`,
      [],
    ],
    [
      `listen: 0.0.0.0:80\n${service()}`,
      [
        '1:9 listen without TLS, and others can reach it: tokens can be read and used by who sees them pass',
      ],
    ],
    [`listen: 0.0.0.0:80\ntrusted_proxies: [10.0.0.0/8]\n${service()}`, []],
    [
      `${service('hosts: [a.example]')}  - { name: b, upstream: "http://127.0.0.1:1", routes: { GET /x: 1 sat } }\n`,
      ['7:5 services[1].hosts answers for every host that no other service names'],
    ],
    [
      service('routes: { GET /x: { price: { url: "http://p.example" } } }'),
      [
        '5:39 services[0].routes["GET /x"].price.url plain http to another machine: prices can be changed on the way',
      ],
    ],
  ] as const) {
    test(JSON.stringify(text), async () => expect(await warnings(text)).toEqual(expected))
  }
})

describe('R-CONF-27 methods that nobody registered', () => {
  for (const [key, expected] of [
    ['GTE /v1/bundle', 'GTE is no registered HTTP method; did you mean GET?'],
    ['PSOT /x', 'PSOT is no registered HTTP method; did you mean POST?'],
    ['PATCHE /x', 'PATCHE is no registered HTTP method; did you mean PATCH?'],
    ['PROPFND /x', 'PROPFND is no registered HTTP method; did you mean PROPFIND?'],
    ['FROBNICATE /x', 'FROBNICATE is no registered HTTP method'],
    ['GET /x', undefined],
    ['"* /x"', undefined],
    ['MKCALENDAR /x', undefined],
    ['UNLOCK /x', undefined],
  ] as const) {
    test(`${key}: ${expected ?? 'nothing to say'}`, async () => {
      const reading = await read(service(`routes: { ${key}: 1 sat }`))
      const found = 'warnings' in reading ? sentences(reading.warnings) : undefined
      const place = `5:15 services[0].routes["${key}"] `
      expect(found).toEqual(expected === undefined ? [] : [place + expected])
    })
  }
})

describe('R-CONF-28 keys of routes that are none', () => {
  for (const [key, expected] of [
    ['GET v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    ['/v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    ['/', 'expected a method or *, a space and a path: write GET /'],
    ['get /v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    ['GET  /v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    [' GET /v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    ['* v1/*', 'expected a method or *, a space and a path: write * /v1/*'],
    ['GET https://api.example/v1/x', 'expected a method or *, a space and a path: write GET /v1/x'],
    ['FOO', 'expected a method or *, a space and a path, such as GET /v1/weather/:city'],
    ['GET', 'expected a method or *, a space and a path, such as GET /v1/weather/:city'],
    ['', 'expected a method or *, a space and a path, such as GET /v1/weather/:city'],
    ['GET /v1/x?q=1', 'expected the canonical spelling of the path'],
    ['GET /a/{city}', 'a part that varies is written :name: write GET /a/:city'],
    ['/a/{city}/b/{day}', 'a part that varies is written :name: write GET /a/:city/b/:day'],
    ['GET /a/<city>', 'a part that varies is written :name: write GET /a/:city'],
    ['GET /a/<int:city>', 'a part that varies is written :name: write GET /a/:city'],
    ['GET /a/[city]', 'a part that varies is written :name: write GET /a/:city'],
  ] as const) {
    test(`${JSON.stringify(key)}: ${expected}`, async () => {
      const found = await mistakesOf(service(`routes: { "${key}": 1 sat }`))
      expect(found).toHaveLength(1)
      expect(found[0]?.replace(/^5:\d+ services\[0\]\.routes(?:\.\w+|\["[^"]*"\]) /, '')).toBe(
        expected,
      )
    })
  }

  test('what is written back is a key of a route', async () => {
    for (const key of ['GET v1/x', '/v1/x', 'get /v1/x', 'GET /a/{b}', '* v1/*']) {
      const [found = ''] = await mistakesOf(service(`routes: { "${key}": 1 sat }`))
      const proposed = /write (.*)$/.exec(found)?.[1] ?? 'nothing'
      expect(await mistakesOf(service(`routes: { "${proposed}": 1 sat }`))).toEqual([])
    }
  })
})

describe('R-CONF-29 a wallet that is named without a URI', () => {
  const write = 'expected the URI of the wallet, its secret in a file or variable:'
  const lnd = `${write} lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH`
  const cln = `${write} cln://HOST:3010?rune=file:/PATH&cert=file:/PATH`
  for (const [wallet, expected] of [
    ['lnd', lnd],
    ['LND', lnd],
    ['{ lnd: { host: "x:1" } }', lnd],
    ['Core Lightning', cln],
    ['cln', cln],
    ['phoenixd', `${write} phoenixd://127.0.0.1:9740?password=file:/PATH`],
    ['lightning-address', `${write} lnurl:NAME@HOST`],
    ['Alby', `${write} nostr+walletconnect://PUBKEY?relay=wss://RELAY&secret=file:/PATH`],
  ] as const) {
    test(`${wallet}: ${expected}`, async () => {
      expect(await mistakesOf(service().replace('devnet', wallet))).toEqual([
        `1:${wallet.startsWith('{') ? 1 : 9} wallet ${expected}`,
      ])
    })
  }

  test('what is no node is not taken for one', async () => {
    for (const wallet of ['hunter2', '5', 'lndx', '[lnd]', '{ node: 1 }']) {
      expect(await mistakesOf(service().replace('devnet', wallet))).toEqual([
        `1:${wallet.startsWith('{') || wallet.startsWith('[') ? 1 : 9} wallet expected the wallet: devnet, { devnet: { … } }, or the URI of a wallet, such as lnd://…`,
      ])
    }
    expect(await mistakesOf(service().replace('devnet', '{ devnet: {}, lnd: {} }'))).toEqual([
      '1:23 wallet.lnd is not known here; there are devnet',
    ])
  })
})

describe('R-CONF-31 a file that says nothing', () => {
  for (const text of ['', '\n', '# only a comment\n', '---\n', 'null\n']) {
    test(`${JSON.stringify(text)} is one mistake that names what must be there`, async () => {
      const found = await mistakesOf(text)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(/^- says nothing: expected wallet .*services .*keys .*satway init/)
    })
  }
})
