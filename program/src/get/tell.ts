import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import type { CallReport } from '../schema/index.ts'
import type { Place } from './place/index.ts'
import type { Beside } from './report.ts'
import { leftToSpend, renderReport } from './report.ts'
import type { Setting } from './setting.ts'

/** What only the command knows. */
export type Told = {
  readonly command: 'get' | 'resume'
  readonly place?: Place | undefined
  /** As the command line names it. */
  readonly output?: string | undefined
}

/** Reports a call, to programs or to people. @returns the exit code. */
export async function tell(
  given: Given,
  setting: Setting,
  report: CallReport,
  { command, place, output }: Told,
): Promise<number> {
  if (given.has('json')) {
    const unwritten = await writeOut(`${JSON.stringify(report, null, 2)}\n`)
    if (unwritten !== undefined) return await tellUnwritten(setting, report, unwritten, command)
    if (report.truncated && !given.has('quiet')) setting.screen.write(cutWords(command))
    return report.exitCode
  }
  if (given.has('quiet') && report.error === null) return report.exitCode
  const { screen, tally } = setting
  const unasked = output === undefined ? (place?.path() ?? undefined) : undefined
  const text = renderReport(screen, report, {
    command,
    paidNow: tally.paid(),
    usedToken: tally.usedToken(),
    kept: place?.kept(),
    unasked,
    ...(await journalFacts(setting, report)),
  })
  screen.write(text)
  return report.exitCode
}

/** A program gets no document. Whoever looks after it finds on standard error what it would say. */
async function tellUnwritten(
  setting: Setting,
  report: CallReport,
  error: NodeJS.ErrnoException,
  command: Told['command'],
): Promise<number> {
  const isPaid = report.outcome === 'paid_delivered'
  const message = `Standard output cannot be written (${error.code ?? 'unknown reason'}).`
  const advice = isPaid
    ? `It was paid, and the answer was lost here. To ask again without paying again: satway resume ${report.paymentHash}`
    : 'Nothing was paid.'
  const lost = { code: 'FAILED', reason: null, message, advice }
  const exitCode = isPaid ? exitCodes.notDelivered : report.exitCode || exitCodes.failed
  const resume = isPaid ? report.paymentHash : report.resume
  const { screen, tally } = setting
  const text = renderReport(
    screen,
    { ...report, error: report.error ?? lost, exitCode, resume },
    {
      command,
      paidNow: tally.paid(),
      usedToken: tally.usedToken(),
      kept: undefined,
      unasked: undefined,
      ...(await journalFacts(setting, report)),
    },
  )
  screen.write(text)
  return exitCode
}

/** @returns what went wrong; `undefined`: it is written. */
async function writeOut(text: string): Promise<NodeJS.ErrnoException | undefined> {
  return await new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error ?? undefined))
  })
}

function cutWords(command: string): string {
  return `satway ${command}: the body is too long for the document, which has its beginning. --output FILE gets all of it.\n`
}

/** The call is over, and its report is true without these. */
async function journalFacts(
  { agent, tally }: Setting,
  { feeMsat, paymentHash }: CallReport,
): Promise<Pick<Beside, 'paidTo' | 'leftToSpend' | 'usesLeft'>> {
  const { ledger, tokens } = agent.journal ?? {}
  if (ledger === undefined || feeMsat === null || paymentHash === null) {
    return { paidTo: undefined, leftToSpend: undefined }
  }
  try {
    const entry = await ledger.find(paymentHash)
    const paidTo = entry === undefined ? undefined : new URL(entry.origin).host
    const [token] = (await tokens?.named(paymentHash)) ?? []
    const uses = token?.facts?.uses
    const usesLeft = uses === undefined ? undefined : uses - (token?.usesSeen ?? 0)
    if (!tally.paid()) return { paidTo, leftToSpend: undefined, usesLeft }
    const spent = await ledger.spending(Date.now() / 1000)
    return { paidTo, leftToSpend: leftToSpend(agent.policy.view(), spent), usesLeft }
  } catch {
    return { paidTo: undefined, leftToSpend: undefined }
  }
}
