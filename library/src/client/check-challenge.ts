import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { Invoice, Network } from '../invoice/index.ts'
import { decodeInvoice, expiresAtSeconds } from '../invoice/index.ts'
import type { Challenge, ChallengeReading } from '../l402/index.ts'
import type { CallLimits } from './call-limits.ts'
import type { Policy } from './policy.ts'
import { cut, refuse } from './refusal.ts'
import { readTokenFacts } from './token-facts.ts'
import type { TokenFacts } from './token-store.ts'

/** A challenge that may be paid, as far as the challenge itself and the limits on it go. */
export type CheckedChallenge = {
  readonly challenge: Challenge
  readonly invoice: Invoice
  /** 64 hex digits. */
  readonly paymentHash: string
  /** 66 hex digits. */
  readonly payee: string
  readonly amountMsat: Msat
  /** The most that the route may take: what all limits leave. */
  readonly maxFeeMsat: Msat
  /** `undefined`: the token is opaque. */
  readonly facts: TokenFacts | undefined
}

/** What a challenge is held against. */
export type ChallengeRules = {
  readonly policy: Policy
  readonly limits: CallLimits
  /** The network of the payer; `undefined` without one. */
  readonly network: Network | undefined
  readonly nowSeconds: number
}

/** An invoice must be payable for at least this long: a payment takes its time. */
export const minValiditySeconds = 10
/** And for no longer than this: a week, Core Lightning's default, and an hour for its clock. */
export const maxValiditySeconds: number = 7 * 86_400 + 3600

const defaultMaxFeeMsat = 5000n

/**
 * Chooses among the challenges of one 402: the cheapest that may be paid, and L402 before LSAT.
 *
 * @param readings - At least one.
 * @throws {L402Error} what is wrong with the first one, when none may be paid: CHALLENGE_*,
 *   INVOICE_*, BUDGET_EXCEEDED, POLICY_REFUSED.
 * @spec client.md R-PAY-10 to R-PAY-19
 */
export function chooseChallenge(
  readings: readonly ChallengeReading[],
  rules: ChallengeRules,
): CheckedChallenge {
  const acceptable: CheckedChallenge[] = []
  let first: L402Error | undefined
  for (const reading of readings) {
    try {
      acceptable.push(checkChallenge(reading, rules))
    } catch (error) {
      if (!isL402Error(error)) throw error
      first ??= error
    }
  }
  const [best] = acceptable.sort(byPriceThenScheme)
  if (best !== undefined) return best
  throw first ?? new L402Error('CHALLENGE_MALFORMED', { reason: 'no L402 challenge' })
}

/**
 * Holds one challenge against every rule that needs no memory and asks nobody.
 *
 * @throws {L402Error} CHALLENGE_*, INVOICE_*, BUDGET_EXCEEDED, POLICY_REFUSED.
 */
export function checkChallenge(reading: ChallengeReading, rules: ChallengeRules): CheckedChallenge {
  if ('error' in reading) {
    throw new L402Error('CHALLENGE_MALFORMED', { reason: cut(reading.error) })
  }
  if (!reading.supported) {
    throw new L402Error('CHALLENGE_UNSUPPORTED', { version: cut(reading.version ?? '') })
  }
  const invoice = decodeInvoice(reading.invoice)
  checkNetwork(invoice, rules.network)
  const amountMsat = amountOf(invoice)
  checkValidity(invoice, rules.nowSeconds)

  const paymentHash = encodeHex(invoice.paymentHash)
  const facts = readTokenFacts(reading.token)
  if (facts !== undefined && facts.paymentHash !== paymentHash) {
    throw new L402Error('CHALLENGE_MISMATCH', { paymentHash })
  }
  if (facts === undefined && !rules.policy.allowOpaqueTokens) throw refuse('opaque-token')
  const payee = encodeHex(invoice.payee)
  if (rules.policy.payees?.has(payee) === false) throw refuse('payee', { payee })

  const maxFeeMsat = checkCost(amountMsat, rules)
  return { challenge: reading, invoice, paymentHash, payee, amountMsat, maxFeeMsat, facts }
}

/**
 * @throws {L402Error} INVOICE_EXPIRED when too little time is left to pay; POLICY_REFUSED `expiry`
 *   when there is more than anybody needs.
 */
export function checkValidity(invoice: Invoice, nowSeconds: number): void {
  const leftSeconds = expiresAtSeconds(invoice) - nowSeconds
  // Negated, so that a clock that gives no number lets nothing through.
  if (!(leftSeconds >= minValiditySeconds)) {
    throw new L402Error('INVOICE_EXPIRED', { leftSeconds: Math.floor(leftSeconds) })
  }
  if (leftSeconds > maxValiditySeconds) {
    throw refuse('expiry', { leftSeconds: Math.floor(leftSeconds) })
  }
}

function checkNetwork(invoice: Invoice, network: Network | undefined): void {
  if (network === undefined || invoice.network === network) return
  throw new L402Error('INVOICE_NETWORK', { invoice: invoice.network, payer: network })
}

function amountOf(invoice: Invoice): Msat {
  const { amountMsat } = invoice
  if (amountMsat !== undefined && amountMsat > 0n) return amountMsat
  throw new L402Error('INVOICE_AMOUNT', { reason: amountMsat === undefined ? 'missing' : 'zero' })
}

/** Every ceiling on one payment. What they leave above the amount is the ceiling of the fee. */
function checkCost(amountMsat: Msat, { policy, limits }: ChallengeRules): Msat {
  const { expectedPriceMsat, maxCostMsat } = limits
  if (expectedPriceMsat !== undefined && amountMsat > expectedPriceMsat) {
    throw tooDear('expected-price', amountMsat, expectedPriceMsat)
  }
  if (maxCostMsat !== undefined && amountMsat > maxCostMsat) {
    throw tooDear('per-call', amountMsat, maxCostMsat)
  }
  if (amountMsat > policy.maxPaymentMsat) {
    throw tooDear('per-payment', amountMsat, policy.maxPaymentMsat)
  }
  const onePercent = (amountMsat + 99n) / 100n
  const byDefault = onePercent > defaultMaxFeeMsat ? onePercent : defaultMaxFeeMsat
  return msat(
    least(
      policy.maxFeeMsat ?? byDefault,
      limits.maxFeeMsat,
      policy.maxPaymentMsat - amountMsat,
      maxCostMsat === undefined ? undefined : maxCostMsat - amountMsat,
    ),
  )
}

function tooDear(
  limit: 'expected-price' | 'per-call' | 'per-payment',
  amountMsat: Msat,
  limitMsat: Msat,
): L402Error {
  return new L402Error('BUDGET_EXCEEDED', {
    limit,
    amountMsat: String(amountMsat),
    limitMsat: String(limitMsat),
  })
}

function least(first: bigint, ...others: readonly (bigint | undefined)[]): bigint {
  let result = first
  for (const other of others) if (other !== undefined && other < result) result = other
  return result
}

function byPriceThenScheme(a: CheckedChallenge, b: CheckedChallenge): number {
  if (a.amountMsat !== b.amountMsat) return a.amountMsat < b.amountMsat ? -1 : 1
  return Number(b.challenge.scheme === 'L402') - Number(a.challenge.scheme === 'L402')
}
