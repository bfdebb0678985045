import type { StoredToken } from 'satway/client'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { grid } from '../cli/grid.ts'
import { printable } from '../cli/printable.ts'
import { shorten } from '../cli/screen.ts'
import { amountWords, relativeTime } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, readListing, withJournal, writeListing } from '../desk/index.ts'
import { originOfTokens, readOrigin } from './find-token.ts'
import { standingWords, usesLeft, viewToken } from './token-view.ts'

/** Runs `satway tokens list`. */
export async function runTokensList(given: Given, desk: Desk = openDesk()): Promise<number> {
  const { form, limit } = readListing(given, desk)
  const text = given.text('origin')
  if (text !== undefined) readOrigin(text)
  const all = given.has('all')
  const filter = {
    ...(!all && { openAtSeconds: desk.now() }),
    // One more than is shown tells whether there are more.
    ...(limit !== undefined && { limit: limit + 1 }),
  }
  const tokens = await withJournal(
    desk,
    () => [],
    async ({ tokens: book }) => {
      if (text === undefined) return await book.latest(filter)
      return await book.latest({ ...filter, origin: await originOfTokens(book, text) })
    },
  )
  const shown = limit === undefined ? tokens : tokens.slice(0, limit)
  writeListing(desk, form, shown.map(viewToken), () => {
    if (tokens.length === 0) return all ? 'No tokens.\n' : 'No tokens that open something now.\n'
    return tables(desk, shown) + rest(desk, tokens.length > shown.length)
  })
  return exitCodes.ok
}

/** One table, in which each origin has a line of its own: its name would take the room of the rest. */
function tables(desk: Desk, tokens: readonly StoredToken[]): string {
  const { screen } = desk
  const groups = [...Map.groupBy(tokens, ({ origin }) => origin)]
  const rows = groups.flatMap(([, some]) => some.map((token) => rowOf(token, desk.now())))
  const [titles = '', ...lines] = grid(screen, columnsOf(desk), rows).split('\n')
  const blocks = groups.map(([origin, some]) => {
    const name = screen.bold(printable(shorten(origin, screen.width - 1, 0)))
    return `${name}\n${lines.splice(0, some.length).join('\n')}\n`
  })
  return `${titles}\n${blocks.join('')}`
}

function columnsOf({ screen }: Desk): Parameters<typeof grid>[1] {
  return [
    { title: 'TOKEN', style: screen.name },
    { title: 'WHAT' },
    { title: 'STANDING', style: (cell) => paint(screen, cell) },
    { title: 'BOUGHT' },
    { title: 'ENDS' },
    { title: 'LEFT', right: true },
    { title: 'PRICE', right: true },
  ]
}

function rowOf(token: StoredToken, nowSeconds: number): readonly string[] {
  const { boughtAt, validUntil } = viewToken(token)
  return [
    token.id.slice(0, 8),
    token.target,
    standingWords(token, nowSeconds),
    relativeTime(boughtAt, nowSeconds),
    relativeTime(validUntil, nowSeconds),
    usesLeft(token),
    amountWords(`${token.amountMsat}`),
  ]
}

function paint(screen: Desk['screen'], cell: string): string {
  const word = cell.trim()
  if (word === 'good') return screen.good(cell)
  if (word === 'owed') return screen.warn(cell)
  return word === 'new' ? cell : screen.dim(cell)
}

function rest({ screen }: Desk, areMore: boolean): string {
  return areMore ? `\n${screen.dim('Older ones are not shown: --limit COUNT shows more.')}\n` : ''
}
