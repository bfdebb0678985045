import { afterEach, describe, expect, test } from 'vitest'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import { encodeBase64, encodeBase64Url, encodeHex } from '../../library/src/bytes/index.ts'
import { isL402Error } from '../../library/src/errors.ts'
import { decodeInvoice, provesPayment } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import { createHttpWallet } from '../../library/src/lightning/http-wallet/index.ts'
import type { PaymentOutcome } from '../../library/src/lightning/index.ts'
import { testClock } from '../../library/src/testing/index.ts'
import type { LookAlike, OrderScript } from './look-alike-wallet.ts'
import { honest, startLookAlike } from './look-alike-wallet.ts'

/** Ample for a wallet that answers; for one that never does, no longer than needed. */
const timeouts = { answers: 10_000, silent: 2000 } as const
const maxFeeMsat = msat(50_000n)
const startMsat = satToMsat(100_000n)
const wallets: LookAlike[] = []

afterEach(async () => {
  for (const wallet of wallets.splice(0)) await wallet.close()
})

type Verdict = 'settled' | 'failed' | 'unknown' | 'unavailable'
type World = { readonly node: DevnetNode }

/** What a wallet does with an order, and what is said about it: at once, with a lookup and without. */
type Script = {
  readonly name: string
  readonly run: (world: World) => OrderScript
  readonly withLookup: Verdict
  readonly without: Verdict
  /** What a lookup says when everything that was to happen has happened. */
  readonly inTheEnd: Verdict
}

const never: OrderScript = () => undefined
const reset: OrderScript = ({ response }) => {
  response.socket?.resetAndDestroy()
}
const paidThen =
  (then: OrderScript): (() => OrderScript) =>
  () =>
  async (order) => {
    await order.pay()
    await then(order)
  }
const unpaid =
  (status: number, body = 'no'): (() => OrderScript) =>
  () =>
  ({ answer }) =>
    answer(status, body)

/** Says something with the preimage in it. */
const proof =
  (say: (preimage: Uint8Array, hash: string) => object): (() => OrderScript) =>
  () =>
  async (order) => {
    const outcome = await order.pay()
    if (outcome.status !== 'settled') throw new Error('expected it to settle')
    const body = say(outcome.preimage, encodeHex(order.invoice.paymentHash))
    order.answer(200, JSON.stringify(body))
  }

const scripts: readonly Script[] = [
  ok('answers as it should', () => honest),
  ok('answers late', () => async (order) => {
    const outcome = await order.pay()
    await new Promise((resolve) => setTimeout(resolve, 100))
    order.say(outcome)
  }),
  ok(
    'answers in base64',
    proof((preimage) => ({ isPaid: true, preimage: encodeBase64(preimage) })),
  ),
  ok(
    'answers in URL-safe base64',
    proof((preimage) => ({ preImage: encodeBase64Url(preimage) })),
  ),
  ok(
    'wraps its answer',
    proof((preimage) => ({ data: { payment_preimage: encodeHex(preimage) } })),
  ),
  ok('gives the proof with status 400', () => async (order) => {
    const outcome = await order.pay()
    if (outcome.status !== 'settled') return
    order.answer(400, JSON.stringify({ isPaid: false, preimage: encodeHex(outcome.preimage) }))
  }),
  script('pays, and never answers', paidThen(never), 'settled', 'unknown', 'settled'),
  script('does nothing at all', () => never, 'unknown', 'unknown', 'unknown'),
  script('resets before it pays', () => reset, 'unknown', 'unknown', 'unknown'),
  script('pays, and resets', paidThen(reset), 'settled', 'unknown', 'settled'),
  script(
    'pays, and resets in the middle of its answer',
    paidThen(({ response }) => {
      response.writeHead(200, { 'content-length': '200' }).write('{"isPaid":true,"pre')
      setTimeout(() => response.socket?.resetAndDestroy(), 20)
    }),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and cuts its JSON',
    paidThen(({ answer }) => answer(200, '{"isPaid":true,"paymentPreimage":"00')),
    'settled',
    'unknown',
    'settled',
  ),
  script('has too many requests, and did not pay', unpaid(429), 'unknown', 'unknown', 'unknown'),
  script(
    'has too many requests, and paid',
    paidThen(({ answer }) => answer(429)),
    'settled',
    'unknown',
    'settled',
  ),
  script('breaks before it pays', unpaid(500), 'unknown', 'unknown', 'unknown'),
  script(
    'pays, and breaks behind its proxy',
    paidThen(({ answer }) => answer(502, '<html>Bad Gateway</html>')),
    'settled',
    'unknown',
    'settled',
  ),
  script('is overloaded', unpaid(503), 'unknown', 'unknown', 'unknown'),
  script('finds the order bad', unpaid(400, '{"isPaid":false}'), 'unknown', 'unknown', 'unknown'),
  script(
    'pays, and finds the order bad the second time its proxy sends it',
    paidThen(({ answer }) => answer(400, '{"error":"invoice is already being paid"}')),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and calls it a duplicate',
    paidThen(({ answer }) => answer(409, '{"error":"already paid"}')),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'has no route, says 402',
    unpaid(402, '{"isPaid":false}'),
    'unknown',
    'unknown',
    'unknown',
  ),
  ...[401, 403, 404, 405, 413, 415].map((status) =>
    script(`refuses with ${status}`, unpaid(status, '{}'), 'failed', 'failed', 'failed'),
  ),
  script(
    'refuses with 403, and says that it is paid',
    paidThen(({ answer }) => answer(403, '{"isPaid":true}')),
    'settled',
    'unknown',
    'settled',
  ),
  late('says “not paid”, and settles later', (order) => order.answer(200, '{"isPaid":false}')),
  late('says “failed”, and settles later', (order) =>
    order.answer(200, '{"isPaid":false,"status":"failed"}'),
  ),
  late('says “failed” with 422, and settles later', (order) =>
    order.answer(422, '{"isPaid":false,"status":"failed","code":"PAYMENT_FAILED"}'),
  ),
  late('never answers, and settles later', never),
  script(
    'keeps it on its way for hours',
    ({ node }) =>
      async (order) => {
        node.injectFault({ kind: 'in-flight' })
        order.say(await order.pay())
      },
    'unknown',
    'unknown',
    'unknown',
  ),
  script(
    'has no route, and says so where it is looked up',
    ({ node }) =>
      async (order) => {
        node.injectFault({ kind: 'fail', reason: 'no-route' })
        order.say(await order.pay())
      },
    'failed',
    'unknown',
    'failed',
  ),
  script(
    'gives a preimage that proves nothing, now and later',
    ({ node }) =>
      async (order) => {
        node.injectFault({ kind: 'wrong-preimage' })
        order.say(await order.pay())
      },
    'unknown',
    'unknown',
    'unknown',
  ),
  script(
    'says “paid” without a proof',
    paidThen(({ answer }) => answer(200, '{"isPaid":true}')),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'gives the proof of another payment',
    paidThen(({ answer }) =>
      answer(200, JSON.stringify({ isPaid: true, preimage: '00'.repeat(32) })),
    ),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and answers without end',
    paidThen(({ response }) => {
      const chunk = ' '.repeat(16_384)
      const more = setInterval(() => response.write(chunk), 1)
      response.on('close', () => clearInterval(more))
    }),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and answers with the proof after 70 KiB',
    paidThen((order) => order.answer(200, `${' '.repeat(70 * 1024)}{"isPaid":true}`)),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and answers with bytes that are no text',
    paidThen(({ answer }) => answer(200, Buffer.from('{"isPaid":true,"x":"\xff"}', 'latin1'))),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'pays, and drips its answer',
    paidThen(({ response }) => {
      const more = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(more))
    }),
    'settled',
    'unknown',
    'settled',
  ),
  script(
    'sends the order elsewhere',
    () =>
      ({ answer }) =>
        answer(307, '', { location: 'http://127.0.0.1:1234/payinvoice' }),
    'unknown',
    'unknown',
    'unknown',
  ),
  script('answers with a web page', unpaid(200, '<html>'), 'unknown', 'unknown', 'unknown'),
  script('answers with nothing', unpaid(204, undefined), 'unknown', 'unknown', 'unknown'),
]

const silent: ReadonlySet<string> = new Set([
  'pays, and never answers',
  'does nothing at all',
  'never answers, and settles later',
  'pays, and drips its answer',
])

/** Settles, whatever is asked. */
function ok(name: string, run: Script['run']): Script {
  return { name, run, withLookup: 'settled', without: 'settled', inTheEnd: 'settled' }
}

function script(
  name: string,
  run: Script['run'],
  withLookup: Verdict,
  without: Verdict,
  inTheEnd: Verdict,
): Script {
  return { name, run, withLookup, without, inTheEnd }
}

/** Settles when the clock has moved. */
function late(name: string, then: OrderScript): Script {
  return {
    name,
    run:
      ({ node }) =>
      async (order) => {
        node.injectFault({ kind: 'timeout', settleAfterMs: 60_000 })
        await order.pay()
        await then(order)
      },
    withLookup: 'unknown',
    without: 'unknown',
    inTheEnd: 'settled',
  }
}

async function verdictOf(work: Promise<PaymentOutcome | undefined>): Promise<{
  readonly verdict: Verdict
  readonly outcome: PaymentOutcome | undefined
}> {
  try {
    const outcome = await work
    return { verdict: outcome?.status ?? 'failed', outcome }
  } catch (error) {
    if (!isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    return { verdict: 'unavailable', outcome: undefined }
  }
}

describe('R-HW-4 R-HW-6 R-HW-7 a wallet that', () => {
  expect(scripts.length).toBeGreaterThan(25)
  for (const { name, run, ...expected } of scripts) {
    for (const hasLookup of [true, false]) {
      test(`${name}, ${hasLookup ? 'with' : 'without'} a lookup`, async () => {
        const clock = testClock()
        const devnet = createDevnet({ now: clock.now })
        const node = devnet.addNode('payer', { balanceMsat: startMsat })
        const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
        const wallet = await startLookAlike(node)
        wallets.push(wallet)
        wallet.script(run({ node }))
        const payer = createHttpWallet({
          url: wallet.url,
          network: 'regtest',
          timeoutMs: silent.has(name) ? timeouts.silent : timeouts.answers,
          ...(hasLookup && { lookupUrl: wallet.lookupUrl }),
        })
        const request = { amountMsat: msat(100_000n), description: '', expirySeconds: 600 }
        const invoice = decodeInvoice((await payee.createInvoice(request)).invoice)

        const first = await verdictOf(payer.pay(invoice, { maxFeeMsat }))
        expect(first.verdict).toBe(hasLookup ? expected.withLookup : expected.without)
        const orders = wallet.orders.length

        // The judge is the network's own ledger, once nothing more can happen.
        clock.advance(60)
        await node.lookupPayment(invoice.paymentHash)
        const spent = startMsat - node.balanceMsat()
        if (first.verdict === 'failed') expect(spent).toBe(0n)
        if (first.outcome?.status === 'settled') {
          expect(provesPayment(first.outcome.preimage, invoice.paymentHash)).toBe(true)
          expect(first.outcome.amountMsat).toBe(100_000n)
          expect(first.outcome.amountMsat + first.outcome.feeMsat).toBeGreaterThanOrEqual(spent)
        }

        const last = await verdictOf(payer.lookupPayment(invoice.paymentHash))
        const end = hasLookup ? expected.inTheEnd : first.verdict
        expect(last.verdict === 'unavailable' ? 'unknown' : last.verdict).toBe(end)

        // Asked again while nobody knows: the order is not sent again.
        if (first.verdict !== 'unknown') return
        const again = await verdictOf(payer.pay(invoice, { maxFeeMsat }))
        expect(again.verdict).toBe(end)
        expect(wallet.orders.length).toBe(orders)
        expect(startMsat - node.balanceMsat()).toBe(spent)
      })
    }
  }
})
