// A buyer in a process of its own, with an lnd node as its wallet, which the tests kill.
import { readFileSync, writeSync } from 'node:fs'
import { createClient } from '../../library/src/client/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import { createLnd } from '../../library/src/lightning/lnd/index.ts'
import { createTransport } from '../../library/src/transport/index.ts'

export type BuyerOrder = {
  readonly journal: string
  readonly wallet: {
    readonly url: string
    readonly macaroonFile: string
    readonly certificateFile: string
  }
  readonly origin: string
  /** Bought until it is delivered. */
  readonly finish: readonly string[]
  /** Bought then. */
  readonly buy: readonly string[]
  /** Dies when it comes by this point while it buys `buy`. */
  readonly dieAt?: string
  readonly paymentTimeoutMs: number
}

export type BuyerNews =
  | { readonly kind: 'recovered'; readonly ms: number }
  | { readonly kind: 'buying' }
  | { readonly kind: 'dying'; readonly point: string }
  | { readonly kind: 'bought' | 'refused'; readonly item: string; readonly code: string }

const order = JSON.parse(process.argv[2] ?? '{}') as BuyerOrder

function tell(news: BuyerNews): void {
  writeSync(1, `${JSON.stringify(news)}\n`)
}

const journal = await openJournal({ path: order.journal, key: new Uint8Array(32).fill(9) })
const transport = createTransport()
const wallet = createLnd({
  url: order.wallet.url,
  macaroon: readFileSync(order.wallet.macaroonFile),
  certificate: readFileSync(order.wallet.certificateFile, 'utf8'),
  network: 'regtest',
})
const client = createClient({
  policy: { maxPaymentMsat: '200 sat', maxTotalMsat: '1000000 sat', maxUndelivered: 100 },
  // What a process on this machine sent has arrived when it is gone, or never will.
  payer: { ...wallet.payer, orderLagSeconds: 1 },
  ledger: journal.ledger,
  tokens: journal.tokens,
  receipts: journal.receipts,
  fetch: transport.fetch,
  paymentTimeoutMs: order.paymentTimeoutMs,
})

const began = performance.now()
await client.reconcile()
tell({ kind: 'recovered', ms: Math.round(performance.now() - began) })
for (const item of order.finish) await buy(item, 200)

tell({ kind: 'buying' })
if (order.dieAt !== undefined) {
  Reflect.set(globalThis, Symbol.for('satway.crash-point'), (point: string) => {
    if (point !== order.dieAt) return
    tell({ kind: 'dying', point })
    process.kill(process.pid, 'SIGKILL')
    // The signal is on its way; nothing more happens here.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}
for (const item of order.buy) await buy(item, 1)
transport.close()
wallet.close()
await journal.close()

/** What cannot be told yet, or could not be reached, is asked for again. */
async function buy(item: string, attempts: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await client.fetch(`${order.origin}/item/${item}`)
      await response.text()
      const { status, ok } = response
      return tell({ kind: ok ? 'bought' : 'refused', item, code: String(status) })
    } catch (error) {
      const code = isL402Error(error) ? error.code : String(error)
      const mayPass = ['PAYMENT_UNKNOWN', 'PAYMENT_FAILED', 'NODE_UNAVAILABLE'].includes(code)
      if (!mayPass || attempt >= attempts) return tell({ kind: 'refused', item, code })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
