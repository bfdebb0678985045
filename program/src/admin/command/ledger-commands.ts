import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { UsageMistake } from '../../cli/failure.ts'
import { grid } from '../../cli/grid.ts'
import { printable } from '../../cli/printable.ts'
import type { Row } from '../../cli/screen.ts'
import { paragraph, table } from '../../cli/screen.ts'
import {
  amountWords,
  durationWords,
  relativeTime,
  shortHash,
  thousands,
} from '../../cli/wording.ts'
import { queryOf, readPage } from './query-flags.ts'
import { openRemote } from './remote.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal, show } from './terminal.ts'
import { more, stateStyle } from './token-commands.ts'

type Transaction = {
  readonly payment_hash: string
  readonly amount_msat: string
  readonly settled_at: string
  readonly service: string | null
  readonly capability: string | null
  readonly state: string
  readonly uses: number
}
type Figures = {
  readonly payments: number
  readonly revenue_msat: string
  readonly uses: number
}
type Stats = {
  readonly from: string
  readonly until: string
  readonly total: Figures
  readonly items: readonly (Figures & {
    readonly service: string | null
    readonly day: string
  })[]
}
type Health = {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail: string
    readonly duration_ms: number
  }[]
}
type Info = {
  readonly version: string
  readonly network: string
  readonly started_at: string
  readonly uptime_seconds: number
  readonly config_file: string | null
  readonly workers: number
  readonly services: number
  readonly scopes: readonly string[]
}

const daySeconds = 86_400

/** Runs `satway admin info`. */
export async function runInfo(given: Given, terminal: Terminal = openTerminal()): Promise<number> {
  const remote = openRemote(given, terminal)
  const info = await remote.call<Info>('GET', '/v1/info')
  const { screen } = terminal
  show(given, terminal, info, () => {
    const rows: readonly Row[] = [
      ['gateway', `satway ${info.version}, admin at ${remote.address}`],
      ['network', info.network],
      ['running for', durationWords(info.uptime_seconds) ?? '0 s'],
      ['configuration', info.config_file ?? 'from the command line'],
      ['workers', String(info.workers)],
      ['services', String(info.services)],
      ['your macaroon', info.scopes.join(', ')],
    ]
    return table(
      screen,
      rows.map(([name, value]): Row => [name, printable(value)]),
    )
  })
  return exitCodes.ok
}

/** Runs `satway admin health`. Needs no macaroon. */
export async function runHealth(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const health = await openRemote(given, terminal, { open: true }).call<Health>('GET', '/readyz')
  const { screen } = terminal
  show(given, terminal, health, () => {
    const rows = health.checks.map(({ name, ok, detail, duration_ms }) => [
      name,
      ok ? 'ok' : 'failed',
      `${Math.round(duration_ms)} ms`,
      detail,
    ])
    const verdict = health.ok ? screen.good('Ready.') : screen.bad('Not ready.')
    const columns = [
      { title: 'CHECK', style: screen.name },
      {
        title: 'STATE',
        style: (cell: string) => (cell.trim() === 'ok' ? screen.good(cell) : screen.bad(cell)),
      },
      { title: 'TOOK', right: true },
      { title: 'DETAIL' },
    ]
    return `${verdict}\n${grid(screen, columns, rows)}`
  })
  return health.ok ? exitCodes.ok : exitCodes.failed
}

/** Runs `satway admin transactions list`. */
export async function runTransactionsList(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  for (const flag of given.has('csv') ? ['limit', 'after', 'json'] : []) {
    if (given.has(flag)) throw new UsageMistake(`--csv and --${flag}: one of them`)
  }
  const remote = openRemote(given, terminal)
  if (given.has('csv')) {
    await remote.stream(
      `/v1/transactions${queryOf(given, { format: 'csv' })}`,
      async (chunk) => await terminal.writeChunk(chunk),
    )
    return exitCodes.ok
  }
  const answer = await readPage<Transaction>(remote, '/v1/transactions', given)
  const { screen } = terminal
  show(given, terminal, answer, () => {
    if (answer.items.length === 0) return 'No payments.\n'
    const rows = answer.items.map((payment) => [
      relativeTime(payment.settled_at, terminal.now()),
      shortHash(payment.payment_hash),
      payment.service ?? '-',
      payment.capability ?? '-',
      amountWords(payment.amount_msat),
      payment.state,
      thousands(String(payment.uses)),
    ])
    const columns = [
      { title: 'PAID' },
      { title: 'PAYMENT HASH', style: screen.name },
      { title: 'SERVICE' },
      { title: 'CAPABILITY' },
      { title: 'AMOUNT', right: true },
      { title: 'STATE', style: (cell: string) => stateStyle(screen, cell.trim())(cell) },
      { title: 'USED', right: true },
    ]
    return grid(screen, columns, rows) + more(screen, answer.next)
  })
  return exitCodes.ok
}

/** Runs `satway admin stats`. */
export async function runStats(given: Given, terminal: Terminal = openTerminal()): Promise<number> {
  const days = readDays(given.text('days') ?? '7')
  // Whole days, today's included.
  const until = (Math.floor(terminal.now() / daySeconds) + 1) * daySeconds
  const range = { from: String(Math.max(0, until - days * daySeconds)), until: String(until) }
  const stats = await openRemote(given, terminal).call<Stats>(
    'GET',
    `/v1/stats${queryOf(given, range)}`,
  )
  const { screen } = terminal
  show(given, terminal, stats, () => {
    const period = days === 1 ? 'today' : `the last ${days} days`
    if (stats.items.length === 0) return `No payments in ${period} (UTC).\n`
    const rows = stats.items.map((line) => [line.day, line.service ?? '-', ...figures(line)])
    const columns = [
      { title: 'DAY' },
      { title: 'SERVICE', style: screen.name },
      { title: 'PAYMENTS', right: true },
      { title: 'REVENUE', right: true },
      { title: 'USED', right: true },
    ]
    const [payments, revenue, uses] = figures(stats.total)
    const total = `Together in ${period}: ${revenue} from ${payments} payments, ${uses} uses.`
    return grid(screen, columns, rows) + paragraph(screen, '', total, screen.bold)
  })
  return exitCodes.ok
}

function figures({ payments, revenue_msat, uses }: Figures): readonly [string, string, string] {
  return [thousands(String(payments)), amountWords(revenue_msat), thousands(String(uses))]
}

function readDays(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 3660) return Number(text)
  throw new UsageMistake('--days: expected a whole number from 1 to 3660')
}
