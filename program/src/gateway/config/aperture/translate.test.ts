// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { satToMsat } from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayConfig } from '../config.ts'
import { readWhole } from '../read.ts'
import type { Note } from './notes.ts'
import { translateAperture } from './translate.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-import-'))
  writeFileSync(join(folder, 'satway.keys'), `1:${'ab'.repeat(32)}\n`, { mode: 0o600 })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function where() {
  return { file: join(folder, 'satway.yaml'), env: { HOME: folder } }
}

function translate(text: string) {
  const translation = translateAperture(text, 'aperture.yaml', where())
  if (!('yaml' in translation)) throw new Error(JSON.stringify(translation.mistakes))
  return translation
}

/** The configuration that an import becomes, with nothing left to do. */
function configOf(text: string): GatewayConfig {
  const { yaml, mistakes } = translate(text)
  expect(mistakes).toEqual([])
  const reading = readWhole(yaml, [], where())
  if ('mistakes' in reading) throw new Error(JSON.stringify(reading.mistakes))
  return reading.config
}

function services(...members: readonly string[]): string {
  return `listenaddr: 127.0.0.1:8081\ninsecure: true\nservices:\n${members.map((one) => `  - { ${one} }\n`).join('')}`
}

const base = 'name: shop, address: "127.0.0.1:3000"'

function routesOf(config: GatewayConfig, index = 0) {
  return Object.fromEntries(
    [...config.services[index]!.routes].map(([key, { sale }]) => [
      key,
      sale === undefined
        ? 'free'
        : sale.price.kind === 'fixed'
          ? sale.price.amountMsat
          : sale.price,
    ]),
  )
}

function notesAt(notes: readonly Note[], path: string): readonly string[] {
  return notes
    .filter((note) => note.path === path)
    .map(({ kind, message }) => `${kind}: ${message}`)
}

describe('R-CONF-21 a configuration of Aperture', () => {
  test('a plain HTTP shop', () => {
    const config = configOf(`
listenaddr: ":8081"
insecure: true
debuglevel: info
dbbackend: sqlite
idletimeout: 3m
blocklist: ["192.0.2.1", "2001:db8::1"]
authenticator:
  network: testnet
  lndhost: "10.0.0.2:10009"
  tlspath: "/lnd/tls.cert"
  macdir: "/lnd/macaroons"
services:
  - name: weather
    hostregexp: '^weather\\.example\\.com$'
    pathregexp: '^/v1/.*$'
    address: "127.0.0.1:3000"
    protocol: http
    auth: "on"
    price: 25
    timeout: 86400
    capabilities: forecast
    authwhitelistpaths: ['^/v1/status$', '^/v1/public/.*$']
    headers: { X-Origin: aperture }
    rewrite: { prefix: /api }
`)
    expect(config).toMatchObject({
      listen: [{ host: '0.0.0.0', port: 8081, tls: undefined }],
      block: ['192.0.2.1/32', '2001:db8::1/128'],
      limits: { keepAliveMs: 180_000 },
      services: [
        {
          name: 'weather',
          hosts: ['weather.example.com'],
          mount: '/v1',
          upstream: {
            url: new URL('http://127.0.0.1:3000'),
            protocol: 'http/1.1',
            headers: [['X-Origin', 'aperture']],
          },
        },
      ],
    })
    expect(routesOf(config)).toEqual({
      '* /v1/*': 25_000n,
      '* /v1/status': 'free',
      '* /v1/public/*': 'free',
    })
    expect(config.services[0]?.routes.get('* /v1/*')).toMatchObject({
      sale: { capability: 'forecast', lifetimeSeconds: 86_400 },
      rewrite: { addPrefix: '/api' },
    })
  })

  test('a gRPC service with TLS, behind another one', () => {
    const { yaml, notes, mistakes } = translate(`
listenaddr: "0.0.0.0:443"
servername: gate.example.com
autocert: true
services:
  - name: loop
    pathregexp: '^/looprpc\\.SwapServer/.*$'
    address: "10.0.0.5:11010"
    protocol: https
    tlscertpath: /certs/loop.cert
    price: 10
  - name: web
    address: "127.0.0.1:80"
    auth: "off"
`)
    expect(yaml).toContain('agree_to_terms: false')
    expect(yaml).toContain('protocol: h2 #')
    expect(yaml).toContain('mount: /looprpc.SwapServer')
    expect(mistakes.map(({ path }) => path)).toEqual([
      'listen[0].tls.acme.agree_to_terms',
      'services[0].upstream.ca',
    ])
    expect(notesAt(notes, 'services[0].tlscertpath')[0]).toMatch(
      /^changed: Aperture never verified it/,
    )
    expect(notesAt(notes, 'autocert')[0]).toMatch(/^fill-in: /)
  })

  test('every route of "all paths" is one that the library reads as all paths', async () => {
    const config = configOf(services(base))
    expect([...config.services[0]!.routes.keys()]).toEqual(['* /*'])
    const devnet = createDevnet()
    const paywall = createPaywall({
      service: 'shop',
      payee: devnet.addNode('seller', { balanceMsat: satToMsat(0n) }),
      keys: createKeyRing([{ kid: 1, key: new Uint8Array(32).fill(7) }]),
    })
    const gate = createRoutes(paywall, { '* /*': { price: '1 sat' } })
    for (const target of ['/', '/a', '/a/', '/a/b?c']) {
      const decision = await gate({
        method: 'GET',
        target,
        clientAddress: '192.0.2.1',
        headerLines: () => [],
      })
      expect(decision).toMatchObject({ status: 'refused', response: { status: 402 } })
    }
    await paywall.close()
  })

  for (const [members, path, expected] of [
    ['price: 0', 'services[0].price', 'carried: 1 sat, what Aperture takes where there is none'],
    ['price: 1.5', 'services[0].price', 'fill-in: is no whole number of satoshi; it became 1 sat'],
    ['price: 7', 'services[0].price', 'carried: 7 sat'],
    ['timeout: 60', 'services[0].timeout', 'carried: lifetime 60s'],
    [
      'timeout: 0',
      'services[0].timeout',
      'changed: none: tokens live for 365d here, the most there is',
    ],
    [
      'capabilities: "a,b"',
      'services[0].capabilities',
      /^changed: one token opens the whole service/,
    ],
    ['constraints: { a: b }', 'services[0].constraints', /^left-out: .*never enforced/],
    ['authscheme: l402+mpp', 'services[0].authscheme', /^left-out: MPP/],
    [
      'authskipinvoicecreationpaths: ["^/x$"]',
      'services[0].authskipinvoicecreationpaths',
      /^left-out/,
    ],
    [
      'tier: 3',
      'services[0].tier',
      'left-out: Aperture does not know it and overlooked it: it never did anything',
    ],
    ['rewrite: { prfix: /x }', 'services[0].rewrite.prfix', /^left-out: Aperture does not know it/],
    [
      'dynamicprice: { enabled: true, metered: true }',
      'services[0].dynamicprice',
      /^fill-in: its pricer speaks gRPC/,
    ],
    [
      'dynamicprice: { enabled: true, metered: true }',
      'services[0].dynamicprice.metered',
      /^left-out/,
    ],
    ['auth: "freebie 3"', 'services[0].auth', /^changed: 3 free requests/],
    [
      'headers: { A: "!file+hex:/x/y" }',
      'services[0].headers.A',
      /^fill-in: .*od -An -v -tx1 '\/x\/y'/,
    ],
    [
      'headers: { A: "!file+base64:/x/y" }',
      'services[0].headers.A',
      /^fill-in: .*base64 < '\/x\/y'/,
    ],
    ['headers: { A: "file:/x" }', 'services[0].headers.A', /^fill-in: begins with file:/],
    [
      'headers: { A: "Bearer 0123456789abcdef" }',
      'services[0].headers.A',
      /^changed: was copied as it is/,
    ],
    [
      'ratelimits: [{ requests: 5, per: 500ms, burst: 7 }]',
      'services[0].ratelimits[0]',
      /^changed: rate_limit of all routes/,
    ],
    [
      'ratelimits: [{ requests: 5, per: 1m }, { requests: 9, per: 1h }]',
      'services[0].ratelimits[1]',
      /^left-out: a route has one limit/,
    ],
    [
      'ratelimits: [{ requests: 5, per: soon }]',
      'services[0].ratelimits[0]',
      'left-out: is no rule of whole requests per time, a day at most',
    ],
    [
      'ratelimits: [{ requests: 5, per: 1m, pathregexp: "[a-z]+" }]',
      'services[0].ratelimits[0]',
      /^left-out: its pathregexp cannot/,
    ],
  ] as const) {
    test(`${members}: ${path} ${String(expected)}`, () => {
      const { notes } = translate(services(`${base}, ${members}`))
      const found = notesAt(notes, path)
      expect(found).toHaveLength(1)
      if (typeof expected === 'string') expect(found[0]).toBe(expected)
      else expect(found[0]).toMatch(expected)
    })
  }

  for (const [text, path, expected] of [
    ['sqlite: { dbfile: x }', 'sqlite.dbfile', /^left-out: Aperture does not know it/],
    ['enbled: true', 'enbled', /^left-out: Aperture does not know it/],
    ['postgres: { host: a }', 'postgres', /^left-out/],
    ['hashmail: { enabled: true }', 'hashmail', /^left-out: the mailbox relay/],
    ['tor: { control: "127.0.0.1:9051" }', 'tor', /^left-out/],
    ['prometheus: { enabled: true }', 'prometheus', /^changed: metrics are at/],
    ['authenticator: { enablempp: true }', 'authenticator.enablempp', /^left-out: MPP/],
    ['authenticator: { passphrase: hush-hush }', 'authenticator.passphrase', /^left-out: a secret/],
    [
      'authenticator: { disable: true }',
      'authenticator.disable',
      /^danger: Aperture asked nobody for payment/,
    ],
    ['blocklist: [nonsense]', 'blocklist[0]', 'left-out: is no address'],
    ['readtimeout: 15s', 'readtimeout, writetimeout', /^left-out/],
    ['strictverify: true', 'strictverify', /^carried/],
    ['servestatic: true', 'servestatic', /^left-out/],
  ] as const) {
    test(`${text}: ${path} ${String(expected)}`, () => {
      const { notes, yaml } = translate(`${text}\n${services(base)}`)
      const found = notesAt(notes, path)
      expect(found).toHaveLength(1)
      if (typeof expected === 'string') expect(found[0]).toBe(expected)
      else expect(found[0]).toMatch(expected)
      expect(yaml).not.toContain('hush-hush')
    })
  }

  test('R-GWW-30 its lnd becomes a wallet URI, with a word on what its macaroon allows', () => {
    const { yaml, notes, mistakes } = translate(
      `authenticator: { network: regtest, lndhost: "lnd.internal:10009", macdir: "/m x/", tlspath: "~/.lnd/tls.cert" }\n${services(base)}`,
    )
    expect(yaml).toContain(
      'wallet: "lnd://lnd.internal:8080?macaroon=file:/m%20x/invoice.macaroon&cert=file:~/.lnd/tls.cert&network=regtest"\n',
    )
    expect(notesAt(notes, 'authenticator.lndhost')[0]).toMatch(/^changed: .* at lnd.internal:8080/)
    expect(notesAt(notes, 'authenticator.macdir')[0]).toMatch(
      /^changed: .*chmod 600.*allows more than a gateway needs.*lncli bakemacaroon/,
    )
    expect(mistakes.filter(({ path }) => path.startsWith('wallet'))).toEqual([])
  })

  test('R-GWW-30 what Aperture left to its defaults is filled in', () => {
    const { yaml } = translate(`authenticator: { lndhost: localhost }\n${services(base)}`)
    expect(yaml).toContain(
      'wallet: "lnd://localhost:8080?macaroon=file:~/.lnd/data/chain/bitcoin/mainnet/invoice.macaroon&cert=file:~/.lnd/tls.cert"\n',
    )
  })

  for (const [text, kept] of [
    ['network: mainnet, lndhost: "lnd:10009", macdir: "/m\\nwallet: evil"', '/m wallet: evil'],
    ['lndhost: "lnd:10009", macdir: relative/folder', 'relative/folder'],
    ['lndhost: "l n d"', 'l n d'],
    ['lndhost: lnd, network: lunarnet', 'lunarnet'],
    ['mailboxaddress: "mailbox.terminal.lightning.today:443"', 'mailbox.terminal'],
  ] as const) {
    test(`${text}: a node that cannot be told is kept as a comment, and no more`, () => {
      const { yaml, notes } = translate(`authenticator: { ${text} }\n${services(base)}`)
      expect(yaml).toMatch(new RegExp(`#   \\w+: ${kept}`))
      expect(yaml).toContain('\nwallet: devnet\n')
      expect(notesAt(notes, 'authenticator')[0]).toMatch(/^fill-in: the wallet is devnet/)
    })
  }

  test('a file that is no YAML is refused with its places, one that is nothing sells nothing', () => {
    expect(translateAperture('a: [', 'x', where())).toMatchObject({ mistakes: [{ line: 1 }] })
    expect(translate('')).toMatchObject({ services: 0 })
    expect(translate('[]')).toMatchObject({ services: 0 })
    expect(translate('services: 3')).toMatchObject({ services: 0 })
  })

  test('names become names of services, each once', () => {
    const { yaml } = translate(
      services(
        'name: My_Shop, hostregexp: "^a\\\\.x$", address: "h:1"',
        'name: my-shop, hostregexp: "^b\\\\.x$", address: "h:1"',
        'name: 42, hostregexp: "^c\\\\.x$", address: "h:1"',
        'hostregexp: "^d\\\\.x$", address: "h:1"',
      ),
    )
    expect([...yaml.matchAll(/- name: (\S+)/g)].map((match) => match[1])).toEqual([
      'my-shop',
      'my-shop-2',
      'service-42',
      'service',
    ])
  })

  test('rates of requests are for the routes they name', () => {
    const config = configOf(
      services(
        `${base}, ratelimits: [{ pathregexp: "^/v1/.*$", requests: 5, per: 500ms, burst: 10 }, { requests: 60, per: 1m30s }]`,
      ),
    )
    const routes = config.services[0]!.routes
    expect(routes.get('* /v1/*')?.rateLimit).toMatchObject({
      requests: 10,
      perSeconds: 1,
      burst: 10,
    })
    expect(routes.get('* /*')?.rateLimit).toMatchObject({ requests: 60, perSeconds: 90, burst: 60 })
  })

  test('free requests are a free tier', () => {
    const config = configOf(services(`${base}, auth: "Freebie 3"`))
    expect(config.services[0]?.routes.get('* /*')?.sale?.freeTier).toEqual({
      requests: 3,
      windowSeconds: 31_536_000,
    })
  })

  test('what an operator wrote cannot become another setting', () => {
    const evil = '"\\"\\n- x: ${HOME} # *a &b !c : , ] }"'
    const { yaml, notes } = translate(
      services(
        `name: ${evil}, address: ${evil}, tlscertpath: ${evil}, protocol: https, capabilities: ${evil}, headers: { ${evil}: ${evil} }, rewrite: { prefix: ${evil} }`,
      ) + `servername: ${evil}\nlistenaddr2: ${evil}\n`,
    )
    expect(notes.length).toBeGreaterThan(5)
    const reading = readWhole(yaml, [], where())
    expect(
      'mistakes' in reading && reading.mistakes.every(({ message }) => !message.startsWith('YAML')),
    ).toBe(true)
  })
})

describe('R-CONF-22 nothing becomes wider', () => {
  test('hosts and paths that cannot be told lead nowhere', () => {
    const config = configOf(services(`${base}, hostregexp: "^[a-z]+$", pathregexp: "^/[0-9]+$"`))
    expect(config.services[0]).toMatchObject({ hosts: ['fill-in.invalid'], mount: '/fill-in' })
    expect(routesOf(config)).toEqual({ '* /fill-in': 1000n })
  })

  test('a free path that cannot be told is paid, and one outside of the service is none', () => {
    const { yaml, notes } = translate(
      services(
        `${base}, pathregexp: "^/v1/.*$", authwhitelistpaths: ["^/v1/[a-z]+$", "^/v2/.*$", "/v1/x", "^/.*$"]`,
      ),
    )
    expect(notesAt(notes, 'services[0].authwhitelistpaths[0]')[0]).toMatch(
      /^fill-in: .*must be paid for here$/,
    )
    expect(notesAt(notes, 'services[0].authwhitelistpaths[1]')[0]).toMatch(/^left-out: is outside/)
    expect(notesAt(notes, 'services[0].authwhitelistpaths[2]')[0]).toMatch(
      /^changed: free: \/v1\/x, \/v1\/x\/\*;/,
    )
    expect(yaml).toContain('"* /v1/*": free')
  })

  test('a service behind one that takes everything is left out', () => {
    const { yaml, notes } = translate(
      services(base, 'name: late, hostregexp: "^late\\\\.example$", address: "h:1", auth: "off"'),
    )
    expect(yaml).not.toContain('name: late')
    expect(notesAt(notes, 'services[1]')).toEqual([
      'left-out: is never reached: services[0] comes first and takes all of its requests',
    ])
  })

  test('the order is kept where hosts are told apart first', () => {
    const config = configOf(
      services(
        'name: pay, pathregexp: "^/v1/.*$", address: "h:1", price: 9',
        'name: site, hostregexp: "^site\\\\.example$", address: "h:2", auth: "off"',
      ),
    )
    // Of site.example the first service took /v1, and goes on to.
    expect(config.services.map(({ name, hosts, mount }) => [name, hosts, mount])).toEqual([
      ['pay', ['*', 'site.example'], '/v1'],
      ['site', ['site.example'], '/'],
    ])
  })

  test('a later service for all hosts answers on a host of an earlier one too', () => {
    const config = configOf(
      services(
        'name: pay, hostregexp: "^site\\\\.example$", pathregexp: "^/v1/.*$", address: "h:1"',
        'name: rest, address: "h:2"',
      ),
    )
    expect(config.services.map(({ hosts }) => hosts)).toEqual([
      ['site.example'],
      ['*', 'site.example'],
    ])
  })

  test('a later service that may get what an earlier expression matched is pointed out', () => {
    const { notes } = translate(
      services(
        'name: pay, pathregexp: "^/v1", address: "h:1"',
        'name: rest, address: "h:2", auth: "off"',
      ),
    )
    expect(notesAt(notes, 'services[1]')[0]).toMatch(
      /^changed: comes after services\[0\], which matched more/,
    )
  })

  test('two services for one place are left to be told apart', () => {
    const { mistakes } = translate(
      services(
        'name: a, pathregexp: "^/v1/a$|^/v1/b$", address: "h:1"',
        'name: b, pathregexp: "^/v1/c$|^/v1/d$", address: "h:2"',
      ),
    )
    expect(mistakes).toMatchObject([{ path: 'services[1].mount', isCollision: true }])
  })
})

describe('R-CONF-32 what a translation fails on is what somebody was told to fill in', () => {
  test('a price that is asked for is a route that can be read', () => {
    for (const more of ['', ', ratelimits: [{ pathregexp: "^/v1/.*$", requests: 5, per: 1m }]']) {
      const { yaml, mistakes } = translate(
        services(`${base}, dynamicprice: { enabled: true }, authwhitelistpaths: ["^/f$"]${more}`),
      )
      expect(mistakes).toEqual([])
      expect(yaml).toContain('"* /*": { price: { url: http://fill-in.invalid/price } }')
      expect(yaml).toContain('"* /f": free')
    }
  })

  /** One value that is right, and some that are not or may not be. */
  const choices: Readonly<Record<string, readonly string[]>> = {
    address: ['"127.0.0.1:3000"', '"h:1/base"', '"h:1/a?b"', '"a b"', '"u:p@h"', '""', '5'],
    protocol: ['http', 'https', 'HTTPS', 'grpc', '3'],
    hostregexp: ["'^a\\.example$'", "'.*'", "'[a-z]+'", "'^(a|b)\\.example(:\\d+)?$'", "'^ä$'"],
    pathregexp: [
      "'^/v1/.*$'",
      "'[a-z]'",
      "'^/(a|A)$'",
      "'^/a/?$'",
      "'^/users/[^/]+$|^/users/[^/]+/.+$'",
      "'^/looprpc\\.Swap/.*$'",
    ],
    auth: ['on', 'off', '"freebie 3"', 'maybe', '"freebie 0"'],
    price: ['5', '0', '-1', '1.5', '999999999999999', '"7"', 'x'],
    dynamicprice: [
      '{ enabled: true }',
      '{ enabled: true, metered: true }',
      '{ enabled: false }',
      'x',
    ],
    timeout: ['60', '0', '99999999999', '-5', 'x'],
    capabilities: ['forecast', '"a,b"', '"Ä"', `"${'x'.repeat(80)}"`],
    authwhitelistpaths: ["['^/v1/free$']", "['^/v1/.*$']", "['[a-z]']", "['^/A$', '^/a$']", 'x'],
    ratelimits: [
      '[{ requests: 5, per: 1m }]',
      "[{ pathregexp: '^/v1/.*$', requests: 5, per: 500ms, burst: 7 }]",
      '[{ requests: 5, per: 48h }]',
      '[{ requests: 9000000000, per: 1s }]',
      '[3]',
    ],
    rewrite: ['{ prefix: /api }', '{ prefix: /a//b }', '{ prefix: api }', '{ prefix: "/a?b" }'],
    headers: [
      '{ X-A: b }',
      '{ Host: b }',
      '{ "a b": c }',
      '{ X: "ä" }',
      '{ X: "${a b}" }',
      '{ Connection: x, X-Forwarded-For: y }',
      '{ X: "!file+hex:/nowhere" }',
    ],
    tlscertpath: ['/nowhere.pem', '""'],
  }
  const service = fc
    .record(
      Object.fromEntries(
        Object.entries(choices).map(([name, values]) => [name, fc.constantFrom(...values)]),
      ),
      { requiredKeys: [] },
    )
    .map((members) => {
      const list = Object.entries(members).map(([name, value]) => `${name}: ${value}`)
      return `  - { ${['name: shop', ...list].join(', ')} }\n`
    })
  const settings = fc.constantFrom(
    'listenaddr: 127.0.0.1:8081\ninsecure: true\n',
    'listenaddr: ":8081"\nservername: "a b"\n',
    'listenaddr: nowhere\nautocert: true\n',
    'autocert: true\nservername: localhost\n',
  )

  test('whatever is put together', () => {
    const seen = { valid: 0, left: 0 }
    fc.assert(
      fc.property(settings, fc.array(service, { minLength: 1, maxLength: 3 }), (top, list) => {
        const { yaml, notes, mistakes } = translate(`${top}services:\n${list.join('')}`)
        if (mistakes.length === 0) seen.valid += 1
        else seen.left += 1
        const places = [...yaml.matchAll(/^ {2}- name: .* # (services\[\d+\])$/gm)]
        for (const { path, message } of mistakes) {
          const index = /^services\[(\d+)\]/.exec(path)?.[1]
          const place = index === undefined ? '' : places[Number(index)]?.[1]
          const told = notes.filter(({ kind }) => kind === 'fill-in').map((note) => note.path)
          const isTold = told.some((one) => {
            return index === undefined ? !one.startsWith('services[') : one.startsWith(`${place}`)
          })
          expect(isTold, `${path}: ${message}\n${told.join()}\n${yaml}`).toBe(true)
          expect(message).not.toContain('not known here')
        }
      }),
      { numRuns: 300 },
    )
    expect(seen.valid).toBeGreaterThan(0)
    expect(seen.left).toBeGreaterThan(0)
  })
})

describe('R-CONF-23 who got in without paying', () => {
  for (const value of [
    'yes',
    'enabled',
    'required',
    '"On "',
    '"free"',
    '5',
    '"freebie"',
    '"freebie x"',
    '[]',
  ]) {
    test(`auth: ${value} let everybody in, and is paid here`, () => {
      const text = services(`${base}, auth: ${value}, price: 3`)
      expect(notesAt(translate(text).notes, 'services[0].auth')).toEqual([
        'danger: Aperture does not know this value, and everybody gets in without paying. Here it is paid',
      ])
      expect(routesOf(configOf(text))).toEqual({ '* /*': 3000n })
    })
  }

  for (const value of ['on', '"ON"', 'true', '"True"', '""']) {
    test(`auth: ${value} is paid in both`, () => {
      const text = services(`${base}, auth: ${value}, price: 3`)
      expect(translate(text).notes.filter(({ kind }) => kind === 'danger')).toEqual([])
      expect(routesOf(configOf(text))).toEqual({ '* /*': 3000n })
    })
  }

  for (const value of ['off', '"OFF"', 'false', '"False"']) {
    test(`auth: ${value} is free in both`, () => {
      const text = services(`${base}, auth: ${value}, price: 3`)
      expect(translate(text).notes.filter(({ kind }) => kind === 'danger')).toEqual([])
      expect(routesOf(configOf(text))).toEqual({ '* /*': 'free' })
    })
  }
})
