import type { Transaction, TransactionFilter } from '../gateway/state/index.ts'
import { AdminProblem, quoted } from './problem.ts'
import type { Call, Parameter } from './route.ts'
import { ask } from './route.ts'
import type { Schema } from './shapes.ts'
import { capabilityMeant, isSold } from './sold-capabilities.ts'

const defaultLimit = 100
const maxLimit = 1000
const moment: Schema = {
  type: 'string',
  description: '`2026-11-25` (its beginning in UTC), `2026-11-25T08:00:00Z`, or unix seconds.',
}

/** What sales can be picked by. */
export const saleParameters: readonly Parameter[] = [
  query('service', 'Only of this service.', { type: 'string' }),
  query('capability', 'Only of this capability, or of the route with this key: `GET /v1/x`.', {
    type: 'string',
  }),
  query('state', 'Only in this state.', {
    type: 'string',
    enum: ['active', 'revoked', 'expired'],
  }),
  query('from', 'Paid at this moment or later.', moment),
  query('until', 'Paid before this moment.', moment),
  query('id', 'Payment hash or token id, or its first 8 or more digits.', {
    type: 'string',
    pattern: '^[0-9A-Fa-f]{8,64}$',
  }),
]

/** Which part of a long list. */
export const pageParameters: readonly Parameter[] = [
  query('limit', `How many at most. Default ${defaultLimit}.`, {
    type: 'integer',
    minimum: 1,
    maximum: maxLimit,
  }),
  query('after', '`next` of the page before, unchanged.', { type: 'string' }),
]

/** A range of time. */
export const rangeParameters: readonly Parameter[] = saleParameters.filter(({ name }) =>
  ['from', 'until', 'service'].includes(name),
)

export function query(name: string, about: string, schema: Schema): Parameter {
  return { name, in: 'query', about, schema }
}

/**
 * One page of sales, as the query asks for it.
 *
 * @throws {AdminProblem} ADMIN_MALFORMED for a filter that cannot be, or a cursor that is none;
 *   ADMIN_NOT_FOUND for a capability that nobody knows.
 */
export function readPage(call: Call): {
  readonly items: readonly Transaction[]
  readonly next: string | null
} {
  const filter = readFilter(call)
  const limit = call.query.whole('limit', { min: 1, max: maxLimit }) ?? defaultLimit
  const after = call.query.text('after')
  const page = pageOf(call, { ...filter, limit, ...(after !== undefined && { after }) })
  if (page.items.length === 0) requireKnown(call, filter)
  return { items: page.items, next: page.next ?? null }
}

/** All sales that the query asks for, page by page. */
export function* readAll(call: Call): Generator<readonly Transaction[]> {
  const filter = readFilter(call)
  let after: string | undefined
  do {
    const page = pageOf(call, {
      ...filter,
      limit: maxLimit,
      ...(after !== undefined && { after }),
    })
    if (page.items.length === 0) requireKnown(call, filter)
    yield page.items
    after = page.next
  } while (after !== undefined)
}

/** @throws {AdminProblem} ADMIN_MALFORMED when the range ends before it begins. */
export function requireOrder(from: number | undefined, until: number | undefined): void {
  if (from === undefined || until === undefined || from < until) return
  throw new AdminProblem('ADMIN_MALFORMED', 'until: expected a moment after `from`.')
}

type Filter = Omit<TransactionFilter, 'limit' | 'after'>

function readFilter({ query, control }: Call): Filter {
  const service = query.text('service')
  const sold = query.text('capability')
  const capability =
    sold === undefined ? undefined : capabilityMeant(sold, control.services(), service)
  const state = query.oneOf('state', ['active', 'revoked', 'expired'])
  const fromSeconds = query.moment('from')
  const untilSeconds = query.moment('until')
  const id = query.text('id')?.toLowerCase()
  requireOrder(fromSeconds, untilSeconds)
  if (id !== undefined && !/^[0-9a-f]{8,64}$/.test(id)) {
    throw new AdminProblem('ADMIN_MALFORMED', 'id: expected 8 to 64 hex digits.')
  }
  return {
    ...(service !== undefined && { service }),
    ...(capability !== undefined && { capability }),
    ...(state !== undefined && { state }),
    ...(fromSeconds !== undefined && { fromSeconds }),
    ...(untilSeconds !== undefined && { untilSeconds }),
    ...(id !== undefined && { id }),
  }
}

/** An empty list says that nothing was bought; of a name with a typing error it would say so wrongly. */
function requireKnown(call: Call, { capability }: Filter): void {
  if (capability === undefined || isSold(capability, call.control.services())) return
  if (pageOf(call, { capability, limit: 1 }).items.length > 0) return
  throw new AdminProblem(
    'ADMIN_NOT_FOUND',
    `No service sells "${quoted(call.query.text('capability') ?? capability)}", and it was never bought.`,
  )
}

function pageOf(
  call: Call,
  filter: TransactionFilter,
): { readonly items: readonly Transaction[]; readonly next: string | undefined } {
  return ask(() => {
    try {
      return call.control.state.transactions(filter)
    } catch (error) {
      // All the rest of the filter was checked above.
      if (filter.after === undefined || !isCallersMistake(error)) throw error
      throw new AdminProblem('ADMIN_MALFORMED', 'after: expected the cursor of the page before.')
    }
  })
}

function isCallersMistake(error: unknown): boolean {
  return error instanceof RangeError || error instanceof TypeError
}
