import type { Given } from '../cli/command.ts'
import type { CallReport, QuoteReport } from '../schema/index.ts'
import type { Place } from './place/index.ts'
import { leftToSpend, renderReport } from './report.ts'
import type { Setting } from './setting.ts'

/** What only the command knows. */
export type Told = {
  readonly command: 'get' | 'resume'
  readonly place?: Place | undefined
  /** As the command line names it. */
  readonly output?: string | undefined
  readonly asks?: QuoteReport['asks']
}

/** Reports a call, to programs or to people. @returns the exit code. */
export async function tell(
  given: Given,
  setting: Setting,
  report: CallReport,
  { command, place, output, asks = null }: Told,
): Promise<number> {
  if (given.has('json')) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
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
    asks,
    ...(await journalFacts(setting, report)),
  })
  screen.write(text)
  return report.exitCode
}

/** The call is over, and its report is true without these. */
async function journalFacts(
  { agent, tally }: Setting,
  { feeMsat, paymentHash }: CallReport,
): Promise<{ readonly paidTo: string | undefined; readonly leftToSpend: string | undefined }> {
  const ledger = agent.journal?.ledger
  if (ledger === undefined || feeMsat === null || paymentHash === null) {
    return { paidTo: undefined, leftToSpend: undefined }
  }
  try {
    const entry = await ledger.find(paymentHash)
    const paidTo = entry === undefined ? undefined : new URL(entry.origin).host
    if (!tally.paid()) return { paidTo, leftToSpend: undefined }
    const spent = await ledger.spending(Date.now() / 1000)
    return { paidTo, leftToSpend: leftToSpend(agent.policy.view(), spent) }
  } catch {
    return { paidTo: undefined, leftToSpend: undefined }
  }
}
