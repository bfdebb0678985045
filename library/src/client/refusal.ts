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
 * | `payee` | the invoice is signed by a key that is not among those allowed | `policy.payees` |
 * | `opaque-token` | the token cannot be read | `policy.allowOpaqueTokens` |
 * | `expiry` | the invoice is valid for longer than a week | the seller's turn |
 * | `other-origin` | the invoice was first seen at another origin | the seller's turn |
 * | `declined` | `policy.approve` did not say yes | ask whoever was asked |
 * | `private-redirect` | a public host redirected to this machine or network | `policy.allowPrivateRedirects` |
 * | `owed` | this origin took payments and refused what they bought | `resume` or `abandon` them |
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
  payee: 'the invoice is signed by a key that is not in policy.payees',
  'opaque-token': 'the token cannot be read; policy.allowOpaqueTokens lets it be paid for',
  expiry: 'the invoice is valid for longer than a week; the seller has to shorten that',
  'other-origin': 'the invoice was first seen at another origin; ask the seller for one of its own',
  declined: 'policy.approve did not answer true',
  'private-redirect':
    'a public host redirected to this machine or a private network; policy.allowPrivateRedirects names hosts where that is meant',
  owed: 'this origin took payments and refused what they bought; try client.resume, or client.abandon',
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

/** Our own rules forbid the payment. Nothing was paid. */
export function refuse(reason: RefusalReason, details: Details = {}, cause?: unknown): L402Error {
  return new L402Error('POLICY_REFUSED', { reason, ...details, hint: hints[reason] }, cause)
}

/** Text that a peer chose, for an error or a screen: at most 64 characters, none of them control. */
export function cut(text: string): string {
  return [...text.slice(0, 1024).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, 64).join('')
}
