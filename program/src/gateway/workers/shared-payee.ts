import type { Payee } from 'satway/lightning'
import type { SettlementHub } from './settlement-hub.ts'
import { SettlementQueue } from './settlement-queue.ts'
import { limitsOf } from './wallet-limits.ts'

/**
 * A payee whose streams of settlements are all one stream of the wallet: every service of a gateway
 * reads one, and a wallet that has to be asked must not be asked for each.
 *
 * @spec gateway.md R-WRK-12
 */
export function sharePayee(payee: Payee, hub: SettlementHub): Payee {
  return {
    ...limitsOf(payee),
    createInvoice: (order) => payee.createInvoice(order),
    lookupInvoice: (hash, signal) => payee.lookupInvoice(hash, signal),
    settlements: (signal) => {
      let unlisten = (): void => undefined
      const queue = new SettlementQueue(() => {
        signal.removeEventListener('abort', onAbort)
        unlisten()
      })
      const onAbort = (): void => queue.finish()
      if (signal.aborted) {
        queue.finish()
        return queue
      }
      signal.addEventListener('abort', onAbort, { once: true })
      unlisten = hub.listen({
        settled: (settlement) => queue.push(settlement),
        broken: () => queue.break(),
      })
      return queue
    },
  }
}
