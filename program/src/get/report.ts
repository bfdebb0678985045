import type { Code } from 'satway'
import { formatMsat, msat } from 'satway'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'

/** What `satway get --json` writes. Every member is always there; what does not apply is `null`. */
export type GetReport = {
  readonly outcome: 'not_paid' | 'paid_delivered' | 'paid_not_delivered' | 'refused' | 'unknown'
  readonly method: string
  readonly url: string
  /** The HTTP status, when there was an answer. */
  readonly status: number | null
  readonly contentType: string | null
  /** What was paid, or with `--dry-run` what would be. Thousandths of a satoshi, in digits. */
  readonly amountMsat: string | null
  /** What the route took. With `--dry-run`: the most that it may take. */
  readonly feeMsat: string | null
  readonly paymentHash: string | null
  readonly dryRun: boolean
  /** Where the body was written, with `--output`. */
  readonly output: string | null
  readonly body: string | null
  /** `base64` for a body that is not UTF-8. */
  readonly bodyEncoding: 'utf8' | 'base64' | null
  readonly error: ReportedError | null
  readonly exitCode: number
}

export type ReportedError = {
  /** From spec/errors.md; the last three are this program's. */
  readonly code: Code | 'HTTP_STATUS' | 'INTERRUPTED' | 'NETWORK'
  readonly message: string
  readonly advice: string | null
}

/** The summary for people, on standard error. */
export function renderReport(screen: Screen, report: GetReport): string {
  return money(screen, report) + reason(screen, report)
}

function money(screen: Screen, report: GetReport): string {
  const { amountMsat, feeMsat, dryRun } = report
  const amount = amountMsat === null ? '' : formatMsat(msat(BigInt(amountMsat)))
  const fee = feeMsat === null ? '' : formatMsat(msat(BigInt(feeMsat)))
  if (dryRun && amountMsat !== null) {
    return (
      `Price ${screen.bold(amount)}, and at most ${fee} for the route. ` +
      `Checked: it would be paid. Nothing was.\n`
    )
  }
  if (report.outcome === 'unknown') return ''
  if (amountMsat === null) return report.error === null ? 'Free: nothing was paid.\n' : ''
  return (
    `Paid ${screen.bold(amount)}, fee ${fee}, payment ${report.paymentHash?.slice(0, 16)}…\n` +
    screen.dim('The token was kept in memory only, and is gone now.\n')
  )
}

function reason(screen: Screen, { error }: GetReport): string {
  if (error === null) return ''
  const advice = error.advice === null ? '' : `${error.advice}\n`
  return `${screen.bad('satway get:')} ${printable(error.message)}\n${advice}`
}
