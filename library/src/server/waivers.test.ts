import { describe, expect, test } from 'vitest'
import {
  admissionOf,
  openStall,
  readBody,
  refusalOf,
  request,
} from '../../../test/adapters/stall.ts'
import { createIssuance, createPaywall, createRoutes } from './index.ts'

const sale = { price: '10 sat', capability: 'forecast' }

describe('R-SRV-66 an allowance lets requests through free', () => {
  test('it is asked only where a request would have to pay', async () => {
    const { paywall, buy } = openStall()
    let asked = 0
    const gate = paywall.charge({ ...sale, allowance: () => ++asked <= 2 })
    for (let i = 0; i < 2; i++) expect(admissionOf(await gate(request())).receipt).toBeUndefined()
    expect(refusalOf(await gate(request())).status).toBe(402)
    const { authorization } = await buy(gate)
    const before = asked
    expect(admissionOf(await gate(request({ headers: { authorization } }))).receipt).toBeDefined()
    expect(asked).toBe(before)
  })

  test('a credential that does not cover the request is not helped by it', async () => {
    const { paywall, buy, clock } = openStall()
    const gate = paywall.charge({ ...sale, allowance: async () => true })
    const { authorization } = await buy(paywall.charge({ ...sale, capability: 'other' }))
    expect(readBody(refusalOf(await gate(request({ headers: { authorization } }))))).toHaveProperty(
      'code',
      'ACCESS_OTHER_RESOURCE',
    )
    clock.seconds += 1
    expect((await gate(request())).status).toBe('admitted')
  })

  for (const [name, allowance] of [
    ['throws', () => raise()],
    ['rejects', async () => raise()],
  ] as const) {
    test(`one that ${name} is 503, and nobody is charged`, async () => {
      const { paywall, invoices } = openStall()
      const gate = paywall.charge({ ...sale, allowance })
      expect(refusalOf(await gate(request())).status).toBe(503)
      expect(invoices()).toBe(0)
    })
  }

  test('one that forgets its answer lets nobody through', async () => {
    const { paywall } = openStall()
    const gate = paywall.charge({ ...sale, allowance: (() => undefined) as never })
    expect(refusalOf(await gate(request())).status).toBe(402)
  })
})

describe('R-SRV-67 a dry run refuses nobody for want of payment', () => {
  const open = () => {
    const stall = openStall({ dryRun: true })
    return { ...stall, gate: stall.paywall.charge(sale) }
  }

  test('without a credential: let through, with what it would have been, and no invoice', async () => {
    const { gate, invoices } = open()
    const decision = admissionOf(await gate(request()))
    expect(decision).toMatchObject({
      receipt: undefined,
      waived: { code: 'ACCESS_PAYMENT_REQUIRED' },
    })
    expect(invoices()).toBe(0)
  })

  test('with a credential that is none', async () => {
    const decision = admissionOf(
      await open().gate(request({ headers: { authorization: 'L402 abc:def' } })),
    )
    expect(decision.waived?.code).toBe('CREDENTIAL_MALFORMED')
  })

  test('what is ambiguous or not served is refused', async () => {
    const { gate, paywall } = open()
    expect(refusalOf(await gate(request({ target: '/a//b' }))).status).toBe(400)
    expect(refusalOf(await gate(request({ method: 'TRACE' }))).status).toBe(405)
    const routes = createRoutes(paywall, { 'GET /a': sale })
    expect(refusalOf(await routes(request({ target: '/b' }))).status).toBe(404)
  })

  test('a price that cannot be told is 503', async () => {
    const { paywall } = open()
    const gate = paywall.charge({ capability: 'dynamic', price: () => raise() })
    expect(refusalOf(await gate(request())).status).toBe(503)
  })
})

test('R-SRV-68 a token is judged by the least, and a challenge asks the amount', async () => {
  const { paywall, buy } = openStall()
  let amount = '10 sat'
  const gate = paywall.charge({ capability: 'fiat', price: () => ({ amount, least: '1 msat' }) })
  const { authorization } = await buy(gate)
  amount = '900 sat'
  expect((await gate(request({ headers: { authorization } }))).status).toBe('admitted')
  expect(readBody(refusalOf(await gate(request())))).toHaveProperty('price', 900)
})

test('R-SRV-70 paywalls share the limits they were given', async () => {
  const issuance = createIssuance({ burst: 3, perMinute: 1 })
  const { paywall, keys, seller, clock } = openStall({ issuance })
  const now = (): number => clock.seconds
  const other = createPaywall({ service: 'other', payee: seller, keys, issuance, now })
  const one = paywall.charge({ ...sale, uses: 1 })
  const two = other.charge({ ...sale, uses: 1 })
  const statuses: number[] = []
  for (const gate of [one, two, one, two, one]) {
    statuses.push(refusalOf(await gate(request())).status)
  }
  expect(statuses).toEqual([402, 402, 402, 429, 429])
  expect(() => createIssuance({ burst: 0 })).toThrow(/burst/)
  expect(() => createIssuance({ busrt: 1 } as never)).toThrow(/busrt: is not an option/)
})

test('R-SRV-71 a decision names its route and target, a refusal its cause and challenge', async () => {
  const { paywall, buy } = openStall()
  const routes = createRoutes(paywall, { 'GET /a/:id': sale, 'GET /': 'free' })
  expect(admissionOf(await routes(request({ target: '/?x' })))).toMatchObject({
    route: 'GET /',
    target: { path: '/', query: '?x' },
  })
  const refused = await routes(request({ target: '/a/1' }))
  const { payment_hash: paymentHash } = readBody(refusalOf(refused))
  expect(refused).toMatchObject({
    refusal: {
      code: 'ACCESS_PAYMENT_REQUIRED',
      cause: 'ACCESS_PAYMENT_REQUIRED',
      capability: 'forecast',
      challenge: { paymentHash, amountMsat: 10_000n, reused: false },
    },
  })
  const { authorization } = await buy(routes, { target: '/a/1' })
  const paid = await routes(request({ target: '/a/%31', headers: { authorization } }))
  expect(admissionOf(paid)).toMatchObject({ route: 'GET /a/:id', target: { path: '/a/1' } })
  const forged = authorization.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
  expect(
    await routes(request({ target: '/a/1', headers: { authorization: forged } })),
  ).toMatchObject({
    refusal: { code: 'CREDENTIAL_REFUSED', cause: 'PREIMAGE_MISMATCH', challenge: undefined },
  })
})

function raise(): never {
  throw new Error('out of order')
}
