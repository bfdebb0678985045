// A buyer in a process of its own, which the campaign kills. Bundled into one file, with the crash
// points that a published build does not have (test/crash/build.ts).
import { writeSync } from 'node:fs'
import { createClient } from '../../library/src/client/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import { connectWallet, readWalletFile } from '../../library/src/lightning/devnet/index.ts'
import { createTransport } from '../../library/src/transport/index.ts'

export type BuyerOrder = {
  readonly journal: string
  readonly walletFile: string
  readonly origin: string
  /** Msat. */
  readonly budget: string
  /** Bought first, one after the other, each until it is delivered. */
  readonly finish: readonly string[]
  /** Bought then, in turn. */
  readonly buy: readonly string[]
  /** How many of `buy` at the same time. Default 1. */
  readonly parallel?: number
  /** Default 400. */
  readonly paymentTimeoutMs?: number
  /** Dies at this point while buying `buy`, when it comes by for the n-th time. */
  readonly dieAt?: { readonly point: string; readonly time: number }
}

export type BuyerNews =
  | { readonly kind: 'recovered'; readonly ms: number; readonly open: number }
  | { readonly kind: 'finished'; readonly item: string }
  | { readonly kind: 'bought'; readonly item: string; readonly code: string }
  | { readonly kind: 'refused'; readonly item: string; readonly code: string }
  | { readonly kind: 'dying'; readonly point: string }
  | { readonly kind: 'done' }

const order = JSON.parse(process.argv[2] ?? '{}') as BuyerOrder

function tell(news: BuyerNews): void {
  writeSync(1, `${JSON.stringify(news)}\n`)
}

const journal = await openJournal({ path: order.journal, key: new Uint8Array(32).fill(9) })
const transport = createTransport()
const client = createClient({
  policy: {
    maxPaymentMsat: '200 sat',
    maxTotalMsat: BigInt(order.budget) as never,
    // What several dead processes left is owed to all of them.
    maxUndelivered: 100,
  },
  payer: connectWallet(await readWalletFile(order.walletFile)),
  ledger: journal.ledger,
  tokens: journal.tokens,
  receipts: journal.receipts,
  fetch: transport.fetch,
  paymentTimeoutMs: order.paymentTimeoutMs ?? 400,
})

const began = performance.now()
await client.reconcile()
const open = (await journal.ledger.unfinished()).length
tell({ kind: 'recovered', ms: Math.round(performance.now() - began), open })

for (const item of order.finish) {
  await finish(item)
  tell({ kind: 'finished', item })
}

if (order.dieAt !== undefined) {
  const { point, time } = order.dieAt
  let passed = 0
  const die = (name: string): void => {
    if (name !== point || ++passed < time) return
    tell({ kind: 'dying', point })
    process.kill(process.pid, 'SIGKILL')
    // The signal is on its way; nothing more happens here.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  Reflect.set(globalThis, Symbol.for('satway.crash-point'), die)
}

const queue = [...order.buy]
await Promise.all(
  Array.from({ length: order.parallel ?? 1 }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        const response = await client.fetch(`${order.origin}/item/${item}`)
        await response.text()
        const code = String(response.status)
        tell(response.ok ? { kind: 'bought', item, code } : { kind: 'refused', item, code })
      } catch (error) {
        tell({ kind: 'refused', item, code: isL402Error(error) ? error.code : String(error) })
      }
    }
  }),
)
tell({ kind: 'done' })
transport.close()
await journal.close()

/** Until it is delivered: what an earlier process left half done is no reason to give up. */
async function finish(item: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await client.fetch(`${order.origin}/item/${item}`)
      await response.text()
      if (response.ok) return
      throw new Error(`status ${response.status}`)
    } catch (error) {
      const code = isL402Error(error) ? error.code : ''
      const mayPass = code === 'PAYMENT_UNKNOWN' || code === 'PAYMENT_FAILED'
      if (!mayPass || attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
