/** A worker for workers.test.ts: a small HTTP server on the link under test. Run by the primary. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeInvoice, encodeHex, isL402Error, msat } from 'satway'
import { connectWallet } from 'satway/lightning/devnet'
import { payeeConformance } from 'satway/testing'
import { workerLink } from '../../program/src/gateway/workers/index.ts'

/** The configuration of the test: JSON. */
type TestConfig = {
  readonly port: number
  readonly text: string
  readonly refuse?: string
  readonly hang?: string
  readonly dieAtStart?: string
  readonly neverReady?: boolean
  readonly isSharingSocket?: boolean
}

const link = await workerLink()
let config = JSON.parse(link.config) as TestConfig
let reopened = 0
let served = 0
let settlements = 0

if (config.dieAtStart === link.name || config.dieAtStart === 'all') process.exit(9)

const stopListening = new AbortController()
void (async () => {
  while (!stopListening.signal.aborted) {
    try {
      for await (const _ of link.payee.settlements(stopListening.signal)) settlements++
    } catch {
      settlements += 1000 // a broken stream shows in the figures
      await sleep(50)
    }
  }
})()

async function answer(url: URL): Promise<object> {
  const request = { amountMsat: msat(21_000n), description: 'tea', expirySeconds: 60 }
  switch (url.pathname) {
    case '/who':
      return { name: link.name, pid: process.pid, owner: link.owner, config: config.text }
    case '/invoice':
      return link.payee.createInvoice(request)
    case '/invoices': {
      const orders = Array.from({ length: 200 }, (_, i) => ({
        ...request,
        amountMsat: msat(BigInt(i + 1)),
      }))
      const made = await Promise.all(orders.map((order) => link.payee.createInvoice(order)))
      const read = made.map(({ invoice }) => decodeInvoice(invoice))
      const right = read.filter(({ amountMsat }, i) => amountMsat === BigInt(i + 1)).length
      return { right, hashes: new Set(read.map((one) => encodeHex(one.paymentHash))).size }
    }
    case '/timings': {
      const rounds = Number(url.searchParams.get('rounds'))
      const startedAt = performance.now()
      for (let i = 0; i < rounds; i++) {
        await Promise.all(Array.from({ length: 32 }, () => link.payee.createInvoice(request)))
      }
      return { perSecond: (rounds * 32 * 1000) / (performance.now() - startedAt) }
    }
    case '/settlements':
      return { settlements }
    case '/reopened':
      return { reopened }
    case '/conformance': {
      const payer = connectWallet({
        url: url.searchParams.get('url') ?? '',
        secret: url.searchParams.get('secret') ?? '',
      })
      const results: { name: string; result: string }[] = []
      // The wallet answers over HTTP, and settlements come over the channel: only what came back over the
      // same channel afterwards says that a settlement from before is there.
      const pay: typeof payer.pay = async (invoice, limits) => {
        const outcome = await payer.pay(invoice, limits)
        await link.payee.lookupInvoice(invoice.paymentHash).catch(() => undefined)
        return outcome
      }
      const cases = payeeConformance(async () => ({ payer: { ...payer, pay }, payee: link.payee }))
      for (const { name, run } of cases) {
        const result = await run().then(
          (skipped) => skipped ?? 'passed',
          (error: unknown) => String(error),
        )
        results.push({ name, result })
      }
      return { results }
    }
    default:
      return {}
  }
}

const server = createServer((request, response) => {
  served++
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/die') process.exit(7)
  if (url.pathname === '/slow') {
    response.write('begin ')
    setTimeout(() => response.end('end'), Number(url.searchParams.get('ms')))
    return
  }
  answer(url).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => {
      response.statusCode = 503
      response.end(JSON.stringify({ code: isL402Error(error) ? error.code : String(error) }))
    },
  )
})

link.onReload(async (text) => {
  const next = JSON.parse(text) as TestConfig
  if (next.refuse === link.name) throw new Error('not with me')
  if (next.hang === link.name) await new Promise(() => undefined)
  config = next
})
link.onReopen(() => {
  reopened++
})
link.onCollect(() => JSON.stringify({ name: link.name, served }))
link.onDrain(async () => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  await closed
  stopListening.abort()
})
const reusePort = link.reusePort && config.isSharingSocket !== true
server.listen({ host: '127.0.0.1', port: config.port, reusePort }, () => {
  if (config.neverReady !== true) link.ready()
})
server.keepAliveTimeout = 1
