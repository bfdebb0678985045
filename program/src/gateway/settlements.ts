import { encodeHex } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import { watchSettlements } from 'satway/server'
import { MissedSettlements } from './missed-settlements.ts'
import type { Observer } from './operations/index.ts'
import type { OpenSale, State } from './state/index.ts'

type Sold = { readonly service: string; readonly capability: string }

/** Follows what the payee is paid, and writes it to the ledger. */
export type SettlementRecord = {
  /** What a challenge of this process is for, until it is paid or can no longer be. */
  remember(paymentHash: string, sold: Sold, expiresAtSeconds: number): void
  close(): Promise<void>
}

export type SettlementOptions = {
  readonly payee: Payee
  readonly state: State
  readonly observer: Observer
  /** Whether this is the only process. Of several, the primary counts, and asks about what was missed. */
  readonly isAlone: boolean
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Challenges remembered at a time; the oldest are forgotten. */
const maxRemembered = 20_000
/** How long after the end of its invoice a sale is asked about: a payment may have been on its way. */
const graceSeconds = 3600

/** @spec gateway.md R-GW-16, R-GWW-20 to R-GWW-22 */
export function recordSettlements(options: SettlementOptions): SettlementRecord {
  const { payee, state, observer, isAlone, now } = options
  const sold = new Map<string, Sold>()
  const isNew = onceEach()
  const failed = (error: unknown): void => observer.failure('payee', undefined, error)

  const settled = (settlement: Settlement, sale?: OpenSale): void => {
    const hash = encodeHex(settlement.paymentHash)
    const known = sold.get(hash)
    // Every process is told of every payment. Of several, the one that sold it says what it was for,
    // and the primary counts them all.
    if (known === undefined && !isAlone) return
    sold.delete(hash)
    if (!isNew(hash)) return
    const { service, capability } = known ?? sale ?? nothingKnown
    const { amountMsat, settledAtSeconds } = settlement
    state.noteSettlement({ paymentHash: hash, amountMsat, settledAtSeconds, service, capability })
    if (isAlone) observer.settled(service, amountMsat)
  }
  const missed = isAlone ? new MissedSettlements({ payee, state, settled, failed, now }) : undefined
  const stop = watchSettlements(payee, {
    settled: (settlement) => settled(settlement),
    opened: () => missed?.ask(),
    broken: (error) => {
      missed?.lost()
      failed(error)
    },
  })
  return {
    remember(paymentHash, what, expiresAtSeconds) {
      if (sold.size >= maxRemembered) sold.delete(sold.keys().next().value!)
      sold.set(paymentHash, what)
      // A wallet whose clock is behind ours has its invoices end before they were made.
      const endSeconds = Math.max(expiresAtSeconds, now())
      state.noteSale({ paymentHash, ...what, untilSeconds: endSeconds + graceSeconds })
    },
    close: async () => {
      missed?.close()
      await stop()
    },
  }
}

const nothingKnown = { service: undefined, capability: undefined }

/** Payments are told once by a stream and perhaps found once more: each is counted once. */
export function onceEach(): (hash: string) => boolean {
  const counted = new Set<string>()
  return (hash) => {
    if (counted.has(hash)) return false
    if (counted.size >= maxRemembered) counted.delete(counted.values().next().value!)
    counted.add(hash)
    return true
  }
}
