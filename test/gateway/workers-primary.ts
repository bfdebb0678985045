/** A primary for workers.test.ts, steered by the test over its own channel. Run by the test. */
import { fileURLToPath } from 'node:url'
import { decodeInvoice, L402Error, msat } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { createLog } from '../../program/src/gateway/operations/index.ts'
import { followSignals, startPrimary } from '../../program/src/gateway/workers/index.ts'

type Order = { readonly id: number; readonly call: string; readonly text: string }

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly workers: number
  readonly config: string
  readonly drainMs?: number
  readonly startMs?: number
  readonly pingMs?: number
}
const { drainMs = 5000 } = options

const devnet = createDevnet()
const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
const buyer = devnet.addNode('buyer', { balanceMsat: msat(10_000_000_000n) })
const wallet = await serveWallet(buyer)
const log = createLog(process.stderr, 'text')
const released: string[] = []
const settled: Settlement[] = []
let isDown = false
let streams = 0
let breakStream = new AbortController()

/** The seller's wallet, which can be made unreachable. */
const payee: Payee = {
  network: seller.network,
  createInvoice: (request) => (isDown ? refuse() : seller.createInvoice(request)),
  lookupInvoice: (hash, signal) => (isDown ? refuse() : seller.lookupInvoice(hash, signal)),
  settlements: (signal) => follow(signal),
}

function refuse(): Promise<never> {
  return Promise.reject(new L402Error('NODE_UNAVAILABLE', { reason: 'the wallet is down' }))
}

async function* follow(signal: AbortSignal): AsyncGenerator<Settlement> {
  if (isDown) await refuse()
  streams++
  breakStream = new AbortController()
  yield* seller.settlements(AbortSignal.any([signal, breakStream.signal]))
}

async function carryOut({ call, text }: Order): Promise<unknown> {
  switch (call) {
    case 'reload':
      await primary.reload(text)
      return 'in force'
    case 'reopen':
      return primary.reopen()
    case 'collect':
      return primary.collect()
    case 'status':
      return primary.status()
    case 'released':
      return released
    case 'settled':
      return { settled: settled.length, streams }
    case 'wallet':
      isDown = text === 'down'
      if (isDown) breakStream.abort()
      return undefined
    case 'pay': {
      const { status } = await buyer.pay(decodeInvoice(text), { maxFeeMsat: msat(100_000n) })
      return status
    }
    case 'wallet-address':
      return { url: wallet.address.url, secret: wallet.address.secret }
    default:
      throw new Error(`no such call: ${call}`)
  }
}

const primary = await startPrimary({
  workers: options.workers,
  program: {
    file: fileURLToPath(new URL('./workers-worker.ts', import.meta.url)),
    args: [],
    execArgv: [],
  },
  payee,
  config: options.config,
  drainMs: () => drainMs,
  released: (owner) => released.push(owner),
  settled: (settlement) => settled.push(settlement),
  fold: (snapshots) =>
    JSON.stringify(snapshots.flatMap((text) => [JSON.parse(text) as unknown].flat())),
  log,
  ...(options.startMs !== undefined && { startMs: options.startMs }),
  ...(options.pingMs !== undefined && { pingMs: options.pingMs }),
}).catch((error: unknown) => {
  log.error(error instanceof Error ? error.message : 'failed')
  return process.exit(1)
})

void primary.gaveUp.then((reason) => {
  log.error(reason.message)
  process.exit(1)
})
followSignals({
  reload: () => primary.reopen(),
  drain: () => void primary.drain(drainMs).then(() => process.exit(0)),
  stop: () => void primary.stop().then(() => process.exit(0)),
})
process.on('message', (order: Order) => {
  carryOut(order).then(
    (value) => process.send?.({ id: order.id, value }),
    (error: unknown) => {
      process.send?.({ id: order.id, error: error instanceof Error ? error.message : 'failed' })
    },
  )
})
process.send?.({ ready: true })
