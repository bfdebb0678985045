import { isL402Error, L402Error } from '../errors.ts'
import type { Challenge, ChallengeReading } from '../l402/index.ts'
import type { CheckedInvoice, InvoiceRules } from './check-invoice.ts'
import { checkInvoice } from './check-invoice.ts'
import { cut, refuse } from './refusal.ts'
import { readTokenFacts } from './token-facts.ts'
import type { TokenFacts } from './token-store.ts'

/** A challenge that may be paid, as far as the challenge itself and the limits on it go. */
export type CheckedChallenge = CheckedInvoice & {
  readonly challenge: Challenge
  /** `undefined`: the token is opaque. */
  readonly facts: TokenFacts | undefined
}

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
  rules: InvoiceRules,
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
export function checkChallenge(reading: ChallengeReading, rules: InvoiceRules): CheckedChallenge {
  if ('error' in reading) {
    throw new L402Error('CHALLENGE_MALFORMED', { reason: cut(reading.error) })
  }
  if (!reading.supported) {
    throw new L402Error('CHALLENGE_UNSUPPORTED', { version: cut(reading.version ?? '') })
  }
  const checked = checkInvoice(reading.invoice, rules)
  const { paymentHash, amountMsat } = checked
  const facts = readTokenFacts(reading.token)
  if (facts !== undefined && facts.paymentHash !== paymentHash) {
    throw new L402Error('CHALLENGE_MISMATCH', { paymentHash })
  }
  if (facts === undefined && !rules.policy.allowOpaqueTokens) {
    const { origin } = rules
    throw refuse('opaque-token', { origin, paymentHash, amountMsat: String(amountMsat) })
  }
  return { ...checked, challenge: reading, facts }
}

function byPriceThenScheme(a: CheckedChallenge, b: CheckedChallenge): number {
  if (a.amountMsat !== b.amountMsat) return a.amountMsat < b.amountMsat ? -1 : 1
  return Number(b.challenge.scheme === 'L402') - Number(a.challenge.scheme === 'L402')
}
