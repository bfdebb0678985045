import { describe, expect, test } from 'vitest'
import type { Ledger, TokenStore } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { openMarket } from './market.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n
const mostDealings = 17

/** A caller who gives up at one of the client's dealings with the world. */
class Patience {
  dealings = 0
  readonly #controller = new AbortController()
  readonly #endsAt: number
  readonly #when: 'before' | 'after'

  constructor(endsAt: number, when: 'before' | 'after') {
    this.#endsAt = endsAt
    this.#when = when
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async deal<Result>(work: () => Promise<Result>): Promise<Result> {
    const isLast = ++this.dealings === this.#endsAt
    if (isLast && this.#when === 'before') this.#controller.abort(new Error('enough'))
    try {
      return await work()
    } finally {
      if (isLast && this.#when === 'after') this.#controller.abort(new Error('enough'))
    }
  }

  wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown
        if (typeof member !== 'function') return member
        return (...input: unknown[]) =>
          this.deal(() => Promise.resolve(Reflect.apply(member, target, input) as unknown))
      },
    })
  }
}

const points = Array.from({ length: mostDealings }, (_, i) => i + 1)
const cases = points.flatMap((point) => [
  [point, 'before', undefined] as const,
  [point, 'after', undefined] as const,
  [point, 'before', 'late'] as const,
  [point, 'after', 'late'] as const,
])

describe('R-PAY-32 R-PAY-35 a caller who gives up', () => {
  for (const [point, when, wallet] of cases) {
    const late = wallet === undefined ? '' : ', with a wallet that answers late,'
    test(`${when} dealing number ${point}${late} pays once, and the books agree`, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const ledger = createMemoryLedger()
      const tokens = createMemoryTokenStore()
      const patience = new Patience(point, when)
      const heard: Promise<unknown>[] = []
      const payer: Payer = {
        ...market.buyer,
        pay: (invoice, limits) => {
          const paying = market.buyer.pay(invoice, limits).then(async (outcome) => {
            if (wallet === 'late') await new Promise((resolve) => setTimeout(resolve, 20))
            return outcome
          })
          heard.push(paying.catch(() => undefined))
          return paying
        },
      }
      const client = market.client({
        ledger: patience.wrap<Ledger>(ledger),
        tokens: patience.wrap<TokenStore>(tokens),
        payer: patience.wrap(payer),
        fetch: (input, init) => patience.deal(() => fetch(input, init)),
      })
      const url = `${seller.origin}/data`
      const [ended] = await Promise.allSettled([client.fetch(url, { signal: patience.signal })])
      const outcome =
        ended.status === 'fulfilled'
          ? client.outcomeOf(ended.value)
          : client.outcomeOf(ended.reason as unknown)
      const spentMsat = market.spentMsat()
      const atOnce = await ledger.spending(market.now())

      // What is said about money is true, and what left the wallet is counted or set aside.
      if (outcome !== 'unknown') expect(spentMsat).toBe(outcome === 'not_paid' ? 0n : oneMsat)
      expect(spentMsat).toBeLessThanOrEqual(oneMsat)
      expect(atOnce.totalMsat).toBeGreaterThanOrEqual(spentMsat)
      if (outcome === 'not_paid') expect(atOnce.totalMsat).toBe(0n)

      // Whatever the wallet still has to say is heard.
      await Promise.all(heard)
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      await client.reconcile()
      const response = await client.fetch(url)
      expect(await response.text()).toBe('paid /data')
      expect(market.spentMsat()).toBe(oneMsat)
      const later = await ledger.spending(market.now())
      expect([later.heldMsat, later.totalMsat]).toEqual([0n, oneMsat])
      expect((await tokens.list()).length).toBe(1)
      expect(await ledger.unfinished()).toEqual([])
    })
  }

  test('has at most as many moments to do so as are tried here', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const patience = new Patience(Number.POSITIVE_INFINITY, 'after')
    const client = market.client({
      ledger: patience.wrap(createMemoryLedger()),
      tokens: patience.wrap(createMemoryTokenStore()),
      payer: patience.wrap<Payer>(market.buyer),
      fetch: (input, init) => patience.deal(() => fetch(input, init)),
    })
    await client.fetch(`${seller.origin}/data`)
    expect(patience.dealings).toBeLessThanOrEqual(mostDealings)
    expect(patience.dealings).toBeGreaterThan(8)
  })
})
