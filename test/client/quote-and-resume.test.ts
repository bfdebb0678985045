import { describe, expect, test } from 'vitest'
import { encodeHex } from '../../library/src/bytes/index.ts'
import type { FetchInit, Proposal } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import { L402Error } from '../../library/src/errors.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import type { Reply } from './seller.ts'
import { hashHex, startSeller } from './seller.ts'

const oneMsat = 11_001n

describe('R-PAY-71 a quote', () => {
  test('sends the real request without a credential, pays nothing, and says what would be paid', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const ledger = createMemoryLedger()
    const client = market.client({
      ledger,
      policy: {
        ...openPolicy,
        approve: () => {
          throw new Error('nobody is asked')
        },
      },
    })
    const quoted = await client.quote(`${seller.origin}/data?q=1#x`, {
      method: 'POST',
      headers: { 'x-mine': '1' },
      body: 'order',
    })
    expect(quoted).toEqual({
      status: 'payable',
      price: {
        url: `${seller.origin}/data?q=1`,
        amountMsat: 10_000n,
        maxFeeMsat: 5000n,
        payee: encodeHex(decodeInvoice(seller.sold[0]!.invoice).payee),
        paymentHash: hashHex(seller.sold[0]!),
        expiresAtSeconds: 1_900_000_600,
        description: 'shop data',
        service: 'shop',
        capability: 'data',
      },
    })
    const { method, headers, body } = seller.arrived[0]!
    expect([method, headers['x-mine'], body.toString()]).toEqual(['POST', '1', 'order'])
    expect(seller.arrived.length).toBe(1)
    expect(market.spentMsat()).toBe(0n)
    expect(await ledger.list()).toEqual([])
  })

  test('is what the call then pays at most', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const quoted = await client.quote(`${seller.origin}/data`)
    if (quoted.status !== 'payable') throw new Error(quoted.status)
    const limits = { expectedPriceMsat: quoted.price.amountMsat }
    const response = await client.fetch(`${seller.origin}/data`, { l402: limits })
    expect(client.purchaseOf(response)!.amountMsat).toBe(quoted.price.amountMsat)
  })

  test('of what is free says so', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    expect(await market.client().quote(`${seller.origin}/free`)).toEqual({
      status: 'free',
      httpStatus: 200,
    })
  })

  test('of what was begun to be paid for, and has no end, says that it is not bought anew', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    market.buyer.injectFault({ kind: 'in-flight' })
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    const quoted = await client.quote(`${seller.origin}/data`)
    if (quoted.status !== 'refused') throw new Error(quoted.status)
    expect([quoted.error.code, quoted.error.details['paymentHash']]).toEqual([
      'PAYMENT_UNKNOWN',
      details['paymentHash'],
    ])
    await client.abandon(String(details['paymentHash']))
    expect((await client.quote(`${seller.origin}/data`)).status).toBe('payable')
  })

  test('of what was bought says so', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    expect(await client.quote(`${seller.origin}/data`)).toEqual({
      status: 'covered',
      paymentHash: hashHex(seller.sold[0]!),
    })
  })

  for (const [name, policy, limits, code, reason, hasPrice] of [
    ['too dear', {}, { maxCostMsat: '1 sat' }, 'BUDGET_EXCEEDED', 'per-call', false],
    ['over the budget', { maxTotalMsat: '14 sat' }, {}, 'BUDGET_EXCEEDED', 'total', true],
    ['of a denied host', { denyHosts: ['127.0.0.1'] }, {}, 'POLICY_REFUSED', 'host', true],
    ['under --no-pay', {}, { pay: false }, 'POLICY_REFUSED', 'no-pay', true],
  ] as const) {
    test(`of what is ${name} says that it would be refused, and why`, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const client = market.client({ policy: { ...openPolicy, ...policy } })
      const quoted = await client.quote(`${seller.origin}/data`, { l402: limits })
      if (quoted.status !== 'refused') throw new Error(quoted.status)
      expect(quoted.error.code).toBe(code)
      expect(quoted.error.details['limit'] ?? quoted.error.details['reason']).toBe(reason)
      expect(quoted.price !== undefined).toBe(hasPrice)
    })
  }

  test('of what nobody can pay for (no payer) has the price all the same', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ payer: undefined as never })
    expect(await client.quote(`${seller.origin}/data`)).toMatchObject({
      status: 'refused',
      error: { code: 'POLICY_REFUSED', details: { reason: 'no-payer' } },
      price: { amountMsat: 10_000n },
    })
  })

  test('agrees with what the call does, after redirects too', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const door = await startSeller({
      ...market,
      answer: () => ({ status: 302, headers: { location: `${seller.origin}/data` } }),
    })
    const quoted = await market.client().quote(door.origin)
    expect(quoted).toMatchObject({ status: 'payable', price: { url: `${seller.origin}/data` } })
  })
})

describe('R-PAY-72 resume', () => {
  test('delivers an unknown payment that settled, to the URL that was paid for', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    market.buyer.injectFault({ kind: 'timeout', settleAfterMs: 5000 })
    const init = { method: 'POST', body: 'order', headers: { 'x-mine': '1' } }
    const client = market.client({ ledger, tokens })
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data?q=1`, init))
    const handle = String(details['paymentHash'])

    const restarted = market.client({ ledger, tokens })
    expect((await thrownBy(restarted.resume(handle, init))).code).toBe('PAYMENT_UNKNOWN')
    market.advance(6)
    await expect(restarted.resume(handle)).rejects.toThrow(TypeError)
    await expect(restarted.resume(handle, { method: 'PUT' })).rejects.toThrow(TypeError)
    const response = await restarted.resume(handle, init)

    expect(await response.text()).toBe('paid /data?q=1')
    expect(restarted.purchaseOf(response)).toMatchObject({
      outcome: 'paid_delivered',
      paymentHash: handle,
      resumed: true,
    })
    const { method, headers, body } = seller.arrived.at(-1)!
    expect([method, headers['x-mine'], body.toString()]).toEqual(['POST', '1', 'order'])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('delivers what was paid and not accepted, once the server accepts it', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand() : by.serve(request)),
    })
    const client = market.client()
    const { error } = await thrownBy(client.fetch(`${seller.origin}/data`))

    const again = await thrownBy(client.resume(error))
    expect([again.code, again.details['status']]).toEqual(['PAYMENT_NOT_DELIVERED', 402])
    broken = false
    expect((await client.resume(again.error)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('says that a payment failed, and does not make another', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    market.buyer.injectFault({ kind: 'in-flight' })
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    market.buyer.resolvePayment(seller.sold[0]!.paymentHash, 'fail')
    const { code, error } = await thrownBy(client.resume(String(details['paymentHash'])))
    expect([code, client.outcomeOf(error)]).toEqual(['PAYMENT_FAILED', 'not_paid'])
    expect(market.spentMsat()).toBe(0n)
  })

  test('cannot be turned into another request', async () => {
    const market = openMarket()
    const other = await startSeller(market)
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand() : by.serve(request)),
    })
    const ledger = createMemoryLedger()
    const client = market.client({ ledger })
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data?q=1`))
    const handle = String(details['paymentHash'])
    broken = false

    // Neither another method, nor a body where there was none, nor the caller's own credential.
    await expect(client.resume(handle, { method: 'DELETE' })).rejects.toThrow(TypeError)
    await expect(client.resume(handle, { body: 'x' })).rejects.toThrow(TypeError)
    const headers = { authorization: 'Bearer mine' }
    const own = await thrownBy(client.resume(handle, { headers }))
    expect([own.code, own.details['reason']]).toEqual(['POLICY_REFUSED', 'authorization'])
    // A URL has no place in it: what looks like one is passed over.
    const elsewhere = { url: `${other.origin}/data`, input: other.origin } as FetchInit
    const response = await client.resume(handle, elsewhere)
    expect(await response.text()).toBe('paid /data?q=1')
    expect(other.arrived).toEqual([])
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('of what was used up already is refused by its server, and pays nothing', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 1 }),
    })
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    const handle = hashHex(seller.sold[0]!)
    for (let i = 0; i < 3; i++) {
      const { code, details } = await thrownBy(client.resume(handle))
      expect([code, details['paymentHash']]).toEqual(['PAYMENT_NOT_DELIVERED', handle])
    }
    expect(market.spentMsat()).toBe(oneMsat)
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(market.spentMsat()).toBe(2n * oneMsat)
  })

  test('ten times at once sends a request each, and pays nothing', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)
    const handle = hashHex(seller.sold[0]!)
    const calls = Array.from({ length: 10 }, () => client.resume(handle))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('knows only what its ledger knows', async () => {
    await expect(openMarket().client().resume('ab'.repeat(32))).rejects.toThrow(RangeError)
  })

  test('is about a payment, so that another error is a mistake', async () => {
    const client = openMarket().client()
    const { error } = await thrownBy(client.fetch('http://127.0.0.1:1/'))
    for (const none of [error, new L402Error('POLICY_REFUSED'), undefined, 5, {}]) {
      await expect(client.resume(none)).rejects.toThrow(
        new TypeError('resume: expected a payment hash, or an error that carries one'),
      )
    }
  })

  test('follows a redirect without paying there', async () => {
    const market = openMarket()
    const other = await startSeller(market)
    let step: 'broken' | 'away' = 'broken'
    const seller = await startSeller({
      ...market,
      answer: async (_, by): Promise<Reply> =>
        step === 'broken'
          ? by.demand()
          : { status: 302, headers: { location: `${other.origin}/data` } },
    })
    const client = market.client()
    const { details } = await thrownBy(client.fetch(`${seller.origin}/data`))
    step = 'away'
    const { code } = await thrownBy(client.resume(String(details['paymentHash'])))
    expect(code).toBe('PAYMENT_NOT_DELIVERED')
    expect(other.arrived[0]!.headers.authorization).toBeUndefined()
    expect(market.spentMsat()).toBe(oneMsat)
  })
})

describe('R-PAY-75 JSON', () => {
  test('takes quotes, proposals and purchases, with amounts as digits', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const asked: string[] = []
    const approve = (proposal: Proposal): boolean => {
      asked.push(JSON.stringify(proposal))
      return true
    }
    const client = market.client({ policy: { ...openPolicy, approve } })
    const quoted = await client.quote(`${seller.origin}/data`)
    const response = await client.fetch(`${seller.origin}/data`)
    const purchase = client.purchaseOf(response)

    const amounts = { amountMsat: '10000', maxFeeMsat: '5000' }
    expect(JSON.parse(JSON.stringify(quoted))).toMatchObject({ status: 'payable', price: amounts })
    expect(asked.map((text) => JSON.parse(text) as unknown)).toMatchObject([amounts])
    expect(JSON.parse(JSON.stringify({ purchase }))).toMatchObject({
      purchase: { outcome: 'paid_delivered', amountMsat: '10000', feeMsat: '1001' },
    })
    expect(purchase?.amountMsat).toBe(10_000n)
  })

  test('takes a quote that was refused, and its error says what is left', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ policy: { ...openPolicy, maxTotalMsat: '14 sat' } })
    const quoted = await client.quote(`${seller.origin}/data`)
    expect(JSON.parse(JSON.stringify(quoted))).toMatchObject({
      status: 'refused',
      price: { amountMsat: '10000' },
      error: {
        code: 'BUDGET_EXCEEDED',
        details: { limit: 'total', limitMsat: '14000', leftMsat: '14000', maxFeeMsat: '5000' },
      },
    })
  })
})

test('no error, quote or purchase carries a token, an invoice’s preimage or a credential', async () => {
  const market = openMarket()
  const seller = await startSeller({ ...market, answer: (_, by) => by.demand() })
  const client = market.client()
  const quoted = await client.quote(seller.origin)
  const { error, details } = await thrownBy(client.fetch(seller.origin))
  const resumed = await thrownBy(client.resume(String(details['paymentHash'])))
  const preimages = seller.arrived.flatMap(
    ({ headers }) => headers.authorization?.split(':')[1] ?? [],
  )
  expect(preimages.length).toBe(2)
  const show = (value: unknown): string =>
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
  const all = [quoted, details, resumed.details].map(show).join() + String(error)
  for (const secret of [...preimages, ...seller.sold.map(({ token }) => token)]) {
    expect(all).not.toContain(secret)
  }
})
