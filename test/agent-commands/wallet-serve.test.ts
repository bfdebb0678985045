import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { satToMsat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import { decodeInvoice, hashPreimage } from '../../library/src/invoice/index.ts'
import type { DevnetNode, WalletServer } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet, serveWallet } from '../../library/src/lightning/devnet/index.ts'
import { createHttpWallet } from '../../library/src/lightning/http-wallet/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import type { Answered } from './proxy.ts'
import { send } from './proxy.ts'
import { makeHome } from './spender.ts'

const script = join(import.meta.dirname, 'wallet-serve-process.ts')
const startMsat = satToMsat(1_000_000n)
const policy = 'version: 1\nper_payment: 1000 sat\ntotal: 100000 sat\ninvoices: true\n'

/** Devnet money, and the file by which other processes reach it. */
type Bank = {
  readonly buyer: DevnetNode
  readonly wallet: string
  invoice(sat: bigint): Promise<string>
  spentMsat(): bigint
}

/** A wallet proxy in a process of its own. */
type Served = {
  readonly address: string
  readonly token: string
  pay(invoice: string): Promise<Answered>
  get(path: string): Promise<Answered>
  /** Ends it, and gives its exit code and what it wrote to its log. */
  stop(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly log: string }>
}

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

const servers: WalletServer[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }
  for (const server of servers.splice(0)) await server.close()
})

async function openBank(home: string): Promise<Bank> {
  const devnet = createDevnet()
  const buyer = devnet.addNode('buyer', { balanceMsat: startMsat })
  const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
  const file = join(home, 'bank.json')
  servers.push(await serveWallet(buyer, { file }))
  return {
    buyer,
    wallet: `devnet:${file}`,
    spentMsat: () => startMsat - buyer.balanceMsat(),
    invoice: async (sat) => {
      const order = { amountMsat: satToMsat(sat), description: 'x', expirySeconds: 600 }
      return (await seller.createInvoice(order)).invoice
    },
  }
}

function start(home: string, args: readonly string[]): ChildProcess {
  const rest = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^SATWAY_|^FORCE_COLOR$/.test(name)),
  )
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, ...args],
    {
      env: { ...rest, SATWAY_HOME: home, HOME: home, NO_COLOR: '1' },
      stdio: 'pipe',
    },
  )
  child.stdin?.end()
  children.push(child)
  return child
}

/** Runs it to its end: for what does not start. */
async function ended(home: string, args: readonly string[]): Promise<Ended> {
  const child = start(home, args)
  const output = collect(child)
  await once(child, 'close')
  return { code: child.exitCode, ...output }
}

async function serve(home: string, { wallet }: Bank): Promise<Served> {
  const child = start(home, ['--listen', '127.0.0.1:0', '--wallet', wallet])
  const output = collect(child)
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = /served on http:\/\/(\S+)/.exec(output.stdout)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('close', () => reject(new Error(output.stderr)))
  })
  const token = readFileSync(join(home, 'wallet-token'), 'utf8').trim()
  const authorization = `Bearer ${token}`
  return {
    address,
    token,
    pay: (invoice) =>
      send(address, {
        method: 'POST',
        path: '/payinvoice',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ invoice }),
      }),
    get: (path) => send(address, { path, headers: { authorization } }),
    stop: async (signal) => {
      child.kill(signal)
      await once(child, 'close')
      return { code: child.exitCode, log: output.stderr }
    },
  }
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return output
}

/** A program's own wallet, which is the proxy: as docs/wallet-proxy.md has it. */
function payerAt({ address, token }: Served): Payer {
  return createHttpWallet({
    url: `http://${address}/payinvoice`,
    network: 'regtest',
    headers: { authorization: `Bearer ${token}` },
    maxFeeField: 'max_fee_msat',
    lookupUrl: `http://${address}/payments/{hash}`,
  })
}

function hashOf(invoice: string): string {
  return encodeHex(decodeInvoice(invoice).paymentHash)
}

/** Asks again until it is certain, as a program does that was told so. */
async function payAtLast(served: Served, invoice: string): Promise<Answered> {
  for (let i = 0; i < 800; i++) {
    const answer = await served.pay(invoice)
    if (answer.body.isPaid !== null) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it was never told')
}

describe('R-WPX-3 it serves what the operator allowed, and else does not start', () => {
  test('without `invoices: true` it says what to write, and where', async () => {
    const home = makeHome()
    const { wallet } = await openBank(home)
    const { code, stdout, stderr } = await ended(home, ['--listen', '0', '--wallet', wallet])
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('invoices: true')
    expect(stderr).toContain(join(home, 'policy.yaml'))
  })

  test('nor with a policy that has a mistake, without a wallet, or at an address that others reach', async () => {
    const home = makeHome('version: 1\nper_payment: much\n')
    const { wallet } = await openBank(home)
    expect((await ended(home, ['--listen', '0', '--wallet', wallet])).code).toBe(3)
    const other = makeHome(policy)
    expect((await ended(other, ['--listen', '0', '--wallet', 'none'])).code).toBe(1)
    expect((await ended(other, ['--listen', '0.0.0.0:0', '--wallet', wallet])).code).toBe(2)
  })

  test('nor where something listens already', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const first = await serve(home, bank)
    const second = await ended(home, ['--listen', first.address, '--wallet', bank.wallet])
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('EADDRINUSE')
  })

  test('its token is random, its owner’s alone, and stays the same', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const first = await serve(home, bank)
    expect(first.token).toMatch(/^[\w-]{43}$/)
    const file = join(home, 'wallet-token')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await first.stop('SIGTERM')).code).toBe(0)
    expect((await serve(home, bank)).token).toBe(first.token)
    chmodSync(file, 0o644)
    const open = await ended(home, ['--listen', '0', '--wallet', bank.wallet])
    expect(open.code).toBe(1)
    expect(open.stderr).toContain('chmod 600')
    chmodSync(file, 0o600)
    writeFileSync(file, 'short\n')
    expect((await ended(home, ['--listen', '0', '--wallet', bank.wallet])).code).toBe(1)
  })
})

describe('R-WPX-11 it is a wallet for other programs', () => {
  test('of this project too: it pays, tells the fee, and knows what it paid', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const payer = payerAt(await serve(home, bank))
    const invoice = decodeInvoice(await bank.invoice(100n))
    const outcome = await payer.pay(invoice, { maxFeeMsat: satToMsat(5n) })
    expect(outcome).toMatchObject({ status: 'settled', amountMsat: satToMsat(100n) })
    if (outcome.status !== 'settled') return
    expect(hashPreimage(outcome.preimage)).toEqual(invoice.paymentHash)
    expect(bank.spentMsat()).toBe(satToMsat(100n) + outcome.feeMsat)
    expect(await payer.lookupPayment(invoice.paymentHash)).toMatchObject({ status: 'settled' })
    const other = decodeInvoice(await bank.invoice(100n))
    expect(await payer.lookupPayment(other.paymentHash)).toBeUndefined()
  })

  test('what it refuses has failed, and what it cannot tell is unknown', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const payer = payerAt(await serve(home, bank))
    const dear = decodeInvoice(await bank.invoice(2000n))
    const limits = { maxFeeMsat: satToMsat(5n) }
    expect(await payer.pay(dear, limits)).toMatchObject({ status: 'failed' })
    bank.buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    const cheap = decodeInvoice(await bank.invoice(10n))
    expect(await payer.pay(cheap, limits)).toMatchObject({ status: 'failed' })
    bank.buyer.injectFault({ kind: 'in-flight' })
    const slow = decodeInvoice(await bank.invoice(10n))
    expect(await payer.pay(slow, limits)).toEqual({ status: 'unknown' })
    expect(await payer.lookupPayment(slow.paymentHash)).toEqual({ status: 'unknown' })
    bank.buyer.resolvePayment(slow.paymentHash, 'settle')
    expect(await payer.lookupPayment(slow.paymentHash)).toMatchObject({ status: 'settled' })
    expect(bank.spentMsat()).toBeLessThan(satToMsat(20n))
  })
})

describe('R-WPX-7 an invoice is paid once, by however many processes', () => {
  test('50 orders of one invoice at two proxies of one journal are one payment', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const proxies = [await serve(home, bank), await serve(home, bank)]
    const invoice = await bank.invoice(100n)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => payAtLast(proxies[i % 2]!, invoice)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    expect(new Set(answers.map(({ body }) => body.paymentPreimage)).size).toBe(1)
    expect(answers.filter(({ body }) => !body.before).length).toBeLessThanOrEqual(1)
    expect(bank.spentMsat()).toBe(satToMsat(100n) + BigInt(String(answers[0]?.body.feeMsat)))
  })

  test('the successor of a killed proxy answers with the preimage, and pays nothing', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const first = await serve(home, bank)
    const invoice = await bank.invoice(100n)
    bank.buyer.injectFault({ kind: 'hang' })
    const lost = first.pay(invoice).catch((error: Error) => error.message)
    // The money has left, and the wallet has said nothing yet.
    await waitFor(() => bank.spentMsat() > 0n)
    await first.stop('SIGKILL')
    expect(await lost).toMatch(/ECONNRESET|socket hang up/)
    const spent = bank.spentMsat()

    const second = await serve(home, bank)
    const answer = await payAtLast(second, invoice)
    expect(answer.body).toMatchObject({ isPaid: true, before: true, paymentHash: hashOf(invoice) })
    const told = await second.get(`/payments/${hashOf(invoice)}`)
    expect(told.body.paymentPreimage).toBe(answer.body.paymentPreimage)
    await second.stop('SIGKILL')
    const third = await serve(home, bank)
    expect((await third.pay(invoice)).body).toEqual(answer.body)
    expect(bank.spentMsat()).toBe(spent)
  })
})

describe('R-WPX-8 one budget for all proxies of a journal', () => {
  test('100 invoices against 2000 sat at two proxies never pass it', async () => {
    const home = makeHome(policy.replace('100000 sat', '2000 sat'))
    const bank = await openBank(home)
    const proxies = [await serve(home, bank), await serve(home, bank)]
    const invoices = await Promise.all(Array.from({ length: 100 }, () => bank.invoice(90n)))
    const answers = await Promise.all(
      invoices.map((invoice, i) => payAtLast(proxies[i % 2]!, invoice)),
    )
    const paid = answers.filter(({ body }) => body.isPaid)
    const refused = answers.filter(({ status }) => status === 403)
    expect(paid.length + refused.length).toBe(100)
    expect(paid.length).toBeGreaterThanOrEqual(20)
    for (const { body } of refused) expect(body.code).toBe('BUDGET_EXCEEDED')
    const told = paid.reduce(
      (sum, { body }) => sum + BigInt(String(body.amountMsat)) + BigInt(String(body.feeMsat)),
      0n,
    )
    expect(bank.spentMsat()).toBe(told)
    expect(told).toBeLessThanOrEqual(satToMsat(2000n))
  })
})

describe('R-WPX-10 it ends in order', () => {
  test('what is under way is answered first, and the log holds no secret', async () => {
    const home = makeHome(policy)
    const bank = await openBank(home)
    const served = await serve(home, bank)
    const invoices = await Promise.all(Array.from({ length: 20 }, () => bank.invoice(10n)))
    const answers = Promise.allSettled(invoices.map((invoice) => served.pay(invoice)))
    await waitFor(() => bank.spentMsat() > 0n)
    const { code, log } = await served.stop('SIGINT')
    expect(code).toBe(0)
    // A connection that nobody had taken yet is cut: its order was never begun.
    const bodies = (await answers).map((end) =>
      end.status === 'rejected' ? undefined : end.value.body,
    )
    const paid = bodies.filter((body) => body !== undefined).filter(({ isPaid }) => isPaid === true)
    expect(paid.length).toBeGreaterThan(0)
    for (const { paymentPreimage } of paid) expect(log).not.toContain(String(paymentPreimage))
    expect(log).not.toContain(served.token)
    expect(log).toMatch(/\d\d:\d\d:\d\d paid: 10000 msat, fee \d+ msat, payment [0-9a-f]{12}\n/)
    const told = paid.reduce((sum, { feeMsat }) => sum + 10_000n + BigInt(String(feeMsat)), 0n)
    expect(bank.spentMsat()).toBe(told)
    const next = await serve(home, bank)
    for (const [i, invoice] of invoices.entries()) {
      const { body } = await next.get(`/payments/${hashOf(invoice)}`)
      expect(body.isPaid).toBe(bodies[i]?.isPaid === true)
    }
  })
})

async function waitFor(holds: () => boolean): Promise<void> {
  const givesUpAt = performance.now() + 30_000
  while (!holds()) {
    if (performance.now() > givesUpAt) throw new Error('it never came to hold')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
