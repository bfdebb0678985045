import type { Details } from '../errors.ts'
import { L402Error } from '../errors.ts'

/**
 * Why a policy refused, in `details.reason` of POLICY_REFUSED.
 *
 * - `no-payer`: the client has nothing to pay with.
 * - `no-pay`: the call said `pay: false`.
 * - `host`: the host is denied, or not among those allowed.
 * - `insecure`: plain http, or a redirect from https to http.
 * - `authorization`: the caller set `Authorization` and did not say that it may be replaced.
 * - `body`: the body is a stream that is too long to be sent again.
 * - `payee`: the invoice is signed by a key that is not among those allowed.
 * - `opaque-token`: the token cannot be read, and the policy wants it to be.
 * - `expiry`: the invoice is valid for longer than a week.
 * - `other-origin`: the invoice was first seen at another origin.
 * - `declined`: `approve` did not say yes.
 * - `owed`: this origin took payments and did not accept the credentials.
 */
export type RefusalReason =
  | 'no-payer'
  | 'no-pay'
  | 'host'
  | 'insecure'
  | 'authorization'
  | 'body'
  | 'payee'
  | 'opaque-token'
  | 'expiry'
  | 'other-origin'
  | 'declined'
  | 'owed'

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
  return new L402Error('POLICY_REFUSED', { reason, ...details }, cause)
}

/** Text that a peer chose, for an error or a screen: at most 64 characters, none of them control. */
export function cut(text: string): string {
  return [...text.slice(0, 1024).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, 64).join('')
}
