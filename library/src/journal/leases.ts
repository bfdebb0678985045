import type { DatabaseSync } from 'node:sqlite'
import type { Row } from './checked-table.ts'
import type { Database } from './database.ts'
import { isGone, ownOwner } from './owner.ts'
import { isOpenRow, stateOf } from './payment-row.ts'
import { prepared } from './prepared.ts'

/** Until when the process that began a payment may be about to order it. */
export type Leases = {
  /** The name of this process. */
  readonly own: string
  /** Notes down, inside a transaction, which processes are no more. */
  note(db: DatabaseSync, rows: readonly Row[]): void
  /** As {@link Leases.note}, in a transaction of its own, where there is something to note. */
  noteLater(rows: readonly Row[]): Promise<void>
  /**
   * The lease of one payment. Once its process is gone, it is over for one that was never sent or has
   * ended; for any other once an order can no longer be on its way to the wallet, counted from when the
   * process was first seen to be gone. Where nobody knows how long that takes, it stays as given.
   */
  untilOf(row: Row): number
}

export function createLeases(database: Database, now: () => number): Leases {
  const own = ownOwner()
  /** Processes do not come back: what was seen once stays so. */
  const gone = new Set<string>()
  const seenAt = new Map<string, number>()

  const isOver = (owner: string): boolean => {
    if (owner === own) return false
    if (!gone.has(owner) && isGone(owner)) gone.add(owner)
    return gone.has(owner)
  }
  /** A clock that was set back since would put the end off. */
  const isNews = (row: Row): boolean => {
    if (!isOpenRow(row) || stateOf(row) === 'intent') return false
    const owner = row['owner'] as string
    return isOver(owner) && (seenAt.get(owner) ?? Infinity) > now()
  }
  const note = (db: DatabaseSync, rows: readonly Row[]): void => {
    for (const row of rows) {
      if (!isNews(row)) continue
      const owner = row['owner'] as string
      const known = prepared(
        db,
        `INSERT INTO gone_owners VALUES (?, ?)
          ON CONFLICT (owner) DO UPDATE SET seen_at = min(seen_at, excluded.seen_at)
          RETURNING seen_at`,
      ).get(owner, now())
      seenAt.set(owner, Number(known?.['seen_at']))
    }
  }

  return {
    own,
    note,
    async noteLater(rows) {
      if (!rows.some(isNews)) return
      // Where it cannot be written down, the lease that was given is kept.
      await database.transact(false, (db) => note(db, rows)).catch(() => undefined)
    },
    untilOf(row) {
      const given = row['lease_until'] as number
      const owner = row['owner'] as string
      if (!isOver(owner)) return given
      // What it bought and did not use is anybody's, too.
      if (!isOpenRow(row) || stateOf(row) === 'intent') return 0
      const lag = (row['order_lag'] as number | null) ?? Infinity
      return Math.min(given, (seenAt.get(owner) ?? Infinity) + lag)
    },
  }
}
