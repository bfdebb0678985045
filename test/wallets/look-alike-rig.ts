import { afterAll } from 'vitest'
import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import type { Invoice, PaymentHash } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { DevnetNode, DevnetOptions } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee } from '../../library/src/lightning/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import { testClock } from '../../library/src/testing/index.ts'
import type { LookAlike } from '../../library/src/testing/look-alike/index.ts'

/** More than any fee here. */
export const limits = { maxFeeMsat: msat(100_000n) } as const
/** Stands where a secret stands, and must not be found anywhere else. */
export const marked = 'MARKEDsecretMARKED0123456789'

/** What the tests of a file have opened: closed after them, because some run at the same time. */
export const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export type Nodes = ReturnType<typeof createNodes>

/**
 * A network of somebody who pays, another one, and somebody who is paid.
 *
 * @param of - Whose node is behind the wallet.
 */
export function createNodes(of: 'payer' | 'payee', fees: Omit<DevnetOptions, 'now'> = {}) {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now, ...fees })
  const payer = devnet.addNode('payer', { balanceMsat: msat(10_000_000n) })
  const other = devnet.addNode('other', { balanceMsat: msat(10_000_000n) })
  const payee = devnet.addNode('payee', { balanceMsat: msat(0n) })
  const node: DevnetNode = of === 'payer' ? payer : payee
  const invoice = (amountMsat: Msat = msat(5000n)): Promise<Invoice> =>
    makeInvoice(payee, amountMsat)
  return { clock, devnet, payer, other, payee, node, invoice }
}

export async function makeInvoice(
  payee: Payee,
  amountMsat: Msat = msat(21_000n),
  description = 'tea',
): Promise<Invoice> {
  const request = { amountMsat, description, expirySeconds: 600 }
  return decodeInvoice((await payee.createInvoice(request)).invoice)
}

/** @param refuse - Lets the wallet say of the next order that it does not take it. */
export function controlsOf(
  { clock, payer, payee, lookAlike }: Nodes & { readonly lookAlike: LookAlike },
  refuse: () => void,
): NonNullable<ConformanceRig['controls']> {
  return {
    advance: clock.advance,
    balanceMsat: payer.balanceMsat,
    injectFault: (fault) => {
      if (fault.kind === 'unavailable') refuse()
      else payer.injectFault(fault)
    },
    createHoldInvoice: async (paymentHash: PaymentHash, amountMsat: Msat) => {
      const request = { amountMsat, description: '', expirySeconds: 600, paymentHash }
      return (await payee.createHoldInvoice(request)).invoice
    },
    settleHold: payee.settleHold,
    cancelHold: payee.cancelHold,
    setReachable: lookAlike.setReachable,
  }
}
