import { describe, expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import { isL402Error } from '../errors.ts'
import { readCallLimits } from './call-limits.ts'
import { createClient } from './client.ts'
import type { PolicyOptions } from './policy.ts'
import { readPolicy } from './policy.ts'

const key = `02${'Ab'.repeat(32)}`

function mistakesOf(policy: unknown): unknown {
  try {
    createClient({ policy: policy as PolicyOptions })
  } catch (error) {
    if (isL402Error(error, 'CONFIG_INVALID')) return error.details
    throw error
  }
  return undefined
}

describe('R-PAY-20 a policy', () => {
  test('is read with units, and as written means what it says', () => {
    expect(
      readPolicy({
        maxPaymentMsat: '10 sat',
        maxTotalMsat: satToMsat(1000n),
        maxFeeMsat: '0 msat',
        perHourMsat: '0.5 sat',
        payees: [key],
        denyHosts: ['*.evil.test'],
      }),
    ).toEqual({
      maxPaymentMsat: 10_000n,
      maxTotalMsat: 1_000_000n,
      maxFeeMsat: 0n,
      perHourMsat: 500n,
      perDayMsat: undefined,
      perHostMsat: undefined,
      allowHosts: undefined,
      denyHosts: [{ hostname: 'evil.test', below: true, port: undefined }],
      payees: new Set([key.toLowerCase()]),
      allowHttp: [],
      allowOpaqueTokens: true,
      approve: undefined,
    })
  })

  test('lists every mistake by its path', () => {
    expect(
      mistakesOf({
        maxPaymentMsat: 10,
        maxFeeMsat: '10',
        perHourMsat: '1 dollar',
        perDayMsat: -1n,
        allowHosts: ['ok.test', 'https://no.test', 5],
        denyHosts: 'evil.test',
        payees: ['02ab'],
        allowOpaqueTokens: 'no',
        approve: true,
        maxPerHour: '1 sat',
      }),
    ).toEqual({
      maxPerHour: 'not an option of a policy',
      maxPaymentMsat: expect.stringContaining('unit'),
      maxTotalMsat: 'required',
      maxFeeMsat: expect.stringContaining('unit'),
      perHourMsat: expect.stringContaining('unit'),
      perDayMsat: expect.stringContaining('unit'),
      'allowHosts[1]': 'expected a host',
      'allowHosts[2]': 'expected a host',
      denyHosts: 'expected a list',
      'payees[0]': 'expected 66 hex digits',
      allowOpaqueTokens: 'expected a boolean',
      approve: 'expected a function',
    })
  })

  for (const policy of [undefined, null, 'open', 5, {}, []]) {
    test(`is not ${JSON.stringify(policy)}`, () => {
      expect(mistakesOf(policy)).toMatchObject({
        maxPaymentMsat: 'required',
        maxTotalMsat: 'required',
      })
    })
  }

  for (const paymentTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`does not wait ${paymentTimeoutMs} ms for a wallet`, () => {
      const policy = { maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat' }
      expect(() => createClient({ policy, paymentTimeoutMs })).toThrow(RangeError)
    })
  }
})

describe('R-PAY-28 the limits of a call', () => {
  test('are read with units', () => {
    expect(readCallLimits({ maxCostMsat: '1 sat', pay: false })).toEqual({
      maxCostMsat: 1000n,
      maxFeeMsat: undefined,
      expectedPriceMsat: undefined,
      pay: false,
      replaceAuthorization: false,
    })
  })

  test('are refused when an amount is not one', () => {
    expect(() => readCallLimits({ maxFeeMsat: '1' })).toThrow(
      expect.objectContaining({ code: 'AMOUNT_MALFORMED' }),
    )
  })
})
