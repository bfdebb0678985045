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
  /** The price that was asked for; `outcome` says whether it was paid. Msat, in digits. */
  readonly amountMsat: string | null
  /** What the route took, when it was paid. */
  readonly feeMsat: string | null
  /** With `--dry-run`: the most that the route may take. */
  readonly maxFeeMsat: string | null
  /** Of the invoice that was asked for, 64 hex digits. */
  readonly paymentHash: string | null
  readonly dryRun: boolean
  /** Where the body was written, with `--output`. */
  readonly output: string | null
  /** Where what was bought was written, with `--credential`. */
  readonly credential: string | null
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
  const { amountMsat, feeMsat, maxFeeMsat, paymentHash, outcome, error } = report
  if (amountMsat === null) return error === null ? 'Free: nothing was paid.\n' : ''
  const price = screen.bold(amountIn(amountMsat))
  if (feeMsat !== null) {
    const gone = screen.dim(
      report.credential === null
        ? 'The token was kept in memory only, and is gone now. To keep it: --credential FILE\n'
        : `What was bought is in ${report.credential}: curl -H @${report.credential} URL\n`,
    )
    return `Paid ${price}, fee ${amountIn(feeMsat)}.\nPayment hash ${paymentHash}\n${gone}`
  }
  if (outcome === 'unknown') return `Price ${price}.\nPayment hash ${paymentHash}\n`
  if (error === null && maxFeeMsat !== null) {
    const route = `and at most ${amountIn(maxFeeMsat)} for the route`
    return `Price ${price}, ${route}.\nEvery check passed. Nothing was paid.\n`
  }
  // This error names the price itself.
  return error?.code === 'BUDGET_EXCEEDED' ? '' : `Price ${price}.\n`
}

function amountIn(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}

function reason(screen: Screen, { error }: GetReport): string {
  if (error === null) return ''
  const advice = error.advice === null ? '' : `${error.advice}\n`
  return `${screen.bad('satway get:')} ${printable(error.message)}\n${advice}`
}
