import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseWalletUri } from 'satway/lightning/wallet'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { configCheck } from '../../program/src/cli/config-check.ts'
import { configImport } from '../../program/src/cli/config-import.ts'
import { init } from '../../program/src/cli/init.ts'
import { readConfig } from '../../program/src/gateway/config/index.ts'
import { generateCertificate } from '../../program/src/gateway/edge/generated-certificate.ts'
import type { CommandRun } from './run-command.ts'
import { runCommand } from './run-command.ts'

const commands = [init, configCheck, configImport].map((command) => ({
  name: command.name,
  load: () => Promise.resolve(command),
}))

let folder: string
let pair: { readonly certificate: string; readonly key: string }

beforeAll(async () => {
  pair = await generateCertificate(['localhost'])
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-commands-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(() => {
  delete process.env['SECOND_API_KEY']
})

async function satway(...args: readonly string[]): Promise<CommandRun> {
  return await runCommand(commands, args)
}

function at(name: string): string {
  return join(folder, name)
}

function write(name: string, text: string, mode = 0o644): string {
  writeFileSync(at(name), text, { mode })
  chmodSync(at(name), mode)
  return at(name)
}

const shop = `wallet: devnet
listen: 127.0.0.1:8402
services:
  - name: weather
    hosts: [api.example.com, api.example.org]
    upstream: http://127.0.0.1:3000
    routes:
      GET /: free
      GET /v1/weather/:city: 10 sat
      POST /v1/report: { price: 1500msat, uses: 3, lifetime: 7d }
`

describe('R-CONF-20 satway init', () => {
  test('writes a configuration that passes its check, and a key that is its owner’s alone', async () => {
    const written = await satway('init', at('satway.yaml'))
    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(written.stdout).toContain('satway config check')
    expect(statSync(at('satway.keys')).mode & 0o777).toBe(0o600)
    expect(readFileSync(at('satway.keys'), 'utf8')).toMatch(/^\d+:[\da-f]{64}\n$/)
    expect(written.stdout).not.toMatch(/[\da-f]{64}/)
    expect(readdirSync(folder).sort()).toEqual(['satway.keys', 'satway.yaml'])

    const checked = await satway('config', 'check', at('satway.yaml'))
    expect(checked).toMatchObject({ code: 0, stderr: '' })
    expect(checked.stdout).toContain('is in order: 1 service, 2 routes')
    expect(checked.stdout).not.toContain('warning')
  })

  test('every example in it can be switched on, all at once', async () => {
    await satway('init', at('satway.yaml'))
    const text = readFileSync(at('satway.yaml'), 'utf8')
    const examples = text.split('\n').filter((line) => /^ *#(?:\S| {2,}\S)/.test(line))
    expect(examples.length).toBeGreaterThan(70)
    write('satway.yaml', text.replace(/^( *)#(?=\S| {2,}\S)/gm, '$1'))
    write('cert.pem', pair.certificate)
    write('ca.pem', pair.certificate)
    write('key.pem', pair.key, 0o600)
    write('sign.key', 'x'.repeat(32), 0o600)
    process.env['SECOND_API_KEY'] = 'second'
    const checked = await satway('config', 'check', at('satway.yaml'))
    expect(checked.stdout).toContain('is in order: 2 services, 8 routes')
    expect(checked.code).toBe(0)
  })

  test('every name that the file may have at its top is in it', async () => {
    await satway('init', at('satway.yaml'))
    const text = readFileSync(at('satway.yaml'), 'utf8')
    const { stdout } = await satway(
      'config',
      'check',
      write('x.yaml', 'zzzzzzzzzz: 1\nwallet: devnet\n'),
    )
    const known = /there are (.*)/.exec(stdout)?.[1]?.split(', ') ?? []
    expect(known.length).toBeGreaterThan(15)
    for (const name of known) expect(text).toMatch(new RegExp(`^#?${name}:`, 'm'))
  })

  test('overwrites nothing, and with --force the configuration only', async () => {
    await satway('init', at('satway.yaml'))
    const keys = readFileSync(at('satway.keys'), 'utf8')
    write('satway.yaml', 'mine: true\n')
    const again = await satway('init', at('satway.yaml'))
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('is there already')
    expect(readFileSync(at('satway.yaml'), 'utf8')).toBe('mine: true\n')

    const forced = await satway('init', '--force', at('satway.yaml'))
    expect(forced.code).toBe(0)
    expect(forced.stdout).toContain('was there and was kept')
    expect(readFileSync(at('satway.keys'), 'utf8')).toBe(keys)
    expect((await satway('config', 'check', at('satway.yaml'))).code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['satway.keys', 'satway.yaml'])
  })

  test('a name that YAML would read in another way is quoted', async () => {
    expect((await satway('init', at('my: shop #1.yml'))).code).toBe(0)
    expect(existsSync(at('my: shop #1.keys'))).toBe(true)
    expect((await satway('config', 'check', at('my: shop #1.yml'))).code).toBe(0)
  })

  test('another one shares no file with the first', async () => {
    await satway('init', at('satway.yaml'))
    await satway('init', at('shop.yaml'))
    const [first, second] = await Promise.all(
      ['satway.yaml', 'shop.yaml'].map(async (name) => {
        const file = at(name)
        const reading = await readConfig(readFileSync(file, 'utf8'), { file, env: process.env })
        return 'config' in reading ? reading.config : undefined
      }),
    )
    expect(first).toMatchObject({
      keysFile: at('satway.keys'),
      state: at('satway.db'),
      admin: { keyFile: at('admin.key'), macaroonFile: at('admin.macaroon') },
    })
    expect(second).toMatchObject({
      keysFile: at('shop.keys'),
      state: at('shop.db'),
      admin: {
        port: 8403,
        keyFile: at('shop-admin.key'),
        macaroonFile: at('shop-admin.macaroon'),
      },
    })
    const text = readFileSync(at('shop.yaml'), 'utf8')
    expect(text).toContain('# A second gateway on this machine needs another port here')
    expect(readFileSync(at('satway.yaml'), 'utf8')).toContain('\nadmin: 127.0.0.1:8403\n')
  })

  test('R-GWW-7 says what wallets there are, each as it is written', async () => {
    await satway('init', at('satway.yaml'))
    const text = readFileSync(at('satway.yaml'), 'utf8')
    const uris = [...text.matchAll(/^# ([a-z+]+:(?:\/\/)?[A-Z0-9].*)$/gm)].map(([, uri]) => uri!)
    expect(uris.map((uri) => uri.replace(/:.*/, ''))).toEqual([
      'lnd',
      'cln',
      'phoenixd',
      'nostr+walletconnect',
      'lnbits',
      'btcpay',
      'charge',
      'lnurl',
    ])
    for (const uri of uris) {
      const real = uri.replace('PUBKEY', 'ab'.repeat(32)).replace(/HOST|RELAY/g, 'host.example')
      expect(parseWalletUri(real.replace('NAME@', 'name@'))).not.toHaveProperty('problem')
    }
  })

  test('R-GWW-7 --wallet is written into it, and never a secret', async () => {
    const uri = 'phoenixd://127.0.0.1:9740?password=file:/run/secrets/phoenixd'
    const { code, stdout } = await satway('init', '--wallet', uri, at('satway.yaml'))
    expect(code).toBe(0)
    expect(stdout).toContain('satway config check --online')
    expect(readFileSync(at('satway.yaml'), 'utf8')).toContain(`\nwallet: "${uri}"\n`)

    for (const [wallet, expected] of [
      ['phoenixd://127.0.0.1:9740?password=c0ffee5ec2e7', 'a secret does not belong in here'],
      ['lnd', 'expected the URI of the wallet'],
      ['https://wallet.example/payinvoice', 'only pays'],
    ] as const) {
      const refused = await satway('init', '--wallet', wallet, at('other.yaml'))
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain(expected)
      expect(refused.stderr).not.toContain('c0ffee5ec2e7')
    }
    expect(readdirSync(folder)).not.toContain('other.yaml')
  })

  test('a folder that is not there is said, and nothing is left', async () => {
    const refused = await satway('init', at('nowhere/satway.yaml'))
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('is no folder')
    expect(readdirSync(folder)).toEqual([])
  })

  test('what is no file is not replaced', async () => {
    execFileSync('mkfifo', [at('pipe')])
    for (const target of [at('pipe'), folder]) {
      const refused = await satway('init', '--force', target)
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toContain('is no regular file')
    }
    expect(statSync(at('pipe')).isFIFO()).toBe(true)
    expect(readdirSync(folder)).toEqual(['pipe'])
  })

  test('takes one name at most', async () => {
    const refused = await satway('init', at('a.yaml'), at('b.yaml'))
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('is one argument too many')
    expect(readdirSync(folder)).toEqual([])
  })

  test('keys that are broken are not written over', async () => {
    write('satway.keys', 'broken\n', 0o600)
    const refused = await satway('init', at('satway.yaml'))
    expect(refused.code).toBe(1)
    expect(readFileSync(at('satway.keys'), 'utf8')).toBe('broken\n')
    expect(existsSync(at('satway.yaml'))).toBe(false)
  })
})

describe('R-CONF-24 satway config check', () => {
  test('says what is sold where', async () => {
    const file = write('satway.yaml', shop)
    const { code, stdout } = await satway('config', 'check', file)
    expect(code).toBe(0)
    expect(
      stdout.replaceAll(folder, 'FOLDER'),
    ).toBe(`FOLDER/satway.yaml is in order: 1 service, 3 routes

  listens on  127.0.0.1:8402, without TLS
  admin API   127.0.0.1:8403
  wallet      devnet: an embedded network, no real money
  keys        made at the first start, beside the state
  state       FOLDER/satway.db

weather
  upstream  http://127.0.0.1:3000
  hosts     api.example.com, api.example.org

  ROUTE                  PRICE    USES  LIFETIME
  GET /                  free
  GET /v1/weather/:city  10 sat   any   1h
  POST /v1/report        1.5 sat  3     7d
`)
  })

  const full = `wallet: devnet
services:
  - name: weather
    hosts: [api.example.com, api.example.org, "*.weather.example.com", forecast.example.net]
    mount: /v1
    upstream: http://127.0.0.1:3000/base/path
    routes:
      GET /v1/open: { free: true, concurrency: 4 }
      POST /v1/report: { price: 10 sat, capability: report, tier: 2, uses: 1, free_tier: { requests: 10, per: 1d }, rate_limit: { requests: 60, per: 1m, burst: 10, by: network }, concurrency: 8 }
  - name: others
    upstream: http://127.0.0.1:3001
    routes:
      GET /v1/many/segments/of/a/path/that/leaves/no/room/for/:name: 10 sat
`

  /** What a person sees, without what is above the services. */
  async function seen(text: string, columns: number): Promise<string> {
    const args = ['config', 'check', write('satway.yaml', text)]
    const { stdout } = await runCommand(commands, args, { terminal: true, columns })
    return stdout
  }

  test('says everything that decides what is sold, in 80 columns without a broken word', async () => {
    const text = await seen(full, 80)
    expect(text.slice(text.indexOf('weather\n'), text.indexOf('warning'))).toContain(
      `weather
  upstream  http://127.0.0.1:3000/base/path
  hosts     api.example.com, api.example.org, *.weather.example.com,
            forecast.example.net
  mount     /v1

  ROUTE            PRICE   USES  LIFETIME
  GET /v1/open     free
    4 at a time
  POST /v1/report  10 sat  1     1h
    capability report, tier 2, first 10 free per 1d,
    at most 60 per 1m (10 at once) by network, 8 at a time

others
  upstream  http://127.0.0.1:3001
  hosts     any

  GET /v1/many/segments/of/a/path/that/leaves/no/room/for/:name
    10 sat, any number of uses, for 1h
`,
    )
  })

  for (const columns of [60, 80, 120]) {
    test(`neither goods nor mistakes are wider than ${columns} columns, and no word of them is broken`, async () => {
      const long = 'zzzz: 1\nlimits: { head: 1B, connections: 5, connections_per_client: 6 }\n'
      for (const text of [full, long + full.replace('10 sat', '10').replace('devnet', 'lnd')]) {
        const narrow = (await seen(text, columns)).replaceAll(folder, 'FOLDER')
        const lines = narrow.split('\n').filter((line) => !/\/many\/segments|FOLDER/.test(line))
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
        const wide = (await seen(text, 120)).replaceAll(folder, 'FOLDER')
        const words = wide.split(/[\s,]+/).filter((word) => !/^USES$|[A-Z]{4}|many/.test(word))
        if (columns > 60) for (const word of words) expect(narrow).toContain(word)
      }
    })
  }

  test('on a terminal a mistake is wrapped at words, in a pipe it is one line', async () => {
    const text = shop.replace('devnet', 'lnd')
    const lines = (await seen(text, 80)).replaceAll(folder, 'FOLDER').split('\n')
    expect(lines.slice(-6)).toEqual([
      'FOLDER/satway.yaml:1:9  wallet',
      '    expected the URI of the wallet, its secret in a file or variable:',
      '    lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH',
      '',
      '1 mistake in FOLDER/satway.yaml',
      '',
    ])
    const piped = await satway('config', 'check', write('satway.yaml', text))
    expect(piped.stdout.split('\n')).toHaveLength(4)
  })

  test('R-CONF-26 the first mistake of the syntax is shown with its line and a mark', async () => {
    const text = shop.replace('    upstream', '     upstream')
    const { code, stdout } = await satway('config', 'check', write('satway.yaml', text))
    expect(code).toBe(1)
    expect(stdout.replaceAll(folder, 'FOLDER')).toBe(
      [
        'FOLDER/satway.yaml:6:6  YAML: begins in another column than its neighbours; look at the indentation of lines 5 to 6',
        '  6 |      upstream: http://127.0.0.1:3000',
        '    |      ^',
        '',
        '1 mistake in FOLDER/satway.yaml',
        '',
      ].join('\n'),
    )
  })

  test('R-CONF-26 of a long line the part around the mistake is shown', async () => {
    const lines = (await seen(`a: { ${'b, '.repeat(60)}c: d: e }\n`, 80)).split('\n')
    const at = lines.findIndex((line) => line.trim().endsWith('^'))
    const mark = lines[at]!.indexOf('^')
    expect(lines[at - 1]!.length).toBeLessThanOrEqual(80)
    expect(lines[at - 1]!.slice(mark - 2)).toMatch(/^.{0,3}[cd]: /)
  })

  test('lists every mistake, one a line, with the file as it was called', async () => {
    write(
      'satway.yaml',
      shop.replace('10 sat', '10').replace('devnet', 'lnd').replace('uses', 'usse'),
    )
    const file = relative(process.cwd(), at('satway.yaml'))
    const { code, stdout, stderr } = await satway('config', 'check', file)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toBe(
      [
        `${file}:1:9  wallet  expected the URI of the wallet, its secret in a file or variable: lnd://HOST:8080?macaroon=file:/PATH&cert=file:/PATH`,
        `${file}:9:30  services[0].routes["GET /v1/weather/:city"]  expected an amount with its unit: write 10 sat`,
        `${file}:10:43  services[0].routes["POST /v1/report"].usse  is not known here; did you mean uses?`,
        '',
        `3 mistakes in ${file}`,
        '',
      ].join('\n'),
    )
  })

  test('writes the same as JSON', async () => {
    const good = await satway('config', 'check', '--json', write('good.yaml', shop))
    expect(good.code).toBe(0)
    expect(JSON.parse(good.stdout)).toMatchObject({
      ok: true,
      mistakes: [],
      goods: [
        { service: 'weather', route: 'GET /', price: 'free' },
        {
          route: 'GET /v1/weather/:city',
          price: '10 sat',
          lifetimeSeconds: 3600,
          upstream: 'http://127.0.0.1:3000',
        },
        { route: 'POST /v1/report', price: '1.5 sat', uses: 3 },
      ],
    })
    const bad = await satway('config', 'check', '--json', write('bad.yaml', `drain: 5\n${shop}`))
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      mistakes: [
        {
          path: 'drain',
          line: 1,
          column: 8,
          message: 'expected a duration with its unit: write 5s',
        },
      ],
    })
  })

  test('warnings are shown, and do not fail', async () => {
    const { code, stdout } = await satway(
      'config',
      'check',
      write('satway.yaml', shop.replace('127.0.0.1:8402', '0.0.0.0:80')),
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/satway\.yaml:2:9 {2}listen {2}warning: without TLS/)
    expect(stdout).toMatch(/\n1 warning\n$/)
  })

  test('shows no secret, neither when it is in order nor when it is not', async () => {
    const secret = 'hunter2-hunter2-hunter2'
    write('secret', secret, 0o600)
    const upstream =
      '{ url: "http://127.0.0.1:3000", sign: file:secret, headers: { A: file:secret } }'
    const good = shop.replace('http://127.0.0.1:3000', upstream)
    for (const text of [good, good.replace('http:', 'ftp:'), good.replace('A:', 'Host:')]) {
      for (const flag of [[], ['--json']]) {
        const { stdout, stderr } = await satway(
          'config',
          'check',
          ...flag,
          write('satway.yaml', text),
        )
        expect(stdout + stderr).not.toContain('hunter2')
      }
    }
  })

  test('what cannot be read is said', async () => {
    const missing = await satway('config', 'check', at('nothing.yaml'))
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toContain('there is no such file')
    expect((await satway('config', 'check', folder)).stderr).toContain('is a folder')
    writeFileSync(at('latin'), Buffer.from([0xe9]))
    expect((await satway('config', 'check', at('latin'))).stderr).toContain('is not UTF-8 text')
    expect((await satway('config', 'check')).code).toBe(2)
    expect((await satway('config', 'check', 'a', 'b')).code).toBe(2)
    expect((await satway('config', 'check', '--yaml', 'a')).code).toBe(2)
  })

  test('control characters of a file do not reach the terminal', async () => {
    const { stdout } = await satway(
      'config',
      'check',
      write('satway.yaml', `"\\e[31mx\\u202e": 1\n${shop}`),
    )
    expect(stdout).not.toMatch(/[\u001b\u202e]/)
  })
})

describe('R-CONF-21 satway config import', () => {
  const aperture = `listenaddr: "127.0.0.1:8081"
insecure: true
services:
  - name: shop
    hostregexp: '^shop\\.example\\.com$'
    pathregexp: '^/v1/.*$'
    address: "127.0.0.1:3000"
    price: 5
    auth: enabled
`

  test('writes to standard output, and reports on standard error', async () => {
    const { code, stdout, stderr } = await satway(
      'config',
      'import',
      write('aperture.yaml', aperture),
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^# Translated from aperture\.yaml/)
    expect(stderr).toMatch(/^WAS OPEN TO EVERYBODY\n {2}services\[0\]\.auth/)
    expect(stderr).toContain('To fill in')
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'the wallet is devnet, without real money, because it cannot be told which lnd is reached how',
    )
    expect(stderr).toContain('Carried over')
    expect(stderr).toMatch(/1 service translated\.\n$/)
  })

  test('writes a file that its check takes, once its keys are there', async () => {
    const { code, stdout, stderr } = await satway(
      'config',
      'import',
      write('aperture.yaml', aperture),
      '-o',
      at('satway.yaml'),
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('still says')
    expect(stderr).toContain('satway.keys')
    expect(statSync(at('satway.yaml')).mode & 0o777).toBe(0o600)
    write('satway.keys', `1:${'ab'.repeat(32)}`, 0o600)
    const checked = await satway('config', 'check', at('satway.yaml'))
    expect(checked.code).toBe(0)
    expect(checked.stdout).toContain('shop.example.com')
    const again = await satway(
      'config',
      'import',
      at('aperture.yaml'),
      '--output',
      at('other.yaml'),
    )
    expect(again.stderr).toContain(`config check ${at('other.yaml')}\` passes`)
  })

  test('never writes over a file', async () => {
    write('satway.yaml', 'mine\n')
    const refused = await satway(
      'config',
      'import',
      write('aperture.yaml', aperture),
      '-o',
      at('satway.yaml'),
    )
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('it is there already')
    expect(readFileSync(at('satway.yaml'), 'utf8')).toBe('mine\n')
  })

  test('what is no configuration is said with its place', async () => {
    const broken = await satway('config', 'import', write('aperture.yaml', 'a: [\n'))
    expect(broken).toMatchObject({ code: 1, stdout: '' })
    expect(broken.stderr).toMatch(/aperture\.yaml:\d:\d {2}YAML/)
    expect((await satway('config', 'import', write('empty.yaml', ''))).code).toBe(1)
    expect((await satway('config', 'import')).code).toBe(2)
  })
})
