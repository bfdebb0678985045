import { L402Error, msat } from 'satway'
import type { LimitName, RefusalReason } from 'satway/client'
import { describe, expect, test } from 'vitest'
import { explainCall } from './failures.ts'

const reasons: Readonly<Record<RefusalReason, RegExp>> = {
  'no-payer': /--wallet/,
  'no-pay': /price/,
  host: /URL/,
  insecure: /https/,
  authorization: /--replace-authorization/,
  body: /shorter/,
  payee: /--dry-run/,
  'opaque-token': /runs the server/,
  expiry: /runs the server/,
  'other-origin': /Ask again/,
  declined: /Ask/,
  'private-redirect': /ask there directly/,
  owed: /payment hashes/,
}
const limits: Readonly<Record<LimitName, RegExp>> = {
  'expected-price': /--max-cost allows 5 sat/,
  'per-call': /on one call, 5 sat/,
  'per-payment': /on one payment with its fee, 5 sat/,
  'per-hour': /on an hour, 5 sat/,
  'per-day': /on a day, 5 sat/,
  'per-host': /on this server, 5 sat/,
  total: /on all of it, 5 sat/,
}

describe('whoever is refused is told why in words, and what to do', () => {
  for (const [reason, next] of Object.entries(reasons)) {
    test(`by the policy: ${reason}`, () => {
      const origin = 'https://shop.example'
      const { exitCode, error } = explainCall(new L402Error('POLICY_REFUSED', { reason, origin }))
      expect(exitCode).toBe(reason === 'no-payer' ? 7 : 3)
      expect(error.message).toMatch(/^[A-Z].*\.$/)
      expect(error.message).not.toMatch(/reason|policy/)
      expect(error.advice).toMatch(next)
    })
  }

  for (const [limit, words] of Object.entries(limits)) {
    test(`by a limit: ${limit}`, () => {
      const details = { limit, amountMsat: '10000', limitMsat: '5000' }
      const { exitCode, error } = explainCall(new L402Error('BUDGET_EXCEEDED', details))
      expect(exitCode).toBe(3)
      expect(error.message).toMatch(/^It costs 10 sat/)
      expect(error.message).toMatch(words)
      expect(error.advice).toMatch(/^Nothing was paid\. .*--max-cost/)
    })
  }
})

describe('a payment that failed', () => {
  for (const reason of [
    'no-route',
    'insufficient-balance',
    'fee-limit',
    'expired',
    'already-paid',
    'rejected',
    'wrong-network',
    'never-sent',
  ]) {
    test(`is told once, in words: ${reason}`, () => {
      const failed = new L402Error('PAYMENT_FAILED', { reason, paymentHash: 'ab'.repeat(32) })
      const { exitCode, error } = explainCall(failed, msat(1000n))
      expect(exitCode).toBe(4)
      expect(error.message).toMatch(/^The payment failed: .*\.$/)
      expect(error.message).not.toMatch(/\(|-/)
      expect(`${error.message} ${error.advice}`.match(/no money moved/gi)).toHaveLength(1)
    })
  }
})
