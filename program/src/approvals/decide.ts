import type { Approval, Approvals } from 'satway/journal'
import { bodyWords, wholeRequest } from '../cli/asked-about.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { printable } from '../cli/printable.ts'
import type { Row } from '../cli/screen.ts'
import { table } from '../cli/screen.ts'
import { amountWords, durationWords, relativeTime, whyAsked } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { confirmed, openDesk, requireOperator, withJournal } from '../desk/index.ts'
import { hostAsked, viewApproval } from './approval-view.ts'

type Answer = 'approved' | 'denied'

/** Runs `satway approvals approve`. */
export async function runApprove(given: Given, desk: Desk = openDesk()): Promise<number> {
  requireOperator(desk, 'approve a payment')
  return await withQuestion(given, desk, 'approved', async (approvals, question) => {
    desk.notes.write(card(desk, question))
    const most = mostOf(question)
    const asked = `Allow at most ${most} to ${printable(hostAsked(question))}?`
    if (!(await confirmed(desk, given.has('yes'), asked))) {
      const stays = question.state === 'denied' ? 'stays denied' : 'stays open'
      desk.notes.write(`Nothing was decided; the question ${stays}.\n`)
      return exitCodes.refused
    }
    const decided = await decide(approvals, question, 'approved', desk)
    const words = `Approved: at most ${most}, for one payment within ${validFor(decided, desk)}.`
    return said(given, desk, decided, words)
  })
}

/** Runs `satway approvals deny`. */
export async function runDeny(given: Given, desk: Desk = openDesk()): Promise<number> {
  return await withQuestion(given, desk, 'denied', async (approvals, question) => {
    const decided = await decide(approvals, question, 'denied', desk)
    const words = `Denied. The same is not asked again for ${validFor(decided, desk)}.`
    return said(given, desk, decided, words)
  })
}

async function withQuestion(
  given: Given,
  desk: Desk,
  answer: Answer,
  use: (approvals: Approvals, question: Approval) => Promise<number>,
): Promise<number> {
  const [id = ''] = given.operands
  return await withJournal(
    desk,
    () => {
      throw notAsked(id)
    },
    async ({ approvals }) => {
      const question = await approvals.find(id)
      if (question === undefined) throw notAsked(id)
      requireAnswerable(question, answer, desk.now())
      return await use(approvals, question)
    },
  )
}

/** An answer that is in force can be turned. */
function requireAnswerable(question: Approval, answer: Answer, nowSeconds: number): void {
  const { id, state, expiresAtSeconds } = question
  const refuse = (message: string, advice: string): never => {
    throw new Failure(message, { exitCode: exitCodes.refused, advice })
  }
  if (state === 'used') {
    refuse(
      `Question ${id} was approved, and the approval is used.`,
      '`satway receipts list` shows what became of it. The next such call asks again.',
    )
  }
  if (state === 'expired' || nowSeconds >= expiresAtSeconds) {
    refuse(
      `Question ${id} is not open any more: it has expired.`,
      'When the call is made again, it asks again.',
    )
  }
  if (state === answer) {
    const other = answer === 'approved' ? 'deny' : 'approve'
    refuse(
      `Question ${id} is ${answer} already.`,
      `To change that: satway approvals ${other} ${id}`,
    )
  }
}

/** It may have been answered, or have expired, while somebody thought about it. */
async function decide(
  approvals: Approvals,
  { id }: Approval,
  answer: Answer,
  desk: Desk,
): Promise<Approval> {
  try {
    return await approvals.decide(id, answer, desk.now())
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new Failure(`Question ${id} was answered, used or expired meanwhile.`, {
      exitCode: exitCodes.refused,
      advice: 'See how it stands: satway approvals list --all',
    })
  }
}

function validFor({ expiresAtSeconds }: Approval, { now }: Desk): string {
  return durationWords(Math.max(1, Math.floor(expiresAtSeconds) - now())) ?? '1 s'
}

function said(given: Given, { screen }: Desk, decided: Approval, words: string): number {
  const text = given.has('json') ? JSON.stringify(viewApproval(decided), null, 2) : words
  screen.write(`${text}\n`)
  return exitCodes.ok
}

function card({ notes, now }: Desk, question: Approval): string {
  const { proposal, id } = question
  const { createdAt, expiresAt } = viewApproval(question)
  const words = proposal.description
  const rows: readonly Row[] = [
    ['Question', id],
    ['Cost', amountWords(`${proposal.amountMsat}`), notes.bold],
    ['Fee at most', amountWords(`${proposal.maxFeeMsat}`)],
    ['Host', printable(hostAsked(question))],
    ['Request', wholeRequest(proposal)],
    ['Body', bodyWords(proposal) ?? 'none'],
    ['Sold as', proposal.capability === undefined ? '-' : printable(proposal.capability)],
    ['Payee', proposal.payee],
    ['Its words', words === '' ? '-' : `“${printable(words)}” (nobody checked these)`],
    ['Asked', `${relativeTime(createdAt, now())}, because ${whyAsked[proposal.askedBecause]}`],
    [question.state === 'denied' ? 'Denied until' : 'Open until', relativeTime(expiresAt, now())],
  ]
  return `${table(notes, rows, 0)}\n`
}

function mostOf({ proposal }: Approval): string {
  return amountWords(`${proposal.amountMsat + proposal.maxFeeMsat}`)
}

function notAsked(id: string): Failure {
  return new Failure(`There is no question ${printable(id.slice(0, 64))}.`, {
    advice: '`satway approvals list` shows the open ones.',
  })
}
