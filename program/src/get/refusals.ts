import type { L402Error } from 'satway'
import { formatMsat, msat } from 'satway'
import type { LimitName, RefusalReason } from 'satway/client'
import { walletAdvice } from './wallet.ts'

/** Why something is not paid, and what to do about it. */
export type Words = { readonly message: string; readonly advice: string }

/** Of POLICY_REFUSED. */
export function refusalWords({ message, details }: L402Error): Words {
  const words = byReason[details['reason'] as RefusalReason]
  if (words === undefined) return { message, advice: nothingPaid }
  const [why, next] = words
  return { message: why, advice: next === walletAdvice ? next : `${nothingPaid} ${next}` }
}

/** Of BUDGET_EXCEEDED. */
export function limitWords({ message, details }: L402Error): Words {
  const { limit, amountMsat, limitMsat } = details
  const price = amountIn(amountMsat)
  const most = amountIn(limitMsat)
  const advice = `${nothingPaid} If it is worth that to you, allow more with --max-cost.`
  if (price === undefined) return { message, advice: nothingPaid }
  if (limit === 'expected-price' && most !== undefined) {
    return { message: `It costs ${price}, and --max-cost allows ${most}.`, advice }
  }
  const name = limits[limit as LimitName] ?? String(limit)
  const value = most === undefined ? '' : `, ${most}`
  return { message: `It costs ${price}, which is beyond the limit ${name}${value}.`, advice }
}

const nothingPaid = 'Nothing was paid.'

const byReason: Readonly<Record<RefusalReason, readonly [why: string, next: string]>> = {
  'no-payer': ['There is something to pay, and no wallet to pay it with.', walletAdvice],
  'no-pay': ['There is something to pay, and this call must not pay.', 'Look at the price first.'],
  host: ['This server is not among those that may be paid.', 'Check the URL.'],
  insecure: [
    'The connection is not encrypted: others could read the proof of payment and use it.',
    'Use an https URL. Plain http is for this machine and for .onion services.',
  ],
  authorization: [
    'The request carries an Authorization header, whose place the proof of payment would take.',
    'Leave that header out, or allow it with --replace-authorization.',
  ],
  body: ['The body is too long to be sent a second time, with the payment.', 'Send a shorter one.'],
  payee: ['The invoice is signed by somebody who may not be paid.', 'Look at it with --dry-run.'],
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
  declined: ['Whoever was asked did not agree.', 'Ask them.'],
  'private-redirect': [
    'This server sends the request on to this machine or the network around it.',
    'If that is meant, ask there directly.',
  ],
  owed: [
    'This server was paid before, and did not accept the proof.',
    'Show its operator the payment hashes.',
  ],
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
  return typeof digits === 'string' ? formatMsat(msat(BigInt(digits))) : undefined
}
