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

const approve = (): boolean => true

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
          denyPayees: [key],
          networks: ['bitcoin', 'regtest'],
          newHosts: 'ask',
          askAboveMsat: '5 sat',
          maxUndelivered: 100,
          allowInvoices: true,
          allowPrivateHosts: ['localhost:80'],
          approve,
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
      denyPayees: new Set([key.toLowerCase()]),
      networks: new Set(['bitcoin', 'regtest']),
      newHosts: 'ask',
      askAboveMsat: 5000n,
      maxUndelivered: 100,
      allowInvoices: true,
      allowHttp: [],
      allowPrivateHosts: [{ hostname: 'localhost', below: false, port: '80' }],
      allowOpaqueTokens: true,
      approve,
    })
  })

  test('allows new hosts and no bare invoices, and lets a host owe three things, by default', () => {
    expect(readPolicy({ maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat' }, {})).toMatchObject({
      denyPayees: new Set(),
      networks: undefined,
      newHosts: 'allow',
      askAboveMsat: undefined,
      maxUndelivered: 3,
      allowInvoices: false,
      allowPrivateHosts: [],
      approve: undefined,
    })
  })

  test('that asks needs somebody to ask', () => {
    const limits = { maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat' }
    for (const [name, change] of [
      ['newHosts', { newHosts: 'ask' }],
      ['askAboveMsat', { askAboveMsat: '1 sat' }],
    ] as const) {
      const expected = 'needs policy.approve: there is nobody to ask'
      expect(mistakesOf({ ...limits, ...change })).toEqual({ [`policy.${name}`]: expected })
      expect(mistakesOf({ ...limits, ...change, approve: () => true })).toBeUndefined()
    }
  })

  test('keeps the limits that it inherits', () => {
    const base = { maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat', perHourMsat: '1 sat' }
    const policy = readPolicy(Object.create(base), {})
    expect(policy).toMatchObject({ perHourMsat: 1000n })
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
        denyPayees: [5],
        networks: ['mainnet'],
        newHosts: 'maybe',
        askAboveMsat: 5,
        maxUndelivered: 0,
        allowInvoices: 1,
        allowPrivateHosts: ['a.test', undefined, 'b.test'],
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
      'policy.denyPayees[0]': 'expected 66 hex digits',
      'policy.networks[0]': 'expected one of bitcoin, testnet, signet, regtest, simnet',
      'policy.newHosts': 'expected one of allow, ask, deny',
      'policy.askAboveMsat': expect.stringContaining('unit'),
      'policy.maxUndelivered': 'expected a whole number from 1 to 100',
      'policy.allowInvoices': 'expected true or false',
      'policy.allowPrivateHosts[1]': expect.stringContaining('expected a host, such as'),
      'policy.allowOpaqueTokens': 'expected true or false',
      'policy.approve': 'expected a function',
    })
  })

  for (const maxUndelivered of [-1, 101, 1.5, Number.NaN, '3', null, 3n]) {
    test(`lets no host owe ${String(maxUndelivered)}`, () => {
      expect(
        mistakesOf({ maxPaymentMsat: '1 sat', maxTotalMsat: '1 sat', maxUndelivered }),
      ).toEqual({ 'policy.maxUndelivered': 'expected a whole number from 1 to 100' })
    })
  }

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
      tokens: 'expected an object with put, mark, find, usable, countOwed, list',
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
      maxRedirects: 20,
      untrustedUrl: false,
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
