import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { isL402Error } from '../errors.ts'
import type { Invoice } from '../invoice/index.ts'
import { decodeInvoice, provesPayment } from '../invoice/index.ts'
import type { DevnetNode } from '../lightning/devnet/index.ts'
import type { Payee, Payer, PaymentOutcome } from '../lightning/index.ts'
import type { ConformanceCase } from './conformance.ts'
import { demand, freshInvoice } from './conformance.ts'
import type { FaultScript, LookAlike, WireFault } from './look-alike/index.ts'
import { invoiceScripts, orderScripts } from './look-alike/index.ts'

/** A payer over a look-alike, and a payee on the same network. */
export type PayerFaultRig = {
  /** Waits for an order about 400 ms, and for a look-up about 300. */
  readonly payer: Payer
  /** Behind the look-alike. */
  readonly node: DevnetNode
  readonly payee: Payee
  readonly lookAlike: Pick<LookAlike, 'inject' | 'seen'>
  /** As in the conformance suite. Default true. */
  readonly retriesFailed?: boolean
  close(): Promise<void>
}

/** A payee over a look-alike. Waits for an answer about 400 ms. */
export type PayeeFaultRig = {
  readonly payee: Payee
  readonly lookAlike: Pick<LookAlike, 'inject' | 'seen'>
  close(): Promise<void>
}

type Answered = PaymentOutcome | { readonly status: 'not-given' }

const limits = { maxFeeMsat: msat(100_000n) } as const
const amountMsat: Msat = msat(21_000n)
/** How long the truth may take to come out, in ms. */
const truthMs = 3000

/**
 * One case for each way in which an order goes wrong: what the adapter says is never against what
 * happened, and it finds out what happened where the wallet tells.
 *
 * @spec wallets.md R-ADP-30
 */
export function orderFaultCases(
  createRig: () => Promise<PayerFaultRig>,
  scripts: readonly FaultScript[] = orderScripts,
): readonly ConformanceCase[] {
  return scripts.map((script) => ({
    name: `R-ADP-30 ${script.name}`,
    run: async () => {
      const rig = await createRig()
      try {
        await playOrder(rig, script)
      } finally {
        await rig.close()
      }
      return undefined
    },
  }))
}

/**
 * One case for each way in which the making of an invoice goes wrong: it gives the right invoice, or
 * says that the node is not available; the next one is made.
 *
 * @spec wallets.md R-ADP-31
 */
export function invoiceFaultCases(
  createRig: () => Promise<PayeeFaultRig>,
): readonly ConformanceCase[] {
  const roles = ['invoice', 'invoice-look-up'] as const
  return roles.flatMap((role) =>
    invoiceScripts.map(({ name, fault }) => ({
      name: `R-ADP-31 ${role}: ${name}`,
      run: async () => {
        const rig = await createRig()
        try {
          if (role === 'invoice') await playInvoice(rig, fault)
          else await playInvoiceLookUp(rig, fault)
        } finally {
          await rig.close()
        }
        return undefined
      },
    })),
  )
}

async function playOrder(rig: PayerFaultRig, script: FaultScript): Promise<void> {
  const { payer, node, payee, lookAlike } = rig
  const invoice = await freshInvoice(payee, amountMsat)
  if (script.node !== undefined) node.injectFault(script.node)
  if (script.order !== undefined) lookAlike.inject('order', script.order)
  for (const fault of script.lookUps ?? []) lookAlike.inject('look-up', fault)

  const first = await payOnce(payer, invoice)
  await demandTrue(rig, invoice, first, 'the first answer')
  if (first.status === 'unknown') {
    // The unknown is asked about, and not ordered again.
    const orders = countOrders(lookAlike)
    await demandTrue(rig, invoice, await payOnce(payer, invoice), 'the second answer')
    demand(countOrders(lookAlike) === orders, 'what is unknown is not ordered again')
  }
  if (script.end !== undefined) await endPayment(node, invoice, script.end)

  const end = await findOut(payer, invoice)
  await demandTrue(rig, invoice, end ?? { status: 'not-given' }, 'the last answer')
  if ((await isPaid(payee, invoice)) === true) {
    demand(end?.status === 'settled', `it was paid, and the wallet tells so; got ${end?.status}`)
    demand(provesPayment(end.preimage, invoice.paymentHash), 'the preimage proves it')
    return
  }
  const isOpenStill = end?.status === 'unknown'
  if (isOpenStill) {
    demand(script.order?.executed === false, 'what the wallet got and tells about comes to an end')
    return
  }
  const again = await payOnce(payer, invoice)
  if (rig.retriesFailed === false && end?.status === 'failed') {
    demand(again.status === 'failed', `what failed stays failed; got ${again.status}`)
    await demandTrue(rig, invoice, again, 'the answer to another order')
    return
  }
  demand(again.status === 'settled', `what did not happen can be done; got ${again.status}`)
}

async function playInvoice({ payee, lookAlike }: PayeeFaultRig, fault: WireFault): Promise<void> {
  lookAlike.inject('invoice', fault)
  const request = { amountMsat, description: 'fault', expirySeconds: 600 }
  try {
    const { invoice } = await payee.createInvoice(request)
    demand(decodeInvoice(invoice).amountMsat === amountMsat, 'it is what was asked for')
  } catch (error) {
    demand(isL402Error(error, 'NODE_UNAVAILABLE'), `expected NODE_UNAVAILABLE, got ${error}`)
  }
  await freshInvoice(payee, amountMsat)
}

async function playInvoiceLookUp(
  { payee, lookAlike }: PayeeFaultRig,
  fault: WireFault,
): Promise<void> {
  const { paymentHash } = await freshInvoice(payee, amountMsat)
  lookAlike.inject('invoice-look-up', fault)
  try {
    const { status } = await payee.lookupInvoice(paymentHash)
    demand(status === 'open', `it is open; got ${status}`)
  } catch (error) {
    demand(isL402Error(error, 'NODE_UNAVAILABLE'), `expected NODE_UNAVAILABLE, got ${error}`)
  }
  const { status } = await payee.lookupInvoice(paymentHash)
  demand(status === 'open', `it is open; got ${status}`)
}

async function payOnce(payer: Payer, invoice: Invoice): Promise<Answered> {
  try {
    return await payer.pay(invoice, limits)
  } catch (error) {
    demand(
      isL402Error(error, 'NODE_UNAVAILABLE'),
      `pay rejects with NODE_UNAVAILABLE only: ${error}`,
    )
    return { status: 'not-given' }
  }
}

/** Asks until there is an end, or long enough. */
async function findOut(payer: Payer, invoice: Invoice): Promise<PaymentOutcome | undefined> {
  const until = performance.now() + truthMs
  let last: PaymentOutcome | undefined = { status: 'unknown' }
  while (performance.now() < until) {
    try {
      last = await payer.lookupPayment(invoice.paymentHash)
      if (last?.status !== 'unknown') return last
    } catch (error) {
      demand(isL402Error(error, 'NODE_UNAVAILABLE'), `a look-up rejects so only: ${error}`)
      last = { status: 'unknown' }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return last
}

/** What was said is not against what happened. */
async function demandTrue(
  { payee, node }: PayerFaultRig,
  invoice: Invoice,
  said: Answered,
  which: string,
): Promise<void> {
  if (said.status === 'unknown') return
  const paid = await isPaid(payee, invoice)
  if (said.status === 'settled') {
    demand(paid, `${which}: settled, and it was not paid`)
    demand(said.amountMsat === undefined || said.amountMsat === amountMsat, `${which}: the amount`)
    return
  }
  demand(!paid, `${which}: ${said.status}, and it was paid`)
  const { status } = (await node.lookupPayment(invoice.paymentHash)) ?? { status: 'none' }
  demand(status !== 'unknown', `${which}: ${said.status}, and it is on its way`)
}

async function isPaid(payee: Payee, { paymentHash }: Invoice): Promise<boolean> {
  return (await payee.lookupInvoice(paymentHash)).status === 'settled'
}

function countOrders({ seen }: Pick<LookAlike, 'seen'>): number {
  return seen.filter(({ role }) => role === 'order').length
}

/** An order may reach the node after the caller has left. */
async function endPayment(
  node: DevnetNode,
  { paymentHash }: Invoice,
  end: 'settle' | 'fail',
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      node.resolvePayment(paymentHash, end)
      return
    } catch (error) {
      if (tries > 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
