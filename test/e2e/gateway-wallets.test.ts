import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeInvoice, formatCredential, msat, parseChallenges } from 'satway'
import type { DevnetNode } from 'satway/lightning/devnet'
import { createDevnet } from 'satway/lightning/devnet'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { serveBtcpay } from '../../library/src/testing/look-alike/btcpay.ts'
import { serveCharge } from '../../library/src/testing/look-alike/charge.ts'
import { serveCln } from '../../library/src/testing/look-alike/cln.ts'
import type { LookAlike } from '../../library/src/testing/look-alike/index.ts'
import { serveLnbits } from '../../library/src/testing/look-alike/lnbits.ts'
import { serveLnd } from '../../library/src/testing/look-alike/lnd.ts'
import { recordPreimages, serveLnurl } from '../../library/src/testing/look-alike/lnurl.ts'
import { serveNwc } from '../../library/src/testing/look-alike/nwc.ts'
import { servePhoenixd } from '../../library/src/testing/look-alike/phoenixd.ts'
import type { TestUpstream } from '../gateway/upstream.ts'
import { openUpstream } from '../gateway/upstream.ts'
import type { Running } from './satway.ts'
import { freePort, makeHome, satway, startSatway } from './satway.ts'

const home = makeHome()
let upstream: TestUpstream
const running: Running[] = []
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  upstream = await openUpstream()
})
afterEach(async () => {
  for (const one of running.splice(0)) if (one.child.exitCode === null) await one.stop('SIGKILL')
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  await upstream.close()
  home.remove()
})

const receive = [
  'uri:/lnrpc.Lightning/AddInvoice',
  'uri:/lnrpc.Lightning/LookupInvoice',
  'uri:/lnrpc.Lightning/SubscribeInvoices',
]
const spend = [
  ...receive,
  'uri:/routerrpc.Router/SendPaymentV2',
  'uri:/routerrpc.Router/TrackPaymentV2',
]

let worlds = 0

/** A network with a buyer, and a folder for what a gateway needs. */
function makeWorld(random?: (length: number) => Uint8Array) {
  const folder = join(home.path, `world-${++worlds}`)
  mkdirSync(folder)
  const devnet = createDevnet(random === undefined ? {} : { random })
  const seller = devnet.addNode('seller', { balanceMsat: msat(1_000_000_000n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: msat(1_000_000_000n) })
  const secret = (name: string, content: string | Uint8Array): string => {
    const file = join(folder, name)
    writeFileSync(file, content)
    chmodSync(file, 0o600)
    return `file:${file}`
  }
  return { folder, seller, buyer, secret }
}

type Shop = { readonly url: string; readonly admin: number; readonly one: Running }

async function startShop(
  folder: string,
  wallet: string,
  { args = [], price = '10 sat' }: { readonly args?: readonly string[]; price?: string } = {},
): Promise<Shop> {
  const port = await freePort()
  let admin = await freePort()
  while (admin === port) admin = await freePort()
  writeFileSync(
    join(folder, 'satway.yaml'),
    `listen: 127.0.0.1:${port}
wallet: ${wallet}
state: ./satway.db
admin: { address: 127.0.0.1:${admin}, key: ./admin.key, macaroon: ./admin.macaroon }
services:
  - name: shop
    upstream: ${upstream.url}
    routes: { GET /a: ${price} }
`,
  )
  const command = ['gateway', '--config', 'satway.yaml', ...args]
  const one = startSatway(home.path, command, { cwd: folder })
  running.push(one)
  return { url: `http://127.0.0.1:${port}`, admin, one }
}

async function until(isSo: () => boolean | Promise<boolean>, one?: Running): Promise<void> {
  const beganAt = performance.now()
  while (performance.now() - beganAt < 40_000) {
    if (await isSo()) return
    if (one !== undefined && one.child.exitCode !== null) throw new Error(`ended: ${one.stderr()}`)
    await pause(25)
  }
  throw new Error(`it did not come to pass: ${one?.stderr()}`)
}

const untilServing = (one: Running): Promise<void> =>
  until(() => one.stderr().includes('"message":"serving"'), one)

/** Asks, pays, and gives the value for `Authorization`. */
async function buy({ url }: Shop, buyer: DevnetNode): Promise<string> {
  const response = await fetch(`${url}/a`)
  await response.body?.cancel()
  expect(response.status).toBe(402)
  const challenge = response.headers.get('www-authenticate')!
  const [reading] = parseChallenges([challenge]).filter((one) => 'invoice' in one)
  const invoice = decodeInvoice(reading!.invoice)
  const outcome = await buyer.pay(invoice, { maxFeeMsat: msat(1_000_000n) })
  if (outcome.status !== 'settled') throw new Error(outcome.status)
  return formatCredential({ token: reading!.token, preimage: outcome.preimage })
}

async function statusOf({ url }: Shop, authorization?: string): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(`${url}/a`, { headers })
  await response.body?.cancel()
  return response.status
}

type Ready = { readonly checks: readonly { name: string; ok: boolean; detail: string }[] }

async function readyz({ admin }: Shop): Promise<{ status: number; wallet: Ready['checks'][0] }> {
  const response = await fetch(`http://127.0.0.1:${admin}/readyz`)
  const { checks } = (await response.json()) as Ready
  return { status: response.status, wallet: checks.find(({ name }) => name === 'wallet')! }
}

type Listed = { readonly service?: string; readonly amount_msat: string; readonly uses: number }

async function transactions(folder: string, { admin }: Shop): Promise<readonly Listed[]> {
  const listed = await satway(
    home.path,
    [
      'admin',
      'transactions',
      'list',
      '--json',
      '--address',
      `127.0.0.1:${admin}`,
      '--macaroon',
      'admin.macaroon',
    ],
    { cwd: folder },
  )
  return (JSON.parse(listed.stdout) as { readonly items: readonly Listed[] }).items
}

describe('R-GWW-10 a gateway sells with a real wallet', () => {
  for (const workers of [1, 2]) {
    test(`lnd, ${workers} process(es): 402, paid, ledger, metrics`, async () => {
      const { folder, seller, buyer, secret } = makeWorld()
      const lnd = await serveLnd(seller)
      closing.push(() => lnd.close())
      const macaroon = secret('receive.macaroon', lnd.bake(receive))
      const uri = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&tls=off&network=regtest`
      const shop = await startShop(folder, `"${uri}"`, {
        args: ['--workers', String(workers)],
        price: '1500msat',
      })
      await untilServing(shop.one)
      expect(shop.one.stderr()).toContain('lnd (regtest): no real money moves')
      const authorization = await buy(shop, buyer)
      expect(await statusOf(shop, authorization)).toBe(200)
      await until(async () => (await transactions(folder, shop))[0]?.uses === 1, shop.one)
      expect(await transactions(folder, shop)).toMatchObject([
        { service: 'shop', amount_msat: '1500', uses: 1 },
      ])
      expect(await readyz(shop)).toMatchObject({
        status: 200,
        wallet: { ok: true, detail: 'lnd answers, regtest' },
      })
      await until(async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${shop.admin}/metrics`)).text()
        expect(metrics).toContain(
          'satway_wallet_info{kind="lnd",network="regtest",real_money="false"} 1\n',
        )
        return /^satway_revenue_msat_total\{service="shop"\} 1500$/m.test(metrics)
      }, shop.one)
      // One stream of the wallet, however many services and workers read it.
      expect(lnd.seen.filter(({ role }) => role === 'settlements')).toHaveLength(1)
    }, 90_000)
  }

  test('R-GWW-5 phoenixd, which knows whole sat only: another price is refused with its route', async () => {
    const { folder, seller, buyer, secret } = makeWorld()
    const phoenixd = await servePhoenixd(seller)
    closing.push(() => phoenixd.close())
    const password = secret('password', phoenixd.limitedPassword)
    const uri = `"phoenixd://${new URL(phoenixd.url).host}?password=${password}&network=regtest"`
    const refused = await startShop(folder, uri, { price: '1500msat' })
    const { code, stderr } = await refused.one.ended()
    expect(code).toBe(1)
    expect(stderr).toContain(
      'services[0].routes["GET /a"]  phoenixd makes invoices of whole sat only: write 1 sat or 2 sat',
    )
    const checked = await satway(home.path, ['config', 'check', 'satway.yaml'], { cwd: folder })
    expect(checked.code).toBe(1)
    expect(checked.stdout).toContain('write 1 sat or 2 sat')

    const shop = await startShop(folder, uri)
    await untilServing(shop.one)
    const authorization = await buy(shop, buyer)
    expect(await statusOf(shop, authorization)).toBe(200)
    await until(async () => (await transactions(folder, shop)).length === 1, shop.one)
  }, 90_000)
})

type Offered = {
  readonly lookAlike: Pick<LookAlike, 'close' | 'setReachable'>
  /** The URI, or where it is. */
  readonly wallet: string
}
type Secret = ReturnType<typeof makeWorld>['secret']

const preimages = recordPreimages()

/** Each kind of wallet, with a credential that is paid and cannot spend. */
const kinds: Readonly<Record<string, (seller: DevnetNode, secret: Secret) => Promise<Offered>>> = {
  lnd: async (seller, secret) => {
    const lookAlike = await serveLnd(seller)
    const macaroon = secret('receive.macaroon', lookAlike.bake(receive))
    return { lookAlike, wallet: `lnd://${hostOf(lookAlike)}?macaroon=${macaroon}&tls=off` }
  },
  cln: async (seller, secret) => {
    const lookAlike = await serveCln(seller)
    const methods = ['invoice', 'listinvoices', 'waitanyinvoice', 'getinfo']
    const restriction = methods.map((method) => `method=${method}`)
    const rune = secret('rune', lookAlike.runes.mint([restriction]))
    return { lookAlike, wallet: `cln://${hostOf(lookAlike)}?rune=${rune}&tls=off` }
  },
  phoenixd: async (seller, secret) => {
    const lookAlike = await servePhoenixd(seller)
    const password = secret('password', lookAlike.limitedPassword)
    return { lookAlike, wallet: `phoenixd://${hostOf(lookAlike)}?password=${password}` }
  },
  lnbits: async (seller, secret) => {
    const lookAlike = await serveLnbits(seller)
    const key = secret('key', lookAlike.invoiceKey)
    return { lookAlike, wallet: `lnbits://${hostOf(lookAlike)}?key=${key}` }
  },
  btcpay: async (seller, secret) => {
    const permissions = ['cancreatelightninginvoice', 'canviewlightninginvoice']
    const keys = { 'receive-key': permissions.map((name) => `btcpay.store.${name}`) }
    const lookAlike = await serveBtcpay(seller, { keys })
    const key = secret('key', 'receive-key')
    return {
      lookAlike,
      wallet: `btcpay://${hostOf(lookAlike)}/${lookAlike.storeId}?key=${key}`,
    }
  },
  charge: async (seller, secret) => {
    const lookAlike = await serveCharge(seller)
    const token = secret('token', lookAlike.token)
    return { lookAlike, wallet: `charge://${hostOf(lookAlike)}?token=${token}` }
  },
  nwc: async (seller, secret) => {
    const methods = ['make_invoice', 'lookup_invoice', 'get_info']
    const lookAlike = await serveNwc(seller, { methods })
    return { lookAlike, wallet: secret('uri', `${lookAlike.uri}&network=regtest`) }
  },
  lnurl: async (seller) => {
    const lookAlike = await serveLnurl(seller, { preimageOf: preimages.preimageOf })
    return { lookAlike, wallet: `lnurl:${lookAlike.address}?` }
  },
}

function hostOf({ url }: { readonly url: string }): string {
  return new URL(url).host
}

describe('R-GWW-10 R-GWW-22 every kind of wallet', () => {
  for (const [kind, offer] of Object.entries(kinds)) {
    test(`${kind}: sells in two processes, and misses nothing while it is away`, async () => {
      const { folder, seller, buyer, secret } = makeWorld(preimages.random)
      const { lookAlike, wallet } = await offer(seller, secret)
      closing.push(() => lookAlike.close())
      const named = wallet.startsWith('file:') ? wallet : `${wallet}&network=regtest`
      const shop = await startShop(folder, `"${named.replace('?&', '?')}"`, {
        args: ['--workers', '2'],
        // Each challenge has an invoice of its own.
        price: '{ price: 10 sat, uses: 5 }',
      })
      await untilServing(shop.one)
      expect(shop.one.stderr()).toContain(`${kind} (regtest): no real money moves`)
      const authorization = await buy(shop, buyer)
      expect(await statusOf(shop, authorization)).toBe(200)
      const response = await fetch(`${shop.url}/a`)
      await response.body?.cancel()
      const [open] = parseChallenges([response.headers.get('www-authenticate')!]).filter(
        (one) => 'invoice' in one,
      )
      await pause(1200)
      await lookAlike.setReachable(false)
      await buyer.pay(decodeInvoice(open!.invoice), { maxFeeMsat: msat(1_000_000n) })
      expect(await statusOf(shop, authorization)).toBe(200)
      await pause(500)
      await lookAlike.setReachable(true)
      await until(async () => (await transactions(folder, shop)).length === 2, shop.one)
      expect(await transactions(folder, shop)).toMatchObject([
        { service: 'shop', amount_msat: '10000' },
        { service: 'shop', amount_msat: '10000' },
      ])
      expect((await readyz(shop)).wallet).toMatchObject({ detail: `${kind} answers, regtest` })
    }, 120_000)
  }
})

describe('R-GWW-11 a wallet that is not to be used stops the start', () => {
  test('with one sentence that says what to mend, and no secret', async () => {
    const { folder, seller, secret } = makeWorld()
    const lnd = await serveLnd(seller)
    closing.push(() => lnd.close())
    const other = await serveLnd(seller)
    closing.push(() => other.close())
    const { host } = new URL(lnd.url)
    const good = secret('receive.macaroon', lnd.bake(receive))
    for (const [query, expected] of [
      [
        `macaroon=${secret('spend.macaroon', lnd.bake(spend))}&network=regtest`,
        /its credential can spend, and a gateway needs none that does\.\n.*lncli bakemacaroon.*allow_spending: true/,
      ],
      [
        `macaroon=${secret('foreign.macaroon', other.bake(receive))}&network=regtest`,
        /The wallet is not used: lnd: .*macaroon/,
      ],
      [
        `macaroon=${secret('none.macaroon', lnd.bake(['uri:/lnrpc.State/GetState']))}&network=regtest`,
        /The wallet is not used: lnd: its macaroon does not allow this: bake one that does\.\n.*lncli bakemacaroon/,
      ],
      [
        `macaroon=file:${folder}/nowhere&network=regtest`,
        /The wallet cannot be used: .*nowhere \(credential\) is not there/,
      ],
      [
        `macaroon=${secret('noise', 'noise')}&network=regtest`,
        /The wallet cannot be used: .*macaroon/,
      ],
    ] as const) {
      const shop = await startShop(folder, `"lnd://${host}?${query}&tls=off"`)
      const { code, stderr } = await shop.one.ended()
      expect([code, stderr]).toEqual([1, expect.stringMatching(expected)])
      const online = ['config', 'check', '--online', 'satway.yaml']
      const checked = await satway(home.path, online, { cwd: folder })
      expect(checked.code).toBe(1)
      expect(checked.stdout).toMatch(/^satway\.yaml:2:9 {2}wallet {2}/)
    }
    const online = ['config', 'check', '--online', 'satway.yaml']
    const forced = `{ uri: "lnd://${host}?macaroon=file:${folder}/spend.macaroon&network=regtest&tls=off", allow_spending: true }`
    const shop = await startShop(folder, forced)
    await untilServing(shop.one)
    await until(() => shop.one.stderr().includes('whoever gets the credential of this gateway'))
    expect((await satway(home.path, online, { cwd: folder })).stdout).toContain('warning')
    await shop.one.stop('SIGTERM')

    await startShop(folder, `"lnd://${host}?macaroon=${good}&network=regtest&tls=off"`)
    const checked = await satway(home.path, online, { cwd: folder })
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('lnd (regtest)')])
  }, 120_000)

  test('R-GWW-8 the same from the command line, in one line', async () => {
    const { folder, seller, secret } = makeWorld()
    const lnd = await serveLnd(seller)
    closing.push(() => lnd.close())
    const macaroon = secret('spend.macaroon', lnd.bake(spend))
    const wallet = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&network=regtest&tls=off`
    const line = ['gateway', '--upstream', upstream.url, '--price', '10sat', '--admin', 'off']
    const where = ['--listen', `127.0.0.1:${await freePort()}`, '--state', join(folder, 's.db')]
    const refused = await satway(home.path, [...line, ...where, '--wallet', wallet])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('can spend')])
    const one = startSatway(home.path, [...line, ...where, '--wallet', wallet, '--allow-spending'])
    running.push(one)
    await untilServing(one)
    expect(one.stderr()).toContain('lnd (regtest): no real money moves')

    for (const [args, expected] of [
      [['--wallet', 'lnd://127.0.0.1?macaroon=c0ffee5ec2e7'], '--wallet: a secret does not belong'],
      [['--allow-spending'], '--allow-spending goes with --wallet'],
    ] as const) {
      const wrong = await satway(home.path, [...line, ...where, ...args])
      expect(wrong.code).not.toBe(0)
      expect(wrong.stderr).toContain(expected)
      expect(wrong.stderr).not.toContain('c0ffee5ec2e7')
    }
  }, 90_000)
})

describe('R-GWW-14 satway config check', () => {
  const check = (folder: string, ...args: readonly string[]) =>
    satway(home.path, ['config', 'check', ...args, 'satway.yaml'], { cwd: folder })

  test('reads the secrets of the wallet, and asks nothing of it without --online', async () => {
    const { folder, seller, secret } = makeWorld()
    const lnd = await serveLnd(seller)
    closing.push(() => lnd.close())
    const { host } = new URL(lnd.url)
    const macaroon = secret('receive.macaroon', lnd.bake(receive))
    const write = (wallet: string): void => {
      writeFileSync(
        join(folder, 'satway.yaml'),
        `wallet: "${wallet}"
services: [{ name: shop, upstream: "${upstream.url}", routes: { GET /a: 10 sat } }]
`,
      )
    }
    const uri = `lnd://${host}?macaroon=${macaroon}&tls=off&network=regtest`
    write(uri)
    const offline = await check(folder)
    expect([offline.code, lnd.seen.length]).toEqual([0, 0])
    expect(offline.stdout).toContain('lnd (regtest), no real money')
    const online = await check(folder, '--online')
    expect([online.code, lnd.seen.length > 0]).toEqual([0, true])

    await lnd.setReachable(false)
    const away = await check(folder, '--online')
    expect([away.code, away.stdout]).toEqual([
      1,
      expect.stringMatching(/^satway\.yaml:1:9 {2}wallet {2}lnd: nothing listens there\n/),
    ])
    expect((await check(folder)).code).toBe(0)

    chmodSync(join(folder, 'receive.macaroon'), 0o644)
    const open = await check(folder)
    expect([open.code, open.stdout]).toEqual([1, expect.stringContaining('chmod 600')])
    write(`lnd://${host}?macaroon=file:${folder}/nowhere&tls=off`)
    expect((await check(folder)).stdout).toContain('is not there')
  }, 90_000)
})

describe('R-GWW-12 a node that is down', () => {
  test('at the start: the gateway comes up, says so, sells nothing, and sells when it is back', async () => {
    const { folder, seller, buyer, secret } = makeWorld()
    const lnd = await serveLnd(seller)
    closing.push(() => lnd.close())
    await lnd.setReachable(false)
    const macaroon = secret('receive.macaroon', lnd.bake(receive))
    const uri = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&tls=off&network=regtest`
    const shop = await startShop(folder, `"${uri}"`)
    await untilServing(shop.one)
    await until(() => shop.one.stderr().includes('nothing is sold until the wallet is there'))
    const response = await fetch(`${shop.url}/a`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await readyz(shop)).toMatchObject({
      status: 503,
      wallet: { ok: false, detail: 'lnd: nothing listens there' },
    })
    await lnd.setReachable(true)
    const began = performance.now()
    await until(async () => (await statusOf(shop)) === 402, shop.one)
    expect(performance.now() - began).toBeLessThan(10_000)
    const authorization = await buy(shop, buyer)
    expect(await statusOf(shop, authorization)).toBe(200)
    await until(async () => (await transactions(folder, shop)).length === 1, shop.one)
  }, 90_000)

  test('at the start, and not to be used when it is back: nothing is sold, and readyz says why', async () => {
    const { folder, seller, secret } = makeWorld()
    const lnd = await serveLnd(seller)
    closing.push(() => lnd.close())
    await lnd.setReachable(false)
    const macaroon = secret('spend.macaroon', lnd.bake(spend))
    const uri = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&tls=off&network=regtest`
    const shop = await startShop(folder, `"${uri}"`)
    await untilServing(shop.one)
    await lnd.setReachable(true)
    await until(() => shop.one.stderr().includes('the wallet is there and is not used'), shop.one)
    expect(await statusOf(shop)).toBe(503)
    await until(async () => {
      const { status, wallet } = await readyz(shop)
      return status === 503 && wallet.detail.includes('can spend')
    }, shop.one)
  }, 90_000)

  for (const workers of [1, 2]) {
    test(`for a while, ${workers} process(es): what was paid meanwhile is in the ledger`, async () => {
      const { folder, seller, buyer, secret } = makeWorld()
      const lnd = await serveLnd(seller)
      closing.push(() => lnd.close())
      const macaroon = secret('receive.macaroon', lnd.bake(receive))
      const uri = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&tls=off&network=regtest`
      const shop = await startShop(folder, `"${uri}"`, { args: ['--workers', String(workers)] })
      await untilServing(shop.one)
      const before = await buy(shop, buyer)
      // Until it is heard of, another request is shown the same invoice.
      await until(async () => (await transactions(folder, shop)).length === 1, shop.one)
      const response = await fetch(`${shop.url}/a`)
      await response.body?.cancel()
      const [open] = parseChallenges([response.headers.get('www-authenticate')!]).filter(
        (one) => 'invoice' in one,
      )
      await pause(1200)
      await lnd.setReachable(false)
      await buyer.pay(decodeInvoice(open!.invoice), { maxFeeMsat: msat(1_000_000n) })
      expect(await statusOf(shop, before)).toBe(200)
      await until(async () => (await statusOf(shop)) === 503, shop.one)
      await lnd.setReachable(true)
      await until(async () => (await transactions(folder, shop)).length === 2, shop.one)
      expect((await transactions(folder, shop)).map(({ service }) => service)).toEqual([
        'shop',
        'shop',
      ])
    }, 90_000)
  }
})

describe('R-GWW-21 a gateway that was away', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`by ${signal}: what was paid meanwhile is in the ledger of the next`, async () => {
      const { folder, seller, buyer, secret } = makeWorld()
      const lnd = await serveLnd(seller)
      closing.push(() => lnd.close())
      const macaroon = secret('receive.macaroon', lnd.bake(receive))
      const uri = `lnd://${new URL(lnd.url).host}?macaroon=${macaroon}&tls=off&network=regtest`
      const first = await startShop(folder, `"${uri}"`)
      await untilServing(first.one)
      const response = await fetch(`${first.url}/a`)
      await response.body?.cancel()
      const [open] = parseChallenges([response.headers.get('www-authenticate')!]).filter(
        (one) => 'invoice' in one,
      )
      // A kill forgets what was sold within the last second.
      if (signal === 'SIGKILL') await pause(1500)
      await first.one.stop(signal)
      await buyer.pay(decodeInvoice(open!.invoice), { maxFeeMsat: msat(1_000_000n) })
      const next = await startShop(folder, `"${uri}"`)
      await untilServing(next.one)
      await until(async () => (await transactions(folder, next)).length === 1, next.one)
      expect(await transactions(folder, next)).toMatchObject([
        { service: 'shop', amount_msat: '10000', uses: 0 },
      ])
    }, 90_000)
  }
})
