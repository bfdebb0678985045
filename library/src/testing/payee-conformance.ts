import { msat } from '../amount/index.ts'
import { equalBytes } from '../bytes/index.ts'
import { decodeInvoice, paymentHash } from '../invoice/index.ts'
import type { Payee, Settlement } from '../lightning/index.ts'
import type { ConformanceCase, ConformanceOptions, ConformanceRig } from './conformance.ts'
import {
  conformanceCase,
  createSetting,
  demand,
  demandRangeError,
  demandSettled,
  demandUnavailable,
  freshInvoice,
  sameHash,
} from './conformance.ts'

const amountMsat = msat(21_000n)
const limits = { maxFeeMsat: msat(100_000n) } as const

/**
 * The cases that every adapter of the port `Payee` passes.
 *
 * @param createRig - Called for each case.
 * @spec lightning.md R-LN-1 to R-LN-6, R-LN-15, R-LN-50, R-LN-51
 * @example
 * for (const { name, run } of payeeConformance(createRig)) {
 *   test(name, async (context) => {
 *     const skipped = await run()
 *     if (skipped !== undefined) context.skip(skipped)
 *   })
 * }
 */
export function payeeConformance(
  createRig: () => Promise<ConformanceRig>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  const setting = createSetting(createRig, options)
  return [
    conformanceCase(setting, 'R-LN-1 an invoice says what was asked for', [], async (rig) => {
      const step = rig.payee.amountStepMsat ?? 1n
      for (const amount of [1n, 999n, 1000n, 123_456_000n, 123_456_789n]) {
        const request = {
          amountMsat: msat(amount),
          description: 'tea, 2 cups ☕',
          expirySeconds: 77,
        }
        const work = rig.payee.createInvoice(request)
        if (amount % step !== 0n) {
          await demandRangeError(work, `${amount} msat where the step is ${step}`)
          continue
        }
        const { invoice: text } = await work
        const invoice = decodeInvoice(text)
        demand(invoice.network === rig.payee.network, 'the network is the one of the port')
        demand(invoice.amountMsat === amount, `the amount is ${amount} msat, exactly`)
        const mayDescribe = setting.decidesItself.has('description')
        const mayExpire = setting.decidesItself.has('expiry')
        const isDescribed = mayDescribe || invoice.description === 'tea, 2 cups ☕'
        demand(isDescribed, 'the description is the one given')
        demand(mayExpire || invoice.expirySeconds === 77, 'the expiry is the one given')
      }
    }),

    conformanceCase(setting, 'R-LN-2 no two invoices share a hash or a secret', [], async (rig) => {
      const first = await freshInvoice(rig.payee, amountMsat)
      const second = await freshInvoice(rig.payee, amountMsat)
      demand(!sameHash(first.paymentHash, second.paymentHash), 'payment hashes are fresh')
      demand(!equalBytes(first.paymentSecret, second.paymentSecret), 'payment secrets are fresh')
    }),

    conformanceCase(setting, 'R-LN-3 what no invoice can say is refused', [], async (rig) => {
      const request = { amountMsat, description: '', expirySeconds: 60 }
      const bad = [
        ['an amount of zero', { ...request, amountMsat: msat(0n) }],
        ['a description of 640 bytes', { ...request, description: 'é'.repeat(320) }],
        ['an expiry of zero', { ...request, expirySeconds: 0 }],
        ['an expiry of more than a year', { ...request, expirySeconds: 31_536_001 }],
        ['half a second', { ...request, expirySeconds: 1.5 }],
      ] as const
      for (const [what, order] of bad) await demandRangeError(rig.payee.createInvoice(order), what)
    }),

    conformanceCase(setting, 'R-LN-4 an invoice is open, then settled', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const before = await rig.payee.lookupInvoice(invoice.paymentHash)
      demand(before.status === 'open', `expected open, got ${before.status}`)
      demandSettled(await rig.payer.pay(invoice, limits))
      const after = await rig.payee.lookupInvoice(invoice.paymentHash)
      demand(after.status === 'settled', `expected settled, got ${after.status}`)
      demand(after.amountMsat === amountMsat, 'the amount settled is the amount asked for')
      demand(Number.isInteger(after.settledAtSeconds), 'the time is in whole seconds')
    }),

    conformanceCase(setting, 'R-LN-4 a hash never issued is not found', [], async (rig) => {
      const status = await rig.payee.lookupInvoice(paymentHash(new Uint8Array(32).fill(7)))
      demand(status.status === 'not-found', `expected not-found, got ${status.status}`)
    }),

    conformanceCase(
      setting,
      'R-LN-4 an invoice that expired is closed',
      ['advance'],
      async ({ payee }, { advance }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await advance(601)
        const { status } = await payee.lookupInvoice(invoice.paymentHash)
        demand(status === 'closed', `expected closed, got ${status}`)
      },
    ),

    conformanceCase(setting, 'R-LN-5 nothing is lost between two reads', [], async (rig) => {
      await pay(rig) // before the stream: not told
      const stop = new AbortController()
      const stream = rig.payee.settlements(stop.signal)[Symbol.asyncIterator]()
      const paid = [await pay(rig), await pay(rig), await pay(rig)]
      for (const hash of paid) {
        const { value } = await stream.next()
        demand(sameHash(value.paymentHash, hash), 'settlements come once, in their order')
        demand(value.amountMsat === amountMsat, 'a settlement tells the amount')
      }
      stop.abort()
      demand((await stream.next()).done === true, 'the stream ends when its signal aborts')
    }),

    conformanceCase(setting, 'R-LN-5 a reader that waits is told', [], async (rig) => {
      const stop = new AbortController()
      const waiting = rig.payee.settlements(stop.signal)[Symbol.asyncIterator]().next()
      const hash = await pay(rig)
      demand(sameHash((await waiting).value.paymentHash, hash), 'the settlement is told')
      stop.abort()
    }),

    conformanceCase(setting, 'R-LN-5 every stream gets everything', [], async (rig) => {
      const stop = new AbortController()
      const streams = [rig.payee.settlements(stop.signal), rig.payee.settlements(stop.signal)]
      const hash = await pay(rig)
      for (const stream of streams) {
        const first = await firstOf(stream)
        demand(first !== undefined && sameHash(first.paymentHash, hash), 'both streams are told')
      }
      stop.abort()
    }),

    conformanceCase(setting, 'R-LN-6 an abort ends a waiting reader', [], async (rig) => {
      const stop = new AbortController()
      const stream = rig.payee.settlements(stop.signal)[Symbol.asyncIterator]()
      const waiting = stream.next()
      stop.abort()
      demand((await waiting).done === true, 'the reader that waited is let go')
      demand((await stream.next()).done === true, 'and so is the next')
      demand((await firstOf(rig.payee.settlements(stop.signal))) === undefined, 'aborted before')
    }),

    conformanceCase(
      setting,
      'R-LN-15 a payee that cannot be reached says so',
      ['setReachable'],
      async ({ payee }, { setReachable }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        const stream = payee.settlements(new AbortController().signal)[Symbol.asyncIterator]()
        await setReachable(false)
        await demandUnavailable(freshInvoice(payee, amountMsat))
        await demandUnavailable(payee.lookupInvoice(invoice.paymentHash))
        await demandUnavailable(stream.next())
        await setReachable(true)
        const { status } = await payee.lookupInvoice(invoice.paymentHash)
        demand(status === 'open', `expected open, got ${status}`)
      },
    ),

    conformanceCase(setting, 'R-LN-15 an aborted call says so', [], async ({ payee }) => {
      const signal = AbortSignal.abort()
      const request = { amountMsat, description: '', expirySeconds: 60, signal }
      await demandUnavailable(payee.createInvoice(request))
      await demandUnavailable(payee.lookupInvoice(paymentHash(new Uint8Array(32)), signal))
    }),
  ]
}

async function pay(rig: ConformanceRig) {
  const invoice = await freshInvoice(rig.payee, amountMsat)
  demandSettled(await rig.payer.pay(invoice, limits))
  return invoice.paymentHash
}

async function firstOf(stream: ReturnType<Payee['settlements']>): Promise<Settlement | undefined> {
  for await (const settlement of stream) return settlement
  return undefined
}
