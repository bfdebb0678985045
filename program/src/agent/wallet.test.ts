import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { msat, paymentHash } from 'satway'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { openWallet } from './wallet.ts'
import { parseWalletUri } from './wallet-uri.ts'

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

describe('R-AGT-10 a wallet is named by a URI', () => {
  for (const [text, uri] of [
    ['none', { kind: 'none' }],
    ['devnet:/a b/wallet.json', { kind: 'devnet', file: '/a b/wallet.json' }],
    [
      'https://w.example/payinvoice',
      {
        kind: 'http',
        url: 'https://w.example/payinvoice',
        network: 'bitcoin',
        token: undefined,
        lookupUrl: undefined,
        fields: {},
      },
    ],
    [
      'http://127.0.0.1:4021/pay?token=file:/run/secrets/wallet&network=regtest&lookup=/payments/{hash}&invoice_field=bolt11&preimage=data.preimage&paid=ok&fee=fee_msat&max_fee_field=max_fee',
      {
        kind: 'http',
        url: 'http://127.0.0.1:4021/pay',
        network: 'regtest',
        token: { from: 'file', path: '/run/secrets/wallet' },
        lookupUrl: 'http://127.0.0.1:4021/payments/{hash}',
        fields: {
          invoiceField: 'bolt11',
          preimagePath: 'data.preimage',
          paidPath: 'ok',
          feePath: 'fee_msat',
          maxFeeField: 'max_fee',
        },
      },
    ],
    [
      'https://w.example/p?token=env:WALLET_TOKEN&lookup=https://w.example/q?h={hash}',
      {
        kind: 'http',
        url: 'https://w.example/p',
        network: 'bitcoin',
        token: { from: 'env', name: 'WALLET_TOKEN' },
        lookupUrl: 'https://w.example/q?h={hash}',
        fields: {},
      },
    ],
  ] as const) {
    test(text, () => {
      expect(parseWalletUri(text)).toEqual(uri)
    })
  }

  for (const [text, problem] of [
    ['', /^expected devnet:FILE, https:/],
    ['lnd', /^expected devnet:FILE/],
    ['None', /^expected/],
    ['devnet:', /names no file/],
    ['devnet', /^expected/],
    ['ftp://w.example', /^expected/],
    ['https://', /no well-formed URL/],
    ['https://me:hunter2@w.example/p', /carries a name or password/],
    ['https://w.example/p#hunter2', /a part after #/],
    ['http://w.example/p', /not encrypted/],
    ['http://10.0.0.1/p', /not encrypted/],
    ['https://w.example/p?token=hunter2', /\?token: expected file:\/path or env:NAME/],
    ['https://w.example/p?token=file:wallet', /\?token: expected/],
    ['https://w.example/p?token=env:a-b', /\?token: expected/],
    ['https://w.example/p?token=', /\?token is empty/],
    ['https://w.example/p?token=env:A&token=env:B', /\?token is there twice/],
    ['https://w.example/p?tokn=env:A', /\?tokn: is not known here; did you mean token\?/],
    ['https://w.example/p?hunter2=1', /is not known here; there are token, /],
    ['https://w.example/p?network=mainnet', /\?network: expected bitcoin/],
    ['https://w.example/p?lookup=/q', /\{hash\} in it, once/],
    ['https://w.example/p?lookup=/{hash}/{hash}', /\{hash\} in it, once/],
    ['https://w.example/p?lookup=https://evil.example/{hash}', /a path of the same server/],
    ['https://w.example/p?lookup=javascript:{hash}', /expected a path, or a URL/],
    ['https://w.example/p?invoice_field=a b', /\?invoice_field: expected a name/],
    ['https://w.example/p?preimage=a[0]', /\?preimage: expected a name/],
    [`https://w.example/${'a'.repeat(3000)}`, /longer than 2048/],
  ] as const) {
    test(`and not by ${JSON.stringify(text.slice(0, 60))}`, async () => {
      const uri = parseWalletUri(text)
      if (!('problem' in uri)) throw new Error('expected a problem')
      expect(uri.problem).toMatch(problem)
      expect(uri.problem).not.toContain('hunter2')

      const failed = await openWallet(text, { config: {} }).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Failure)
      expect(failed).toMatchObject({
        exitCode: exitCodes.usage,
        message: `--wallet: ${uri.problem}`,
      })
    })
  }
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
    test(what, async () => {
      const file = join(folder, 'wallet.json')
      make(file)
      const failed = await openWallet(`devnet:${file}`, { config: {} }).catch(
        (error: unknown) => error,
      )
      expect((failed as Failure).message).toMatch(reason)
      expect((failed as Failure).message).toContain(`The wallet ${file} cannot be used`)
      expect(failed).toMatchObject({ exitCode: exitCodes.network })
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
  const hash = paymentHash(new Uint8Array(32).fill(7))
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
      'a file of two lines',
      'file',
      (file: string) => writeFileSync(file, 'hunter2\nX-Evil: 1', { mode: 0o600 }),
      /holds no token/,
    ],
    [
      'an empty file',
      'file',
      (file: string) => writeFileSync(file, '\n', { mode: 0o600 }),
      /holds no token/,
    ],
    [
      'a variable that is not set',
      'env:SATWAY_NOT_SET',
      () => undefined,
      /the variable SATWAY_NOT_SET is not set/,
    ],
    [
      'a variable with a space',
      'env:SATWAY_SPACED',
      () => undefined,
      /the variable SATWAY_SPACED holds no token/,
    ],
  ] as const) {
    test(`is refused: ${what}`, async () => {
      const file = join(folder, 'token')
      make(file)
      const place = token === 'file' ? `file:${file}` : token
      const failed = await openWallet(`https://w.example/p?token=${place}`, {
        config: {},
        environment: { ...home, SATWAY_SPACED: 'hunter2 x' },
      }).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Failure)
      expect((failed as Failure).message).toMatch(message)
      expect(`${(failed as Failure).message}${(failed as Failure).advice}`).not.toContain('hunter2')
    })
  }

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
      expect(wallet).toMatchObject({ realMoney, network, looksUp: false, tokenPlace: undefined })
    })
  }

  test('is what a wallet over HTTP has, unless it says otherwise', async () => {
    expect(await openWallet('http://localhost:9/p', { config: {} })).toMatchObject({
      network: 'bitcoin',
      realMoney: true,
    })
  })
})
