import type { Given } from '../../cli/command.ts'
import { UsageMistake } from '../../cli/failure.ts'
import type { Remote } from './remote.ts'

const filters = ['service', 'capability', 'state', 'from', 'until', 'id'] as const
const defaultLimit = 100
const maxLimit = 1000

/**
 * The flags that pick, as a query. The API checks them.
 *
 * @returns with its `?`, or empty.
 */
export function queryOf(given: Given, more: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams(more)
  for (const name of filters) {
    const value = given.text(name)
    if (value !== undefined) parameters.set(name, value)
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

/** What one question brought, and where the rest begins. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null }

/**
 * As many items as `--limit` asks for, if there are so many: a page of the API may be shorter than
 * was asked for, although more follow.
 */
export async function readPage<T>(remote: Remote, path: string, given: Given): Promise<Page<T>> {
  const limit = readLimit(given.text('limit'))
  let items: readonly T[] = []
  let next = given.text('after') ?? null
  do {
    const more = { limit: String(limit - items.length), ...(next !== null && { after: next }) }
    const page = await remote.call<Page<T>>('GET', `${path}${queryOf(given, more)}`)
    items = [...items, ...page.items]
    next = page.next
  } while (next !== null && items.length < limit)
  return { items, next }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return defaultLimit
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= maxLimit) return Number(text)
  throw new UsageMistake(`--limit: expected a whole number from 1 to ${maxLimit}`)
}
