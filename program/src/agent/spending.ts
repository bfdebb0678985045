import type { PaymentEntry } from 'satway/client'
import type { SpendingView } from '../schema/index.ts'
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
  const limits = limitsOf(policy)
  if (journal === undefined) return viewOf(limits, nothingSpent, [])
  const [spent, entries] = await Promise.all([
    journal.ledger.spending(nowSeconds),
    journal.ledger.list(),
  ])
  return viewOf(limits, spent, entries)
}

type Limits = Pick<SpendingView['hour'], 'limitMsat'>['limitMsat']
type Sums = {
  readonly hourMsat: bigint
  readonly dayMsat: bigint
  readonly totalMsat: bigint
  readonly heldMsat: bigint
}

const nothingSpent: Sums = { hourMsat: 0n, dayMsat: 0n, totalMsat: 0n, heldMsat: 0n }

/** While the policy is broken nothing may be spent, and no limit can be named. */
function limitsOf(policy: Agent['policy']): Readonly<Record<'hour' | 'day' | 'total', Limits>> {
  const { perHourMsat, perDayMsat, totalMsat } = policy.view()
  return { hour: perHourMsat, day: perDayMsat, total: totalMsat }
}

function viewOf(
  limits: Readonly<Record<'hour' | 'day' | 'total', Limits>>,
  { hourMsat, dayMsat, totalMsat, heldMsat }: Sums,
  entries: readonly PaymentEntry[],
): SpendingView {
  const byHost = new Map<string, bigint>()
  const payments = { settled: 0, unknown: 0, failed: 0 }
  for (const entry of entries) {
    const { state, host, amountMsat, maxFeeMsat, feeMsat } = entry
    if (state === 'failed') {
      payments.failed += 1
      continue
    }
    payments[state === 'settled' ? 'settled' : 'unknown'] += 1
    const costMsat = amountMsat + (feeMsat ?? maxFeeMsat)
    byHost.set(host, (byHost.get(host) ?? 0n) + costMsat)
  }
  const hosts = [...byHost].sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0))
  return {
    hour: { limitMsat: limits.hour, spentMsat: String(hourMsat) },
    day: { limitMsat: limits.day, spentMsat: String(dayMsat) },
    total: { limitMsat: limits.total, spentMsat: String(totalMsat) },
    heldMsat: String(heldMsat),
    payments,
    byHost: hosts
      .slice(0, maxHosts)
      .map(([host, spentMsat]) => ({ host, spentMsat: String(spentMsat) })),
  }
}
