import type { DatabaseSync } from 'node:sqlite'
import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import type {
  Begun,
  BudgetLimits,
  Ledger,
  PaymentEntry,
  PaymentIntent,
  PaymentRecord,
} from '../client/index.ts'
import { buysTheSame, tokenOf } from '../client/index.ts'
import type { Row } from './checked-table.ts'
import type { Database } from './database.ts'
import type { ReceiptKind } from './journal.ts'
import type { Leases } from './leases.ts'
import {
  amountOf,
  ceilingOf,
  entryOf,
  isOpenRow,
  openedPreimage,
  paymentTable,
  preimageContext,
  routeOf,
  rowOf,
  stateOf,
} from './payment-row.ts'
import { writeReceipt } from './receipt-writer.ts'
import type { Seal } from './seal.ts'
import { insertToken } from './token-row.ts'
import {
  addToHost,
  exceededBy,
  hasSettledAt,
  readTotals,
  spendingOf,
  writeTotals,
} from './totals.ts'

export type SqliteLedgerOptions = {
  readonly seal: Seal
  readonly leases: Leases
  /** Seconds since 1970: the time of receipts, where the call does not say it. */
  readonly now: () => number
}

export type SqliteLedger = Ledger & {
  /** The preimage of a settled payment. */
  preimageOf(paymentHash: string): Promise<string | undefined>
  /** Writes down the latest time that was only looked at so far. */
  flush(): Promise<void>
}

const openStates = "state IN ('intent', 'sending', 'unknown')"

/**
 * The ledger in the file. Each method is one transaction: row, sums, receipt and token change
 * together.
 *
 * @spec client.md R-PAY-30 to R-PAY-36
 */
export function createSqliteLedger(
  database: Database,
  { seal, leases, now }: SqliteLedgerOptions,
): SqliteLedger {
  /** The latest time that a call looked at. In the file it is with the next change. */
  let seen = 0
  const totalsAt = (db: DatabaseSync, nowSeconds: number): ReturnType<typeof readTotals> => {
    const totals = readTotals(db, Math.max(seen, nowSeconds))
    seen = totals.latest
    return totals
  }
  const entry = (row: Row): PaymentEntry => entryOf(row, seal, leases.untilOf(row))
  const entries = async (rows: readonly Row[]): Promise<readonly PaymentEntry[]> => {
    await leases.noteLater(rows)
    return rows.map(entry)
  }

  const begin = (db: DatabaseSync, intent: PaymentIntent, limits: BudgetLimits): Begun => {
    const known = byHash(db, intent.paymentHash)
    const isKnown =
      known !== undefined && (stateOf(known) !== 'failed' || known['origin'] !== intent.origin)
    const blocking = isKnown ? known : blockingRow(db, intent)
    if (blocking !== undefined) {
      leases.note(db, [blocking])
      return { status: isKnown ? 'known' : 'open', entry: entry(blocking) }
    }
    const totals = totalsAt(db, intent.createdAtSeconds)
    const costMsat = msat(intent.amountMsat + intent.maxFeeMsat)
    const exceeded = exceededBy(db, totals, { host: intent.host, costMsat }, limits)
    if (exceeded !== undefined) return { status: 'exceeded', ...exceeded }

    const row = rowOf(intent, { owner: leases.own, position: totals.nextPosition++, seal })
    if (known === undefined) paymentTable.insert(db, row)
    else paymentTable.update(db, known, row)
    totals.heldMsat += costMsat
    writeTotals(db, totals)
    addToHost(db, intent.host, { takenMsat: costMsat, settled: 0 })
    tell(db, 'intent', row, intent.createdAtSeconds)
    return { status: 'begun' }
  }

  const send = (db: DatabaseSync, paymentHash: string): boolean => {
    const row = byHash(db, paymentHash)
    if (row === undefined || stateOf(row) !== 'intent') return false
    paymentTable.update(db, row, { state: 'sending' })
    tell(db, 'sending', row, now())
    return true
  }

  const record = (
    db: DatabaseSync,
    paymentHash: string,
    news: PaymentRecord,
    nowSeconds: number,
  ): void => {
    const row = knownByHash(db, paymentHash)
    const wasOpen = isOpenRow(row)
    if (stateOf(row) === 'settled' || (!wasOpen && news.state !== 'settled')) return
    if (news.state === 'settled') {
      settle(db, row, news, nowSeconds)
      return
    }
    if (stateOf(row) === news.state) return
    if (news.state === 'unknown') {
      paymentTable.update(db, row, { state: 'unknown' })
      tell(db, 'unknown', row, nowSeconds)
      return
    }

    const totals = totalsAt(db, nowSeconds)
    const costMsat = ceilingOf(row)
    const { failure } = news
    const endedAt = totals.latest
    paymentTable.update(db, row, { state: 'failed', position: null, failure, ended_at: endedAt })
    totals.heldMsat -= costMsat
    writeTotals(db, totals)
    addToHost(db, row['host'] as string, { takenMsat: -costMsat, settled: 0 })
    tell(db, 'failed', row, nowSeconds, { reason: failure })
  }

  const settle = (
    db: DatabaseSync,
    row: Row,
    { preimage, feeMsat, owed }: PaymentRecord & { readonly state: 'settled' },
    nowSeconds: number,
  ): void => {
    const totals = totalsAt(db, nowSeconds)
    const heldMsat = isOpenRow(row) ? ceilingOf(row) : 0n
    const costMsat = amountOf(row, 'amount_msat') + feeMsat
    paymentTable.update(db, row, {
      state: 'settled',
      position: null,
      token_stored: 1,
      fee_msat: feeMsat,
      ended_at: totals.latest,
      preimage: seal.seal(preimage, preimageContext(row['payment_hash'])),
    })
    totals.heldMsat -= heldMsat
    totals.settledMsat += costMsat
    totals.hourMsat += costMsat
    totals.dayMsat += costMsat
    writeTotals(db, totals)
    addToHost(db, row['host'] as string, { takenMsat: costMsat - heldMsat, settled: 1 })

    const { token, ...intent } = entry(row)
    if (token !== undefined) {
      const proof = { preimage, feeMsat, boughtAtSeconds: nowSeconds }
      const bought = tokenOf({ ...intent, token }, proof)
      insertToken(db, owed ? { ...bought, standing: 'owed' } : bought, seal)
    }
    tell(db, 'settled', row, nowSeconds, { feeMsat })
  }

  /** Writes what is not so yet. */
  const setFlag = async (
    paymentHash: string,
    column: 'token_stored' | 'abandoned',
  ): Promise<void> => {
    const isSet = (db: DatabaseSync): boolean => Number(knownByHash(db, paymentHash)[column]) === 1
    if (await database.read(isSet)) return
    await database.transact(true, (db) => {
      const row = knownByHash(db, paymentHash)
      if (Number(row[column]) === 1) return
      paymentTable.update(db, row, { [column]: 1 })
      if (column === 'abandoned') tell(db, 'abandoned', row, now())
    })
  }

  return {
    begin: (intent, limits) => database.transact(true, (db) => begin(db, intent, limits)),
    send: (paymentHash) => database.transact(false, (db) => send(db, paymentHash)),
    record: (paymentHash, news, nowSeconds) =>
      database.transact(true, (db) => record(db, paymentHash, news, nowSeconds)),
    noteTokenStored: (paymentHash) => setFlag(paymentHash, 'token_stored'),
    abandon: (paymentHash) => setFlag(paymentHash, 'abandoned'),
    async find(paymentHash) {
      const row = await database.read((db) => byHash(db, paymentHash))
      return row === undefined ? undefined : (await entries([row]))[0]
    },
    async unfinished(origin) {
      const rows = await database.read((db) =>
        origin === undefined
          ? paymentTable.select(db, 'WHERE position IS NOT NULL ORDER BY position')
          : paymentTable.select(
              db,
              'WHERE position IS NOT NULL AND origin = ? ORDER BY position',
              origin,
            ),
      )
      return await entries(rows)
    },
    list: async () =>
      await entries(await database.read((db) => paymentTable.select(db, 'ORDER BY id'))),
    limitReached: (payment, limits) =>
      database.read((db) => exceededBy(db, totalsAt(db, payment.nowSeconds), payment, limits)),
    spending: (nowSeconds) => database.read((db) => spendingOf(totalsAt(db, nowSeconds))),
    paidBefore: (host) => database.read((db) => hasSettledAt(db, host)),
    async preimageOf(paymentHash) {
      const row = await database.read((db) => byHash(db, paymentHash))
      return row === undefined ? undefined : openedPreimage(row, seal)
    },
    async flush() {
      const isNewer = await database.read((db) => readTotals(db, 0).latest < seen)
      if (isNewer) await database.transact(false, (db) => writeTotals(db, totalsAt(db, seen)))
    },
  }
}

function byHash(db: DatabaseSync, paymentHash: string): Row | undefined {
  return paymentTable.selectOne(db, 'WHERE payment_hash = ?', paymentHash)
}

function knownByHash(db: DatabaseSync, paymentHash: string): Row {
  const row = byHash(db, paymentHash)
  if (row === undefined) throw new RangeError('ledger: no payment of this hash')
  return row
}

/** An open payment for the same purchase. SQL narrows it down; `buysTheSame` decides. */
function blockingRow(db: DatabaseSync, intent: PaymentIntent): Row | undefined {
  const { origin, target, coverage } = intent
  return paymentTable
    .select(
      db,
      `WHERE position IS NOT NULL AND origin = ?1 AND ${openStates} AND abandoned = 0
        AND (target = ?2 OR coverage = ?3 OR (route = ?4 AND (coverage IS NULL OR ?3 IS NULL)))
        ORDER BY position`,
      origin,
      target,
      coverage ?? null,
      routeOf(target),
    )
    .find((row) =>
      buysTheSame(
        {
          target: row['target'] as string,
          coverage: (row['coverage'] as string | null) ?? undefined,
        },
        intent,
      ),
    )
}

function tell(
  db: DatabaseSync,
  kind: ReceiptKind,
  row: Row,
  atSeconds: number,
  news: { readonly feeMsat?: Msat; readonly reason?: string } = {},
): void {
  writeReceipt(db, {
    kind,
    atSeconds,
    paymentHash: row['payment_hash'] as string,
    origin: row['origin'] as string,
    method: row['method'] as string,
    url: row['url'] as string,
    amountMsat: amountOf(row, 'amount_msat'),
    maxFeeMsat: amountOf(row, 'max_fee_msat'),
    decidedBy: row['decided_by'] as PaymentEntry['decidedBy'],
    ...news,
  })
}
