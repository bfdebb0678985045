import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import { grid } from '../../cli/grid.ts'
import { printable } from '../../cli/printable.ts'
import type { Row } from '../../cli/screen.ts'
import { paragraph, table } from '../../cli/screen.ts'
import { amountWords, relativeTime, shortHash, thousands } from '../../cli/wording.ts'
import type { Remote } from './remote.ts'
import { openRemote } from './remote.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal, show } from './terminal.ts'
import type { Token } from './token-commands.ts'
import { withoutEllipsis } from './token-commands.ts'

type Revocation = { readonly id: string; readonly reason: string; readonly revoked_at: string }
type Revoked = Revocation & {
  readonly kind: 'token' | 'delegation'
  readonly known: boolean
  readonly token: Token | null
}

const prefix = /^[0-9a-f]{8,63}$/i
/** Longer than an answer takes. */
const justNowSeconds = 30

/**
 * Runs `satway admin revoke`.
 *
 * @spec gateway.md R-ADM-17
 */
export async function runRevoke(
  given: Given,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const isDelegation = given.has('delegation')
  const isUnseen = given.has('unseen')
  if (isDelegation && isUnseen) {
    throw new UsageMistake(
      '--delegation and --unseen: one of them; a delegation is never looked up',
    )
  }
  const reason = given.text('reason')
  const answer = await openRemote(given, terminal).call<Revoked>('POST', '/v1/revocations', {
    id: withoutEllipsis(given.operands[0] ?? ''),
    kind: isDelegation ? 'delegation' : 'token',
    ...(isUnseen && { unseen: true }),
    ...(reason !== undefined && { reason }),
  })
  show(given, terminal, answer, () => sayRevoked(answer, terminal))
  return exitCodes.ok
}

function sayRevoked(answer: Revoked, { screen, now }: Terminal): string {
  const { id, kind, known, token, revoked_at, reason } = answer
  const what = kind === 'delegation' ? 'the delegation ' : ''
  const isOld = now() - Date.parse(revoked_at) / 1000 > justNowSeconds
  const why = reason === '' ? '' : ` (${printable(reason)})`
  const first = isOld
    ? `Revoked before, ${relativeTime(revoked_at, now())}${why}: ${what}${printable(id)}`
    : `Revoked ${what}${printable(id)}`
  const rows: readonly Row[] =
    token === null
      ? []
      : [
          ['service', printable(token.service ?? '-')],
          ['paid', amountWords(token.amount_msat)],
          [
            'used',
            token.uses === 1 ? 'once so far' : `${thousands(String(token.uses))} times so far`,
          ],
        ]
  const unseen = kind === 'token' && !known
  const last = unseen
    ? 'No token of this id was seen so far. Should one come, it is refused everywhere in 5 seconds from now.'
    : 'It is refused everywhere within 5 seconds.'
  return `${first}\n${table(screen, rows)}${paragraph(screen, '', last)}`
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
