import type { Msat } from 'satway'
import { formatMsat, msat } from 'satway'
import type { Devnet, DevnetNode } from 'satway/lightning/devnet'
import type { Call, Check, DemoEvent, NodeBalance } from './events.ts'

export type Nodes = { readonly seller: DevnetNode; readonly buyer: DevnetNode }

/** Every balance at one moment, and the sum of all there is. */
export type Balances = { readonly nodes: readonly NodeBalance[]; readonly totalMsat: Msat }

export function balancesOf(devnet: Devnet, { seller, buyer }: Nodes): Balances {
  return {
    nodes: [
      { role: 'seller', balanceMsat: seller.balanceMsat() },
      { role: 'buyer', balanceMsat: buyer.balanceMsat() },
    ],
    totalMsat: devnet.totalMsat(),
  }
}

/** Holds the balances against what was bought. */
export function closeBooks(
  before: Balances,
  after: Balances,
  calls: readonly Call[],
): Extract<DemoEvent, { readonly event: 'books' }> {
  const soldMsat = sum(calls.map(({ amountMsat }) => amountMsat))
  const feesMsat = sum(calls.map(({ feeMsat }) => feeMsat))
  const [seller = 0n, buyer = 0n] = after.nodes.map((node, i) => {
    return node.balanceMsat - (before.nodes[i]?.balanceMsat ?? 0n)
  })
  const checks: readonly Check[] = [
    {
      ok: seller === soldMsat,
      what: `The seller has ${formatMsat(soldMsat)} more: what ${calls.length} calls cost.`,
    },
    {
      ok: -buyer === soldMsat + feesMsat,
      what: `The buyer has ${formatMsat(msat(soldMsat + feesMsat))} less: that, and ${formatMsat(feesMsat)} of fees.`,
    },
    {
      ok: after.totalMsat === before.totalMsat && seller + buyer + feesMsat === 0n,
      what: 'It adds up: no coin was made or lost.',
    },
  ]
  return {
    event: 'books',
    before: before.nodes,
    after: after.nodes,
    feesMsat,
    totalBeforeMsat: before.totalMsat,
    totalAfterMsat: after.totalMsat,
    checks,
  }
}

function sum(amounts: readonly Msat[]): Msat {
  let total = 0n
  for (const amount of amounts) total += amount
  return msat(total)
}
