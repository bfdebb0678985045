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
import { debtAtHost } from './debt-at-host.ts'
import type { ReceiptKind } from './journal.ts'
import type { Leases } from './leases.ts'
import {
  amountOf,
  attemptOf,
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
  countableFee,
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
  const entry = (row: Row): PaymentEntry => entryOf(row, seal, leases.untilOf(row))
  const entries = async (rows: readonly Row[]): Promise<readonly PaymentEntry[]> => {
    await leases.noteLater(rows)
    return rows.map(entry)
  }

  const begin = (db: DatabaseSync, intent: PaymentIntent, limits: BudgetLimits): Begun => {
    const known = byHash(db, intent.paymentHash)
    const isKnown = known !== undefined && !mayBeginAgain(known, intent)
    const blocking = isKnown ? known : blockingRow(db, intent)
    if (blocking !== undefined) {
      leases.note(db, [blocking])
      return { status: isKnown ? 'known' : 'open', entry: entry(blocking) }
    }
    const totals = readTotals(db, intent.createdAtSeconds)
    const costMsat = msat(intent.amountMsat + intent.maxFeeMsat)
    const exceeded = exceededBy(db, totals, { host: intent.host, costMsat }, limits)
    if (exceeded !== undefined) return { status: 'exceeded', ...exceeded }
    const crowded = crowdedAt(db, intent, limits)
    if (crowded !== undefined) return crowded

    const position = totals.nextPosition++
    const row = rowOf(intent, { owner: leases.own, position, seal, known })
    if (known === undefined) paymentTable.insert(db, row)
    else paymentTable.update(db, known, row)
    totals.heldMsat += costMsat
    writeTotals(db, totals)
    addToHost(db, intent.host, { takenMsat: costMsat, settled: 0 })
    tell(db, 'intent', row, intent.createdAtSeconds)
    return { status: 'begun', attempt: attemptOf(row) }
  }

  const send = (db: DatabaseSync, paymentHash: string, attempt: number): boolean => {
    const row = byHash(db, paymentHash)
    if (row === undefined || stateOf(row) !== 'intent' || attemptOf(row) !== attempt) return false
    paymentTable.update(db, row, { state: 'sending' })
    tell(db, 'sending', row, now())
    return true
  }

  const record = (
    db: DatabaseSync,
    paymentHash: string,
    news: PaymentRecord,
    nowSeconds: number,
    attempt: number,
  ): void => {
    const row = knownByHash(db, paymentHash)
    if (stateOf(row) === 'settled') return
    if (news.state === 'settled') {
      settle(db, row, news, nowSeconds)
      return
    }
    if (!isOpenRow(row) || attemptOf(row) !== attempt || stateOf(row) === news.state) return
    if (news.state === 'unknown') {
      paymentTable.update(db, row, { state: 'unknown' })
      tell(db, 'unknown', row, nowSeconds)
      return
    }

    const totals = readTotals(db, nowSeconds)
    const costMsat = ceilingOf(row)
    const { failure } = news
    paymentTable.update(db, row, {
      state: 'failed',
      position: null,
      failure,
      ordered: failure === 'never-sent' ? row['ordered']! : 1,
      ended_at: totals.latest,
    })
    totals.heldMsat -= costMsat
    writeTotals(db, totals)
    addToHost(db, row['host'] as string, { takenMsat: -costMsat, settled: 0 })
    tell(db, 'failed', row, nowSeconds, { reason: failure })
  }

  const settle = (
    db: DatabaseSync,
    row: Row,
    { preimage, owed, ...news }: PaymentRecord & { readonly state: 'settled' },
    nowSeconds: number,
  ): void => {
    const totals = readTotals(db, nowSeconds)
    const heldMsat = isOpenRow(row) ? ceilingOf(row) : 0n
    totals.heldMsat -= heldMsat
    const amountMsat = amountOf(row, 'amount_msat')
    const feeMsat = countableFee(news.feeMsat, amountMsat, totals)
    const costMsat = amountMsat + feeMsat
    paymentTable.update(db, row, {
      state: 'settled',
      position: null,
      token_stored: 1,
      fee_msat: feeMsat,
      ended_at: totals.latest,
      preimage: seal.seal(preimage, preimageContext(row['payment_hash'])),
    })
    totals.settledMsat += costMsat
    totals.hourMsat += costMsat
    totals.dayMsat += costMsat
    writeTotals(db, totals)
    addToHost(db, row['host'] as string, { takenMsat: costMsat - heldMsat, settled: 1 })

    const { token, ...intent } = entry(row)
    if (token !== undefined) {
      const proof = { preimage, feeMsat, boughtAtSeconds: nowSeconds }
      const bought = tokenOf({ ...intent, token }, proof)
      const standing = owed ? 'owed' : bought.standing
      insertToken(db, { ...bought, standing: intent.abandoned ? 'abandoned' : standing }, seal)
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
    send: (paymentHash, attempt) =>
      database.transact(false, (db) => send(db, paymentHash, attempt)),
    record: (paymentHash, news, nowSeconds, attempt) =>
      database.transact(true, (db) => record(db, paymentHash, news, nowSeconds, attempt)),
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
      database.read((db) => exceededBy(db, readTotals(db, payment.nowSeconds), payment, limits)),
    spending: (nowSeconds) => database.read((db) => spendingOf(readTotals(db, nowSeconds))),
    paidBefore: (host) => database.read((db) => hasSettledAt(db, host)),
    async preimageOf(paymentHash) {
      const row = await database.read((db) => byHash(db, paymentHash))
      return row === undefined ? undefined : openedPreimage(row, seal)
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

/** What was ordered at one origin stays there: its preimage may yet be worth something. */
function mayBeginAgain(known: Row, { origin }: PaymentIntent): boolean {
  if (stateOf(known) !== 'failed') return false
  return known['origin'] === origin || Number(known['ordered']) === 0
}

/** Whether a host owes too much at once for one more. A bare invoice is not for a token, and cannot be. */
function crowdedAt(
  db: DatabaseSync,
  { host, token, createdAtSeconds }: PaymentIntent,
  { maxUndelivered }: BudgetLimits,
): Extract<Begun, { readonly status: 'crowded' }> | undefined {
  if (token === undefined || maxUndelivered === undefined) return undefined
  const debt = debtAtHost(db, host, createdAtSeconds)
  if (debt === undefined || debt.lasting + debt.underWay < maxUndelivered) return undefined
  return { status: 'crowded', passes: debt.lasting < maxUndelivered }
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
