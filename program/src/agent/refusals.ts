import type { L402Error } from 'satway'
import { formatMsat, msat } from 'satway'
import type { LimitName, RefusalReason } from 'satway/client'
import { walletAdvice } from './wallet.ts'

/** Why something is not paid, and what to do about it. */
export type Words = { readonly message: string; readonly advice: string }

/** Of POLICY_REFUSED. */
export function refusalWords({ message, details }: L402Error): Words {
  const reason = details['reason']
  if (reason === 'approval-pending') return pendingWords(details['approvalId'])
  const words = Object.hasOwn(byReason, String(reason))
    ? byReason[reason as keyof typeof byReason]
    : undefined
  if (words === undefined) return { message, advice: nothingPaid }
  const [why, next] = words
  if (reason === 'policy')
    return { message: why, advice: `${nothingPaid} ${policyAdvice(details['hint'])}` }
  return { message: why, advice: next === walletAdvice ? next : `${nothingPaid} ${next}` }
}

/** Of BUDGET_EXCEEDED. */
export function limitWords({ message, details }: L402Error): Words {
  const { limit, amountMsat, limitMsat, leftMsat } = details
  const price = amountIn(amountMsat)
  const most = amountIn(limitMsat)
  if (price === undefined) return { message, advice: nothingPaid }
  if (limit === 'expected-price' && most !== undefined) {
    const advice = `${nothingPaid} If it is worth that to you, allow more with --max-cost.`
    return { message: `It costs ${price}, and --max-cost allows ${most}.`, advice }
  }
  const name = limits[limit as LimitName] ?? String(limit)
  const value = most === undefined ? '' : `, ${most}`
  const left = amountIn(leftMsat)
  const rest = left === undefined ? '' : ` ${left} of it is left.`
  return {
    message: `It costs ${price}, which is beyond the limit ${name}${value}.${rest}`,
    advice: `${nothingPaid} ${ofCall.has(String(limit)) ? moreForCall : moreByPolicy}`,
  }
}

const nothingPaid = 'Nothing was paid.'
const moreForCall = 'If it is worth that to you, allow more with --max-cost.'
const moreByPolicy =
  'The operator’s policy says so, and no argument changes that: satway policy show'
const inPolicy = 'The operator’s policy says so: satway policy show'
const ofCall: ReadonlySet<string> = new Set<LimitName>(['expected-price', 'per-call'])

function pendingWords(id: unknown): Words {
  const which = typeof id === 'string' ? ` ${id}` : ''
  return {
    message: `The operator was asked, and has not answered yet (approval${which}).`,
    advice: `${nothingPaid} To allow it: satway approvals approve${which || ' ID'}; then run this again.`,
  }
}

/** The library's hint says what is wrong with the policy. */
function policyAdvice(hint: unknown): string {
  const wrong = typeof hint === 'string' ? /^correct the policy: (.+)$/s.exec(hint)?.[1] : undefined
  const see = 'See what is wrong with it: satway policy show'
  return wrong === undefined ? see : `${wrong.replace(/[.…]*$/, '')}. ${see}`
}

const byReason: Readonly<
  Record<Exclude<RefusalReason, 'approval-pending'>, readonly [why: string, next: string]>
> = {
  'no-payer': ['There is something to pay, and no wallet to pay it with.', walletAdvice],
  'no-pay': ['There is something to pay, and this call must not pay.', 'Look at the price first.'],
  host: ['This server is not among those that may be paid.', `Check the URL. ${inPolicy}`],
  'new-host': [
    'Nothing was ever paid at this server, and the first payment to a new one is not allowed.',
    inPolicy,
  ],
  network: ['The invoice is for a network on which nothing may be paid.', inPolicy],
  insecure: [
    'The connection is not encrypted: others could read the proof of payment and use it.',
    'Use an https URL. Plain http is for this machine and for .onion services.',
  ],
  authorization: [
    'The request carries an Authorization header, whose place the proof of payment would take.',
    'Leave that header out, or allow it with --replace-authorization.',
  ],
  body: ['The body is too long to be sent a second time, with the payment.', 'Send a shorter one.'],
  payee: [
    'The invoice is signed by somebody who may not be paid.',
    `Look at it with --dry-run. ${inPolicy}`,
  ],
  'opaque-token': [
    'What the token is for cannot be read, so it cannot be held against the invoice.',
    'Ask whoever runs the server.',
  ],
  expiry: [
    'The invoice stays valid for more than a week, which no honest server needs.',
    'Ask whoever runs the server.',
  ],
  'other-origin': [
    'This invoice came from another server before. Paying it here would buy nothing.',
    'Ask again: a sound server makes an invoice of its own.',
  ],
  declined: [
    'Whoever was asked did not agree.',
    'Ask them; `satway approvals list` shows how long that answer holds.',
  ],
  'private-address': [
    'The way leads to this machine or the network around it, and a stranger chose it.',
    'If that is meant, ask there directly, or let the operator name the host in allow_private.',
  ],
  owed: [
    'This server was paid before, and did not accept the proof.',
    'Try `satway resume HASH`; `satway tokens list` shows the payment hashes.',
  ],
  policy: [
    'The operator’s policy cannot be read, and without it nothing is paid.',
    'See what is wrong with it: satway policy show',
  ],
  invoices: ['Bare invoices are not paid.', `${inPolicy} (\`invoices\`)`],
}

const limits: Readonly<Record<LimitName, string>> = {
  'expected-price': 'on the price',
  'per-call': 'on one call',
  'per-payment': 'on one payment with its fee',
  'per-hour': 'on an hour',
  'per-day': 'on a day',
  'per-host': 'on this server',
  total: 'on all of it',
}

function amountIn(digits: string | number | boolean | undefined): string | undefined {
  return typeof digits === 'string' && /^\d+$/.test(digits)
    ? formatMsat(msat(BigInt(digits)))
    : undefined
}
