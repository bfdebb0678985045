import type { PaymentEntry } from './ledger.ts'
import type { Parts } from './parts.ts'
import { storing } from './storing.ts'

/** A payment that had no end, as it is now. */
export type Reconciled = PaymentEntry & {
  /** Whether the wallet, if it was asked, said something. */
  readonly answered: boolean
}

/** How many payments the wallet is asked about at once: one that hangs must not keep the others. */
const atOnce = 8

/**
 * Asks the wallet about every payment that has no end, and keeps the tokens of those that settled.
 *
 * @spec client.md R-PAY-73
 */
export async function reconcile({ ledger, payments }: Parts): Promise<readonly Reconciled[]> {
  const entries = await storing(() => ledger.unfinished())
  const results: Reconciled[] = []
  const queue = entries.entries()
  const work = async (): Promise<void> => {
    for (const [i, before] of queue) {
      const { entry, answered } = await payments.resolve(before)
      results[i] = { ...entry, answered }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}
