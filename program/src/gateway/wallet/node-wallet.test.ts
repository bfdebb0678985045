import { inspect } from 'node:util'
import { L402Error, msat, paymentHash } from 'satway'
import type { Payee, Wallet, WalletFacts } from 'satway/lightning'
import { createDevnet } from 'satway/lightning/devnet'
import { parseWalletUri } from 'satway/lightning/wallet'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { invoiceLimitsOf } from './invoice-limits.ts'
import type { NodeWalletConfig } from './node-wallet.ts'
import { openNodeWallet } from './node-wallet.ts'
import type { OpenWallet } from './open-wallet.ts'
import { WalletRefusal } from './open-wallet.ts'

const nowSeconds = 1_800_000_000
const marked = 'c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7'

const good: WalletFacts = {
  network: 'regtest',
  notReady: undefined,
  powers: { receive: true, spend: false, beyond: [] },
  nowSeconds,
}

function away(reason: string, more: object = {}): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `lnd: ${reason}`, ...more })
}

/** An lnd that says of itself what the test wants, and is paid by a devnet node. */
function nodeThatSays(first: WalletFacts | Error, payee?: Partial<Payee>) {
  const devnet = createDevnet()
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const asked = { count: 0, says: first, isClosed: false }
  const wallet: Wallet = {
    kind: 'lnd',
    network: 'regtest',
    payee: { ...pick(seller), ...payee },
    payer: undefined,
    examine: async () => {
      asked.count++
      if (asked.says instanceof Error) throw asked.says
      return asked.says
    },
    close: () => {
      asked.isClosed = true
    },
  }
  return { wallet, asked }
}

function pick({ network, createInvoice, lookupInvoice, settlements }: Payee): Payee {
  return { network, createInvoice, lookupInvoice, settlements }
}

function config(more: Partial<NodeWalletConfig> = {}): NodeWalletConfig {
  const uri = parseWalletUri(`lnd://127.0.0.1:8080?macaroon=${marked}&network=regtest`)
  if ('problem' in uri || uri.kind === 'reference') throw new Error('not a URI')
  return { kind: 'uri', wallet: 'lnd', network: 'regtest', uri, allowSpending: false, ...more }
}

const open: OpenWallet[] = []
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  vi.useRealTimers()
})

async function set(
  first: WalletFacts | Error,
  more: Partial<NodeWalletConfig> & { readonly payee?: Partial<Payee> } = {},
) {
  const { payee, ...rest } = more
  const { wallet, asked } = nodeThatSays(first, payee)
  const opened = await openNodeWallet(config(rest), {
    open: async () => wallet,
    now: () => nowSeconds,
  })
  open.push(opened)
  const lines: string[] = []
  const log = {
    info: (line: string) => void lines.push(`info ${line}`),
    warn: (line: string) => void lines.push(`warn ${line}`),
    error: (line: string) => void lines.push(`error ${line}`),
  }
  return { opened, asked, log, lines }
}

const order = { amountMsat: msat(1000n), description: '', expirySeconds: 60 }
const signal = new AbortController().signal

describe('R-GWW-10 a wallet that is good sells from the start', () => {
  test('nothing is asked of it before', async () => {
    const { opened, asked, log, lines } = await set(good)
    expect(asked.count).toBe(0)
    await expect(opened.payee.createInvoice(order)).rejects.toThrow('was not asked yet')
    expect(await opened.begin(log)).toEqual([])
    expect((await opened.payee.createInvoice(order)).invoice).toMatch(/^lnbcrt/)
    expect(lines).toEqual([])
  })

  test('it is named by kind and network, with what its money is worth', async () => {
    const { opened } = await set(good)
    expect(opened).toMatchObject({
      kind: 'lnd',
      isRealMoney: false,
      about: 'lnd (regtest): no real money moves',
      buyerWallet: undefined,
    })
    const real = await set(good, { network: 'bitcoin' })
    expect(real.opened).toMatchObject({ isRealMoney: true, about: 'lnd (bitcoin): real money' })
    expect(inspect([opened, real.opened], { depth: 9 })).not.toContain(marked)
  })

  for (const [what, facts, expected] of [
    [
      'that allows more',
      { powers: { receive: true, spend: false, beyond: ['open channels', 'read all invoices'] } },
      /^lnd: its credential also allows: open channels, read all invoices\. .*lncli bakemacaroon/,
    ],
    [
      'of which nobody can tell',
      { powers: { receive: undefined, spend: undefined, beyond: [] } },
      /^lnd: nobody can tell from here whether its credential can spend/,
    ],
    [
      'whose clock is ahead',
      { nowSeconds: nowSeconds + 100 },
      /^lnd: its clock is 100 s ahead of this one/,
    ],
    ['whose clock is behind', { nowSeconds: nowSeconds - 61 }, /its clock is 61 s behind this one/],
  ] as const) {
    test(`one ${what} sells with a warning`, async () => {
      const { opened, log } = await set({ ...good, ...facts })
      const warnings = await opened.begin(log)
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatch(expected)
      expect((await opened.payee.createInvoice(order)).invoice).toMatch(/^lnbcrt/)
    })
  }

  test('a clock that is a minute off, or not told, is no news', async () => {
    for (const theirs of [nowSeconds + 60, nowSeconds - 60, undefined]) {
      const { opened, log } = await set({ ...good, nowSeconds: theirs })
      expect(await opened.begin(log)).toEqual([])
    }
  })
})

describe('R-GWW-11 a wallet that is not to be used stops the start', () => {
  for (const [what, says, expected] of [
    [
      'on another network',
      { ...good, network: 'testnet' },
      'lnd: it is on testnet, and it was named as one of regtest',
    ],
    [
      'whose credential cannot be paid',
      { ...good, powers: { receive: false, spend: false, beyond: [] } },
      'lnd: its credential does not allow to be paid',
    ],
    [
      'whose credential can spend',
      { ...good, powers: { receive: true, spend: true, beyond: [] } },
      'lnd: its credential can spend, and a gateway needs none that does',
    ],
    [
      'that is locked, too, when its credential can spend',
      { ...good, notReady: 'it is locked', powers: { receive: true, spend: true, beyond: [] } },
      'lnd: its credential can spend, and a gateway needs none that does',
    ],
    [
      'that refuses the credential',
      away('it does not take this macaroon', { refused: true }),
      'lnd: it does not take this macaroon',
    ],
    [
      'with a certificate that nobody named',
      away('its certificate is signed by itself: name it, with cert=file:/path/to/tls.cert'),
      'lnd: its certificate is signed by itself: name it, with cert=file:/path/to/tls.cert',
    ],
    ['that speaks no TLS', away('it does not speak TLS there'), 'lnd: it does not speak TLS there'],
  ] as const) {
    test(`one ${what}`, async () => {
      const { opened, log, asked } = await set(says)
      const refusal = await opened.begin(log).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(WalletRefusal)
      expect((refusal as WalletRefusal).message).toBe(expected)
      expect((refusal as WalletRefusal).advice).not.toBe('')
      await expect(opened.payee.createInvoice(order)).rejects.toThrow(expected)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(asked.count).toBe(1)
    })
  }

  test('one that only pays', async () => {
    const { log } = await set(good)
    const { wallet } = nodeThatSays(good)
    const paying = await openNodeWallet(config(), {
      open: async () => ({ ...wallet, payee: undefined }),
    })
    open.push(paying)
    await expect(paying.begin(log)).rejects.toThrow('lnd: it only pays')
  })

  test('one that can spend is used when that is allowed, with a warning each time', async () => {
    const spends = { ...good, powers: { receive: true, spend: true, beyond: [] } } as const
    const { opened, log } = await set(spends, { allowSpending: true })
    const [warning, ...others] = await opened.begin(log)
    expect(warning).toMatch(/^lnd: whoever gets the credential of this gateway can spend\. /)
    expect(others).toEqual([])
    expect((await opened.payee.createInvoice(order)).invoice).toMatch(/^lnbcrt/)
  })
})

describe('R-GWW-12 a wallet that is away is waited for', () => {
  for (const [what, says] of [
    ['that cannot be reached', away('nothing listens there')],
    ['that is locked', { ...good, notReady: 'it is locked: unlock it' }],
    ['that answers nonsense', new Error(`boom ${marked}`)],
  ] as const) {
    test(`one ${what}: nothing is sold, and its operator is told`, async () => {
      const { opened, log, asked, lines } = await set(says)
      const [warning, ...others] = await opened.begin(log)
      expect(others).toEqual([])
      expect(warning).toMatch(/^lnd: .*\. What was sold works; nothing is sold until the wallet/)
      expect(warning).not.toContain(marked)
      await expect(opened.payee.createInvoice(order)).rejects.toMatchObject({
        code: 'NODE_UNAVAILABLE',
      })
      // Looked for after 1, 2, 4, 4, … s: within 5 s of its return.
      await vi.advanceTimersByTimeAsync(60_000)
      expect(asked.count).toBeGreaterThan(12)
      asked.says = good
      await vi.advanceTimersByTimeAsync(4001)
      expect((await opened.payee.createInvoice(order)).invoice).toMatch(/^lnbcrt/)
      expect(lines).toEqual(['info the wallet is there: lnd, regtest'])
      const before = asked.count
      await vi.advanceTimersByTimeAsync(60_000)
      expect(asked.count).toBe(before)
    })
  }

  test('what was sold is looked up meanwhile', async () => {
    const { opened, log } = await set(away('nothing listens there'))
    await opened.begin(log)
    const hash = paymentHash(new Uint8Array(32))
    expect(await opened.payee.lookupInvoice(hash)).toEqual({ status: 'not-found' })
  })

  test('one that is not to be used when it comes back sells nothing, and the gateway goes on', async () => {
    const { opened, log, asked, lines } = await set(away('nothing listens there'))
    await opened.begin(log)
    asked.says = { ...good, powers: { receive: true, spend: true, beyond: [] } }
    await vi.advanceTimersByTimeAsync(5000)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^error the wallet is there and is not used: lnd: its credential can spend/,
    )
    await expect(opened.payee.createInvoice(order)).rejects.toThrow('its credential can spend')
    const before = asked.count
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.count).toBe(before)
    expect(await opened.check.check(signal)).toEqual({
      ok: false,
      detail: 'lnd: its credential can spend, and a gateway needs none that does',
    })
  })

  test('one that is closed is looked for no more', async () => {
    const { opened, log, asked } = await set(away('nothing listens there'))
    await opened.begin(log)
    await opened.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([asked.count, asked.isClosed]).toEqual([1, true])
  })
})

describe('R-GWW-13 readyz says how the wallet is', () => {
  for (const [says, expected] of [
    [good, { ok: true, detail: 'lnd answers, regtest' }],
    [away('it did not answer in time'), { ok: false, detail: 'lnd: it did not answer in time' }],
    [
      { ...good, notReady: 'it is locked' },
      { ok: false, detail: 'lnd: it is locked' },
    ],
    [
      away('it does not take this macaroon', { refused: true }),
      { ok: false, detail: 'lnd: it does not take this macaroon' },
    ],
  ] as const) {
    test(`${expected.detail}: ${expected.ok ? 'well' : 'not well'}`, async () => {
      const { opened, log, asked } = await set(good)
      await opened.begin(log)
      asked.says = says
      expect(await opened.check.check(signal)).toEqual(expected)
    })
  }
})

describe('R-GWW-5 the limits of a wallet', () => {
  test('are those of its payee, and else those of BOLT 11', async () => {
    const { opened } = await set(good)
    expect(invoiceLimitsOf(opened)).toEqual({
      wallet: 'lnd',
      amountStepMsat: '1',
      maxDescriptionBytes: 639,
    })
    const limits = { amountStepMsat: msat(1000n), maxDescriptionBytes: 128 }
    const sat = await set(good, { payee: limits })
    expect(invoiceLimitsOf(sat.opened)).toEqual({
      wallet: 'lnd',
      amountStepMsat: '1000',
      maxDescriptionBytes: 128,
    })
  })
})
