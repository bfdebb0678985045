import { describe, expect, test } from 'vitest'
import { satToMsat } from '../amount/index.ts'
import { isL402Error } from '../errors.ts'
import type { CallLimitOptions } from './call-limits.ts'
import { readCallLimits } from './call-limits.ts'
import type { ClientOptions } from './client.ts'
import { createClient } from './client.ts'
import { createMemoryLedger } from './memory-ledger.ts'
import { readPolicy } from './policy.ts'

const key = `02${'Ab'.repeat(32)}`

function mistakesOf(policy: unknown): unknown {
  return mistakesIn({ policy })
}

function mistakesIn(options: unknown): unknown {
  try {
    createClient(options as ClientOptions)
  } catch (error) {
    if (isL402Error(error, 'CONFIG_INVALID')) return error.details
    throw error
  }
  return undefined
}

describe('R-PAY-20 a policy', () => {
  test('is read with units, and as written means what it says', () => {
    expect(
      readPolicy(
        {
          maxPaymentMsat: '10 sat',
          maxTotalMsat: satToMsat(1000n),
          maxFeeMsat: '0 msat',
          perHourMsat: '0.5 sat',
          payees: [key],
          denyHosts: ['*.evil.test'],
        },
        {},
      ),
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
      allowPrivateRedirects: [],
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
      'policy.maxPerHour': 'is not an option',
      'policy.maxPaymentMsat': expect.stringContaining('unit'),
      'policy.maxTotalMsat': expect.stringContaining('required'),
      'policy.maxFeeMsat': expect.stringContaining('unit'),
      'policy.perHourMsat': expect.stringContaining('unit'),
      'policy.perDayMsat': expect.stringContaining('unit'),
      'policy.allowHosts[1]': expect.stringContaining('expected a host, such as'),
      'policy.allowHosts[2]': expect.stringContaining('expected a host, such as'),
      'policy.denyHosts': 'expected a list',
      'policy.payees[0]': 'expected 66 hex digits',
      'policy.allowOpaqueTokens': 'expected true or false',
      'policy.approve': 'expected a function',
    })
  })

  for (const policy of [undefined, null, 'open', 5]) {
    test(`is not ${JSON.stringify(policy)}`, () => {
      expect(mistakesOf(policy)).toEqual({
        policy:
          "expected an object, such as { maxPaymentMsat: '100 sat', maxTotalMsat: '2000 sat' }",
      })
    })
  }

  for (const policy of [{}, []]) {
    test(`is not ${JSON.stringify(policy)}`, () => {
      expect(mistakesOf(policy)).toEqual({
        'policy.maxPaymentMsat': expect.stringContaining('required'),
        'policy.maxTotalMsat': expect.stringContaining('required'),
      })
    })
  }
})

describe('R-PAY-20 the options of a client', () => {
  const policy = { maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat' }

  test('are checked together with the policy, and each mistake has its path', () => {
    const options = {
      policy: { maxPaymentMsat: '1 sat' },
      payer: { network: 'regtest', pay: true },
      ledger: { ...createMemoryLedger(), begin: undefined },
      tokens: {},
      fetch: 'fetch',
      now: 5,
      paymentTimeoutMs: '60 s',
      wallet: {},
      ledgr: undefined,
    }
    expect(mistakesIn(options)).toEqual({
      'policy.maxTotalMsat': "required, such as '100 sat'",
      payer: 'expected an object with pay, lookupPayment',
      ledger: 'expected an object with begin',
      tokens: 'expected an object with put, mark, find, usable, list',
      fetch: 'expected a function',
      now: 'expected a function',
      paymentTimeoutMs: 'expected milliseconds, more than 0 and at most 2147483647',
      wallet: 'is not an option',
      ledgr: 'is not an option',
    })
  })

  test('name a payer that does not say its network', () => {
    const payer = { pay: () => undefined, lookupPayment: () => undefined }
    expect(mistakesIn({ policy, payer })).toEqual({
      payer: "expected an object with network, such as 'bitcoin'",
    })
    for (const other of [null, 'wallet', () => undefined]) {
      expect(mistakesIn({ policy, payer: other })).toEqual({
        payer: 'expected an object with pay, lookupPayment',
      })
    }
  })

  test('may be left out, but for the policy', () => {
    expect(mistakesIn({ policy, payer: undefined, ledger: undefined })).toBeUndefined()
    for (const nothing of [undefined, null, 'https://a.test']) {
      expect(mistakesIn(nothing)).toEqual({ options: 'expected { policy, payer }' })
    }
  })

  for (const paymentTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`do not make a client wait ${paymentTimeoutMs} ms for a wallet`, () => {
      expect(mistakesIn({ policy, paymentTimeoutMs })).toEqual({
        paymentTimeoutMs: expect.stringContaining('milliseconds'),
      })
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
      expect.objectContaining({
        code: 'AMOUNT_MALFORMED',
        details: expect.objectContaining({ option: 'l402.maxFeeMsat' }),
      }),
    )
  })

  for (const name of ['maxCostMsat', 'maxFeeMsat', 'expectedPriceMsat']) {
    test(`name themselves when they are of another kind (${name})`, () => {
      const expected = `l402.${name}: expected an amount with its unit, such as '10 sat'`
      for (const value of [5, null, {}]) {
        const read = (): unknown => readCallLimits({ [name]: value } as CallLimitOptions)
        expect(read).toThrow(TypeError)
        expect(read).toThrow(expected)
      }
      expect(() => readCallLimits({ [name]: -1n } as CallLimitOptions)).toThrow(`l402.${name}: `)
    })
  }

  test('are an object', () => {
    for (const none of [null, 5, '10 sat']) {
      expect(() => readCallLimits(none as never)).toThrow(/^l402: expected an object/)
    }
  })
})
