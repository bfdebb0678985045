import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { encodeHex, randomBytes } from '../../library/src/bytes/index.ts'
import type { PaymentHash, Preimage } from '../../library/src/invoice/index.ts'
import { hashPreimage, preimage } from '../../library/src/invoice/index.ts'
import type { Payee, Payer } from '../../library/src/lightning/index.ts'
import type { LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { createLnd } from '../../library/src/lightning/lnd/index.ts'
import type { ConformanceRig } from '../../library/src/testing/index.ts'
import { payeeConformance, payerConformance } from '../../library/src/testing/index.ts'
import type { Member, Regtest } from './network.ts'
import {
  askFee,
  buyerBalance,
  cancelHold,
  createHold,
  paymentsOf,
  settleHold,
  untilHeard,
  usualFeeMsat,
} from './node-control.ts'
import { openTcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

/** The credentials of a role, at the node itself or through a proxy on the given port. */
export function openLnd(member: Member, role: 'pay' | 'receive', port = member.port): LndWallet {
  return createLnd({
    url: `https://127.0.0.1:${port}`,
    macaroon: member[role],
    certificate: member.certificate,
    network: 'regtest',
  })
}

/** What the Lightning network does not tell a payer. */
const saysInstead = { 'fee-limit': 'no-route', 'already-paid': 'rejected' } as const

/**
 * What a case does with the time. A real clock cannot be moved, so what expires does so within a second
 * that is waited for, and what settles late is held until the case has its time go by.
 */
type Time = 'as asked' | 'expires soon' | 'settles late'

function timeOf(name: string): Time {
  if (name.includes('expired')) return 'expires soon'
  return name.includes('time-out') ? 'settles late' : 'as asked'
}

/** Both suites of `satway/testing`, over the hop, each case through a proxy of its own: none is skipped. */
export function describeConformance(network: () => Regtest): void {
  describe('lnd conforms on the real network', () => {
    let time: Time = 'as asked'
    for (const [role, cases] of [
      ['payer', payerConformance(() => openRig(network(), 'payer', time), { saysInstead })],
      ['payee', payeeConformance(() => openRig(network(), 'payee', time))],
    ] as const) {
      for (const { name, run } of cases) {
        test(`as a ${role}: ${name}`, async () => {
          time = timeOf(name)
          expect(await run()).toBeUndefined()
        })
      }
    }
  })
}

async function openRig(
  network: Regtest,
  tested: 'payer' | 'payee',
  time: Time,
): Promise<ConformanceRig> {
  const { buyer, hop, seller } = network
  const proxy = await openTcpProxy(tested === 'payer' ? buyer.port : seller.port)
  const payer = openLnd(buyer, 'pay', tested === 'payer' ? proxy.port : buyer.port)
  const payee = openLnd(seller, 'receive', tested === 'payee' ? proxy.port : seller.port)
  const other = openLnd(hop, 'pay')
  /** What the next payment goes through, and what is put right after it. */
  let trouble: { before?: Payer['pay']; after?: () => Promise<void> } = {}
  const pay: Payer['pay'] = async (invoice, limits) => {
    const { before, after } = trouble
    trouble = {}
    await before?.(invoice, limits)
    const patience = time === 'settles late' ? { signal: AbortSignal.timeout(1000) } : {}
    const outcome = await payer.payer.pay(invoice, { ...limits, ...patience })
    await after?.()
    return outcome
  }
  /** What was sold last. */
  let sold: { readonly secret: Preimage; readonly hash: PaymentHash } | undefined
  const createInvoice: Payee['createInvoice'] = async (order) => {
    if (time === 'as asked') return await payee.payee.createInvoice(order)
    if (time === 'settles late') {
      const secret = preimage(randomBytes(32))
      sold = { secret, hash: hashPreimage(secret) }
      return { invoice: await createHold(seller, sold.hash, order.amountMsat) }
    }
    return await payee.payee.createInvoice({ ...order, expirySeconds: 1 })
  }
  const advance = async (): Promise<void> => {
    if (sold !== undefined) {
      const { secret, hash } = sold
      await settleHold(seller, secret, hash)
      await until('the payer to have its preimage', async () => {
        const payment = (await paymentsOf(buyer)).find(
          (one) => one.payment_hash === encodeHex(hash),
        )
        return payment?.status === 'SUCCEEDED'
      })
      return
    }
    // The second has to be over, by the clock of the node as well, which looks when it is over.
    await pause(2500)
  }
  return {
    payer: { ...payer.payer, pay },
    payee: { ...payee.payee, createInvoice },
    controls: {
      ...(time !== 'as asked' && { advance }),
      balanceMsat: () => buyerBalance(network),
      otherPayer: other.payer,
      setReachable: proxy.setReachable,
      createHoldInvoice: (hash, amountMsat) => createHold(seller, hash, amountMsat),
      settleHold: (secret) => settleHold(seller, secret, hashPreimage(secret)),
      cancelHold: (hash) => cancelHold(seller, hash),
      injectFault: async (fault) => {
        if (fault.kind === 'hang') proxy.spoilNext('deaf')
        else if (fault.kind === 'unavailable') proxy.spoilNext('dead')
        else if (fault.kind === 'timeout') {
          if (time !== 'settles late') throw new Error('nothing is held here')
        } else if (fault.kind === 'duplicate') {
          // Another process of the same wallet was first.
          const first = openLnd(buyer, 'pay')
          trouble = { before: first.payer.pay, after: async () => first.close() }
        } else if (fault.kind === 'fail') {
          // More than the suite ever allows: whoever has not heard of it is told at the hop.
          await askFee(hop, 1_000_000)
          trouble = {
            after: async () => {
              await askFee(hop, usualFeeMsat)
              await untilHeard(buyer, seller, usualFeeMsat)
              await network.untilLinked()
            },
          }
        } else throw new Error(`no ${fault.kind} here`)
      },
    },
    close: async () => {
      for (const wallet of [payer, payee, other]) wallet.close()
      await proxy.close()
    },
  }
}
