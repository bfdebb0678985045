import { msat } from 'satway'
import type { Approved, PolicyOptions } from 'satway/client'
import type { Payer } from 'satway/lightning'
import type { Step } from './agent.ts'

/** Is told what happens. */
export type Watch = (step: Step) => void

type Approve = NonNullable<PolicyOptions['approve']>

/** The same wallet, watched. */
export function watchedPayer(payer: Payer, watch: Watch): Payer {
  return {
    ...payer,
    lookupPayment: (hash, signal) => payer.lookupPayment(hash, signal),
    pay: async (invoice, limits) => {
      const { maxFeeMsat } = limits
      const paymentHash = Buffer.from(invoice.paymentHash).toString('hex')
      watch({ kind: 'paying', paymentHash, maxFeeMsat: String(maxFeeMsat) })
      let status: 'settled' | 'failed' | 'unknown' = 'unknown'
      try {
        const outcome = await payer.pay(invoice, limits)
        ;({ status } = outcome)
        return outcome
      } catch (error) {
        // A payer rejects only when the order was certainly not given.
        status = 'failed'
        throw error
      } finally {
        watch({ kind: 'payment', status })
      }
    },
  }
}

/** The same questions, watched. */
export function watchedApproval(approve: Approve, watch: Watch): Approve {
  return async (proposal, signal) => {
    const { askedBecause, amountMsat, maxFeeMsat } = proposal
    const costMsat = String(msat(amountMsat + maxFeeMsat))
    watch({ kind: 'asking', askedBecause, costMsat })
    let approved: Approved = false
    try {
      approved = await approve(proposal, signal)
      return approved
    } finally {
      watch({ kind: 'answered', answer: answerOf(approved) })
    }
  }
}

function answerOf(approved: Approved): 'yes' | 'no' | 'pending' {
  if (typeof approved === 'object') return 'pending'
  return approved ? 'yes' : 'no'
}
