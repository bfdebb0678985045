import { formatMsat, msat } from 'satway'
import type { Spending } from 'satway/client'
import { printable } from '../cli/printable.ts'
import type { Screen } from '../cli/screen.ts'
import { wrap } from '../cli/screen.ts'
import { whyAsked } from '../cli/wording.ts'
import type { CallReport, PolicyView } from '../schema/index.ts'

/** What people are told beside what programs are. */
export type Beside = {
  readonly command: 'get' | 'resume'
  /** The host that was paid. */
  readonly paidTo: string | undefined
  /** Whether this call made the payment. */
  readonly paidNow: boolean
  readonly usedToken: boolean
  /** A sentence. */
  readonly leftToSpend: string | undefined
  /** How many requests more the token is good for; `undefined`: nobody counts them. */
  readonly usesLeft?: number | undefined
  /** Where the beginning of a body is that broke off. */
  readonly kept: string | undefined
  /** A file that was written although none was named. */
  readonly unasked: string | undefined
}

/** The summary for people, on standard error. At most 80 columns, where names allow it. */
export function renderReport(screen: Screen, report: CallReport, beside: Beside): string {
  const lines = report.dryRun ? price(screen, report) : money(screen, report, beside)
  return [...lines, ...reason(screen, report, beside)].map((line) => `${line}\n`).join('')
}

/** How much the policy still allows, in whole sat. `undefined`: it sets no limit in time. */
export function leftToSpend(policy: PolicyView, spent: Spending): string | undefined {
  const parts = (
    [
      [policy.perHourMsat, spent.hourMsat, 'this hour'],
      [policy.perDayMsat, spent.dayMsat, 'today'],
      [policy.totalMsat, spent.totalMsat, 'in all'],
    ] as const
  ).flatMap(([limit, used, when]) => {
    if (limit === null) return []
    const left = BigInt(limit) - used
    return [`${left < 0n ? 0n : left / 1000n} sat ${when}`]
  })
  return parts.length === 0 ? undefined : `Left to spend: ${parts.join(', ')}.`
}

function money(screen: Screen, report: CallReport, beside: Beside): readonly string[] {
  const { amountMsat, feeMsat, paymentHash, outcome, error } = report
  const file = beside.unasked
  const named =
    report.output === null || error !== null ? [] : [`Saved: ${printable(report.output)}`]
  const saved =
    file === undefined ? named : [`The body is no text. It was saved: ${printable(file)}`]
  if (amountMsat === null) {
    if (error !== null) return saved
    return [beside.usedToken ? openedBefore : 'Free: nothing was paid.', ...saved]
  }
  const amount = screen.bold(amountIn(amountMsat))
  if (feeMsat === null) {
    if (outcome === 'unknown') return [`Price ${amount}.`, `Payment hash ${paymentHash}`]
    // This error names the price itself.
    return error?.code === 'BUDGET_EXCEEDED' ? [] : [`Price ${amount}.`]
  }
  const to = beside.paidTo === undefined ? '' : `, to ${printable(beside.paidTo)}`
  const when = beside.paidNow ? 'Paid' : 'Paid before:'
  const token =
    report.credential === null
      ? keptWords(beside.usesLeft)
      : `What was bought is also in ${report.credential}: curl -H @${report.credential} URL`
  return [
    `${when} ${amount}, fee ${amountIn(feeMsat)}${to}.`,
    `Payment hash ${paymentHash}`,
    ...(error === null ? [screen.dim(token)] : []),
    ...(beside.leftToSpend === undefined ? [] : [screen.dim(beside.leftToSpend)]),
    ...saved,
  ]
}

function keptWords(usesLeft: number | undefined): string {
  if (usesLeft === undefined) return 'The token is kept, and used as long as it is good.'
  if (usesLeft <= 0) return 'That used up what was bought: the next call is paid for anew.'
  return `The token is kept: it is good for ${usesLeft} ${usesLeft === 1 ? 'request' : 'requests'} more.`
}

const openedBefore = 'Nothing was paid: a token from an earlier payment opened it.'

function price(screen: Screen, report: CallReport): readonly string[] {
  const { amountMsat, maxFeeMsat, error, quote, asks } = report
  if (error !== null) {
    const isNamed = error.code === 'BUDGET_EXCEEDED' || amountMsat === null
    return isNamed ? [] : [`Price ${screen.bold(amountIn(amountMsat))}.`]
  }
  if (quote === 'covered') return ['A token from an earlier payment opens it. Nothing was paid.']
  if (amountMsat === null || maxFeeMsat === null) return ['Free: nothing was paid.']
  const route = `and at most ${amountIn(maxFeeMsat)} for the route`
  const first = asks === null ? [] : [`You would be asked first: ${whyAsked[asks]}.`]
  return [
    `Price ${screen.bold(amountIn(amountMsat))}, ${route}.`,
    ...first,
    'Every check passed. Nothing was paid.',
  ]
}

function reason(screen: Screen, report: CallReport, beside: Beside): readonly string[] {
  const { error } = report
  if (error === null) return []
  const [first = '', ...more] = wrap(
    `satway ${beside.command}: ${printable(error.message)}`,
    screen.width,
  )
  const mark = `satway ${beside.command}:`
  return [
    first.replace(mark, screen.bad(mark)),
    ...more,
    ...(error.advice === null ? [] : wrap(shortened(error.advice, report), screen.width)),
    ...next(report, beside),
  ]
}

/** So much of a hash is enough for `satway resume`, and a command stays in one line. */
function shortened(advice: string, { resume }: CallReport): string {
  const text = printable(advice)
  return resume === null ? text : text.replaceAll(resume, resume.slice(0, 12))
}

/** What to type to go on. */
function next({ resume, approvalId, error }: CallReport, beside: Beside): readonly string[] {
  const said = error?.advice ?? ''
  const lines: string[] = []
  if (approvalId !== null && !said.includes(approvalId)) {
    lines.push(`To allow it: satway approvals approve ${approvalId}`)
  }
  if (beside.kept !== undefined) {
    lines.push(`What has arrived is in ${printable(beside.kept)}: --continue goes on with it.`)
  }
  if (resume !== null && !/satway (?:resume|tokens abandon)/.test(said)) {
    lines.push(`To go on with it, without paying: satway resume ${resume.slice(0, 12)}`)
  }
  return lines
}

function amountIn(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
