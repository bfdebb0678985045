import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import type { Desk } from './desk.ts'

const defaultForPeople = 50
const mostForPeople = 10_000

/** How a list is to be written, and how much of it. */
export type Listing = {
  readonly form: 'json' | 'ndjson' | 'people'
  /** `undefined`: all. */
  readonly limit: number | undefined
}

/** @throws {UsageMistake} */
export function readListing(given: Given, { screen }: Desk): Listing {
  if (given.has('json') && given.has('ndjson')) {
    throw new UsageMistake('--json and --ndjson are two forms; give one')
  }
  const form = formOf(given, screen.interactive)
  const limit = readLimit(given.text('limit'))
  if (form !== 'people') return { form, limit }
  return { form, limit: Math.min(limit ?? defaultForPeople, mostForPeople) }
}

/** Writes a list. `forPeople` ends its text with a line break. */
export function writeListing<Item>(
  { screen }: Desk,
  form: Listing['form'],
  items: readonly Item[],
  forPeople: () => string,
): void {
  if (form !== 'ndjson') {
    screen.write(form === 'people' ? forPeople() : `${JSON.stringify(items, null, 2)}\n`)
    return
  }
  // In pieces: 100 000 lines are more than one string should be.
  for (let at = 0; at < items.length; at += 1000) {
    const lines = items.slice(at, at + 1000).map((item) => `${JSON.stringify(item)}\n`)
    screen.write(lines.join(''))
  }
}

/** Writes one thing: JSON for a pipe, or where it was asked for. */
export function writeOne(
  given: Given,
  { screen }: Desk,
  item: unknown,
  forPeople: () => string,
): void {
  const asJson = given.has('json') || !screen.interactive
  screen.write(asJson ? `${JSON.stringify(item, null, 2)}\n` : forPeople())
}

function formOf(given: Given, interactive: boolean): Listing['form'] {
  if (given.has('ndjson')) return 'ndjson'
  return given.has('json') || !interactive ? 'json' : 'people'
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new UsageMistake('--limit: expected a whole number from 1 to 9999999')
}
