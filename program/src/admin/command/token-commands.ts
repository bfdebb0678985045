import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { grid } from '../../cli/grid.ts'
import { printable } from '../../cli/printable.ts'
import type { Row, Screen } from '../../cli/screen.ts'
import { table } from '../../cli/screen.ts'
import { amountWords, relativeTime, shortHash, thousands } from '../../cli/wording.ts'
import { readPage } from './query-flags.ts'
import { openRemote } from './remote.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal, show } from './terminal.ts'

export type Token = {
  readonly token_id: string | null
  readonly payment_hash: string
  readonly state: string
  readonly service: string | null
  readonly capability: string | null
  readonly amount_msat: string
  readonly bought_at: string
  readonly valid_until: string | null
  readonly last_seen_at: string | null
  readonly uses: number
}

/** Runs `satway admin tokens list`. */
export async function runTokensList(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const answer = await readPage<Token>(openRemote(given, terminal), '/v1/tokens', given)
  const { screen } = terminal
  show(given, terminal, answer, () => {
    if (answer.items.length === 0) return 'No tokens.\n'
    const rows = answer.items.map((token) => [
      shortHash(token.token_id ?? token.payment_hash),
      token.service ?? '-',
      token.capability ?? '-',
      token.state,
      amountWords(token.amount_msat),
      relativeTime(token.bought_at, terminal.now()),
      relativeTime(token.valid_until, terminal.now()),
      thousands(String(token.uses)),
    ])
    return grid(screen, tokenColumns(screen), rows) + more(screen, answer.next)
  })
  return exitCodes.ok
}

/** Runs `satway admin tokens show`. */
export async function runTokensShow(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const id = withoutEllipsis(given.operands[0] ?? '')
  const token = await openRemote(given, terminal).call<Token>(
    'GET',
    `/v1/tokens/${encodeURIComponent(id)}`,
  )
  const { screen } = terminal
  const when = (moment: string | null): string =>
    moment === null ? '-' : `${moment} (${relativeTime(moment, terminal.now())})`
  const rows: readonly Row[] = [
    ['token id', token.token_id ?? 'not seen yet'],
    ['payment hash', token.payment_hash],
    ['state', token.state, stateStyle(screen, token.state)],
    ['service', token.service ?? '-'],
    ['capability', token.capability ?? '-'],
    ['paid', amountWords(token.amount_msat)],
    ['bought', when(token.bought_at)],
    ['valid until', when(token.valid_until)],
    ['last seen', when(token.last_seen_at)],
    ['used', thousands(String(token.uses))],
  ]
  show(given, terminal, token, () => table(screen, rows.map(printableRow)))
  return exitCodes.ok
}

/** The tables cut hashes, and whoever copies one from there copies the mark of it. */
export function withoutEllipsis(id: string): string {
  return id.replace(/(?:…|\.\.\.)$/, '')
}

function tokenColumns(screen: Screen): Parameters<typeof grid>[1] {
  return [
    { title: 'TOKEN', style: screen.name },
    { title: 'SERVICE' },
    { title: 'CAPABILITY' },
    { title: 'STATE', style: (cell) => stateStyle(screen, cell.trim())(cell) },
    { title: 'PAID', right: true },
    { title: 'BOUGHT' },
    { title: 'EXPIRES' },
    { title: 'USED', right: true },
  ]
}

/** Colours for a state of a token. */
export function stateStyle(screen: Screen, state: string): (text: string) => string {
  if (state === 'active') return screen.good
  return state === 'revoked' ? screen.bad : screen.dim
}

/** How to go on, under a page that is not the last. */
export function more(screen: Screen, next: string | null): string {
  return next === null ? '' : screen.dim(`There are more: --after ${printable(next)}`) + '\n'
}

function printableRow([name, value, style]: Row): Row {
  return style === undefined ? [name, printable(value)] : [name, printable(value), style]
}
