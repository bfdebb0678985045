import type { Msat } from 'satway'
import { decodeInvoice, msat, satToMsat } from 'satway'
import type { DevnetNode } from 'satway/lightning/devnet'
import { createDevnet } from 'satway/lightning/devnet'
import { expect } from 'vitest'

/** What everything costs here: a round number, so that the proportional fee is exact. */
export const priceMsat: Msat = satToMsat(10_000n)
/** The fee of one payment: 1000 msat and 100 millionths of the price. */
export const feeMsat: Msat = msat(2_000n)
const fundsMsat = satToMsat(1_000_000n)

/** A seller and a buyer on one embedded network, and the ledger that a test must find moved. */
export type Market = {
  readonly seller: DevnetNode
  readonly buyer: DevnetNode
  /** The buyer's node as a wallet of the kind most JavaScript clients ask for. */
  readonly wallet: {
    payInvoice(order: {
      readonly invoice: string
    }): Promise<{ preimage: string; fees_paid: number }>
  }
  /** Fails unless exactly `count` purchases were paid for, at the price and the fee, and no more. */
  expectPurchases(count: number): void
}

export function openMarket(): Market {
  const devnet = createDevnet({ feeBaseMsat: msat(1_000n), feeProportionalMillionths: 100 })
  const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: fundsMsat })
  const allMsat = devnet.totalMsat()
  return {
    seller,
    buyer,
    wallet: {
      async payInvoice({ invoice }) {
        const outcome = await buyer.pay(decodeInvoice(invoice), { maxFeeMsat: feeMsat })
        if (outcome.status !== 'settled') throw new Error(`the payment is ${outcome.status}`)
        return {
          preimage: Buffer.from(outcome.preimage).toString('hex'),
          fees_paid: Number(outcome.feeMsat),
        }
      },
    },
    expectPurchases(count) {
      const paid = BigInt(count)
      expect({
        seller: seller.balanceMsat(),
        buyer: buyer.balanceMsat(),
        all: devnet.totalMsat(),
      }).toEqual({
        seller: paid * priceMsat,
        buyer: fundsMsat - paid * (priceMsat + feeMsat),
        all: allMsat,
      })
    },
  }
}
