import { afterEach, describe, expect, test } from 'vitest'
import { L402Error } from '../../library/src/errors.ts'
import type { Gate, IncomingRequest, Price } from '../../library/src/server/index.ts'
import type { PriceConfig } from '../../program/src/gateway/config/config.ts'
import {
  createAllowance,
  createPrice,
  createPricerSource,
  createRateSource,
} from '../../program/src/gateway/pricing/index.ts'
import type { RequestParts, Stall } from '../adapters/stall.ts'
import {
  admissionOf,
  headerLines,
  openStall,
  readBody,
  refusalOf,
  refusedWith,
  request,
} from '../adapters/stall.ts'
import type { JsonService } from './json-service.ts'
import { json, openJsonService } from './json-service.ts'

// Prices of the gateway through the gate of the library: what is asked, and what a token is good for.

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Market = {
  readonly stall: Stall
  readonly service: JsonService
  readonly clock: { ms: number }
  gate(config: PriceConfig): Gate
}

async function open(first: string): Promise<Market> {
  const stall = openStall()
  let gates = 0
  const service = await openJsonService(first)
  const clock = { ms: 0 }
  const now = (): number => clock.ms
  const rates = createRateSource(
    {
      url: service.url,
      member: '{currency}',
      maxAgeMs: 600_000,
      refreshMs: 600_000,
      timeoutMs: 5000,
    },
    { now },
  )
  const pricers = createPricerSource({ now })
  closing.push(
    () => rates.close(),
    () => pricers.close(),
    service.close,
  )
  return {
    stall,
    service,
    clock,
    gate: (config) => {
      const options = { rates, pricers, service: 'weather', route: 'GET /x', capability: 'x' }
      // The built package and its sources name the same type twice.
      const price = createPrice(config, options) as unknown as Price
      // After the first one: what a changed configuration makes, with the same keys.
      const { paywall } = gates++ === 0 ? stall : openStall()
      return paywall.charge({ price, capability: 'x' })
    },
  }
}

const usd = (amountMicros: bigint, currency: string = 'USD'): PriceConfig => ({
  kind: 'fiat',
  amountMicros,
  currency,
})

function amountOf(decision: Awaited<ReturnType<Gate>>): unknown {
  return readBody(refusalOf(decision))['amount_msat']
}

describe('a route with a price in fiat', () => {
  test('R-PRC-2 R-PRC-4 asks what it is worth now, and honours what was sold at another rate', async () => {
    const { stall, service, clock, gate } = await open('{"USD":64000}')
    const priced = gate(usd(20_000n))
    expect(amountOf(await priced(request()))).toBe(31_250)
    const { authorization } = await stall.buy(priced)
    for (const moved of ['8000', '1000', '9999', '99000.5']) {
      service.answer = json(`{"USD":${moved}}`)
      clock.ms += 600_000
      const paid = await priced(request({ headers: { authorization } }))
      expect(paid.status, moved).toBe('admitted')
    }
    expect(amountOf(await priced(request()))).toBe(Math.ceil(2_000_000_000 / 99_000.5))
  })

  test('R-PRC-4 honours no token of another price, dearer or cheaper', async () => {
    const { stall, gate } = await open('{"USD":64000,"EUR":64000}')
    const { authorization } = await stall.buy(gate(usd(20_000n)))
    for (const other of [usd(20_001n), usd(19_999n), usd(20_000n, 'EUR')]) {
      const decision = await gate(other)(request({ headers: { authorization } }))
      expect(refusedWith(decision)).toBe('402 ACCESS_OTHER_RESOURCE')
    }
    const same = await gate(usd(20_000n))(request({ headers: { authorization } }))
    expect(same.status).toBe('admitted')
  })

  test('R-PRC-9 without a rate is 503 for everybody, and asks for no invoice', async () => {
    const { stall, service, clock, gate } = await open('{"USD":64000}')
    const priced = gate(usd(20_000n))
    const { authorization } = await stall.buy(priced)
    const before = stall.invoices()
    for (const text of ['{"USD":0}', '{"USD":-1}', '{"USD":1e30}', 'null']) {
      service.answer = json(text)
      clock.ms += 600_000
      for (const headers of [{}, { authorization }]) {
        const decision = await priced(request({ headers }))
        expect(refusedWith(decision), text).toBe('503 REQUEST_UNPRICED')
        expect(headerLines(refusalOf(decision), 'retry-after')).toEqual(['5'])
      }
    }
    expect(stall.invoices()).toBe(before)
  })
})

describe('a route with a price that a service tells', () => {
  const asked = (url: string, changes: Partial<PriceConfig> = {}): PriceConfig =>
    ({
      kind: 'http',
      url,
      timeoutMs: 2000,
      headers: ['x-size'],
      bodyBytes: 0,
      ...changes,
    }) as PriceConfig

  test('R-PRC-10 is told the request as it is configured, and no credential', async () => {
    const { stall, service, gate } = await open('{"amount_msat":2500}')
    const priced = gate(asked(service.url))
    const headers = { 'x-size': 'large', 'x-other': 'secret-1', cookie: 'secret-2' }
    const parts: RequestParts = { method: 'HEAD', target: '/x?b=%2f&a=1', headers }
    expect(amountOf(await priced(request(parts)))).toBe(2500)
    const { authorization } = await stall.buy(priced, parts)
    const paid = request({ ...parts, headers: { ...headers, authorization } })
    expect((await priced(paid)).status).toBe('admitted')
    for (const body of service.asked) {
      expect(JSON.parse(body)).toEqual({
        service: 'weather',
        capability: 'x',
        method: 'GET',
        path: '/x',
        query: '?b=%2f&a=1',
        headers: { 'x-size': 'large' },
      })
    }
    const sent = JSON.stringify([
      service.asked,
      service.requests.map(({ rawHeaders }) => rawHeaders),
    ])
    expect(sent).not.toMatch(/secret|L402|AgE/)
  })

  test('R-PRC-13 sells for the request that was priced and no other at the same price', async () => {
    const { stall, service, gate } = await open('{"amount_msat":2500}')
    const priced = gate(asked(service.url))
    const parts: RequestParts = { target: '/x?size=1', headers: { 'x-size': 'large' } }
    const { authorization } = await stall.buy(priced, parts)
    const others: readonly RequestParts[] = [
      { ...parts, target: '/x?size=2' },
      { ...parts, target: '/x' },
      { ...parts, target: '/y?size=1' },
      { ...parts, method: 'POST' },
      { ...parts, headers: { 'x-size': 'small' } },
      { ...parts, headers: {} },
    ]
    for (const other of others) {
      const decision = await priced(
        request({ ...other, headers: { ...other.headers, authorization } }),
      )
      expect(refusedWith(decision)).toBe('402 ACCESS_OTHER_RESOURCE')
    }
    const twice = request({ ...parts, headers: { 'x-size': ['large', 'small'], authorization } })
    expect(refusedWith(await priced(twice))).toBe('400 REQUEST_AMBIGUOUS')
    const same = request({ ...parts, headers: { ...parts.headers, authorization } })
    expect((await priced(same)).status).toBe('admitted')
  })

  /** A request whose body can be read twice, as the gateway's can. */
  function withBody(body: string, parts: RequestParts = {}): IncomingRequest {
    return {
      ...request({ method: 'POST', ...parts }),
      body: async (maxBytes) => {
        const bytes = Buffer.from(body)
        if (bytes.length > maxBytes) throw new L402Error('REQUEST_TOO_LARGE')
        return bytes
      },
    }
  }

  test('R-PRC-13 R-PRC-15 prices a body as a whole, and refuses one that is too long', async () => {
    const { stall, service, gate } = await open('{"amount_msat":2500}')
    const priced = gate(asked(service.url, { bodyBytes: 10 } as Partial<PriceConfig>))
    const unpaid = await priced(withBody('0123456789'))
    expect(JSON.parse(service.asked[0]!)).toMatchObject({ body_base64: 'MDEyMzQ1Njc4OQ==' })
    const { authorization } = await stall.pay(refusalOf(unpaid))
    const headers = { authorization }
    expect((await priced(withBody('0123456789', { headers }))).status).toBe('admitted')
    const other = await priced(withBody('0123456788', { headers }))
    expect(refusedWith(other)).toBe('402 ACCESS_OTHER_RESOURCE')
    const before = service.asked.length
    const long = await priced(withBody('0123456789!', { headers }))
    expect(refusedWith(long)).toBe('413 REQUEST_TOO_LARGE')
    expect(service.asked).toHaveLength(before)
    // Where the body cannot be read twice there is no price, and no way around it.
    expect(refusedWith(await priced(request({ method: 'POST', headers })))).toBe(
      '503 REQUEST_UNPRICED',
    )
  })

  test('R-PRC-11 lets through what the pricer says is free, and nothing else', async () => {
    const { service, gate } = await open('{"free":true}')
    const priced = gate(asked(service.url))
    expect(admissionOf(await priced(request())).receipt).toBeUndefined()
    for (const text of ['{"amount_msat":0}', '{"free":"true"}', '{}', '{"amount_msat":null}']) {
      service.answer = json(text)
      expect(refusedWith(await priced(request())), text).toBe('503 REQUEST_UNPRICED')
    }
  })

  test('R-PRC-12 honours a token that was sold for no less than the least', async () => {
    const { stall, service, gate } = await open('{"amount_msat":2500}')
    const priced = gate(asked(service.url))
    const { authorization } = await stall.buy(priced)
    const paid = async (text: string): Promise<string> => {
      service.answer = json(text)
      const decision = await priced(request({ headers: { authorization } }))
      return decision.status === 'admitted' ? 'admitted' : refusedWith(decision)
    }
    expect(await paid('{"amount_msat":2500}')).toBe('admitted')
    expect(await paid('{"amount_msat":2000}')).toBe('admitted')
    expect(await paid('{"amount_msat":2501}')).toBe('402 ACCESS_UNDERPAID')
    expect(await paid('{"amount_msat":9000,"least_msat":2500}')).toBe('admitted')
    expect(await paid('{"amount_msat":9000,"least_msat":2501}')).toBe('402 ACCESS_UNDERPAID')
  })

  test('R-PRC-9 R-PRC-14 is 503 for everybody while the pricer is away, unless an answer is kept', async () => {
    const { stall, service, clock, gate } = await open('{"amount_msat":2500,"cache_seconds":60}')
    const priced = gate(asked(service.url))
    const { authorization } = await stall.buy(priced)
    await service.close()
    expect((await priced(request({ headers: { authorization } }))).status).toBe('admitted')
    clock.ms = 60_000
    const before = stall.invoices()
    for (const headers of [{}, { authorization }]) {
      const decision = await priced(request({ headers }))
      expect(refusedWith(decision)).toBe('503 REQUEST_UNPRICED')
      expect(headerLines(refusalOf(decision), 'retry-after')).toEqual(['5'])
    }
    expect(stall.invoices()).toBe(before)
    const reasons = stall.told.filter(({ name }) => name === 'failure').map(({ event }) => event)
    expect(reasons[0]).toMatchObject({ part: 'price', code: 'REQUEST_UNPRICED' })
    expect(String((reasons[0] as { error: unknown }).error)).toContain('the call failed')
  })
})

describe('a route with a free tier', () => {
  test('R-PRC-16 R-PRC-17 is free for so many requests of a network, and for none with a credential', async () => {
    const stall = openStall()
    const taken: string[] = []
    let isAway = false
    const state = {
      takeFree: (key: string, requests: number) => {
        if (isAway) throw new Error('the disk is full')
        taken.push(key)
        return taken.filter((other) => other === key).length <= requests
      },
    }
    const allowance = createAllowance({ requests: 2, windowSeconds: 60 }, 'weather x', state)
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'x', allowance })
    expect(admissionOf(await gate(request())).receipt).toBeUndefined()
    expect((await gate(request({ clientAddress: '192.0.2.99' }))).status).toBe('admitted')
    const refused = await gate(request())
    expect(refusedWith(refused)).toBe('402 ACCESS_PAYMENT_REQUIRED')
    expect((await gate(request({ clientAddress: '198.51.100.1' }))).status).toBe('admitted')

    const { authorization } = await stall.pay(refusalOf(refused))
    const before = taken.length
    expect((await gate(request({ headers: { authorization } }))).status).toBe('admitted')
    const bad = request({ headers: { authorization: 'L402 x' } })
    expect(refusedWith(await gate(bad))).toBe('401 CREDENTIAL_MALFORMED')
    expect(taken).toHaveLength(before)

    isAway = true
    expect(refusedWith(await gate(request()))).toMatch(/^503 /)
    expect((await gate(request({ headers: { authorization } }))).status).toBe('admitted')
  })
})
