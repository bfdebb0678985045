import { describe, expect, test } from 'vitest'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { openMarket, thrownBy } from './market.ts'
import type { Arrived, Reply, Seller } from './seller.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n

type Answer = (request: Arrived, seller: Seller) => Reply | Promise<Reply>

let number = 0

/** A 402 that sells something else each time. */
const somethingNew: Answer = (_, by) => by.demand({ capability: `thing${number++}` })

const unreadable: Answer = async (_, by) => {
  const line = `L402 token="opaque.${number++}", invoice="${(await by.sell()).invoice}"`
  return { status: 402, headers: { 'www-authenticate': line } }
}

/** Sells what is new each time, and answers a credential in its own way. */
const withCredential =
  (reply: Reply): Answer =>
  (request, by) =>
    request.headers.authorization === undefined ? somethingNew(request, by) : reply

const hangUp: Reply = { raw: (response) => response.destroy() }

const thieves: readonly (readonly [string, Answer])[] = [
  ['sells something new each time', somethingNew],
  ['sells what has expired when it is sold', (_, by) => by.demand({ lifetimeSeconds: -1e9 })],
  [
    'sells something new that has expired',
    (_, by) => by.demand({ capability: `thing${number++}`, lifetimeSeconds: -1e9 }),
  ],
  ['sells what nobody can read', unreadable],
  ['answers 401', withCredential({ status: 401 })],
  ['answers 403', withCredential({ status: 403 })],
  ['answers 429', withCredential({ status: 429 })],
  ['answers 500', withCredential({ status: 500 })],
  ['breaks the connection', withCredential(hangUp)],
  [
    'redirects to where the next thing is sold',
    withCredential({ status: 302, headers: { location: '/next' } }),
  ],
]

async function settledCalls(calls: readonly Promise<Response>[]): Promise<void> {
  await Promise.allSettled(calls)
}

describe('a server that takes money and delivers nothing', () => {
  for (const [name, answer] of thieves.slice(0, -1)) {
    test(`R-PAY-44 and ${name} is paid once for one URL`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer })
      const client = market.client()
      for (let i = 0; i < 12; i++) await settledCalls([client.fetch(`${seller.origin}/r`)])
      expect(market.spentMsat()).toBe(oneMsat)
    })

    test(`R-PAY-9 R-PAY-44 and ${name} is paid once for one URL that is wanted ten times at once`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer })
      const client = market.client()
      await settledCalls(Array.from({ length: 10 }, () => client.fetch(`${seller.origin}/r`)))
      expect(market.spentMsat()).toBe(oneMsat)
    })

    test(`R-PAY-45 and ${name} is paid three times at most for other paths`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer })
      const ledger = createMemoryLedger()
      const client = market.client({ ledger })
      for (let i = 0; i < 12; i++) await settledCalls([client.fetch(`${seller.origin}/${i}`)])
      expect(market.spentMsat()).toBeLessThanOrEqual(3n * oneMsat)
      expect((await ledger.spending(market.now())).totalMsat).toBe(market.spentMsat())
      // The next thing is refused, and nothing is even begun.
      const payments = (await ledger.list()).length
      await thrownBy(client.fetch(`${seller.origin}/last`))
      expect((await ledger.list()).length).toBe(payments)
    })

    test(`R-PAY-45 and ${name} is paid three times at most for many paths at once`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer })
      const client = market.client()
      const calls = Array.from({ length: 12 }, (_, i) => client.fetch(`${seller.origin}/${i}`))
      await settledCalls(calls)
      await settledCalls(
        Array.from({ length: 12 }, (_, i) => client.fetch(`${seller.origin}/b${i}`)),
      )
      expect(market.spentMsat()).toBeLessThanOrEqual(3n * oneMsat)
    })
  }

  for (const status of [401, 402]) {
    test(`R-PAY-44 and refuses it (${status}) is paid once for one path, whatever its query`, async () => {
      const market = openMarket()
      const answer = status === 401 ? withCredential({ status }) : somethingNew
      const seller = await startSeller({ ...market, answer })
      const client = market.client()
      for (let i = 0; i < 5; i++) {
        const { code } = await thrownBy(client.fetch(`${seller.origin}/r?size=${i}`))
        expect(code).toBe('PAYMENT_NOT_DELIVERED')
      }
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('R-PAY-45 and hangs until its caller gives up is paid three times at most', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: withCredential({ raw: () => undefined }),
    })
    const client = market.client()
    for (let i = 0; i < 6; i++) {
      const signal = AbortSignal.timeout(60)
      await settledCalls([client.fetch(`${seller.origin}/${i}`, { signal })])
    }
    expect(market.spentMsat()).toBe(3n * oneMsat)
  })

  for (const settles of [true, false]) {
    const name = settles ? 'and collects it later' : 'for as long as it can'
    test(`R-PAY-45 and holds payments ${name} is sent three at most`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer: somethingNew })
      let isHeld = true
      const payer: Payer = {
        ...market.buyer,
        pay: async (invoice, limits) => {
          const outcome = await market.buyer.pay(invoice, limits)
          return isHeld ? { status: 'unknown' } : outcome
        },
        lookupPayment: async (hash, signal) =>
          isHeld ? { status: 'unknown' } : market.buyer.lookupPayment(hash, signal),
      }
      const client = market.client({ payer })
      const calls = [1, 2, 3, 4, 5, 6].map((i) => client.fetch(`${seller.origin}/at-once/${i}`))
      await settledCalls(calls)
      for (let i = 0; i < 6; i++) await settledCalls([client.fetch(`${seller.origin}/${i}`)])
      isHeld = !settles
      for (let i = 0; i < 6; i++) {
        await settledCalls([client.fetch(`${seller.origin}/b${i}`)])
        isHeld = !settles
      }
      expect(market.spentMsat()).toBe(3n * oneMsat)
      const { code, details } = await thrownBy(client.fetch(`${seller.origin}/last`))
      expect([code, details['reason']]).toEqual(['POLICY_REFUSED', 'owed'])
    })
  }

  test('R-PAY-45 is paid again once one of them was delivered after all', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => {
        if (broken && request.headers.authorization !== undefined) return { status: 503 }
        return by.serve(request)
      },
    })
    const client = market.client()
    for (const path of ['/a', '/b', '/c']) {
      expect((await client.fetch(seller.origin + path)).status).toBe(503)
    }
    expect((await thrownBy(client.fetch(`${seller.origin}/d`))).details['reason']).toBe('owed')
    broken = false
    expect((await client.fetch(`${seller.origin}/b`)).status).toBe(200)
    expect((await client.fetch(`${seller.origin}/d`)).status).toBe(200)
    expect(market.spentMsat()).toBe(4n * oneMsat)
  })

  test('R-PAY-44 owes it for a day at least, however soon its token says that it expires', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) => (broken ? by.demand({ lifetimeSeconds: -1e9 }) : by.serve(request)),
    })
    const client = market.client()
    const call = (): Promise<Response> => client.fetch(`${seller.origin}/data`)
    await thrownBy(call())
    broken = false
    market.advance(86_399)
    expect((await thrownBy(call())).code).toBe('PAYMENT_NOT_DELIVERED')
    market.advance(1)
    expect((await call()).status).toBe(200)
    expect(market.spentMsat()).toBe(2n * oneMsat)
  })
})

describe('a server that delivers', () => {
  test('R-PAY-9 is paid once for one URL, though it names it otherwise each time', async () => {
    const market = openMarket()
    const seller = await startSeller({ ...market, answer: withCredential({ body: 'paid' }) })
    const client = market.client()
    const calls = Array.from({ length: 10 }, () => client.fetch(`${seller.origin}/same`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-23 R-PAY-9 asks for approval once where another call bought it meanwhile', async () => {
    const market = openMarket()
    const seller = await startSeller({ ...market, answer: withCredential({ body: 'paid' }) })
    let asked = 0
    const approve = (): boolean => ++asked > 0
    const policy = { maxPaymentMsat: '100 sat', maxTotalMsat: '100 sat', approve }
    const client = market.client({ policy })
    await Promise.all([1, 2, 3].map(() => client.fetch(`${seller.origin}/same`)))
    expect(asked).toBeLessThanOrEqual(3)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  test('R-PAY-45 is paid for as many things at once as are wanted', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const tokens = createMemoryTokenStore()
    const client = market.client({ tokens })
    const calls = Array.from({ length: 20 }, (_, i) => client.fetch(`${seller.origin}/thing${i}`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(20n * oneMsat)
    expect((await tokens.list()).every(({ standing }) => standing === 'good')).toBe(true)
  })

  test('R-PAY-46 after all has a use of what it owes taken by one call, and sells the others theirs', async () => {
    const market = openMarket()
    let broken = true
    const seller = await startSeller({
      ...market,
      answer: (request, by) =>
        broken && request.headers.authorization !== undefined
          ? { status: 503 }
          : by.serve(request, { uses: 1 }),
    })
    const client = market.client()
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(503)
    broken = false
    const calls = Array.from({ length: 5 }, () => client.fetch(`${seller.origin}/data`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(5n * oneMsat)
    const owed = seller.arrived.find(({ headers }) => headers.authorization !== undefined)
    const sent = seller.arrived.filter(
      ({ headers }) => headers.authorization === owed?.headers.authorization,
    )
    expect(sent.length).toBe(2)
  })

  for (const [name, reply, outcome] of [
    ['and delivers it', { body: 'paid' }, 'fulfilled'],
    ['and refuses it', { status: 401 }, 'rejected'],
  ] as const) {
    test(`R-PAY-9 and is paid slowly ${name} is looked at again after the wait for that`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer: withCredential(reply) })
      const payer: Payer = {
        ...market.buyer,
        pay: async (invoice, limits) => {
          await new Promise((resolve) => setTimeout(resolve, 100))
          return market.buyer.pay(invoice, limits)
        },
      }
      const client = market.client({ payer })
      const calls = Array.from({ length: 10 }, () => client.fetch(`${seller.origin}/same`))
      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe(outcome)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('R-PAY-45 is paid for more than three things before any is answered, once one was', async () => {
    const market = openMarket()
    let waiting = 0
    let answerAll = (): void => undefined
    const all = new Promise<void>((resolve) => {
      answerAll = resolve
    })
    const seller = await startSeller({
      ...market,
      answer: async (request, by) => {
        if (request.path !== '/first' && request.headers.authorization !== undefined) {
          const isGuess = request.headers.authorization === first
          if (!isGuess && ++waiting === 5) answerAll()
          if (!isGuess) await all
        }
        return by.serve(request)
      },
    })
    const client = market.client()
    await client.fetch(`${seller.origin}/first`)
    const first = seller.arrived.at(-1)?.headers.authorization
    const calls = [1, 2, 3, 4, 5].map((i) => client.fetch(`${seller.origin}/thing${i}`))
    for (const call of calls) expect((await call).status).toBe(200)
    expect(market.spentMsat()).toBe(6n * oneMsat)
  })

  test('R-PAY-45 is paid for the next thing when three unknown payments turn out to have failed', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client()
    for (const path of ['/a', '/b', '/c']) {
      market.buyer.injectFault({ kind: 'in-flight' })
      await thrownBy(client.fetch(seller.origin + path))
    }
    expect((await thrownBy(client.fetch(`${seller.origin}/d`))).details['reason']).toBe('owed')
    for (const { paymentHash } of seller.sold.slice(0, 3)) {
      market.buyer.resolvePayment(paymentHash, 'fail')
    }
    expect((await client.fetch(`${seller.origin}/d`)).status).toBe(200)
    expect(market.spentMsat()).toBe(oneMsat)
  })

  for (const [name, reply] of [
    ['delivered', { body: 'paid' }],
    ['refused', { status: 401 }],
  ] as const) {
    test(`R-PAY-9 and ${name} is paid once by calls that were all approved before one of them paid`, async () => {
      const market = openMarket()
      const seller = await startSeller({ ...market, answer: withCredential(reply) })
      let asked = 0
      let tellAll = (): void => undefined
      const allAsked = new Promise<void>((resolve) => {
        tellAll = resolve
      })
      const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
      // Each is approved a little later than the one before, while that one is still being paid.
      const approve = async (): Promise<boolean> => {
        const place = ++asked
        if (place === 3) tellAll()
        await allAsked
        await later(20 * place)
        return true
      }
      const payer: Payer = {
        ...market.buyer,
        pay: async (invoice, limits) => {
          await later(150)
          return market.buyer.pay(invoice, limits)
        },
      }
      const policy = { maxPaymentMsat: '100 sat', maxTotalMsat: '100 sat', approve }
      const client = market.client({ policy, payer })
      const calls = Array.from({ length: 3 }, () => client.fetch(`${seller.origin}/same`))
      await settledCalls(calls)
      expect(asked).toBe(3)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('R-PAY-45 is waited for no longer than the caller likes', async () => {
    const market = openMarket()
    const seller = await startSeller({
      ...market,
      answer: withCredential({ raw: () => undefined }),
    })
    const client = market.client()
    const give = new AbortController()
    const hanging = [1, 2, 3].map((i) =>
      client.fetch(`${seller.origin}/${i}`, { signal: give.signal }),
    )
    const impatience = AbortSignal.timeout(100)
    const { error } = await thrownBy(client.fetch(`${seller.origin}/4`, { signal: impatience }))
    expect(error).toBe(impatience.reason)
    give.abort()
    await settledCalls(hanging)
    expect(market.spentMsat()).toBe(3n * oneMsat)
  })
})
