import type { Approval } from 'satway/journal'
import { grid } from '../admin/command/grid.ts'
import { amountWords, relativeTime } from '../admin/command/wording.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, readListing, withJournal, writeListing } from '../desk/index.ts'
import { askedFor, viewApproval } from './approval-view.ts'

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
    const rows = shown.map((approval) => rowOf(approval, desk.now()))
    const answer = 'satway approvals approve ID, or deny ID'
    return `${grid(desk.screen, columnsOf(desk), rows)}\n${desk.screen.dim(answer)}\n`
  })
  return exitCodes.ok
}

function columnsOf({ screen }: Desk): Parameters<typeof grid>[1] {
  return [
    { title: 'ID', style: screen.name },
    { title: 'STATE' },
    { title: 'COST', right: true, style: screen.bold },
    { title: 'HOST' },
    { title: 'WHAT' },
    { title: 'WHY' },
    { title: 'ASKED' },
  ]
}

function rowOf(approval: Approval, nowSeconds: number): readonly string[] {
  const { id, state, proposal } = approval
  const { host, what } = askedFor(approval)
  return [
    id,
    state,
    amountWords(`${proposal.amountMsat + proposal.maxFeeMsat}`),
    host,
    what,
    proposal.askedBecause,
    relativeTime(viewApproval(approval).createdAt, nowSeconds),
  ]
}
