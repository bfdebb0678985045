import type { Msat } from '../../library/src/amount/index.ts'
import { msat } from '../../library/src/amount/index.ts'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { PaymentHash, Preimage } from '../../library/src/invoice/index.ts'
import type { LndNode } from './lnd-node.ts'
import type { Regtest } from './network.ts'
import { until } from './until.ts'

// What the tests do to a node, and read in its own books, past every adapter.

type Channel = {
  /** Sat. */
  readonly capacity: string
  readonly pending_htlcs: readonly unknown[]
}
type Amount = { readonly msat: string }
type Balance = { readonly local_balance: Amount; readonly remote_balance: Amount }

/** One payment as its payer's node has it. */
export type BookedPayment = {
  readonly payment_hash: string
  readonly status: 'UNKNOWN' | 'IN_FLIGHT' | 'SUCCEEDED' | 'FAILED' | 'INITIATED'
  readonly failure_reason: string
  readonly value_msat: string
  readonly fee_msat: string
  readonly payment_preimage: string
}

/** One invoice as its payee's node has it. */
export type BookedInvoice = {
  /** Base64. */
  readonly r_hash: string
  readonly state: 'OPEN' | 'SETTLED' | 'CANCELED' | 'ACCEPTED'
  readonly amt_paid_msat: string
  readonly memo: string
}

/** What each has in the channels, to the msat, once nothing is on its way in them. */
export type Balances = { readonly buyer: Msat; readonly hop: Msat; readonly seller: Msat }

/**
 * Whoever opened a channel sets aside what closing it costs, which changes by itself and is rounded to
 * sat. So its part is what the other side does not have.
 */
export async function balancesOf({ buyer, hop, seller }: Regtest): Promise<Balances> {
  const first = await settledChannels(buyer)
  const second = await settledChannels(seller)
  const hopMsat = BigInt(first.balance.remote_balance.msat)
  const sellerMsat = BigInt(second.balance.local_balance.msat)
  // The hop's own view must have come to rest as well.
  await settledChannels(hop)
  return {
    buyer: msat(first.capacityMsat - hopMsat),
    hop: msat(hopMsat + second.capacityMsat - sellerMsat),
    seller: msat(sellerMsat),
  }
}

export async function buyerBalance(network: Regtest): Promise<Msat> {
  return (await balancesOf(network)).buyer
}

async function settledChannels(
  node: LndNode,
): Promise<{ readonly balance: Balance; readonly capacityMsat: bigint }> {
  const channels = await until(`nothing on its way in the channels of ${node.name}`, async () => {
    const list = await node.rest<{ readonly channels: readonly Channel[] }>('/v1/channels')
    return list.channels.every((one) => one.pending_htlcs.length === 0) && list.channels
  })
  const balance = await node.rest<Balance>('/v1/balance/channels')
  const capacityMsat = channels.reduce((sum, { capacity }) => sum + BigInt(capacity) * 1000n, 0n)
  return { balance, capacityMsat }
}

export async function paymentsOf(node: LndNode): Promise<readonly BookedPayment[]> {
  const path = '/v1/payments?include_incomplete=true&max_payments=100000'
  return (await node.rest<{ readonly payments: readonly BookedPayment[] }>(path)).payments
}

export async function invoicesOf(node: LndNode): Promise<readonly BookedInvoice[]> {
  const path = '/v1/invoices?num_max_invoices=100000'
  return (await node.rest<{ readonly invoices: readonly BookedInvoice[] }>(path)).invoices
}

export async function createHold(
  node: LndNode,
  hash: PaymentHash,
  amountMsat: Msat,
  expirySeconds = 3600,
): Promise<string> {
  const order = {
    hash: Buffer.from(hash).toString('base64'),
    value_msat: String(amountMsat),
    memo: 'held',
    expiry: String(expirySeconds),
  }
  const made = await node.rest<{ readonly payment_request: string }>('/v2/invoices/hodl', order)
  return made.payment_request
}

/** Waits until a payment for it has arrived and is held. */
export async function untilHeld(node: LndNode, hash: PaymentHash): Promise<void> {
  await until('a payment to be held', async () => {
    const invoice = await node.rest<BookedInvoice>(`/v1/invoice/${encodeHex(hash)}`)
    return invoice.state === 'ACCEPTED'
  })
}

export async function settleHold(
  node: LndNode,
  preimage: Preimage,
  hash: PaymentHash,
): Promise<void> {
  await untilHeld(node, hash)
  await node.rest('/v2/invoices/settle', { preimage: Buffer.from(preimage).toString('base64') })
}

export async function cancelHold(node: LndNode, hash: PaymentHash): Promise<void> {
  await node.rest('/v2/invoices/cancel', { payment_hash: Buffer.from(hash).toString('base64') })
}

/** What a node asks for forwarding where nothing else is said, in msat. */
export const usualFeeMsat = 1000

/** Changes what a node asks for forwarding, in msat. */
export async function askFee(node: LndNode, baseFeeMsat: number): Promise<void> {
  await node.rest('/v1/chanpolicy', {
    global: true,
    base_fee_msat: String(baseFeeMsat),
    fee_rate_ppm: 1,
    time_lock_delta: 80,
  })
}

/** Waits until a payer has heard what the way to a payee costs. */
export async function untilHeard(payer: LndNode, payee: LndNode, feeMsat: number): Promise<void> {
  type Routes = { readonly routes: readonly { readonly total_fees_msat: string }[] }
  await until(`${payer.name} to hear of a fee`, async () => {
    const { routes } = await payer.rest<Routes>(`/v1/graph/routes/${payee.nodeId}/1`)
    return routes[0]?.total_fees_msat === String(feeMsat)
  })
}
