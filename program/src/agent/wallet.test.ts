import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { inspect } from 'node:util'
import { isL402Error, msat, paymentHash } from 'satway'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { encodeMacaroon, encodeToken, mint } from 'satway/macaroon'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { openWallet } from './wallet.ts'
import { readWalletName } from './wallet-name.ts'

const hash = paymentHash(new Uint8Array(32).fill(7))
let folder: string
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-wallet-'))
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  rmSync(folder, { recursive: true, force: true })
})

async function startWallet(name: string): Promise<string> {
  const node = createDevnet().addNode('buyer', { balanceMsat: msat(1000n) })
  const file = join(folder, name)
  const server = await serveWallet(node, { file })
  closers.push(() => server.close())
  return file
}

describe('R-AGT-10 a wallet is named by a URI, or is none', () => {
  for (const text of [
    'none',
    'devnet:/a b/wallet.json',
    'lnd://n.example?macaroon=file:/run/pay.macaroon&cert=file:/run/tls.cert',
    'cln:///run/lightning-rpc',
    'https://w.example/payinvoice?token=env:WALLET_TOKEN',
    'file:/run/wallet-uri',
    'env:WALLET',
  ]) {
    test(text, () => expect(readWalletName(text)).not.toHaveProperty('problem'))
  }

  const hex64 = 'ab'.repeat(32)
  for (const [text, problem] of [
    ['', /^expected a wallet URI/],
    ['None', /^expected a wallet URI/],
    ['lnd', /^expected a wallet URI/],
    ['devnet:', /names no file/],
    ['http://w.example/p', /not encrypted/],
    ['https://w.example/p?token=hunter2', /\?token: expected file:\/path or env:NAME, so that the/],
    ['lnd://n.example?macaroon=hunter2', /\?macaroon: expected file:\/path or env:NAME, so that/],
    ['lndconnect://n.example?macaroon=hunter2A', /or put the whole URI into a file of mode 0600/],
    [
      `nostr+walletconnect://${hex64}?relay=wss://r.example&secret=${hex64}`,
      /or put the whole URI into a file of mode 0600 and name that: file:\/path$/,
    ],
    ['lnurl:alice@w.example', /^lnurl is only paid: name a wallet that pays$/],
    ['charge://127.0.0.1?token=file:/t', /^charge is only paid/],
  ] as const) {
    test(`and not by ${JSON.stringify(text.slice(0, 60))}`, async () => {
      const name = readWalletName(text)
      if (!('problem' in name)) throw new Error('expected a problem')
      expect(name.problem).toMatch(problem)
      expect(name.problem).not.toContain('hunter2')
      expect(name.problem).not.toContain(hex64)

      const failed = await openWallet(text, { config: {} }).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Failure)
      expect(failed).toMatchObject({
        exitCode: exitCodes.usage,
        message: `--wallet: ${name.problem}`,
      })
    })
  }

  test('the URI itself may stand in a file or a variable, with its secret', async () => {
    const environment = { SATWAY_HOME: folder, SATWAY_PAYS: 'https://w.example/p?token=hunter2' }
    const file = join(folder, 'uri')
    writeFileSync(file, 'phoenixd://127.0.0.1?password=hunter2&network=testnet\n', { mode: 0o600 })
    expect(await openWallet(`file:${file}`, { config: {}, environment })).toMatchObject({
      kind: 'phoenixd',
      network: 'testnet',
      secretPlace: { from: 'file', path: file },
    })
    expect(await openWallet('env:SATWAY_PAYS', { config: {}, environment })).toMatchObject({
      kind: 'http',
      secretPlace: { from: 'env', name: 'SATWAY_PAYS' },
    })
    for (const [text, problem] of [
      ['lnd://n.example?macaron=hunter2', /did you mean macaroon/],
      ['file:/run/other', /names another place/],
      ['lnurl:alice@w.example', /lnurl is only paid/],
    ] as const) {
      writeFileSync(file, text)
      const failed = await openWallet(`file:${file}`, { config: {}, environment }).catch(
        (error: unknown) => error,
      )
      expect(failed).toBeInstanceOf(Failure)
      expect((failed as Failure).message).toMatch(problem)
      expect(inspect(failed)).not.toContain('hunter2')
    }
    const outside = await openWallet('file:/etc/hostname', { config: {}, environment }).catch(
      (error: unknown) => error,
    )
    expect((outside as Failure).message).toContain('it is outside of the home')
  })
})

describe('R-AGT-8 who names the wallet', () => {
  test('the command line before the configuration before SATWAY_WALLET before a demo', async () => {
    const demo = await startWallet('devnet.json')
    const other = await startWallet('other.json')
    const environment = { SATWAY_HOME: folder, SATWAY_WALLET: `devnet:${other}` }
    const config = { wallet: `devnet:${other}` }
    const open = openWallet
    expect(await open('none', { config, environment })).toMatchObject({
      kind: 'none',
      namedBy: '--wallet',
    })
    expect(await open(`devnet:${demo}`, { config, environment })).toMatchObject({
      namedBy: '--wallet',
    })
    expect(await open(undefined, { config, environment })).toMatchObject({ namedBy: 'config.yaml' })
    expect(await open(undefined, { config: {}, environment })).toMatchObject({
      namedBy: 'SATWAY_WALLET',
    })
    const { SATWAY_WALLET: _, ...rest } = environment
    expect(await open(undefined, { config: {}, environment: rest })).toMatchObject({
      kind: 'devnet',
      network: 'regtest',
      namedBy: 'satway demo',
      realMoney: false,
    })
    const nowhere = { SATWAY_HOME: join(folder, 'nowhere') }
    expect(await open(undefined, { config: {}, environment: nowhere })).toMatchObject({
      kind: 'none',
      payer: undefined,
      namedBy: undefined,
    })
  })

  test('without a configuration given, the one of the home is read', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'wallet: none\n', { mode: 0o600 })
    const wallet = await openWallet(undefined, { environment: { SATWAY_HOME: folder } })
    expect(wallet).toMatchObject({ kind: 'none', namedBy: 'config.yaml' })
  })
})

describe('R-AGT-9 a wallet of the embedded network that cannot be opened', () => {
  for (const [what, make, reason] of [
    ['is not there', () => undefined, /no wallet file/],
    [
      'is open to others',
      (file: string) => writeFileSync(file, '{}', { mode: 0o644 }),
      /open to others/,
    ],
    [
      'is something else',
      (file: string) => writeFileSync(file, '{}', { mode: 0o600 }),
      /url and secret/,
    ],
  ] as const) {
    test(`${what}: what is to be paid is told, once it is`, async () => {
      const file = join(folder, 'wallet.json')
      make(file)
      const wallet = await openWallet(`devnet:${file}`, { config: {} })
      const failed = await wallet.payer?.lookupPayment(hash).catch((error: unknown) => error)
      expect(isL402Error(failed, 'NODE_UNAVAILABLE') && failed.details['reason']).toMatch(reason)
      expect(isL402Error(failed) && failed.details['reason']).toContain(file)
      rmSync(file, { force: true })
      await startWallet('wallet.json')
      expect(await wallet.payer?.lookupPayment(hash)).toBeUndefined()
    })
  }
})

describe('R-AGT-11 the token of a wallet', () => {
  /** A wallet that writes down what it is asked with. */
  async function startHttpWallet(): Promise<{ readonly url: string; readonly seen: string[] }> {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.writeHead(500).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/payinvoice`, seen }
  }
  const hex = '07'.repeat(32)

  /** The home is `folder` itself. */
  const home = { SATWAY_HOME: '' }
  beforeEach(() => {
    home.SATWAY_HOME = folder
  })

  test('is sent as a bearer from a file, and from a variable', async () => {
    const { url, seen } = await startHttpWallet()
    const file = join(folder, 'token')
    writeFileSync(file, 'tok-in-file\n', { mode: 0o600 })
    const environment = { ...home, SATWAY_WALLET_TOKEN: 'tok-in-env' }
    for (const token of [`file:${file}`, 'env:SATWAY_WALLET_TOKEN']) {
      const uri = `${url}?network=regtest&token=${token}&lookup=/p/{hash}`
      const wallet = await openWallet(uri, { config: {}, environment })
      expect(wallet).toMatchObject({ kind: 'http', network: 'regtest', url, looksUp: true })
      await wallet.payer?.lookupPayment(hash).catch(() => undefined)
    }
    expect(seen).toEqual([`GET /p/${hex} Bearer tok-in-file`, `GET /p/${hex} Bearer tok-in-env`])
  })

  for (const [what, token, make, message] of [
    ['no file', 'file', () => undefined, /there is no /],
    [
      'a file that others can read',
      'file',
      (file: string) => {
        writeFileSync(file, 'hunter2')
        chmodSync(file, 0o640)
      },
      /can be read or changed by others/,
    ],
    [
      'an empty file',
      'file',
      (file: string) => writeFileSync(file, '', { mode: 0o600 }),
      /is empty/,
    ],
    [
      'a variable that is not set',
      'env:SATWAY_NOT_SET',
      () => undefined,
      /the variable SATWAY_NOT_SET is not set/,
    ],
  ] as const) {
    test(`is refused: ${what}`, async () => {
      const file = join(folder, 'token')
      make(file)
      const place = token === 'file' ? `file:${file}` : token
      const failed = await openWallet(`https://w.example/p?token=${place}`, {
        config: {},
        environment: home,
      }).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Failure)
      expect((failed as Failure).message).toMatch(message)
      expect(`${(failed as Failure).message}${(failed as Failure).advice}`).not.toContain('hunter2')
    })
  }

  test('is one line without spaces: what could break out of a header is not sent', async () => {
    const { url, seen } = await startHttpWallet()
    const file = join(folder, 'token')
    for (const text of ['hunter2\nX-Evil: 1', 'hunter2 x', '\n', 'hunter2\0', 'é']) {
      writeFileSync(file, text, { mode: 0o600 })
      const uri = `${url}?token=file:${file}&lookup=/p/{hash}`
      const wallet = await openWallet(uri, { config: {}, environment: home })
      const failed = await wallet.open().catch((error: unknown) => error)
      expect(isL402Error(failed, 'NODE_UNAVAILABLE') && failed.details['reason']).toMatch(
        /holds no credential: one line, no spaces$/,
      )
      expect(inspect(failed)).not.toContain('hunter2')
    }
    expect(seen).toEqual([])
  })

  test('a certificate is no secret: anybody may read it, and nobody may change it', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'satway-outside-'))
    closers.push(() => rmSync(outside, { recursive: true }))
    const certificate = join(outside, 'tls.cert')
    const secret = join(folder, 'password')
    writeFileSync(secret, 'hunter2', { mode: 0o600 })
    const uri = `phoenixd://127.0.0.1?password=file:${secret}&cert=file:${certificate}`
    const reason = async (): Promise<unknown> => {
      const wallet = await openWallet(uri, { config: {}, environment: home })
      const failed = await wallet.open().catch((error: unknown) => error)
      return isL402Error(failed) && failed.details['reason']
    }
    expect(await reason()).toContain(`there is no ${certificate}`)
    writeFileSync(certificate, 'hunter2', { mode: 0o644 })
    expect(await reason()).toBe(`${certificate} (certificate) holds no certificate in PEM`)
    chmodSync(certificate, 0o666)
    expect(await reason()).toContain('can be changed by others')
  })

  const openBy = async (
    namedBy: 'config.yaml' | '--wallet' | 'SATWAY_WALLET',
    token: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const uri = `http://127.0.0.1:9/p?network=regtest&token=${token}`
    const environment = {
      ...home,
      ...more,
      ...(namedBy === 'SATWAY_WALLET' && { SATWAY_WALLET: uri }),
    }
    const config = namedBy === 'config.yaml' ? { wallet: uri } : {}
    const given = namedBy === '--wallet' ? uri : undefined
    return await openWallet(given, { config, environment }).then(
      (wallet) => wallet.kind,
      (error: unknown) => `${(error as Failure).message}`,
    )
  }

  test('is nothing that others put beside the home, unless the configuration says so', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'satway-outside-'))
    closers.push(() => rmSync(outside, { recursive: true }))
    const file = join(outside, 'npmrc')
    writeFileSync(file, 'secret', { mode: 0o600 })
    symlinkSync(file, join(folder, 'link'))
    for (const named of ['--wallet', 'SATWAY_WALLET'] as const) {
      for (const path of [
        file,
        join(folder, 'link'),
        join(folder, '..', basename(outside), 'npmrc'),
      ])
        expect(await openBy(named, `file:${path}`)).toBe(
          `${named}: ${path} may not be named here: it is outside of the home.`,
        )
      expect(await openBy(named, 'env:GITHUB_TOKEN', { GITHUB_TOKEN: 'secret' })).toBe(
        `${named}: the variable GITHUB_TOKEN may not be named here.`,
      )
      expect(await openBy(named, 'env:SATWAY_CREDENTIAL', { SATWAY_CREDENTIAL: 'x' })).toContain(
        'may not be named here',
      )
    }
    expect(await openBy('config.yaml', `file:${file}`)).toBe('http')
    expect(await openBy('config.yaml', 'env:GITHUB_TOKEN', { GITHUB_TOKEN: 'x' })).toBe('http')
  })

  test('is never what this program keeps in the home', async () => {
    for (const name of [
      'journal.key',
      'journal.db',
      'mcp.token',
      'wallet-token',
      'receipts.jsonl',
      'gateway.db',
      'gateway.db.keys',
      'admin.key',
    ]) {
      const file = join(folder, name)
      writeFileSync(file, 'secret', { mode: 0o600 })
      symlinkSync(file, join(folder, `${name[0]}-link`))
      for (const named of ['config.yaml', '--wallet', 'SATWAY_WALLET'] as const) {
        for (const path of [file, join(folder, `${name[0]}-link`)])
          expect(await openBy(named, `file:${path}`)).toContain('this program’s own')
      }
      rmSync(join(folder, `${name[0]}-link`))
    }
  })

  test('is no key of a gateway, whatever it is called and whoever names it', async () => {
    const ring = `1:${'ab'.repeat(32)}`
    const permit = mint({
      rootKey: new Uint8Array(32),
      identifier: new Uint8Array(16),
      location: 'satway admin',
    })
    const token = encodeToken(permit)
    const binary = encodeMacaroon(permit)
    mkdirSync(join(folder, 'shop'))
    const file = join(folder, 'shop', 'key')
    for (const content of [`${ring}\n`, token, binary, Buffer.from(binary).toString('hex')]) {
      writeFileSync(file, content, { mode: 0o600 })
      for (const named of ['config.yaml', '--wallet', 'SATWAY_WALLET'] as const) {
        expect(await openBy(named, `file:${file}`)).toBe(
          `${named}: ${file} holds a key of a gateway, and nothing of a wallet.`,
        )
      }
    }
    for (const value of [ring, token]) {
      expect(await openBy('--wallet', 'env:SATWAY_KEYS', { SATWAY_KEYS: value })).toBe(
        '--wallet: the variable SATWAY_KEYS holds a key of a gateway, and nothing of a wallet.',
      )
    }
  })

  test('is no URI: a file with that of a whole wallet is not sent to another', async () => {
    const { url, seen } = await startHttpWallet()
    const file = join(folder, 'wallet.uri')
    const nwc = `nostr+walletconnect:${hex}?relay=wss://r.example&secret=${hex}`
    for (const text of ['phoenixd://127.0.0.1?password=hunter2', nwc, 'LNBITS://h?key=hunter2']) {
      writeFileSync(file, text, { mode: 0o600 })
      const uri = `${url}?token=file:${file}&lookup=/p/{hash}`
      const wallet = await openWallet(uri, { config: {}, environment: home })
      const failed = await wallet.payer?.lookupPayment(hash).catch((error: unknown) => error)
      expect(isL402Error(failed) && failed.details['reason']).toMatch(/holds a URI/)
      expect(inspect(failed)).not.toMatch(/hunter2|0707/)
    }
    expect(seen).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('is not waited for in a named pipe', async () => {
    const pipe = join(folder, 'pipe')
    const secret = join(folder, 'secret')
    execFileSync('mkfifo', ['-m', '600', pipe])
    writeFileSync(secret, 'hunter2', { mode: 0o600 })
    for (const uri of [`http://127.0.0.1:9/p?token=file:${pipe}`, `file:${pipe}`]) {
      const failed = await openWallet(uri, { config: {}, environment: home }).catch(
        (error: unknown) => error,
      )
      expect((failed as Failure).message).toBe(`--wallet: ${pipe} is not an ordinary file.`)
    }
    const uri = `phoenixd://127.0.0.1?password=file:${secret}&cert=file:${pipe}`
    const wallet = await openWallet(uri, { config: {}, environment: home })
    const failed = await wallet.open().catch((error: unknown) => error)
    expect(isL402Error(failed) && failed.details['reason']).toContain('is not an ordinary file')
  })

  test('an agent chooses neither the wallet nor its token', async () => {
    const agent = { SATWAY_AGENT: '1', SATWAY_TOKEN: 'x' }
    const words = 'does not count where SATWAY_AGENT is set'
    expect(await openBy('--wallet', 'env:SATWAY_TOKEN', agent)).toContain(`--wallet ${words}`)
    expect(await openBy('SATWAY_WALLET', 'env:SATWAY_TOKEN', agent)).toContain(
      `SATWAY_WALLET ${words}`,
    )
    expect(await openBy('config.yaml', 'env:SATWAY_TOKEN', agent)).toBe('http')
  })
})

describe('R-AGT-49 the secret of the wallet in the configuration', () => {
  const openWith = async (wallet: string, given: string): Promise<string> =>
    await openWallet(given, {
      config: { wallet },
      environment: { SATWAY_HOME: folder, SATWAY_KEY_OF_MINE: 'hunter2' },
    }).then(
      ({ kind }) => kind,
      (error: unknown) => `${(error as Failure).message}`,
    )

  test('goes to no other wallet, by whatever name it is called', async () => {
    const file = join(folder, 'key')
    writeFileSync(file, 'hunter2', { mode: 0o600 })
    symlinkSync(file, join(folder, 'link'))
    const own = `lnbits://my.example?key=file:${file}`
    for (const path of [file, join(folder, 'link'), `${folder}/./key`]) {
      for (const given of [
        `lnbits://evil.example?key=file:${path}`,
        `lnbits://my.example:8443?key=file:${path}`,
        `https://my.example/payinvoice?token=file:${path}`,
      ]) {
        expect(await openWith(own, given)).toBe(
          `--wallet: ${path} is of the wallet in config.yaml, and goes to that alone.`,
        )
      }
      expect(await openWith(own, `lnbits://my.example?key=file:${path}&network=testnet`)).toBe(
        'lnbits',
      )
    }
    expect(await openWith(`file:${file}`, `lnbits://evil.example?key=file:${file}`)).toContain(
      'goes to that alone',
    )
    const variable = 'key=env:SATWAY_KEY_OF_MINE'
    expect(
      await openWith(`lnbits://my.example?${variable}`, `lnbits://evil.example?${variable}`),
    ).toContain('the variable SATWAY_KEY_OF_MINE is of the wallet in config.yaml')
  })

  test('is looked for in the home where no configuration is handed over', async () => {
    const file = join(folder, 'key')
    const uri = join(folder, 'evil.uri')
    writeFileSync(file, 'hunter2', { mode: 0o600 })
    writeFileSync(uri, `btcpay://evil.example/STORE?key=file:${file}`, { mode: 0o600 })
    const config = `wallet: lnbits://my.example?key=file:${file}\n`
    writeFileSync(join(folder, 'config.yaml'), config, { mode: 0o600 })
    const environment = { SATWAY_HOME: folder }
    const failed = await openWallet(`file:${uri}`, { environment }).catch((error: unknown) => error)
    expect((failed as Failure).message).toContain('goes to that alone')
  })

  test('leaves another secret to another wallet', async () => {
    for (const name of ['key', 'other']) {
      writeFileSync(join(folder, name), 'hunter2', { mode: 0o600 })
    }
    const own = `lnbits://my.example?key=file:${join(folder, 'key')}`
    const other = `lnbits://other.example?key=file:${join(folder, 'other')}`
    expect(await openWith(own, other)).toBe('lnbits')
  })
})

describe('R-AGT-12 real money', () => {
  for (const [network, realMoney] of [
    ['bitcoin', true],
    ['testnet', false],
    ['signet', false],
    ['regtest', false],
  ] as const) {
    test(`${network}: ${realMoney}`, async () => {
      const uri = `http://127.0.0.1:9/p?network=${network}`
      const wallet = await openWallet(uri, { config: {} })
      expect(wallet).toMatchObject({ realMoney, network, looksUp: false, secretPlace: undefined })
    })
  }

  test('is what a wallet over HTTP has, unless it says otherwise', async () => {
    expect(await openWallet('http://localhost:9/p', { config: {} })).toMatchObject({
      network: 'bitcoin',
      realMoney: true,
    })
  })
})
