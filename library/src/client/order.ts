import type { Body } from './body.ts'
import type { Hop } from './call.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import type { CheckedInvoice } from './check-invoice.ts'
import { bareHostname, plainUrl } from './host.ts'
import type { PaymentIntent } from './ledger.ts'
import { targetOf } from './stored-token.ts'

/** What a payment is for, as the ledger writes it down. */
export type Purpose = Pick<
  PaymentIntent,
  | 'origin'
  | 'host'
  | 'method'
  | 'url'
  | 'target'
  | 'coverage'
  | 'hasBody'
  | 'scheme'
  | 'token'
  | 'enforces'
>

/** An invoice that may be paid, and what for. */
export type Order = {
  readonly checked: CheckedInvoice
  readonly purpose: Purpose
  /** Whether the operator named this host or payee in full. */
  readonly isNamed: boolean
  /** What is sold, as its token says. */
  readonly capability: string | undefined
  /** Of the request that is paid for. */
  readonly body: Body | undefined
}

/** What a challenge is paid for: the request that it answered. */
export function purposeOf(
  { challenge, facts }: CheckedChallenge,
  hop: Hop,
  enforces: readonly string[],
): Purpose {
  return {
    origin: hop.url.origin,
    host: bareHostname(hop.url),
    method: hop.method,
    url: plainUrl(hop.url),
    target: targetOf(hop),
    coverage: facts?.coverage,
    hasBody: hop.body !== undefined,
    scheme: challenge.scheme,
    token: challenge.token,
    enforces,
  }
}

/** Where a bare invoice counts as bought: at its payee. */
export function originOfPayee(payee: string): string {
  return `lightning:${payee}`
}

/** What a bare invoice is paid for: its preimage. */
export function barePurpose({ payee, paymentHash }: CheckedInvoice): Purpose {
  const origin = originOfPayee(payee)
  return {
    origin,
    host: payee,
    method: 'PAY',
    url: origin,
    target: `PAY ${paymentHash}`,
    coverage: undefined,
    hasBody: false,
    scheme: 'L402',
    token: undefined,
    enforces: [],
  }
}

/** What an error says about an order that it stops. */
export function aboutOrder({ checked, purpose }: Order): {
  readonly origin: string
  readonly paymentHash: string
  readonly amountMsat: string
} {
  const { paymentHash, amountMsat } = checked
  return { origin: purpose.origin, paymentHash, amountMsat: String(amountMsat) }
}
