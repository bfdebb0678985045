import { NWCClient } from '@getalby/sdk/nwc'
import type { Invoice } from 'satway'
import { decodeInvoice, msat, satToMsat } from 'satway'
import { openWallet } from 'satway/lightning/wallet'
import type { Worker } from './child/processes.ts'
import { startWorker } from './child/processes.ts'
import type { Chapter, Figure } from './figures.ts'
import { median, rangeOf } from './figures.ts'
import { ours, peer } from './peers.ts'

const kinds = [
  ['lnd', 'lnd'],
  ['cln', 'Core Lightning, clnrest'],
  ['cln-socket', 'Core Lightning, socket'],
  ['phoenixd', 'phoenixd'],
  ['nwc', 'Nostr Wallet Connect'],
  ['lnbits', 'LNbits'],
  ['btcpay', 'BTCPay Server'],
  ['charge', 'Lightning Charge'],
  ['lnurl', 'Lightning Address'],
] as const

/** What is asked for, of us or of a peer. */
type Calls = {
  readonly makeInvoice: () => Promise<unknown>
  /** Left out: it is only paid. @throws when it is not paid. */
  readonly pay: ((invoice: Invoice) => Promise<unknown>) | undefined
  readonly close: () => void
}

type Bench = Calls & {
  readonly name: string
  readonly who: string
  readonly worker: Worker
  readonly invoices: number[]
  readonly payments: number[]
}

/**
 * Processor time of this process for one invoice and one payment over each adapter, everything
 * included: the connection, what is asked besides, the reading of the invoice. The wallets are
 * look-alikes in processes of their own; real lnd nodes over TLS are measured by the tests on regtest.
 */
export const walletsChapter: Chapter = {
  name: 'wallets',
  title: 'Wallets: what an adapter costs for one call',
  async run(pace, progress) {
    const calls = pace.quick ? 20 : 100
    const benches: Bench[] = []
    try {
      for (const [kind, name] of kinds) benches.push(await start(kind, name, ours, openOurs))
      const sdk = peer('@getalby/sdk')
      benches.push(await start('nwc', 'Nostr Wallet Connect', sdk, openSdk))
      for (let round = 0; round <= pace.rounds; round++) {
        progress(round === 0 ? 'warming up' : `round ${round} of ${pace.rounds}`)
        for (const bench of benches) await runOnce(bench, calls, round > 0)
      }
    } finally {
      for (const { worker, close } of benches) {
        close()
        await worker.stop()
      }
    }
    return [
      ...benches.map((bench) => figure('an invoice', bench, bench.invoices)),
      ...benches
        .filter(({ pay }) => pay !== undefined)
        .map((bench) => figure('a payment', bench, bench.payments)),
    ]
  },
}

async function start(
  kind: string,
  name: string,
  who: string,
  open: (uri: string) => Promise<Calls>,
): Promise<Bench> {
  const worker = startWorker('look-alike.ts', [kind], 1)
  const calls = await open((await worker.ready) as string)
  return { ...calls, name, who, worker, invoices: [], payments: [] }
}

async function openOurs(uri: string): Promise<Calls> {
  const { payee, payer, close, kind } = await openWallet(uri)
  const order = { amountMsat: satToMsat(10n), description: 'bench', expirySeconds: 3600 }
  return {
    makeInvoice: async () => payee!.createInvoice(order),
    pay:
      payer &&
      (async (invoice) => {
        const { status } = await payer.pay(invoice, { maxFeeMsat: msat(100_000n) })
        if (status !== 'settled') throw new Error(`a payment of ${kind} is ${status}`)
      }),
    close,
  }
}

async function openSdk(uri: string): Promise<Calls> {
  const nostrWalletConnectUrl = uri.replace('&network=regtest', '')
  const client = new NWCClient({ nostrWalletConnectUrl })
  return {
    makeInvoice: () => client.makeInvoice({ amount: 10_000, description: 'bench', expiry: 3600 }),
    pay: ({ text }) => client.payInvoice({ invoice: text }),
    close: () => client.close(),
  }
}

async function runOnce(bench: Bench, calls: number, counts: boolean): Promise<void> {
  const { makeInvoice, pay, worker, invoices, payments } = bench
  const invoiceMs = await cpuMs(calls, makeInvoice)
  if (counts) invoices.push(invoiceMs)
  if (pay === undefined) return
  const bought = (await worker.ask<string[]>(calls)).map(decodeInvoice)
  const paymentMs = await cpuMs(calls, (i) => pay(bought[i]!))
  if (counts) payments.push(paymentMs)
}

/** Processor time of one call, in ms, one after the other. */
async function cpuMs(calls: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) await call(i)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / calls
}

function figure(what: string, { name, who }: Bench, values: readonly number[]): Figure {
  const measured = { value: median(values), unit: 'ms', range: rangeOf(values) } as const
  const target = who === ours ? { target: { atMost: 2 } } : {}
  return { what: `${what}: ${name}`, who, ...measured, ...target }
}
