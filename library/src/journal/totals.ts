import type { DatabaseSync } from 'node:sqlite'
import type { Msat } from '../amount/index.ts'
import { maxMsat, msat, nearestMsat } from '../amount/index.ts'
import type { BudgetLimits, Exceeded, Spending } from '../client/index.ts'
import type { CheckedTable, Row } from './checked-table.ts'
import { checkedTable } from './checked-table.ts'
import { paymentTable } from './payment-row.ts'
import { damaged } from './sqlite-errors.ts'

const hourSeconds = 3600
const daySeconds = 86_400

export const totalsTable: CheckedTable = checkedTable('totals', [
  'held_msat',
  'settled_msat',
  'hour_msat',
  'hour_from',
  'day_msat',
  'day_from',
  'latest',
  'next_position',
])

export const hostTable: CheckedTable = checkedTable('hosts', [
  'host',
  'taken_msat',
  'settled_payments',
])

/** A payment that settled before the first window began does not exist: times begin with zero. */
const beforeAll = -1

/** The sums over all payments at one moment. A copy: it is written back with {@link writeTotals}. */
export type Totals = {
  heldMsat: bigint
  settledMsat: bigint
  hourMsat: bigint
  dayMsat: bigint
  /** The latest time that was seen. */
  latest: number
  nextPosition: number
  hourFrom: number
  dayFrom: number
  readonly row: Row | undefined
}

/**
 * The sums at `nowSeconds`, or at the latest time seen where that is later: a clock that was set
 * back must not bring an old window back. What has left a window since is taken off: each payment
 * once, because time only goes on.
 */
export function readTotals(db: DatabaseSync, nowSeconds: number): Totals {
  if (!Number.isFinite(nowSeconds)) throw new RangeError('nowSeconds: expected a number')
  const row = totalsTable.selectOne(db, 'WHERE id = 1')
  const latest = Math.max(Number(row?.['latest'] ?? 0), nowSeconds)
  const bigintOf = (name: string): bigint => BigInt((row?.[name] as bigint | undefined) ?? 0n)
  const hourFrom = Number(row?.['hour_from'] ?? beforeAll)
  const dayFrom = Number(row?.['day_from'] ?? beforeAll)
  const hourEnd = Math.max(hourFrom, latest - hourSeconds)
  const dayEnd = Math.max(dayFrom, latest - daySeconds)
  return {
    heldMsat: bigintOf('held_msat'),
    settledMsat: bigintOf('settled_msat'),
    hourMsat: bigintOf('hour_msat') - settledBetween(db, hourFrom, hourEnd),
    dayMsat: bigintOf('day_msat') - settledBetween(db, dayFrom, dayEnd),
    latest,
    nextPosition: Number(row?.['next_position'] ?? 1),
    hourFrom: hourEnd,
    dayFrom: dayEnd,
    row,
  }
}

export function writeTotals(db: DatabaseSync, totals: Totals): void {
  const next = {
    held_msat: totals.heldMsat,
    settled_msat: totals.settledMsat,
    hour_msat: totals.hourMsat,
    hour_from: totals.hourFrom,
    day_msat: totals.dayMsat,
    day_from: totals.dayFrom,
    latest: totals.latest,
    next_position: totals.nextPosition,
  }
  if (totals.row === undefined) totalsTable.insert(db, next)
  else totalsTable.update(db, totals.row, next)
}

/** After `from`, and at `to` or before. */
function settledBetween(db: DatabaseSync, from: number, to: number): bigint {
  if (to <= from) return 0n
  const rows = paymentTable.select(
    db,
    "WHERE state = 'settled' AND ended_at > ? AND ended_at <= ?",
    from,
    to,
  )
  return rows.reduce((sum, row) => sum + costOf(row), 0n)
}

function costOf(row: Row): bigint {
  return (row['amount_msat'] as bigint) + (row['fee_msat'] as bigint)
}

export function spendingOf({ hourMsat, dayMsat, settledMsat, heldMsat }: Totals): Spending {
  return {
    hourMsat: nearestMsat(hourMsat + heldMsat),
    dayMsat: nearestMsat(dayMsat + heldMsat),
    totalMsat: nearestMsat(settledMsat + heldMsat),
    heldMsat: nearestMsat(heldMsat),
  }
}

/**
 * A fee, as far as the sum of everything can count it: a wallet that names more than there is must not
 * make sums that nobody can read.
 *
 * @param amountMsat - Of the payment, which the totals do not hold any more.
 */
export function countableFee(
  feeMsat: Msat,
  amountMsat: Msat,
  { settledMsat, heldMsat }: Totals,
): Msat {
  return nearestMsat(feeMsat, maxMsat - settledMsat - heldMsat - amountMsat)
}

/** The first limit that one more payment would break. */
export function exceededBy(
  db: DatabaseSync,
  totals: Totals,
  payment: { readonly host: string; readonly costMsat: bigint },
  limits: BudgetLimits,
): Exceeded | undefined {
  const { costMsat, host } = payment
  const { hourMsat, dayMsat, totalMsat } = spendingOf(totals)
  return (
    exceeds('total', totalMsat, costMsat, limits.maxTotalMsat) ??
    exceeds('per-host', takenAt(db, host), costMsat, limits.perHostMsat) ??
    exceeds('per-day', dayMsat, costMsat, limits.perDayMsat) ??
    exceeds('per-hour', hourMsat, costMsat, limits.perHourMsat)
  )
}

function exceeds(
  limit: Exceeded['limit'],
  takenMsat: bigint,
  costMsat: bigint,
  limitMsat: bigint | undefined,
): Exceeded | undefined {
  if (limitMsat === undefined || takenMsat + costMsat <= limitMsat) return undefined
  return { limit, leftMsat: msat(takenMsat < limitMsat ? limitMsat - takenMsat : 0n) }
}

function hostRow(db: DatabaseSync, host: string): Row | undefined {
  return hostTable.selectOne(db, 'WHERE host = ?', host)
}

function takenAt(db: DatabaseSync, host: string): bigint {
  return (hostRow(db, host)?.['taken_msat'] as bigint | undefined) ?? 0n
}

/** Whether a payment at this host ever settled. */
export function hasSettledAt(db: DatabaseSync, host: string): boolean {
  return Number(hostRow(db, host)?.['settled_payments'] ?? 0) > 0
}

export function addToHost(
  db: DatabaseSync,
  host: string,
  change: { readonly takenMsat: bigint; readonly settled: number },
): void {
  const row = hostRow(db, host)
  const takenMsat = ((row?.['taken_msat'] as bigint | undefined) ?? 0n) + change.takenMsat
  const settled = Number(row?.['settled_payments'] ?? 0) + change.settled
  if (takenMsat < 0n) throw damaged()
  const next = { taken_msat: takenMsat, settled_payments: settled }
  if (row === undefined) hostTable.insert(db, { host, ...next })
  else hostTable.update(db, row, next)
}
