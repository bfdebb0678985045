import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { toHex } from './hex-key.ts'
import type { DayStats, Transaction, TransactionFilter } from './state.ts'
import type { Cursor } from './transaction-cursor.ts'
import { formatCursor, parseCursor } from './transaction-cursor.ts'

/** How many rows one page looks at, where a filter has no index: a few milliseconds. */
const maxScanned = 2000
const maxLimit = 1000
const secondsPerDay = 86_400
const prefixPattern = /^[0-9a-f]{8,64}$/i

type Row = {
  readonly id: bigint
  readonly payment_hash: Uint8Array
  readonly token_id: Uint8Array | null
  readonly amount_msat: bigint
  readonly settled_at: bigint
  readonly service: string | null
  readonly capability: string | null
  readonly is_reported: bigint
  readonly uses: bigint
  readonly valid_until: bigint | null
  readonly last_seen: bigint | null
  readonly is_revoked: bigint
}

/** Which index is walked, what it answers, and what is left to look for in its rows. */
type Plan = {
  readonly index: string
  readonly conditions: readonly Condition[]
  readonly rest: readonly Condition[]
}

type Condition = { readonly sql: string; readonly values: readonly SQLInputValue[] }

/**
 * One page of transactions, the newest first.
 *
 * It may hold fewer than `limit` although more follow: a page looks at 2000 rows at most, so that
 * no filter holds up the requests. `next` is `undefined` on the last page, and only there.
 *
 * @throws {RangeError} for a `limit`, `id`, `state` or `after` that is none.
 * @spec gateway.md R-STATE-27, R-STATE-28
 */
export function readTransactions(
  database: DatabaseSync,
  filter: TransactionFilter,
  nowSeconds: number,
): { readonly items: readonly Transaction[]; readonly next: string | undefined } {
  const { limit } = filter
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new RangeError(`limit: expected a whole number from 1 to ${maxLimit}`)
  }
  const plan = planOf(filter, nowSeconds)
  const items: Row[] = []
  for (const range of rangesOf(filter)) {
    items.push(...readRows(database, plan, range, limit + 1 - items.length))
    if (items.length > limit) {
      const page = items.slice(0, limit)
      return { items: page.map(transactionOf), next: formatCursor(cursorOf(page.at(-1)!)) }
    }
    const end = endOfScan(database, plan, range)
    if (end !== undefined) return { items: items.map(transactionOf), next: formatCursor(end) }
  }
  return { items: items.map(transactionOf), next: undefined }
}

/** Two ranges: SQLite would walk all payments of one second to find the next of them. */
function rangesOf({ after }: TransactionFilter): readonly Condition[] {
  if (after === undefined) return [condition('TRUE')]
  const { settledAt, id } = parseCursor(after)
  return [
    condition('settled_at = ? AND id < ?', settledAt, id),
    condition('settled_at < ?', settledAt),
  ]
}

function readRows(
  database: DatabaseSync,
  { index, conditions, rest }: Plan,
  range: Condition,
  limit: number,
): readonly Row[] {
  const walked = allOf([...conditions, range])
  const fits = allOf(rest)
  const select = database.prepare(`SELECT * FROM (SELECT * FROM payments ${index}
    WHERE ${walked.sql} ORDER BY settled_at DESC, id DESC LIMIT ${maxScanned})
    WHERE ${fits.sql} LIMIT ?`)
  select.setReadBigInts(true)
  return select.all(...walked.values, ...fits.values, limit) as unknown as readonly Row[]
}

/** The last row that was looked at, unless the range ended before it. */
function endOfScan(
  database: DatabaseSync,
  { index, conditions }: Plan,
  range: Condition,
): Cursor | undefined {
  const walked = allOf([...conditions, range])
  const select = database.prepare(`SELECT settled_at, id FROM payments ${index}
    WHERE ${walked.sql} ORDER BY settled_at DESC, id DESC LIMIT 1 OFFSET ${maxScanned - 1}`)
  select.setReadBigInts(true)
  const row = select.get(...walked.values) as Pick<Row, 'settled_at' | 'id'> | undefined
  return row === undefined ? undefined : cursorOf(row)
}

/**
 * One transaction by its payment hash or token id, or by the first 8 or more digits of one.
 *
 * @returns `undefined` when there is none, and when more than one begins like that.
 */
export function findTransaction(database: DatabaseSync, id: string): Transaction | undefined {
  if (!prefixPattern.test(id)) return undefined
  const { sql, values } = beginsLike(id)
  const select = database.prepare(`SELECT * FROM payments WHERE ${sql} LIMIT 2`)
  select.setReadBigInts(true)
  const rows = select.all(...values) as unknown as readonly Row[]
  return rows.length === 1 ? transactionOf(rows[0]!) : undefined
}

/** Sums of the whole UTC days that the range touches, oldest first. */
export function readStats(
  database: DatabaseSync,
  range: { readonly fromSeconds: number; readonly untilSeconds: number; readonly service?: string },
): readonly DayStats[] {
  const { service } = range
  const first = Math.floor(range.fromSeconds / secondsPerDay)
  const last = Math.ceil(range.untilSeconds / secondsPerDay) - 1
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) {
    throw new RangeError('stats: expected seconds since 1970')
  }
  const select = database.prepare(`SELECT day, service, payments, revenue_msat, uses FROM days
    WHERE day BETWEEN ? AND ? AND (payments > 0 OR uses > 0)
    ${service === undefined ? '' : 'AND service = ?'} ORDER BY day, service`)
  select.setReadBigInts(true)
  return select.all(first, last, ...(service === undefined ? [] : [service])).map((row) => ({
    service: String(row['service']),
    day: new Date(Number(row['day']) * secondsPerDay * 1000).toISOString().slice(0, 10),
    payments: Number(row['payments']),
    revenueMsat: row['revenue_msat'] as bigint,
    uses: Number(row['uses']),
  }))
}

function planOf(filter: TransactionFilter, nowSeconds: number): Plan {
  const { service, capability, fromSeconds, untilSeconds, state, id } = filter
  const conditions: Condition[] = []
  const rest: Condition[] = []
  const by = indexOf(filter)
  if (fromSeconds !== undefined) conditions.push(condition('settled_at >= ?', fromSeconds))
  if (untilSeconds !== undefined) conditions.push(condition('settled_at < ?', untilSeconds))
  if (service !== undefined) {
    ;(by === 'service' ? conditions : rest).push(condition('service = ?', service))
  }
  if (capability !== undefined) {
    ;(by === 'capability' ? conditions : rest).push(condition('capability = ?', capability))
  }
  if (state !== undefined) {
    ;(by === 'revoked' ? conditions : rest).push(stateCondition(state, nowSeconds))
  }
  if (id !== undefined) {
    if (!prefixPattern.test(id)) throw new RangeError('id: expected 8 to 64 hex digits')
    conditions.push(beginsLike(id))
  }
  return { index: by === undefined ? '' : `INDEXED BY ${indexes[by]}`, conditions, rest }
}

const indexes = {
  revoked: 'payments_revoked',
  capability: 'payments_by_capability',
  service: 'payments_by_service',
  time: 'payments_by_time',
} as const

function indexOf({
  id,
  state,
  capability,
  service,
}: TransactionFilter): keyof typeof indexes | undefined {
  if (id !== undefined) return undefined
  if (state === 'revoked') return 'revoked'
  if (capability !== undefined) return 'capability'
  return service === undefined ? 'time' : 'service'
}

function stateCondition(state: string, nowSeconds: number): Condition {
  switch (state) {
    case 'revoked':
      return condition('is_revoked = 1')
    case 'expired':
      return condition('is_revoked = 0 AND valid_until <= ?', nowSeconds)
    case 'active':
      return condition('is_revoked = 0 AND (valid_until IS NULL OR valid_until > ?)', nowSeconds)
    default:
      throw new RangeError('state: expected active, revoked or expired')
  }
}

function beginsLike(id: string): Condition {
  const least = Buffer.from(id.padEnd(64, '0'), 'hex')
  const most = Buffer.from(id.padEnd(64, 'f'), 'hex')
  return {
    sql: '(payment_hash BETWEEN ? AND ? OR token_id BETWEEN ? AND ?)',
    values: [least, most, least, most],
  }
}

function allOf(conditions: readonly Condition[]): Condition {
  const sql = ['TRUE', ...conditions.map((one) => `(${one.sql})`)].join(' AND ')
  return { sql, values: conditions.flatMap(({ values }) => values) }
}

function condition(sql: string, ...values: readonly SQLInputValue[]): Condition {
  return { sql, values }
}

function cursorOf({ settled_at, id }: Pick<Row, 'settled_at' | 'id'>): Cursor {
  return { settledAt: settled_at, id }
}

function transactionOf(row: Row): Transaction {
  return {
    paymentHash: toHex(row.payment_hash),
    tokenId: row.token_id === null ? undefined : toHex(row.token_id),
    amountMsat: row.amount_msat,
    settledAtSeconds: Number(row.settled_at),
    service: row.service ?? undefined,
    capability: row.capability ?? undefined,
    isReported: row.is_reported === 1n,
    uses: Number(row.uses),
    validUntilSeconds: row.valid_until === null ? undefined : Number(row.valid_until),
    lastSeenSeconds: row.last_seen === null ? undefined : Number(row.last_seen),
    isRevoked: row.is_revoked === 1n,
  }
}
