import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure } from '../../cli/failure.ts'
import { printable } from '../../cli/printable.ts'
import type { Row, Screen } from '../../cli/screen.ts'
import { paragraph, table } from '../../cli/screen.ts'
import { grid } from './grid.ts'
import { readPage } from './query-flags.ts'
import type { Remote } from './remote.ts'
import { openRemote } from './remote.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal, show } from './terminal.ts'
import { amountWords, relativeTime, shortHash, thousands } from './wording.ts'

type Token = {
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
type Revocation = { readonly id: string; readonly reason: string; readonly revoked_at: string }

const prefix = /^[0-9a-f]{8,63}$/i

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
    ['uses', thousands(String(token.uses))],
  ]
  show(given, terminal, token, () => table(screen, rows.map(printableRow)))
  return exitCodes.ok
}

/** Runs `satway admin revoke`. */
export async function runRevoke(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const remote = openRemote(given, terminal)
  const id = await revocationTarget(remote, given)
  const reason = given.text('reason')
  const answer = await remote.call<Revocation & { readonly known: boolean }>(
    'POST',
    '/v1/revocations',
    { id, ...(reason !== undefined && { reason }) },
  )
  const { screen } = terminal
  show(given, terminal, answer, () => {
    const done = paragraph(
      screen,
      '',
      `Revoked ${printable(answer.id)}. It is refused everywhere within 5 seconds.`,
    )
    if (answer.known || !/^[0-9a-f]{64}$/.test(answer.id)) return done
    const warning = 'No payment or token of this id was seen so far. Is it spelled right?'
    return done + paragraph(screen, '', warning, screen.warn)
  })
  return exitCodes.ok
}

/** Runs `satway admin revocations list`. */
export async function runRevocationsList(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const answer = await openRemote(given, terminal).call<{ readonly items: readonly Revocation[] }>(
    'GET',
    '/v1/revocations',
  )
  show(given, terminal, answer, () => {
    if (answer.items.length === 0) return 'Nothing is revoked.\n'
    const rows = answer.items.map(({ id, reason, revoked_at }) => [
      // A delegation id has a meaning, and stays whole.
      /^[0-9a-f]{64}$/.test(id) ? shortHash(id) : id,
      relativeTime(revoked_at, terminal.now()),
      reason,
    ])
    const columns = [{ title: 'ID', style: terminal.screen.name }, { title: 'REVOKED' }]
    return grid(terminal.screen, [...columns, { title: 'REASON' }], rows)
  })
  return exitCodes.ok
}

/** Runs `satway admin unrevoke`. */
export async function runUnrevoke(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const remote = openRemote(given, terminal)
  const asked = withoutEllipsis(given.operands[0] ?? '')
  const id = prefix.test(asked) ? await revokedAs(remote, asked) : asked
  await remote.call('DELETE', `/v1/revocations/${encodeURIComponent(id)}`)
  show(
    given,
    terminal,
    { unrevoked: id },
    () => `${printable(id)} is no longer revoked: it works again within 5 seconds.\n`,
  )
  return exitCodes.ok
}

/** What is to be revoked: the first digits of a hash, as the tables show them, stand for the whole. */
async function revocationTarget(remote: Remote, given: Given): Promise<string> {
  const asked = withoutEllipsis(given.operands[0] ?? '')
  if (given.has('delegation') || !prefix.test(asked)) return asked
  const { items } = await remote.call<{ readonly items: readonly Token[] }>(
    'GET',
    `/v1/tokens?id=${asked}&limit=2`,
  )
  const [token, another] = items
  if (token === undefined) {
    throw new Failure(`No token or payment begins with ${asked}.`, {
      advice: 'Give all 64 digits, or --delegation if this is the id of a delegation.',
    })
  }
  if (another !== undefined) {
    throw new Failure(`Several tokens begin with ${asked}: give more digits.`)
  }
  const { token_id, payment_hash } = token
  return token_id?.startsWith(asked.toLowerCase()) === true ? token_id : payment_hash
}

async function revokedAs(remote: Remote, asked: string): Promise<string> {
  const { items } = await remote.call<{ readonly items: readonly Revocation[] }>(
    'GET',
    '/v1/revocations',
  )
  if (items.some(({ id }) => id === asked)) return asked
  const found = items.filter(({ id }) => id.startsWith(asked.toLowerCase()))
  if (found.length === 1) return found[0]!.id
  throw new Failure(
    found.length === 0
      ? `Nothing that is revoked begins with ${asked}.`
      : `Several revocations begin with ${asked}: give more digits.`,
    { advice: 'See them all: satway admin revocations list' },
  )
}

/** The tables cut hashes, and whoever copies one from there copies the mark of it. */
function withoutEllipsis(id: string): string {
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
    { title: 'USES', right: true },
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
