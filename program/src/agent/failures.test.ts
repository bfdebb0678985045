import { L402Error, msat } from 'satway'
import type { LimitName, Purchase, RefusalReason } from 'satway/client'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { explainBrokenOff, explainCall, explainStatus } from './failures.ts'
import { BodyTooLong } from './report-body.ts'

const paymentHash = 'ab'.repeat(32)
const reasons: Readonly<Record<RefusalReason, RegExp>> = {
  'no-payer': /--wallet/,
  'no-pay': /price/,
  host: /satway policy show/,
  'new-host': /satway policy show/,
  network: /satway policy show/,
  insecure: /https/,
  authorization: /--replace-authorization/,
  body: /shorter/,
  payee: /--dry-run/,
  'opaque-token': /runs the server/,
  expiry: /runs the server/,
  'other-origin': /Ask again/,
  declined: /Ask/,
  'approval-pending': /satway approvals approve abcd2345/,
  'private-address': /ask there directly/,
  owed: /satway resume/,
  policy: /per_payment: 2:14 .*satway policy show/,
  invoices: /invoices/,
}
const limits: Readonly<Record<LimitName, readonly [words: RegExp, advice: RegExp]>> = {
  'expected-price': [/--max-cost allows 5 sat/, /--max-cost/],
  'per-call': [/on one call, 5 sat/, /--max-cost/],
  'per-payment': [/on one payment with its fee, 5 sat/, /satway policy show/],
  'per-hour': [/on an hour, 5 sat/, /satway policy show/],
  'per-day': [/on a day, 5 sat/, /satway policy show/],
  'per-host': [/on this server, 5 sat/, /satway policy show/],
  total: [/on all of it, 5 sat/, /satway policy show/],
}
const exits: Partial<Record<RefusalReason, number>> = {
  'no-payer': exitCodes.network,
  'approval-pending': exitCodes.needsApproval,
}

describe('R-AGT-21 whoever is refused is told why in words, and what to do', () => {
  for (const [reason, next] of Object.entries(reasons)) {
    test(`by the policy: ${reason}`, () => {
      const hint = 'correct the policy: per_payment: 2:14 expected an amount'
      const details = { reason, origin: 'https://shop.example', approvalId: 'abcd2345', hint }
      const { exitCode, error } = explainCall(new L402Error('POLICY_REFUSED', details))
      expect(exitCode).toBe(exits[reason as RefusalReason] ?? exitCodes.refused)
      expect(error.code).toBe('POLICY_REFUSED')
      expect(error.reason).toBe(reason)
      expect(error.message).toMatch(/^[A-Z].*\.$/)
      expect(error.message).not.toMatch(/reason|origin/)
      expect(error.advice).toMatch(next)
    })
  }

  for (const [limit, [words, next]] of Object.entries(limits)) {
    test(`by a limit: ${limit}`, () => {
      const details = { limit, amountMsat: '10000', limitMsat: '5000' }
      const { exitCode, error } = explainCall(new L402Error('BUDGET_EXCEEDED', details))
      expect(exitCode).toBe(exitCodes.tooExpensive)
      expect(error.reason).toBe(limit)
      expect(error.message).toMatch(/^It costs 10 sat/)
      expect(error.message).toMatch(words)
      expect(error.advice).toMatch(/^Nothing was paid\. /)
      expect(error.advice).toMatch(next)
    })
  }

  test('what is left of a budget is said', () => {
    const details = { limit: 'per-day', amountMsat: '10000', limitMsat: '50000', leftMsat: '2500' }
    const { error } = explainCall(new L402Error('BUDGET_EXCEEDED', details))
    expect(error.message).toMatch(/on a day, 50 sat\. 2\.5 sat of it is left\.$/)
  })

  test('a reason that is not known here is told as it came', () => {
    const { error } = explainCall(new L402Error('POLICY_REFUSED', { reason: 'toString' }))
    expect(error.message).toMatch(/toString/)
  })
})

describe('R-AGT-20 a payment that failed', () => {
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
      const failed = new L402Error('PAYMENT_FAILED', { reason, paymentHash })
      const { exitCode, error } = explainCall(failed, msat(1000n))
      expect(exitCode).toBe(exitCodes.paymentFailed)
      expect(error.message).toMatch(/^The payment failed: .*\.$/)
      expect(error.message).not.toMatch(/\(|-/)
      expect(`${error.message} ${error.advice}`.match(/no money moved/gi)).toHaveLength(1)
    })
  }
})

describe('R-AGT-21 the words of an error', () => {
  test('say once what is wrong with the journal, and once what to do', () => {
    const hint = 'put a copy in its place'
    const details = { reason: 'damaged', file: '/home/me/journal.db', hint }
    const { error } = explainCall(new L402Error('JOURNAL_UNUSABLE', details))
    expect(error.message).toMatch(/^[A-Z].* \(damaged\)$/)
    expect(error.advice).toBe('Nothing was paid. Put a copy in its place.')
  })

  test('name by its code what the system said', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:9'), { code: 'ECONNREFUSED' })
    for (const [cause, reason] of [
      [refused, 'ECONNREFUSED'],
      [new AggregateError([refused]), 'ECONNREFUSED'],
      [Object.assign(new Error('x'), { code: 'not a code' }), null],
      [new Error('bad port'), null],
    ] as const) {
      expect(explainCall(new TypeError('fetch failed', { cause })).error).toMatchObject({
        code: 'NETWORK',
        reason,
      })
    }
  })
})

describe('R-AGT-20 every end of a call has its exit code', () => {
  for (const [what, error, exitCode, code, advice] of [
    [
      'unknown',
      new L402Error('PAYMENT_UNKNOWN', { paymentHash }),
      5,
      'PAYMENT_UNKNOWN',
      `satway resume ${paymentHash}`,
    ],
    [
      'not delivered',
      new L402Error('PAYMENT_NOT_DELIVERED', { paymentHash, status: 402 }),
      6,
      'PAYMENT_NOT_DELIVERED',
      `satway resume ${paymentHash}`,
    ],
    [
      'no wallet there',
      new L402Error('NODE_UNAVAILABLE', { reason: 'the wallet does not listen' }),
      7,
      'NODE_UNAVAILABLE',
      '--wallet',
    ],
    [
      'no journal',
      new L402Error('JOURNAL_UNUSABLE', { reason: 'damaged', hint: 'put a copy in its place' }),
      1,
      'JOURNAL_UNUSABLE',
      'Put a copy in its place.',
    ],
    [
      'no store',
      new L402Error('STORE_UNAVAILABLE', {}),
      1,
      'STORE_UNAVAILABLE',
      'Nothing was paid.',
    ],
    [
      'a bad challenge',
      new L402Error('INVOICE_EXPIRED', {}),
      3,
      'INVOICE_EXPIRED',
      'Nothing was paid.',
    ],
    [
      'no server',
      new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND x') }),
      7,
      'NETWORK',
      'Nothing was paid.',
    ],
    ['no request', new TypeError('a port that is not allowed'), 7, 'NETWORK', 'Nothing was paid.'],
    [
      'too late',
      new Failure('There was no answer within 5 s.', { exitCode: 7 }),
      7,
      'NETWORK',
      'Nothing was paid.',
    ],
    ['interrupted', new Failure('Interrupted.'), 1, 'INTERRUPTED', 'Nothing was paid.'],
    ['too long', new BodyTooLong(5), 1, 'TOO_LONG', 'Nothing was paid.'],
    [
      'no such payment',
      new RangeError('resume: no payment of this hash'),
      2,
      'USAGE',
      'Nothing was paid. Give the hash',
    ],
    [
      'no body',
      new TypeError('resume: the body of the request was not kept; give it again'),
      2,
      'USAGE',
      'Give the same body again',
    ],
    [
      'another method',
      new TypeError('resume: the request was a POST'),
      2,
      'USAGE',
      'Leave the method out',
    ],
    [
      'no request',
      new TypeError('resume: a bare invoice; call payInvoice again'),
      2,
      'USAGE',
      'the same invoice',
    ],
    [
      'a body with GET',
      new TypeError('a request with method GET cannot have a body'),
      2,
      'USAGE',
      'Leave out',
    ],
    ['out of range', new RangeError('out of range'), 1, 'INTERRUPTED', 'Nothing was paid.'],
    ['something else', 'thrown', 7, 'NETWORK', 'Nothing was paid.'],
  ] as const) {
    test(what, () => {
      const explained = explainCall(error)
      expect(explained).toMatchObject({ exitCode, error: { code } })
      expect(explained.error.advice).toContain(advice)
      expect(explained.error.message).toMatch(/^[A-Z].*[.)]$/)
    })
  }

  const purchase: Purchase = {
    outcome: 'paid_not_delivered',
    paymentHash,
    origin: 'https://shop.example',
    amountMsat: msat(1000n),
    feeMsat: msat(0n),
    service: undefined,
    capability: undefined,
    validUntilSeconds: undefined,
    resumed: false,
  }

  test('a status of the server has one as well', () => {
    expect(explainStatus(204, undefined)).toBeUndefined()
    expect(explainStatus(404, undefined)).toMatchObject({
      exitCode: 22,
      error: { code: 'HTTP_STATUS' },
    })
    expect(explainStatus(503, purchase)).toMatchObject({ exitCode: 6 })
    const delivered = { ...purchase, outcome: 'paid_delivered' } as const
    expect(explainStatus(404, delivered)).toMatchObject({
      exitCode: 22,
      error: { advice: 'It was paid, and this is its answer.' },
    })
  })

  test('an answer that breaks off says how to go on', () => {
    const { exitCode, error } = explainBrokenOff(new Error('socket hang up'), purchase)
    expect(exitCode).toBe(6)
    expect(error.message).toBe('It was paid, and its answer broke off: socket hang up.')
    expect(error.advice).toContain(`satway resume ${paymentHash}`)
  })
})
