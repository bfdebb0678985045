import { decodeInvoice, msat, provesPayment, satToMsat } from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import type { Chapter } from './figures.ts'
import { ours } from './peers.ts'
import type { Subjects } from './rounds.ts'
import { repeatAsync, timeInRounds } from './rounds.ts'

/** The embedded network: invoice made and signed, decoded with its signature, paid, proof checked. */
export const devnetChapter: Chapter = {
  name: 'devnet',
  title: 'Payments on the embedded network',
  async run(pace, progress) {
    progress(`${pace.rounds} rounds`)
    const timings = await timeInRounds(import.meta.url, ['payment'], pace)
    const { us, range } = timings.get('payment')!
    return [
      {
        what: 'invoice signed, decoded with its signature, paid, proof checked',
        who: ours,
        value: 1e6 / us,
        unit: 'per second',
        range: [1e6 / range[1], 1e6 / range[0]],
        target: { atLeast: 500 },
      },
    ]
  },
}

export const subjects: Subjects = {
  payment() {
    const devnet = createDevnet({
      feeBaseMsat: msat(0n),
      feeProportionalMillionths: 0,
      force: true,
    })
    const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
    const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1_000_000_000n) })
    const price = msat(1n)
    const order = { amountMsat: price, description: 'bench', expirySeconds: 3600 }
    let paid = 0n
    return repeatAsync(async () => {
      const { invoice } = await seller.createInvoice(order)
      const decoded = decodeInvoice(invoice)
      const outcome = await buyer.pay(decoded, { maxFeeMsat: msat(0n) })
      if (outcome.status !== 'settled' || !provesPayment(outcome.preimage, decoded.paymentHash)) {
        throw new Error(`a payment of the benchmark is ${outcome.status}`)
      }
      paid += price
      if (seller.balanceMsat() !== paid) throw new Error('the ledger does not add up')
    })
  },
}
