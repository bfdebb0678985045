import { describe, expect, test } from 'vitest'
import { L402Error } from '../../library/src/errors.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { hashHex, startSeller } from './seller.ts'

const nothing = {
  outcome: 'not_paid',
  status: undefined,
  code: undefined,
  reason: undefined,
  hint: undefined,
  origin: undefined,
  paymentHash: undefined,
  amountMsat: undefined,
  feeMsat: undefined,
  resume: undefined,
  approvalId: undefined,
}

describe('R-PAY-70 a call is described', () => {
  test('when it was free, and when a token was there already', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const free = await client.fetch(`${seller.origin}/free`)
    expect(client.describe(free)).toEqual({ ...nothing, status: 200 })
    await client.fetch(`${seller.origin}/data`)
    const again = await client.fetch(`${seller.origin}/data`)
    const paymentHash = hashHex(seller.sold[0]!)
    expect(client.describe(again)).toEqual({ ...nothing, status: 200, paymentHash })
    expect(client.purchaseOf(again)).toBeUndefined()
    expect(client.outcomeOf(again)).toBe('not_paid')
  })

  test('when it was paid, as JSON too', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const response = await client.fetch(`${seller.origin}/data`)
    const paymentHash = hashHex(seller.sold[0]!)
    const told = client.describe(response)
    const paid = {
      ...nothing,
      outcome: 'paid_delivered',
      status: 200,
      origin: seller.origin,
      paymentHash,
      amountMsat: 10_000n,
      feeMsat: 1001n,
    }
    expect(told).toEqual(paid)
    expect(JSON.parse(JSON.stringify(told))).toEqual({
      outcome: 'paid_delivered',
      status: 200,
      origin: seller.origin,
      paymentHash,
      amountMsat: '10000',
      feeMsat: '1001',
    })
  })

  test('when it was paid and the answer leaves delivery open', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) =>
        request.headers.authorization === undefined ? by.serve(request) : { status: 500 },
    })
    const client = market.client()

    const response = await client.fetch(`${seller.origin}/data`)
    expect(client.describe(response)).toMatchObject({
      outcome: 'paid_not_delivered',
      status: 500,
      hint: expect.stringContaining('resume'),
      resume: hashHex(seller.sold[0]!),
    })
  })

  test('when it was paid and refused', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) =>
        request.headers.authorization === undefined ? by.serve(request) : { status: 401 },
    })
    const client = market.client()
    const { error } = await thrownBy(client.fetch(`${seller.origin}/data`))
    const paymentHash = hashHex(seller.sold[0]!)
    expect(client.describe(error)).toEqual({
      ...nothing,
      outcome: 'paid_not_delivered',
      status: 401,
      code: 'PAYMENT_NOT_DELIVERED',
      hint: expect.stringContaining('resume'),
      origin: seller.origin,
      paymentHash,
      amountMsat: 10_000n,
      feeMsat: 1001n,
      resume: paymentHash,
    })
  })

  test('when a limit stopped it', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ policy: { ...openPolicy, maxPaymentMsat: '5 sat' } })
    const { error } = await thrownBy(client.fetch(`${seller.origin}/data`))
    expect(client.describe(error)).toEqual({
      ...nothing,
      outcome: 'refused',
      code: 'BUDGET_EXCEEDED',
      reason: 'per-payment',
      hint: expect.stringContaining('policy.maxPaymentMsat'),
      origin: seller.origin,
      paymentHash: hashHex(seller.sold[0]!),
      amountMsat: 10_000n,
    })
  })

  for (const [code, outcome] of [
    ['NODE_UNAVAILABLE', 'not_paid'],
    ['STORE_UNAVAILABLE', 'not_paid'],
    ['JOURNAL_UNUSABLE', 'not_paid'],
    ['PAYMENT_FAILED', 'not_paid'],
    ['PAYMENT_UNKNOWN', 'unknown'],
    ['PAYMENT_NOT_DELIVERED', 'paid_not_delivered'],
  ] as const) {
    test(`when it ended with ${code}, with what to do`, () => {
      const { describe: tell } = openMarket().client()
      const told = tell(new L402Error(code))
      expect(told).toMatchObject({ outcome, code, hint: expect.any(String), resume: undefined })
      const own = tell(new L402Error(code, { hint: 'its own words' }))
      expect(own.hint).toBe('its own words')
    })
  }

  test('when it never came to money', () => {
    const { describe: tell } = openMarket().client()
    for (const other of [new TypeError('fetch failed'), undefined, null, 'x', 5, {}]) {
      expect(tell(other)).toEqual(nothing)
    }
    const odd = new L402Error('BUDGET_EXCEEDED', { amountMsat: '-5', paymentHash: 5, status: '4' })
    expect(tell(odd)).toEqual({ ...nothing, outcome: 'refused', code: 'BUDGET_EXCEEDED' })
  })
})
