import { L402Error } from 'satway'
import type { Payee } from 'satway/lightning'
import { limitsOf } from '../workers/index.ts'
import type { Verdict } from './verdict.ts'

/**
 * A payee that makes no invoice before its wallet was found to be good. Looking up goes on: what was
 * sold before was paid for.
 *
 * @param verdict - The last one; `undefined` before the first.
 * @spec gateway.md R-GWW-12
 */
export function guardPayee(payee: Payee, verdict: () => Verdict | undefined): Payee {
  return {
    ...limitsOf(payee),
    createInvoice: (order) => {
      const last = verdict()
      if (last?.kind === 'good') return payee.createInvoice(order)
      const reason = last === undefined ? 'the wallet was not asked yet' : last.reason
      return Promise.reject(new L402Error('NODE_UNAVAILABLE', { reason }))
    },
    lookupInvoice: (hash, signal) => payee.lookupInvoice(hash, signal),
    settlements: (signal) => payee.settlements(signal),
  }
}
