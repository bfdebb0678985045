import type { Details } from '../errors.ts'
import { L402Error } from '../errors.ts'

/**
 * Why a policy refused, in `details.reason` of POLICY_REFUSED. `details.hint` says what to do:
 *
 * | reason | what happened | what to do |
 * | --- | --- | --- |
 * | `no-payer` | the client has nothing to pay with | `createClient({ payer })` |
 * | `no-pay` | the call said `pay: false` | leave it out |
 * | `host` | the host is denied, or not among those allowed | `policy.allowHosts`, `denyHosts` |
 * | `insecure` | plain http, or a redirect from https to http | https, or `policy.allowHttp` |
 * | `authorization` | the caller set `Authorization` | `l402.replaceAuthorization` |
 * | `body` | the body is a stream that is too long to be sent again | text, bytes or a `Blob` |
 * | `payee` | the key that signed the invoice is denied, or not among those allowed | `policy.payees`, `denyPayees` |
 * | `network` | the invoice is for a network that is not among those allowed | `policy.networks` |
 * | `opaque-token` | the token cannot be read | `policy.allowOpaqueTokens` |
 * | `expiry` | the invoice is valid for longer than a week | the seller's turn |
 * | `other-origin` | the invoice was first seen at another origin | the seller's turn |
 * | `new-host` | nothing was ever paid at this host | `policy.newHosts`, or name it in `allowHosts` |
 * | `invoices` | bare invoices are not paid | `policy.allowInvoices` |
 * | `declined` | `policy.approve` did not say yes | ask whoever was asked |
 * | `approval-pending` | whoever was asked has not answered | call again once they have |
 * | `policy` | the policy cannot be read | correct it: the `hint` says what is wrong |
 * | `private-address` | a stranger's URL leads to this machine or a private network | `policy.allowPrivateHosts` |
 * | `owed` | this host took payments and refused what they bought | `resume` or `abandon` them |
 */
export type RefusalReason = keyof typeof hints

const hints = {
  'no-payer': 'the client was made without a payer; give createClient one',
  'no-pay': 'the call said l402.pay: false',
  host: 'add the host to policy.allowHosts, or take it out of policy.denyHosts',
  insecure: 'use https; policy.allowHttp names hosts where plain http will do',
  authorization:
    'the request has its own Authorization; l402.replaceAuthorization lets it be replaced',
  body: 'give the body as text or bytes, so that it can be sent again',
  payee: 'the key that signed the invoice is in policy.denyPayees, or not in policy.payees',
  network: 'the invoice is for a network that is not in policy.networks',
  'opaque-token': 'the token cannot be read; policy.allowOpaqueTokens lets it be paid for',
  expiry: 'the invoice is valid for longer than a week; the seller has to shorten that',
  'other-origin': 'the invoice was first seen at another origin; ask the seller for one of its own',
  'new-host':
    'nothing was ever paid at this host; name it in policy.allowHosts, or change policy.newHosts',
  invoices: 'policy.allowInvoices lets bare invoices be paid',
  declined: 'policy.approve did not answer true',
  'approval-pending': 'wait for the answer of whoever was asked, then call again',
  policy: 'correct the policy',
  'private-address':
    'the URL leads to this machine or a private network; policy.allowPrivateHosts names hosts where that is meant',
  owed: 'this host took payments and did not deliver; try client.resume, or client.abandon',
} as const

/** Which limit stopped a payment, in `details.limit` of BUDGET_EXCEEDED. */
export type LimitName =
  | 'per-payment'
  | 'per-call'
  | 'expected-price'
  | 'per-hour'
  | 'per-day'
  | 'per-host'
  | 'total'

/** What to do about each limit. */
const limitHints: Readonly<Record<LimitName, string>> = {
  'per-payment': 'policy.maxPaymentMsat is the most for one payment, fee included',
  'per-call': 'l402.maxCostMsat is the most for this call, fee included',
  'expected-price': 'it costs more than l402.expectedPriceMsat',
  'per-hour': 'wait, or raise policy.perHourMsat',
  'per-day': 'wait, or raise policy.perDayMsat',
  'per-host': 'policy.perHostMsat is the most for this host',
  total: 'policy.maxTotalMsat is the most for all payments together',
}

/** A limit does not leave enough. Nothing was paid. */
export function tooMuch(limit: LimitName, details: Details): L402Error {
  return new L402Error('BUDGET_EXCEEDED', { limit, ...details, hint: limitHints[limit] })
}

/** Our own rules forbid the payment. Nothing was paid. */
export function refuse(reason: RefusalReason, details: Details = {}, cause?: unknown): L402Error {
  return new L402Error('POLICY_REFUSED', { reason, ...details, hint: hints[reason] }, cause)
}

/**
 * There is no policy to go by. Nothing was paid.
 *
 * @param what - What is wrong with it: the operator's own words, of which 200 characters are kept.
 * @spec client.md R-PAY-80
 */
export function refuseWithoutPolicy(what: string, origin: string): L402Error {
  const hint = `${hints.policy}: ${cut(what, 200)}`
  return new L402Error('POLICY_REFUSED', { reason: 'policy', origin, hint })
}

/** Text that a peer chose, for an error or a screen: cut short, without control characters. */
export function cut(text: string, length = 64): string {
  return [...text.slice(0, 1024).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, length).join('')
}
