import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { leastPrivilege } from '../../library/src/lightning/wallet/index.ts'
import { serveBtcpay } from '../../library/src/testing/look-alike/btcpay.ts'
import { serveCln } from '../../library/src/testing/look-alike/cln.ts'
import { serveLnbits } from '../../library/src/testing/look-alike/lnbits.ts'
import { serveLnd } from '../../library/src/testing/look-alike/lnd.ts'
import { serveNwc } from '../../library/src/testing/look-alike/nwc.ts'
import { servePhoenixd } from '../../library/src/testing/look-alike/phoenixd.ts'
import { examine } from '../../program/src/agent/doctor/examine.ts'
import { openAgent } from '../../program/src/agent/index.ts'
import { walletStatus as statusCommand } from '../../program/src/cli/wallet-status.ts'
import type { DoctorCheck } from '../../program/src/schema/index.ts'
import { runWalletStatus } from '../../program/src/wallet-proxy/index.ts'
import { runAt } from './desk.ts'
import { makeHome, openSpender } from './spender.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** Serves a look-alike until the end of the test. */
async function serving<T extends { close(): unknown }>(lookAlike: Promise<T>): Promise<T> {
  const served = await lookAlike
  closers.push(() => served.close())
  return served
}

/** Puts a secret into a home. @returns `file:/path`. */
function put(home: string, secret: string | Uint8Array): string {
  const path = join(home, 'wallet.secret')
  writeFileSync(path, secret, { mode: 0o600 })
  return `file:${path}`
}

const at = (scheme: string, url: string): string => url.replace(/^http:/, `${scheme}:`)
const lndUris = (role: 'pay' | 'receive'): string[] =>
  leastPrivilege('lnd', role).match(/uri:\S+/g) ?? []
const clnRune = (role: 'pay' | 'receive'): string[][] =>
  JSON.parse(/restrictions='(.*)'/.exec(leastPrivilege('cln', role))?.[1] ?? '') as string[][]

/** The URI of a wallet of each kind, with what least privilege says that it needs. */
const wallets: readonly (readonly [
  kind: string,
  serve: (node: DevnetNode, home: string) => Promise<string>,
])[] = [
  [
    'lnd',
    async (node, home) => {
      const lnd = await serving(serveLnd(node))
      return `${at('lnd', lnd.url)}?tls=off&macaroon=${put(home, lnd.bake(lndUris('pay')))}`
    },
  ],
  [
    'cln',
    async (node, home) => {
      const cln = await serving(serveCln(node))
      return `${at('cln', cln.url)}?tls=off&rune=${put(home, cln.runes.mint(clnRune('pay')))}`
    },
  ],
  [
    'phoenixd',
    async (node, home) => {
      const phoenixd = await serving(servePhoenixd(node))
      return `${at('phoenixd', phoenixd.url)}?password=${put(home, phoenixd.password)}`
    },
  ],
  [
    'nwc',
    async (node, home) => {
      const methods = ['pay_invoice', 'lookup_invoice']
      const nwc = await serving(serveNwc(node, { methods }))
      return put(home, `${nwc.uri}&network=regtest`)
    },
  ],
  [
    'lnbits',
    async (node, home) => {
      const lnbits = await serving(serveLnbits(node))
      return `${at('lnbits', lnbits.url)}?key=${put(home, lnbits.adminKey)}`
    },
  ],
  [
    'btcpay',
    async (node, home) => {
      const btcpay = await serving(serveBtcpay(node))
      return `${at('btcpay', btcpay.url)}/${btcpay.storeId}?key=${put(home, btcpay.key)}`
    },
  ],
]
const onRegtest = (uri: string): string =>
  uri.startsWith('file:') ? uri : `${uri}&network=regtest`

describe('R-AGT-48 a wallet of any kind pays, and is opened when something is to be paid', () => {
  for (const [kind, serve] of wallets) {
    test(kind, async () => {
      const { home, shop, withJournal } = await openSpender()
      const uri = onRegtest(await serve(shop.buyer, home))
      writeFileSync(join(home, 'config.yaml'), `key: file\nwallet: ${JSON.stringify(uri)}\n`)
      const buy = async (path: string): Promise<string> => {
        const agent = await openAgent({ home, ask: { kind: 'queue', waitSeconds: 0 } })
        try {
          expect(agent).toMatchObject({ walletKind: kind, realMoney: false })
          return await (await agent.client.fetch(`${shop.url}${path}`)).text()
        } finally {
          await agent.close()
        }
      }
      expect(await buy('/weather')).toBe('goods')
      const spentMsat = shop.spentMsat()
      expect(spentMsat).toBeGreaterThanOrEqual(10_000n)
      await withJournal(async ({ ledger }) => {
        const [paid = ''] = await ledger.named('')
        const entry = await ledger.find(paid)
        expect(entry).toMatchObject({ state: 'settled', walletId: expect.stringMatching(/^\w+/) })
      })
      // What was bought opens without the wallet.
      for (const close of closers.splice(0)) await close()
      expect(await buy('/weather')).toBe('goods')
      expect(shop.spentMsat()).toBe(spentMsat)
    })

    test(`${kind}: its status`, async () => {
      const { home, shop } = await openSpender()
      const uri = onRegtest(await serve(shop.buyer, home))
      const ended = await runAt(home, statusCommand, runWalletStatus, ['--wallet', uri])
      expect(JSON.parse(ended.stdout)).toMatchObject({
        kind,
        network: 'regtest',
        reachable: true,
        realMoney: false,
        problem: null,
      })
      expect(ended.code).toBe(0)
    })
  }
})

/** What doctor says of the wallet at a URI. */
async function look(home: string, uri: string): Promise<Readonly<Record<string, DoctorCheck>>> {
  const report = await examine({ SATWAY_HOME: home, HOME: home }, uri)
  const text = JSON.stringify(report)
  for (const secret of ['0201036c6e64', 'f'.repeat(64), 'cnVuZQ'])
    expect(text).not.toContain(secret)
  return Object.fromEntries(report.checks.map((check) => [check.name, check]))
}

describe('R-AGT-47 what the credential of the wallet allows', () => {
  const node = (): DevnetNode => createDevnet().addNode('buyer', { balanceMsat: satToMsat(1000n) })

  describe('lnd', () => {
    const ways = { permissions: [] as readonly string[], verdict: 'ok', message: /./ }
    const cases: Readonly<Record<string, typeof ways>> = {
      'one that pays': {
        permissions: lndUris('pay'),
        verdict: 'ok',
        message: /^it pays, no more$/,
      },
      'one that is paid': {
        permissions: lndUris('receive'),
        verdict: 'failure',
        message: /^its credential does not allow to pay$/,
      },
      'one of an administrator': {
        permissions: ['offchain:write', 'offchain:read', 'onchain:write', 'macaroon:generate'],
        verdict: 'warning',
        message: /^its credential allows more than to pay: .*send on chain/,
      },
    }
    for (const [what, { permissions, verdict, message }] of Object.entries(cases)) {
      test(`${what}: ${verdict}`, async () => {
        const lnd = await serving(serveLnd(node()))
        const home = makeHome()
        const secret = put(home, lnd.bake(permissions))
        const uri = `${at('lnd', lnd.url)}?tls=off&network=regtest&macaroon=${secret}`
        const said = await look(home, uri)
        expect(said['privilege']).toMatchObject({
          verdict,
          message: expect.stringMatching(message),
        })
        const advice = verdict === 'ok' ? null : leastPrivilege('lnd', 'pay')
        expect(said['privilege']?.advice).toBe(advice)
        expect(said['credential']).toMatchObject({ verdict: 'ok' })
        if (verdict === 'ok') expect(said['wallet']).toMatchObject({ verdict: 'ok' })
      })
    }

    test('that is locked, of another node, or away has to be mended', async () => {
      const lnd = await serving(serveLnd(node()))
      const home = makeHome()
      const secret = put(home, lnd.bake(lndUris('pay')))
      const uri = `${at('lnd', lnd.url)}?tls=off&network=regtest&macaroon=${secret}`
      lnd.setState('LOCKED')
      expect((await look(home, uri))['wallet']).toMatchObject({
        verdict: 'failure',
        message: expect.stringContaining('cannot pay: its wallet is locked'),
      })
      lnd.setState('SERVER_ACTIVE')
      const other = await serving(serveLnd(node()))
      put(home, other.bake(lndUris('pay')))
      expect((await look(home, uri))['wallet']).toMatchObject({
        verdict: 'failure',
        advice: leastPrivilege('lnd', 'pay'),
      })
      await lnd.setReachable(false)
      expect((await look(home, uri))['wallet']).toMatchObject({
        verdict: 'failure',
        message: expect.stringContaining('nothing listens there'),
      })
    })

    test('on another network than its URI says has to be mended', async () => {
      const lnd = await serving(serveLnd(node()))
      const home = makeHome()
      const secret = put(home, lnd.bake(lndUris('pay')))
      const said = await look(home, `${at('lnd', lnd.url)}?tls=off&macaroon=${secret}`)
      expect(said['network']).toMatchObject({
        verdict: 'failure',
        message: 'the wallet is on regtest, and its URI says bitcoin',
        advice: expect.stringContaining('write network=regtest into it'),
      })
    })
  })

  test('Core Lightning: a rune for all, and one that is paid', async () => {
    const cln = await serving(serveCln(node()))
    const home = makeHome()
    const uri = (rune: string): string =>
      `${at('cln', cln.url)}?tls=off&network=regtest&rune=${put(home, rune)}`
    expect((await look(home, uri(cln.runes.mint(clnRune('pay')))))['privilege']).toMatchObject({
      verdict: 'ok',
    })
    expect((await look(home, uri(cln.runes.mint())))['privilege']).toMatchObject({
      verdict: 'warning',
      message: 'its credential allows more than to pay: everything',
      advice: leastPrivilege('cln', 'pay'),
    })
    expect((await look(home, uri(cln.runes.mint(clnRune('receive')))))['privilege']).toMatchObject({
      verdict: 'failure',
    })
  })

  test('phoenixd: the limited password does not pay, and the other does more', async () => {
    const phoenixd = await serving(servePhoenixd(node()))
    const home = makeHome()
    const uri = (password: string): string =>
      `${at('phoenixd', phoenixd.url)}?network=regtest&password=${put(home, password)}`
    expect((await look(home, uri(phoenixd.limitedPassword)))['privilege']).toMatchObject({
      verdict: 'failure',
    })
    expect((await look(home, uri(phoenixd.password)))['privilege']).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('close channels'),
      advice: expect.stringContaining('a phoenixd of its own'),
    })
  })

  test('LNbits and BTCPay Server: a key that is paid does not pay', async () => {
    const lnbits = await serving(serveLnbits(node()))
    const home = makeHome()
    const uri = (key: string): string =>
      `${at('lnbits', lnbits.url)}?network=regtest&key=${put(home, key)}`
    expect((await look(home, uri(lnbits.invoiceKey)))['privilege']).toMatchObject({
      verdict: 'failure',
      advice: leastPrivilege('lnbits', 'pay'),
    })
    expect((await look(home, uri(lnbits.adminKey)))['privilege']?.verdict).not.toBe('failure')

    const { storeId } = await serving(serveBtcpay(node()))
    const receive = leastPrivilege('btcpay', 'receive').match(/btcpay\.store\.[a-z]+/g) ?? []
    const keys = { 'a-key': receive.map((one) => `${one}:${storeId}`) }
    const btcpay = await serving(serveBtcpay(node(), { keys }))
    const store = `${at('btcpay', btcpay.url)}/${storeId}?network=regtest&key=${put(home, 'a-key')}`
    expect((await look(home, store))['privilege']).toMatchObject({
      verdict: 'failure',
      advice: leastPrivilege('btcpay', 'pay'),
    })
  })

  test('Nostr Wallet Connect: a connection that is paid does not pay', async () => {
    const methods = ['make_invoice', 'lookup_invoice']
    const nwc = await serving(serveNwc(node(), { methods }))
    const home = makeHome()
    const said = await look(home, put(home, `${nwc.uri}&network=regtest`))
    expect(said['privilege']).toMatchObject({
      verdict: 'failure',
      advice: leastPrivilege('nwc', 'pay'),
    })
  })

  test('an agent may not have another wallet looked at', async () => {
    const failed = await examine({ SATWAY_HOME: makeHome(), SATWAY_AGENT: '1' }, 'devnet:/w.json')
    expect(failed.checks.find(({ name }) => name === 'wallet')).toMatchObject({
      verdict: 'failure',
      message: expect.stringContaining('--wallet does not count where SATWAY_AGENT is set'),
    })
  })
})
