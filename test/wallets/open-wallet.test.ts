import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { encodeBase64, encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { paymentHash } from '../../library/src/invoice/index.ts'
import { createDevnet, serveWallet } from '../../library/src/lightning/devnet/index.ts'
import type { OpenWalletOptions } from '../../library/src/lightning/wallet/index.ts'
import {
  openWallet,
  parseWalletUri,
  resolveWalletUri,
} from '../../library/src/lightning/wallet/index.ts'
import { encodeMacaroon, mint } from '../../library/src/macaroon/index.ts'

let folder: string
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-open-wallet-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  rmSync(folder, { recursive: true, force: true })
})

const hash = paymentHash(new Uint8Array(32).fill(7))
const macaroon = encodeMacaroon(
  mint({ identifier: new Uint8Array([3, 10, 1, 7]), rootKey: new Uint8Array(32) }),
)

function put(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
  return path
}

type Seen = { readonly target: string; readonly headers: Readonly<Record<string, unknown>> }

/** A server that writes down what it is asked, and knows nothing. */
async function listen(): Promise<{ readonly port: number; readonly seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    seen.push({ target: `${request.method} ${request.url}`, headers: request.headers })
    request.resume()
    response.writeHead(500, { 'content-type': 'text/html' }).end('<html>hunter2</html>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}

async function reasonOf(uri: string, options?: OpenWalletOptions): Promise<string> {
  const failed: unknown = await openWallet(uri, options).then(
    () => new Error('it was opened'),
    (error: unknown) => error,
  )
  if (!isL402Error(failed, 'CONFIG_INVALID')) throw failed
  expect(`${inspect(failed)}${JSON.stringify(failed)}`).not.toContain('hunter2')
  return `${failed.details['reason']}`
}

describe('R-WAL-11 a wallet is opened by its URI', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  for (const [kind, uri, secret, header, value] of [
    ['lnd', 'macaroon', macaroon, 'grpc-metadata-macaroon', encodeHex(macaroon)],
    ['cln', 'rune', 'cnVuZQ', 'rune', 'cnVuZQ'],
    ['phoenixd', 'password', 's3cret\n', 'authorization', basic(':s3cret')],
    ['lnbits', 'key', 's3cret', 'x-api-key', 's3cret'],
    ['btcpay', 'key', 's3cret', 'authorization', 'token s3cret'],
    ['charge', 'token', 's3cret', 'authorization', basic('api-token:s3cret')],
  ] as const) {
    test(`${kind}: nothing is asked before the first call, which carries the credential`, async () => {
      const { port, seen } = await listen()
      const rune = Buffer.concat([new Uint8Array(32).fill(7), Buffer.from('=1')]).toString(
        'base64url',
      )
      const content = kind === 'cln' ? rune : secret
      const path = put('secret', content)
      const store = kind === 'btcpay' ? '/STORE' : ''
      const wallet = await openWallet(
        `${kind}://127.0.0.1:${port}/below${store}?${uri}=file:${path}&tls=off&network=regtest`,
      )
      closers.push(() => wallet.close())
      expect(wallet).toMatchObject({ kind, network: 'regtest' })
      expect(wallet.payer?.network ?? 'regtest').toBe('regtest')
      expect(wallet.payee?.network).toBe('regtest')
      expect(seen).toEqual([])
      const facts = await wallet.examine().catch((error: unknown) => error)
      if (isL402Error(facts)) expect(facts.code).toBe('NODE_UNAVAILABLE')
      await wallet.payer?.lookupPayment(hash).catch(() => undefined)
      await wallet.payee?.lookupInvoice(hash).catch(() => undefined)
      expect(seen.length).toBeGreaterThan(0)
      for (const { target } of seen) expect(target).toMatch(/^[A-Z]+ \/below\//)
      const sent = seen.map(({ headers }) => headers[header])
      expect(sent).toContain(kind === 'cln' ? rune : value)
      expect(inspect([wallet, facts], { depth: 9, showHidden: true })).not.toContain('s3cret')
    })
  }

  test('lnd: the macaroon is taken as its file is, in hex, in base64, and in the URI', async () => {
    const { port, seen } = await listen()
    const at = `lnd://127.0.0.1:${port}?tls=off&macaroon=`
    const spellings = [
      `file:${put('binary', macaroon)}`,
      `file:${put('hex', `${encodeHex(macaroon)}\n`)}`,
      `file:${put('base64', encodeBase64(macaroon))}`,
      encodeHex(macaroon),
      Buffer.from(macaroon).toString('base64url'),
    ]
    for (const spelling of spellings) {
      const wallet = await openWallet(at + spelling)
      await wallet.payer?.lookupPayment(hash).catch(() => undefined)
      wallet.close()
    }
    const sent = seen.map(({ headers }) => headers['grpc-metadata-macaroon'])
    expect(new Set(sent)).toEqual(new Set([encodeHex(macaroon)]))
    expect(sent).toHaveLength(spellings.length)
  })

  test('Core Lightning by its socket', async () => {
    const path = join(folder, 'lightning-rpc')
    const asked: string[] = []
    const server = createSocketServer((socket) => {
      socket.on('data', (chunk) => {
        asked.push(String(chunk))
        socket.destroy()
      })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    closers.push(() => server.close())
    const wallet = await openWallet(`cln://${path}?network=regtest`)
    expect(wallet).toMatchObject({ kind: 'cln', network: 'regtest' })
    expect(asked).toEqual([])
    await wallet.payer?.lookupPayment(hash).catch(() => undefined)
    expect(asked.join()).toContain('listpays')
    wallet.close()
  })

  test('Nostr Wallet Connect, and a Lightning Address', async () => {
    const secret = put('nwc', '01'.repeat(32))
    const nwc = await openWallet(
      `nostr+walletconnect://${'ab'.repeat(32)}?relay=ws://127.0.0.1:1&secret=file:${secret}&network=signet`,
    )
    expect(nwc).toMatchObject({ kind: 'nwc', network: 'signet' })
    nwc.close()
    const lnurl = await openWallet('lnurl:alice@w.example?network=signet')
    expect(lnurl).toMatchObject({ kind: 'lnurl', network: 'signet', payer: undefined })
    lnurl.close()
  })

  test('a parsed URI opens what its text opens', async () => {
    const uri = parseWalletUri(`phoenixd://127.0.0.1?password=file:${put('p', 'x')}`)
    if ('problem' in uri) throw new Error(uri.problem)
    expect(await openWallet(uri)).toMatchObject({ kind: 'phoenixd' })
  })

  for (const [uri, reason] of [
    ['lnd://n.example?macaron=hunter2', /^the wallet URI \?macaron: .*did you mean macaroon\?$/],
    ['hunter2', /^the wallet URI expected a wallet URI/],
    ['lnd://n.example?macaroon=hunter2', /^lnd: macaroon: expected/],
    [
      `nostr+walletconnect://${'0'.repeat(64)}?relay=wss://r.example&secret=${'0'.repeat(64)}`,
      /^nwc: /,
    ],
  ] as const) {
    test(`not ${uri.slice(0, 40)}`, async () => expect(await reasonOf(uri)).toMatch(reason))
  }

  for (const text of [
    'hunter2 x',
    'hunter2\nX-Evil: 1',
    ' \n',
    'hunter2é',
    'hunter2\0',
    'x'.repeat(5000),
  ]) {
    test(`no credential that breaks out of a header: ${JSON.stringify(text.slice(0, 20))}`, async () => {
      const uri = `phoenixd://127.0.0.1?password=file:${put('p', text)}`
      expect(await reasonOf(uri)).toMatch(/p \(credential\) holds no credential: one line/)
    })
  }

  test('nor the URI of a whole wallet', async () => {
    const file = put('whole', 'phoenixd://127.0.0.1?password=hunter2\n')
    for (const uri of [
      `lnbits://127.0.0.1?key=file:${file}`,
      `cln://127.0.0.1?rune=file:${file}`,
    ]) {
      expect(await reasonOf(uri)).toBe(
        `${file} (credential) holds a URI and no credential; a file with the whole URI of a wallet is named alone: file:/path`,
      )
    }
  })

  test('nor one that is no text', async () => {
    const uri = `phoenixd://127.0.0.1?password=file:${put('p', new Uint8Array([0xff, 0xfe]))}`
    expect(await reasonOf(uri)).toMatch(/\(credential\) is no text$/)
  })

  test('a certificate has to be one, in PEM', async () => {
    const password = put('p', 'x')
    const at = (cert: string): string =>
      `phoenixd://127.0.0.1?password=file:${password}&cert=file:${cert}`
    expect(await reasonOf(at(put('c', 'hunter2')))).toMatch(/holds no certificate in PEM$/)
    const damaged = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'
    expect(await reasonOf(at(put('d', damaged)))).toMatch(/^phoenixd: certificate: expected/)
  })
})

describe('R-WAL-10 what a place holds', () => {
  const at = (path: string): string => `phoenixd://127.0.0.1?password=file:${path}`

  test('a file of one’s own, a link to one, a variable, and a file below the own folder', async () => {
    const path = put('p', 'x')
    symlinkSync(path, join(folder, 'link'))
    await openWallet(at(path))
    await openWallet(at(join(folder, 'link')))
    process.env['SATWAY_TEST_PASSWORD'] = 'x'
    closers.push(() => delete process.env['SATWAY_TEST_PASSWORD'])
    await openWallet('phoenixd://127.0.0.1?password=env:SATWAY_TEST_PASSWORD')
    const below = `~/${relative(homedir(), join(folder, 'missing'))}`
    expect(await reasonOf(at(below))).toBe(`${below} (credential) is not there`)
  })

  for (const [what, make, reason] of [
    ['is not there', () => undefined, /p \(credential\) is not there$/],
    [
      'can be read by others',
      () => put('p', 'hunter2', 0o640),
      /can be read or changed by others: chmod 600 .*p$/,
    ],
    [
      'can be changed by others',
      () => put('p', 'hunter2', 0o602),
      /can be read or changed by others/,
    ],
    ['is a folder', () => mkdirSync(join(folder, 'p')), /is no regular file$/],
    ['is empty', () => put('p', ''), /is empty$/],
    ['is too long', () => truncateSync(put('p', 'x'), 65_537), /is longer than 65536 bytes$/],
  ] as const) {
    test(`not a file that ${what}`, async () => {
      make()
      expect(await reasonOf(at(join(folder, 'p')))).toMatch(reason)
    })
  }

  test('not a variable that is not set, or empty', async () => {
    const uri = 'phoenixd://127.0.0.1?password=env:SATWAY_TEST_NOT_SET'
    expect(await reasonOf(uri)).toBe('the variable SATWAY_TEST_NOT_SET (credential) is not set')
  })

  test('a certificate may be read by others, and changed by none', async () => {
    const password = put('p', 'x')
    const certificate = put('c', 'hunter2', 0o644)
    const uri = `${at(password)}&cert=file:${certificate}`
    expect(await reasonOf(uri)).toMatch(/holds no certificate/)
    chmodSync(certificate, 0o664)
    expect(await reasonOf(uri)).toMatch(/can be changed by others: chmod go-w .*c$/)
  })

  test('a reader of one’s own is told the place and what it is for', async () => {
    const asked: unknown[] = []
    const readSecret: OpenWalletOptions['readSecret'] = (place, use) => {
      asked.push([place, use])
      if (use === 'wallet URI')
        return Buffer.from('phoenixd://127.0.0.1?password=env:P&cert=file:/c')
      return Buffer.from(use === 'credential' ? 'x' : 'no certificate')
    }
    expect(await reasonOf('file:/uri', { readSecret })).toMatch(/holds no certificate/)
    expect(asked).toEqual([
      [{ from: 'file', path: '/uri' }, 'wallet URI'],
      [{ from: 'env', name: 'P' }, 'credential'],
      [{ from: 'file', path: '/c' }, 'certificate'],
    ])
  })
})

describe('R-WAL-9 the whole URI stands elsewhere', () => {
  test('in a file of one’s own or a variable, with its secret', async () => {
    const path = put('uri', '\ufeffphoenixd://127.0.0.1?password=hunter2\n')
    const uri = await resolveWalletUri(`file:${path}`)
    expect(uri).toMatchObject({ kind: 'phoenixd', secret: { from: 'uri', text: 'hunter2' } })
    expect(inspect(uri)).not.toContain('hunter2')
    expect(await openWallet(`file:${path}`)).toMatchObject({ kind: 'phoenixd' })
    process.env['SATWAY_TEST_WALLET'] = 'phoenixd://127.0.0.1?password=hunter2'
    closers.push(() => delete process.env['SATWAY_TEST_WALLET'])
    expect(await openWallet('env:SATWAY_TEST_WALLET')).toMatchObject({ kind: 'phoenixd' })
  })

  for (const [text, reason] of [
    ['file:/other', /uri \(wallet URI\) names another place: write the URI itself there$/],
    ['lnd://n.example?macaron=hunter2', /uri \(wallet URI\) \?macaron: is not known here/],
    ['hunter2', /uri \(wallet URI\) expected a wallet URI/],
    ['', /uri \(wallet URI\) is empty$/],
  ] as const) {
    test(`once, and not ${JSON.stringify(text)}`, async () => {
      expect(await reasonOf(`file:${put('uri', text)}`)).toMatch(reason)
    })
  }
  test('nor in a file that others can read', async () => {
    expect(await reasonOf(`file:${put('uri', 'hunter2', 0o644)}`)).toMatch(/chmod 600/)
  })
})

describe('R-WAL-13 wallets of other adapters tell of themselves alike', () => {
  test('a wallet of the embedded network: its network, what it may do, and what it has', async () => {
    const node = createDevnet().addNode('buyer', { balanceMsat: msat(5000n) })
    const file = join(folder, 'wallet.json')
    const server = await serveWallet(node, { file })
    closers.push(() => server.close())
    const wallet = await openWallet(`devnet:${file}`)
    expect(wallet).toMatchObject({ kind: 'devnet', network: 'regtest', payee: undefined })
    expect(wallet.payer?.id).toMatch(/^[0-9a-f]{64}$/)
    expect(await wallet.examine()).toEqual({
      network: 'regtest',
      notReady: undefined,
      powers: { receive: false, spend: true, beyond: [] },
      nowSeconds: undefined,
    })
    expect(await wallet.balanceMsat?.()).toBe(5000n)
    await server.close()
    const failed: unknown = await wallet.examine().catch((error: unknown) => error)
    expect(isL402Error(failed, 'NODE_UNAVAILABLE')).toBe(true)
    wallet.close()
  })

  test('a wallet file that is not there means that no wallet runs', async () => {
    const failed: unknown = await openWallet(`devnet:${join(folder, 'none')}`).catch(
      (error: unknown) => error,
    )
    expect(isL402Error(failed, 'NODE_UNAVAILABLE')).toBe(true)
  })

  test('a wallet that takes POST /payinvoice: whether it is there, and its time', async () => {
    const { port, seen } = await listen()
    const wallet = await openWallet(
      `http://127.0.0.1:${port}/pay?token=file:${put('t', 's3cret')}&lookup=/p/{hash}&network=regtest`,
    )
    expect(wallet).toMatchObject({ kind: 'http', network: 'regtest', payee: undefined })
    const facts = await wallet.examine()
    expect(facts).toMatchObject({ network: undefined, powers: { spend: undefined, beyond: [] } })
    expect(Math.abs((facts.nowSeconds ?? 0) - Date.now() / 1000)).toBeLessThan(60)
    // The question whether it is there goes out without the token.
    expect(seen.map(({ target, headers }) => [target, headers['authorization']])).toEqual([
      ['GET /pay', undefined],
    ])
    await wallet.payer?.lookupPayment(hash).catch(() => undefined)
    expect(seen.at(-1)).toMatchObject({
      target: `GET /p/${encodeHex(hash)}`,
      headers: { authorization: 'Bearer s3cret' },
    })
    const away = await openWallet('http://127.0.0.1:1/pay')
    const failed: unknown = await away.examine().catch((error: unknown) => error)
    expect(isL402Error(failed, 'NODE_UNAVAILABLE') && failed.details['reason']).toBe(
      'the wallet: it cannot be reached',
    )
  })

  test('a wallet that takes POST /payinvoice is asked by the fetch that is given', async () => {
    const asked: string[] = []
    const fetch: NonNullable<OpenWalletOptions['fetch']> = async (url) => {
      asked.push(url)
      return new Response(null, { status: 405 })
    }
    const wallet = await openWallet('https://w.example/pay', { fetch })
    expect(await wallet.examine()).toMatchObject({ nowSeconds: undefined })
    expect(asked).toEqual(['https://w.example/pay'])
  })
})
