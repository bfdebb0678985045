import { encodeHex } from 'satway'
import type { Payee } from 'satway/lightning'
import { watchSettlements } from 'satway/server'
import type { Observer } from './operations/index.ts'
import type { State } from './state/index.ts'

type Sold = { readonly service: string; readonly capability: string }

/** Follows what the payee is paid, and writes it to the ledger. */
export type SettlementRecord = {
  /** What a challenge of this process is for, until it is paid or forgotten. Memory only. */
  remember(paymentHash: string, sold: Sold): void
  close(): Promise<void>
}

/** Challenges remembered at a time; the oldest are forgotten. */
const maxRemembered = 20_000

/** @param isAlone - Whether this is the only process. */
export function recordSettlements(
  payee: Payee,
  state: State,
  observer: Observer,
  isAlone: boolean,
): SettlementRecord {
  const sold = new Map<string, Sold>()
  const stop = watchSettlements(payee, {
    settled: ({ paymentHash, ...settlement }) => {
      const hash = encodeHex(paymentHash)
      const known = sold.get(hash)
      // Every process is told of every payment. Of several, the one that sold it says what it was for,
      // and the primary counts them all.
      if (known === undefined && !isAlone) return
      sold.delete(hash)
      const { service, capability } = known ?? { service: undefined, capability: undefined }
      state.noteSettlement({ paymentHash: hash, ...settlement, service, capability })
      if (isAlone) observer.settled(service, settlement.amountMsat)
    },
    broken: (error) => observer.failure('payee', undefined, error),
  })
  return {
    remember(paymentHash, what) {
      if (sold.size >= maxRemembered) sold.delete(sold.keys().next().value!)
      sold.set(paymentHash, what)
    },
    close: stop,
  }
}
