import type { Spending } from 'satway/client'
import type { PaymentSummary } from 'satway/journal'
import type { PolicyView, SpendingView } from '../schema/index.ts'
import type { Agent } from './agent.ts'

/** Hosts that are listed, those with the most first. */
const maxHosts = 100

/**
 * What was spent, is set aside, and may still be spent.
 *
 * @throws {L402Error} JOURNAL_UNUSABLE, STORE_UNAVAILABLE.
 * @spec agent.md R-POL-13
 */
export async function readSpending(
  { journal, policy }: Pick<Agent, 'journal' | 'policy'>,
  nowSeconds: number = Date.now() / 1000,
): Promise<SpendingView> {
  const limits = limitsOf(policy.view())
  if (journal === undefined) return viewOf(limits, nothingSpent, noPayments)
  const [spent, summary] = await Promise.all([
    journal.ledger.spending(nowSeconds),
    journal.ledger.summary(),
  ])
  return viewOf(limits, spent, summary)
}

type Limits = Pick<SpendingView, 'inForce'> &
  Readonly<Record<'hour' | 'day' | 'total', string | null>>
type Sums = Readonly<Record<keyof Spending, bigint>>

const nothingSpent: Sums = { hourMsat: 0n, dayMsat: 0n, totalMsat: 0n, heldMsat: 0n }
const noPayments: PaymentSummary = {
  counts: { intent: 0, sending: 0, unknown: 0, settled: 0, failed: 0 },
  hosts: [],
}

/** While the policy is broken nothing may be spent, and no limit can be named. */
function limitsOf({ inForce, perHourMsat, perDayMsat, totalMsat }: PolicyView): Limits {
  return { inForce, hour: perHourMsat, day: perDayMsat, total: totalMsat }
}

function viewOf(
  limits: Limits,
  { hourMsat, dayMsat, totalMsat, heldMsat }: Sums,
  { counts, hosts }: PaymentSummary,
): SpendingView {
  const { intent, sending, unknown, settled, failed } = counts
  return {
    inForce: limits.inForce,
    hour: { limitMsat: limits.hour, spentMsat: String(hourMsat) },
    day: { limitMsat: limits.day, spentMsat: String(dayMsat) },
    total: { limitMsat: limits.total, spentMsat: String(totalMsat) },
    heldMsat: String(heldMsat),
    payments: { settled, unknown: intent + sending + unknown, failed },
    byHost: hosts
      .slice(0, maxHosts)
      .map(({ host, takenMsat }) => ({ host, spentMsat: String(takenMsat) })),
  }
}
