import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { randomBytes, sha256 } from '../bytes/index.ts'
import type { Invoice, Network } from '../invoice/index.ts'
import {
  decodeInvoice,
  encodeInvoice,
  hashPreimage,
  paymentHash,
  preimage,
  provesPayment,
} from '../invoice/index.ts'
import type { ConformanceCase, ConformanceOptions, ConformanceRig, Setting } from './conformance.ts'
import {
  conformanceCase,
  createSetting,
  demand,
  demandBalance,
  demandFailed,
  demandSame,
  demandSettled,
  demandStatus,
  demandUnavailable,
  endOf,
  freshInvoice,
  otherNetwork,
} from './conformance.ts'

const amountMsat = msat(123_456n)
const limits = { maxFeeMsat: msat(100_000n) } as const

/**
 * The cases that every adapter of the port `Payer` passes.
 *
 * @param createRig - Called for each case. The payer can spend at least 10 000 sat, and pays no more
 *   than 100 sat of fees on the way to the payee.
 * @spec lightning.md R-LN-7 to R-LN-15, R-LN-50, R-LN-51
 * @example
 * for (const { name, run } of payerConformance(createRig)) {
 *   test(name, async (context) => {
 *     const skipped = await run()
 *     if (skipped !== undefined) context.skip(skipped)
 *   })
 * }
 */
export function payerConformance(
  createRig: () => Promise<ConformanceRig>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  const setting = createSetting(createRig, options)
  return [...payments(setting), ...refusals(setting), ...faults(setting), ...holds(setting)]
}

function payments(setting: Setting): readonly ConformanceCase[] {
  return [
    conformanceCase(setting, 'R-LN-7 a payment settles with its proof', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const outcome = await rig.payer.pay(invoice, limits)
      demandSettled(outcome)
      demand(provesPayment(outcome.preimage, invoice.paymentHash), 'the preimage proves it')
      demand(outcome.amountMsat === amountMsat, 'the amount is exact to the msat')
      demand(outcome.feeMsat <= limits.maxFeeMsat, 'the fee is within the ceiling')
    }),

    conformanceCase(
      setting,
      'R-LN-7 a payment costs its amount and its fee',
      ['balanceMsat'],
      async ({ payer, payee }, { balanceMsat }) => {
        const before = await balanceMsat()
        const outcome = await payer.pay(await freshInvoice(payee, amountMsat), limits)
        demandSettled(outcome)
        const after = before - outcome.amountMsat - outcome.feeMsat
        await demandBalance(balanceMsat, after, 'the balance says the same')
      },
    ),

    conformanceCase(setting, 'R-LN-8 paying again gives the first outcome', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const before = await rig.controls?.balanceMsat?.()
      const first = await rig.payer.pay(invoice, limits)
      demandSettled(first)
      demandSame(first, await rig.payer.pay(invoice, limits))
      const balanceMsat = rig.controls?.balanceMsat
      if (balanceMsat === undefined || before === undefined) return
      const after = before - first.amountMsat - first.feeMsat
      await demandBalance(balanceMsat, after, 'the second call moves nothing')
    }),

    conformanceCase(setting, 'R-LN-8 calls at the same time pay once', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const before = await rig.controls?.balanceMsat?.()
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => rig.payer.pay(invoice, limits)),
      )
      for (const { status } of outcomes) demand(status !== 'failed', 'no call is told of a failure')
      const end = await endOf(rig.payer, invoice.paymentHash)
      demandSettled(end)
      const balanceMsat = rig.controls?.balanceMsat
      if (balanceMsat === undefined || before === undefined) return
      const after = before - end.amountMsat - end.feeMsat
      await demandBalance(balanceMsat, after, 'the money moves once')
    }),

    conformanceCase(setting, 'R-LN-12 a lookup tells the same outcome', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const outcome = await rig.payer.pay(invoice, limits)
      demandSame(outcome, await rig.payer.lookupPayment(invoice.paymentHash))
    }),

    conformanceCase(setting, 'R-LN-12 a payment never made is not known', [], async (rig) => {
      const never = paymentHash(sha256(randomBytes(32)))
      demand((await rig.payer.lookupPayment(never)) === undefined, 'expected nothing')
      const open = await freshInvoice(rig.payee, amountMsat)
      const nothing = await rig.payer.lookupPayment(open.paymentHash)
      demand(nothing === undefined, 'an invoice that nobody paid is no payment')
    }),

    conformanceCase(setting, 'R-LN-10 an abort before the call is unknown', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const aborted = { ...limits, signal: AbortSignal.abort() }
      demandStatus(await rig.payer.pay(invoice, aborted), 'unknown')
      demandSettled(await rig.payer.pay(invoice, limits))
    }),

    conformanceCase(setting, 'R-LN-10 an abort is never a failure', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const stop = new AbortController()
      const paying = rig.payer.pay(invoice, { ...limits, signal: stop.signal })
      stop.abort()
      demand((await paying).status !== 'failed', 'expected unknown, or settled')
    }),
  ]
}

function refusals(setting: Setting): readonly ConformanceCase[] {
  return [
    conformanceCase(setting, 'R-LN-13 another network is refused', [], async (rig) => {
      const invoice = strangeInvoice(otherNetwork(rig.payer.network), amountMsat)
      demandStatus(await rig.payer.pay(invoice, limits), 'failed', 'wrong-network')
    }),

    conformanceCase(setting, 'R-LN-13 a payee nobody knows is a failure', [], async (rig) => {
      const outcome = await rig.payer.pay(strangeInvoice(rig.payer.network, amountMsat), limits)
      demandStatus(outcome, 'failed')
    }),

    conformanceCase(setting, 'R-LN-14 an invoice without an amount fails', [], async (rig) => {
      const invoice = strangeInvoice(rig.payer.network, undefined)
      demandStatus(await rig.payer.pay(invoice, limits), 'failed')
    }),

    conformanceCase(setting, 'R-LN-7 the fee ceiling holds', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const outcome = await rig.payer.pay(invoice, { maxFeeMsat: msat(0n) })
      if (outcome.status === 'settled') demand(outcome.feeMsat === 0n, 'no fee was allowed')
      else demandFailed(outcome, 'fee-limit', setting)
    }),

    conformanceCase(setting, 'R-LN-9 what failed may be tried anew', [], async (rig) => {
      const invoice = await freshInvoice(rig.payee, amountMsat)
      const outcome = await rig.payer.pay(invoice, { maxFeeMsat: msat(0n) })
      demandSame(outcome, await rig.payer.lookupPayment(invoice.paymentHash))
      demandSettled(await rig.payer.pay(invoice, limits))
    }),

    conformanceCase(
      setting,
      'R-LN-13 an expired invoice is not paid',
      ['advance'],
      async ({ payer, payee }, { advance }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await advance(601)
        demandStatus(await payer.pay(invoice, limits), 'failed', 'expired')
      },
    ),

    conformanceCase(
      setting,
      'R-LN-13 more than the balance is not paid',
      ['balanceMsat'],
      async ({ payer, payee }, { balanceMsat }) => {
        const before = await balanceMsat()
        const invoice = await freshInvoice(payee, msat(before + 1n))
        demandStatus(await payer.pay(invoice, { maxFeeMsat: msat(before) }), 'failed')
        await demandBalance(balanceMsat, before, 'nothing moved')
      },
    ),

    conformanceCase(
      setting,
      'R-LN-13 what another payer paid is not paid again',
      ['otherPayer', 'balanceMsat'],
      async ({ payer, payee }, { otherPayer, balanceMsat }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        const before = await balanceMsat()
        demandSettled(await otherPayer.pay(invoice, limits))
        demandFailed(await payer.pay(invoice, limits), 'already-paid', setting)
        await demandBalance(balanceMsat, before, 'nothing moved')
      },
    ),
  ]
}

function faults(setting: Setting): readonly ConformanceCase[] {
  return [
    conformanceCase(
      setting,
      'R-LN-10 a time-out is unknown until it settles',
      ['injectFault', 'advance'],
      async ({ payer, payee }, { injectFault, advance }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await injectFault({ kind: 'timeout', settleAfterMs: 90_000 })
        demandStatus(await payer.pay(invoice, limits), 'unknown')
        demandStatus(await payer.lookupPayment(invoice.paymentHash), 'unknown')
        demandStatus(await payer.pay(invoice, limits), 'unknown')
        await advance(90)
        demandSettled(await payer.lookupPayment(invoice.paymentHash))
      },
    ),

    conformanceCase(
      setting,
      'R-LN-10 an abort of an order that was given is unknown',
      ['injectFault'],
      async ({ payer, payee }, { injectFault }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await injectFault({ kind: 'hang' })
        const signal = AbortSignal.timeout(200)
        demandStatus(await payer.pay(invoice, { ...limits, signal }), 'unknown')
        demandSettled(await endOf(payer, invoice.paymentHash))
      },
    ),

    conformanceCase(
      setting,
      'R-LN-12 a lookup knows better than the answer',
      ['injectFault'],
      async ({ payer, payee }, { injectFault }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await injectFault({ kind: 'duplicate' })
        const outcome = await payer.pay(invoice, limits)
        // An adapter may have looked it up itself.
        if (outcome.status !== 'settled') demandStatus(outcome, 'failed', 'already-paid')
        demandSettled(await payer.lookupPayment(invoice.paymentHash))
      },
    ),

    conformanceCase(
      setting,
      'R-LN-9 a failure moves nothing',
      ['injectFault', 'balanceMsat'],
      async ({ payer, payee }, { injectFault, balanceMsat }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        const before = await balanceMsat()
        await injectFault({ kind: 'fail', reason: 'no-route' })
        demandStatus(await payer.pay(invoice, limits), 'failed', 'no-route')
        await demandBalance(balanceMsat, before, 'nothing moved')
        const again = await payer.pay(invoice, limits)
        demandStatus(again, setting.retriesFailed ? 'settled' : 'failed')
      },
    ),

    conformanceCase(
      setting,
      'R-LN-11 an order that was not given is no payment',
      ['injectFault'],
      async ({ payer, payee }, { injectFault }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await injectFault({ kind: 'unavailable' })
        await demandUnavailable(payer.pay(invoice, limits))
        const nothing = await payer.lookupPayment(invoice.paymentHash)
        demand(nothing === undefined, 'no order, no payment')
        demandSettled(await payer.pay(invoice, limits))
      },
    ),

    conformanceCase(
      setting,
      'R-LN-15 a payer that cannot be reached says so',
      ['setReachable'],
      async ({ payer, payee }, { setReachable }) => {
        const invoice = await freshInvoice(payee, amountMsat)
        await setReachable(false)
        await demandUnavailable(payer.pay(invoice, limits))
        await demandUnavailable(payer.lookupPayment(invoice.paymentHash))
        await setReachable(true)
        demandSettled(await payer.pay(invoice, limits))
      },
    ),

    conformanceCase(setting, 'R-LN-15 an aborted lookup says so', [], async ({ payer }) => {
      const hash = paymentHash(new Uint8Array(32))
      await demandUnavailable(payer.lookupPayment(hash, AbortSignal.abort()))
    }),
  ]
}

function holds(setting: Setting): readonly ConformanceCase[] {
  const answerMs = 500
  return [
    conformanceCase(
      setting,
      'R-LN-10 a held payment is unknown until its payee settles',
      ['createHoldInvoice', 'settleHold'],
      async ({ payer, payee }, { createHoldInvoice, settleHold }) => {
        const secret = preimage(randomBytes(32))
        const invoice = decodeInvoice(await createHoldInvoice(hashPreimage(secret), amountMsat))
        const signal = AbortSignal.timeout(answerMs)
        demandStatus(await payer.pay(invoice, { ...limits, signal }), 'unknown')
        const held = await payee.lookupInvoice(invoice.paymentHash)
        demand(held.status === 'open', 'what is held is not settled')
        await settleHold(secret)
        const outcome = await endOf(payer, invoice.paymentHash)
        demandSettled(outcome)
        demand(provesPayment(outcome.preimage, invoice.paymentHash), 'the preimage proves it')
      },
    ),

    conformanceCase(
      setting,
      'R-LN-9 a held payment that its payee cancels has failed',
      ['createHoldInvoice', 'cancelHold'],
      async ({ payer }, { createHoldInvoice, cancelHold }) => {
        const hash = hashPreimage(preimage(randomBytes(32)))
        const invoice = decodeInvoice(await createHoldInvoice(hash, amountMsat))
        const signal = AbortSignal.timeout(answerMs)
        demandStatus(await payer.pay(invoice, { ...limits, signal }), 'unknown')
        await cancelHold(hash)
        demandStatus(await endOf(payer, hash), 'failed')
      },
    ),
  ]
}

/** A well-formed invoice of a payee that does not exist. */
function strangeInvoice(network: Network, amount: Msat | undefined): Invoice {
  const request = {
    network,
    amountMsat: amount,
    timestampSeconds: Math.floor(Date.now() / 1000),
    paymentHash: hashPreimage(preimage(randomBytes(32))),
    paymentSecret: randomBytes(32),
    description: 'conformance',
  }
  return decodeInvoice(encodeInvoice(request, new Uint8Array(32).fill(1)))
}
