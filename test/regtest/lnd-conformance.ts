import { describe, test } from 'vitest'
import { hashPreimage } from '../../library/src/invoice/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
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
  settleHold,
  untilHeard,
  usualFeeMsat,
} from './node-control.ts'
import { openTcpProxy } from './tcp-proxy.ts'

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

/** Both suites of `satway/testing`, over the hop, each case through a proxy of its own. */
export function describeConformance(network: () => Regtest): void {
  describe('lnd conforms on the real network', () => {
    for (const [role, cases] of [
      ['payer', payerConformance(() => openRig(network(), 'payer'), { saysInstead })],
      ['payee', payeeConformance(() => openRig(network(), 'payee'))],
    ] as const) {
      for (const { name, run } of cases) {
        test(`as a ${role}: ${name}`, async (context) => {
          const lacking = await run()
          // A real clock cannot be moved; test/regtest/refusals.ts waits for what is short.
          if (lacking !== undefined) context.skip(lacking)
        })
      }
    }
  })
}

async function openRig(network: Regtest, tested: 'payer' | 'payee'): Promise<ConformanceRig> {
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
    const outcome = await payer.payer.pay(invoice, limits)
    await after?.()
    return outcome
  }
  return {
    payer: { ...payer.payer, pay },
    payee: payee.payee,
    controls: {
      balanceMsat: () => buyerBalance(network),
      otherPayer: other.payer,
      setReachable: proxy.setReachable,
      createHoldInvoice: (hash, amountMsat) => createHold(seller, hash, amountMsat),
      settleHold: (secret) => settleHold(seller, secret, hashPreimage(secret)),
      cancelHold: (hash) => cancelHold(seller, hash),
      injectFault: async (fault) => {
        if (fault.kind === 'hang') proxy.spoilNext('deaf')
        else if (fault.kind === 'unavailable') proxy.spoilNext('dead')
        else if (fault.kind === 'duplicate') {
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
