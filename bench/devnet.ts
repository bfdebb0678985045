import { decodeInvoice, msat, provesPayment, satToMsat } from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import type { Chapter } from './figures.ts'
import { ours } from './peers.ts'
import { repeatingAsync, timeInRounds } from './rounds.ts'

/** The embedded network: invoice made and signed, decoded with its signature, paid, proof checked. */
export const devnetChapter: Chapter = {
  name: 'devnet',
  title: 'Payments on the embedded network',
  async run(pace, progress) {
    const devnet = createDevnet({ feeBaseMsat: msat(0n), feeProportionalMillionths: 0 })
    const seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
    const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1_000_000_000n) })
    const price = msat(1n)
    let payments = 0n

    async function payOnce(): Promise<void> {
      const { invoice } = await seller.createInvoice({
        amountMsat: price,
        description: 'bench',
        expirySeconds: 3600,
      })
      const decoded = decodeInvoice(invoice)
      const outcome = await buyer.pay(decoded, { maxFeeMsat: msat(0n) })
      if (outcome.status !== 'settled' || !provesPayment(outcome.preimage, decoded.paymentHash)) {
        throw new Error(`a payment of the benchmark is ${outcome.status}`)
      }
      payments++
    }

    progress(`${pace.rounds} rounds`)
    const [timing] = await timeInRounds([repeatingAsync('payment', payOnce)], pace)
    if (seller.balanceMsat() !== payments * price) throw new Error('the ledger does not add up')
    const [fast, slow] = timing!.range
    return [
      {
        what: 'invoice signed, decoded with its signature, paid, proof checked',
        who: ours,
        value: 1e6 / timing!.us,
        unit: 'per second',
        range: [1e6 / slow, 1e6 / fast],
        target: { atLeast: 500 },
      },
    ]
  },
}
