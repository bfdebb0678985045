import type { DayStats } from '../gateway/state/index.ts'
import { csvLine } from './csv.ts'
import { AdminProblem } from './problem.ts'
import type { Call, Route } from './route.ts'
import { ask, json, text } from './route.ts'
import {
  pageParameters,
  query,
  rangeParameters,
  readAll,
  readPage,
  requireOrder,
  saleParameters,
} from './transaction-filter.ts'
import type { TransactionView } from './views.ts'
import { time, transactionView } from './views.ts'

const daySeconds = 86_400
const maxRangeDays = 3660
const csvType = 'text/csv; charset=utf-8; header=present'
const columns = [
  'payment_hash',
  'token_id',
  'amount_msat',
  'settled_at',
  'reported',
  'service',
  'capability',
  'state',
  'uses',
  'valid_until',
  'last_seen_at',
] as const satisfies readonly (keyof TransactionView)[]

/** @spec gateway.md R-ADM-18 to R-ADM-20 */
export const ledgerRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/transactions',
    scope: 'read',
    summary: 'List payments, the newest first; or all of them as CSV.',
    parameters: [
      ...saleParameters,
      ...pageParameters,
      query('format', '`csv` is all pages as one CSV file, as with `Accept: text/csv`.', {
        type: 'string',
        enum: ['json', 'csv'],
      }),
    ],
    answers: {
      200: {
        about: 'One page, or the whole as CSV.',
        shape: 'TransactionList',
        text: { type: csvType, example: csvLine(columns) },
      },
    },
    problems: ['ADMIN_NOT_FOUND'],
    handle: (call) => {
      if (wantsCsv(call)) return csv(call)
      const { items, next } = readPage(call)
      return json(200, { items: items.map((item) => transactionView(item, call.nowSeconds)), next })
    },
  },
  {
    method: 'GET',
    path: '/v1/stats',
    scope: 'read',
    summary:
      'Payments, revenue and uses of whole days (UTC), by service and day. Default: the last 7 days.',
    parameters: [
      ...rangeParameters,
      query('by', 'Lines for each service and day, or for each service. Default `day`.', {
        type: 'string',
        enum: ['day', 'service'],
      }),
    ],
    answers: { 200: { about: 'The figures.', shape: 'Stats' } },
    handle: stats,
  },
]

function wantsCsv({ query, accept }: Call): boolean {
  const format = query.oneOf('format', ['json', 'csv'])
  if (format !== undefined) return format === 'csv'
  return /^\s*text\/csv\s*(?:[;,]|$)/i.test(accept)
}

function csv(call: Call): Response {
  for (const name of ['limit', 'after']) {
    if (call.query.has(name)) {
      throw new AdminProblem('ADMIN_MALFORMED', `${name}: CSV has no pages; leave it out.`)
    }
  }
  const lines = csvPages(call)
  // What is wrong with the question, or with the state, is said before the first line goes out.
  const first = lines.next()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (first.done !== true) controller.enqueue(encoder.encode(first.value))
    },
    // A page is read when the one before has gone out: the file may be far larger than the memory.
    pull: (controller) => {
      try {
        const next = lines.next()
        if (next.done === true) controller.close()
        else controller.enqueue(encoder.encode(next.value))
      } catch (error) {
        call.cut(error)
      }
    },
    cancel: () => {
      lines.return(undefined)
    },
  })
  return text(200, body, csvType, {
    'content-disposition': 'attachment; filename="transactions.csv"',
  })
}

function* csvPages(call: Call): Generator<string, undefined> {
  let head = csvLine(columns)
  for (const page of readAll(call)) {
    const views = page.map((item) => transactionView(item, call.nowSeconds))
    yield head + views.map((view) => csvLine(columns.map((name) => view[name]))).join('')
    head = ''
  }
}

function stats({ control, query, nowSeconds }: Call): Response {
  // Sums are kept by day: the answer names the whole days that it is about.
  const untilSeconds = upToDay(query.moment('until') ?? nowSeconds + 1)
  const from = query.moment('from') ?? Math.max(0, untilSeconds - 7 * daySeconds)
  const fromSeconds = Math.floor(from / daySeconds) * daySeconds
  requireOrder(fromSeconds, untilSeconds)
  if (untilSeconds - fromSeconds > maxRangeDays * daySeconds) {
    throw new AdminProblem('ADMIN_MALFORMED', `from: expected at most ${maxRangeDays} days.`)
  }
  const service = query.text('service')
  const by = query.oneOf('by', ['day', 'service']) ?? 'day'
  const range = { fromSeconds, untilSeconds, ...(service !== undefined && { service }) }
  const days = ask(() => control.state.stats(range))
  const items =
    by === 'day'
      ? days.map((line) => ({ service: nameOf(line), day: line.day, ...figures([line]) }))
      : [...Map.groupBy(days, nameOf)].map(([name, lines]) => ({
          service: name,
          ...figures(lines),
        }))
  return json(200, {
    from: time(fromSeconds),
    until: time(untilSeconds),
    total: figures(days),
    items,
  })
}

function upToDay(seconds: number): number {
  return Math.ceil(seconds / daySeconds) * daySeconds
}

/** `null` where a payment came without the name of its service. */
function nameOf({ service }: DayStats): string | null {
  return service === '' ? null : service
}

function figures(lines: readonly DayStats[]): {
  readonly payments: number
  readonly revenue_msat: string
  readonly uses: number
} {
  return {
    payments: lines.reduce((sum, line) => sum + line.payments, 0),
    revenue_msat: lines.reduce((sum, line) => sum + line.revenueMsat, 0n).toString(),
    uses: lines.reduce((sum, line) => sum + line.uses, 0),
  }
}
