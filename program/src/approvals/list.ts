import type { Approval } from 'satway/journal'
import { bodyWords, wholeRequest } from '../cli/asked-about.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { grid } from '../cli/grid.ts'
import { paragraph } from '../cli/screen.ts'
import { amountWords, relativeTime } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, readListing, withJournal, writeListing } from '../desk/index.ts'
import { hostAsked, viewApproval } from './approval-view.ts'

/** Runs `satway approvals list`. */
export async function runApprovalsList(given: Given, desk: Desk = openDesk()): Promise<number> {
  const { form, limit } = readListing(given, desk)
  const all = given.has('all')
  const approvals = await withJournal(
    desk,
    () => [],
    async (journal) => await journal.approvals.list(desk.now(), all ? undefined : 'pending'),
  )
  const shown = limit === undefined ? approvals : approvals.slice(0, limit)
  writeListing(desk, form, shown.map(viewApproval), () => {
    if (approvals.length === 0)
      return all ? 'Nothing was asked.\n' : 'Nothing waits for an answer.\n'
    const answer = 'satway approvals approve ID, or deny ID'
    return `${linesOf(desk, shown)}\n${desk.screen.dim(answer)}\n`
  })
  return exitCodes.ok
}

/** A line each, and below it what it is about: all of it, however long. */
function linesOf(desk: Desk, approvals: readonly Approval[]): string {
  const rows = approvals.map((approval) => rowOf(approval, desk.now()))
  const [titles = '', ...lines] = grid(desk.screen, columnsOf(desk), rows).split('\n')
  const blocks = approvals.map(({ proposal }, i) => {
    const body = bodyWords(proposal)
    const about = [wholeRequest(proposal), ...(body === undefined ? [] : [`body: ${body}`])]
    const more = about.map((words) => paragraph(desk.screen, '  ', words))
    return `${lines[i]}\n${more.join('')}`
  })
  return `${titles}\n${blocks.join('')}`
}

function columnsOf({ screen }: Desk): Parameters<typeof grid>[1] {
  return [
    { title: 'ID', style: screen.name },
    { title: 'STATE' },
    { title: 'COST', right: true, style: screen.bold },
    { title: 'HOST' },
    { title: 'WHY' },
    { title: 'ASKED' },
    { title: 'ENDS' },
  ]
}

function rowOf(approval: Approval, nowSeconds: number): readonly string[] {
  const { id, state, proposal } = approval
  const { createdAt, expiresAt } = viewApproval(approval)
  const isOver = state === 'used' || state === 'expired'
  return [
    id,
    state,
    amountWords(`${proposal.amountMsat + proposal.maxFeeMsat}`),
    hostAsked(approval),
    proposal.askedBecause,
    relativeTime(createdAt, nowSeconds),
    isOver ? '-' : relativeTime(expiresAt, nowSeconds),
  ]
}
