import { describe, expect, test } from 'vitest'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { hashHex, lastCredential, startSeller } from './seller.ts'

describe('a purchase', () => {
  test('R-PAY-6 pays once, sends what it bought once, and says what it bought', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()

    const response = await client.fetch(`${seller.origin}/data?x=1`)

    expect(await response.text()).toBe('paid /data?x=1')
    expect(seller.arrived.length).toBe(2)
    expect(client.purchaseOf(response)).toEqual({
      outcome: 'paid_delivered',
      paymentHash: hashHex(seller.sold[0]!),
      origin: seller.origin,
      amountMsat: 10_000n,
      feeMsat: 1001n,
      service: 'shop',
      capability: 'data',
      validUntilSeconds: 1_900_003_600,
      resumed: false,
    })
    expect(client.outcomeOf(response)).toBe('paid_delivered')
    expect(market.spentMsat()).toBe(11_001n)
  })

  test('R-PAY-41 is not repeated while its token works', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    await client.fetch(`${seller.origin}/data`)

    const again = await client.fetch(`${seller.origin}/data?y=2`)

    expect(await again.text()).toBe('paid /data?y=2')
    expect(client.purchaseOf(again)).toBeUndefined()
    expect(client.outcomeOf(again)).toBe('not_paid')
    expect(seller.arrived.length).toBe(3)
    expect(market.spentMsat()).toBe(11_001n)
  })

  test('R-PAY-60 goes out as it came, where the server publishes nothing', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    await market.client().fetch(`${seller.origin}/data`)
    expect(lastCredential(seller)).toMatch(/^L402 [A-Za-z0-9+/=]+:[0-9a-f]{64}$/)
    expect(lastCredential(seller)).toContain(` ${seller.sold[0]!.token}:`)
  })

  test('R-PAY-10 is under LSAT where the challenge is', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (by.isPaid(request)) return { body: 'yes' }
        const { token, invoice } = await by.sell()
        const line = `LSAT macaroon="${token}", invoice="${invoice}"`
        return { status: 402, headers: { 'www-authenticate': line } }
      },
    })
    expect(await (await market.client().fetch(seller.origin)).text()).toBe('yes')
    expect(lastCredential(seller)).toMatch(/^LSAT /)
  })
})

describe('R-PAY-9 parallel calls', () => {
  test('for one thing buy it once', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const calls = Array.from({ length: 20 }, (_, i) => client.fetch(`${seller.origin}/data?${i}`))
    const texts = await Promise.all(calls.map(async (call) => (await call).text()))
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => `paid /data?${i}`))
    expect(market.spentMsat()).toBe(11_001n)
  })

  test('on different routes of one capability buy it once', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    const calls = Array.from({ length: 20 }, (_, i) => client.fetch(`${seller.origin}/data/${i}`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(11_001n)
  })

  test('for different things do not wait for each other', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    let asked = 0
    let letGo = (): void => undefined
    const both = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const client = market.client({
      policy: {
        maxPaymentMsat: '100 sat',
        maxTotalMsat: '100 sat',
        approve: async () => {
          if (++asked === 2) letGo()
          await both
          return true
        },
      },
    })
    await Promise.all([client.fetch(`${seller.origin}/a`), client.fetch(`${seller.origin}/b`)])
    expect(asked).toBe(2)
  })

  for (const [name, ask] of [
    ['while one is being paid', false],
    ['that are about to be paid at once', true],
  ] as const) {
    test(`for one target with tokens of different kinds, ${name}, wait for each other`, async () => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: async ({ headers }, by) => {
          if (headers.authorization !== undefined) return { body: 'paid' }
          if (headers['x-opaque'] === undefined) return by.demand()
          const line = `L402 token="opaque.token", invoice="${(await by.sell()).invoice}"`
          return { status: 402, headers: { 'www-authenticate': line } }
        },
      })
      const until = async (holds: () => boolean): Promise<void> => {
        while (!holds()) await new Promise(setImmediate)
      }
      let asked = 0
      const approve = async (): Promise<boolean> => {
        asked++
        await until(() => asked >= 2)
        return true
      }
      let ordered = 0
      const client = market.client({
        policy: ask ? { ...openPolicy, approve } : openPolicy,
        payer: {
          ...market.buyer,
          pay: async (invoice, limits) => {
            ordered++
            await until(() => seller.arrived.length >= 2)
            for (let i = 0; i < 20; i++) await new Promise(setImmediate)
            return market.buyer.pay(invoice, limits)
          },
        },
      })
      const first = client.fetch(seller.origin)
      if (!ask) await until(() => ordered === 1)
      const second = client.fetch(seller.origin, { headers: { 'x-opaque': '1' } })
      expect([(await first).status, (await second).status]).toEqual([200, 200])
    })
  }

  test('R-PAY-46 with tokens for one request each buy one each, and no more', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 1 }),
    })
    const client = market.client()
    const calls = Array.from({ length: 12 }, () => client.fetch(`${seller.origin}/data`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(12n * 11_001n)
    // One unpaid and one paid request each: nobody tried a token that somebody else had used.
    expect(seller.arrived.length).toBe(24)
  })

  test('R-PAY-46 with tokens for five requests buy one for every five', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: (request, by) => by.serve(request, { uses: 5 }),
    })
    const client = market.client()
    const calls = Array.from({ length: 12 }, () => client.fetch(`${seller.origin}/data`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(3n * 11_001n)
    await client.fetch(`${seller.origin}/data`)
    expect(market.spentMsat()).toBe(3n * 11_001n)
  })

  test('whose caller gives up while waiting stop waiting, and the others go on', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    let letGo = (): void => undefined
    const held = new Promise<boolean>((resolve) => {
      letGo = () => resolve(true)
    })
    const client = market.client({
      policy: { maxPaymentMsat: '100 sat', maxTotalMsat: '100 sat', approve: () => held },
    })
    const first = client.fetch(`${seller.origin}/data`)
    const impatience = new AbortController()
    const second = client.fetch(`${seller.origin}/data`, { signal: impatience.signal })
    const third = client.fetch(`${seller.origin}/data`)
    while (seller.arrived.length < 3) await new Promise((resolve) => setTimeout(resolve, 1))
    impatience.abort(new Error('enough'))
    expect((await thrownBy(second)).error).toEqual(new Error('enough'))
    letGo()
    expect((await first).status).toBe(200)
    expect((await third).status).toBe(200)
    expect(market.spentMsat()).toBe(11_001n)
  })
})
