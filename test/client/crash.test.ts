import { describe, expect, test } from 'vitest'
import { crashPoints } from '../../library/src/client/crash-point.ts'
import type { Ledger, TokenStore } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { Payer } from '../../library/src/lightning/index.ts'
import { openMarket, thrownBy } from './market.ts'
import { startSeller } from './seller.ts'

const oneMsat = 11_001n
/** Short, so that nobody waits long for a process that is gone. */
const paymentTimeoutMs = 100
/** Longer than the lease of a payment. */
const restartSeconds = 120

/** A life of the process, which ends at one of its dealings with the world. */
class Life {
  dealings = 0
  readonly #running: Promise<unknown>[] = []
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #endsAt: number
  readonly #effect: 'before' | 'after'

  constructor(endsAt: number, effect: 'before' | 'after') {
    this.#endsAt = endsAt
    this.#effect = effect
  }

  /** Whether the dealing at which it ends still has its effect is what the two kinds differ in. */
  async deal<Result>(work: () => Promise<Result>): Promise<Result> {
    this.dealings++
    if (this.dealings > this.#endsAt) return new Promise(() => undefined)
    const isLast = this.dealings === this.#endsAt
    const done = isLast && this.#effect === 'before' ? Promise.resolve() : work()
    this.#running.push(done)
    if (!isLast) return done as Promise<Result>
    await done.finally(() => this.#ended.resolve())
    throw new Error('the process died')
  }

  /** Resolves when it has ended, and nothing that it began has an effect any more. */
  async ended(): Promise<void> {
    await this.#ended.promise
    await Promise.allSettled(this.#running)
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

function lives(): readonly (readonly [number, 'before' | 'after'])[] {
  const points = Array.from({ length: 17 }, (_, i) => i + 1)
  return points.flatMap((point) => [[point, 'before'] as const, [point, 'after'] as const])
}

describe('R-PAY-39 a process that dies', () => {
  for (const [point, effect] of lives()) {
    test(`${effect} its dealing number ${point} pays once, and its successor delivers`, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const ledger = createMemoryLedger()
      const tokens = createMemoryTokenStore()
      const url = `${seller.origin}/data`
      const life = new Life(point, effect)
      const dying = market.client({
        paymentTimeoutMs,
        ledger: life.wrap<Ledger>(ledger),
        tokens: life.wrap<TokenStore>(tokens),
        payer: life.wrap<Payer>(market.buyer),
        fetch: (input, init) => life.deal(() => fetch(input, init)),
      })
      // It hangs when it died in the middle of something that it does not wait for.
      await Promise.race([dying.fetch(url).catch(() => undefined), life.ended()])

      const soon = market.client({ ledger, tokens })
      await soon.fetch(url).catch(() => undefined)
      expect(market.spentMsat()).toBeLessThanOrEqual(oneMsat)

      market.advance(restartSeconds)
      const successor = market.client({ ledger, tokens })
      await successor.reconcile()
      const response = await successor.fetch(url)

      expect(await response.text()).toBe('paid /data')
      expect(market.spentMsat()).toBe(oneMsat)
      const spending = await ledger.spending(market.now())
      expect([spending.heldMsat, spending.totalMsat]).toEqual([0n, oneMsat])
      expect((await tokens.list()).length).toBe(1)
      expect(await ledger.unfinished()).toEqual([])
    })
  }

  test('has at most as many dealings as are tried here', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const life = new Life(Number.POSITIVE_INFINITY, 'after')
    const client = market.client({
      ledger: life.wrap(createMemoryLedger()),
      tokens: life.wrap(createMemoryTokenStore()),
      payer: life.wrap<Payer>(market.buyer),
      fetch: (input, init) => life.deal(() => fetch(input, init)),
    })
    await client.fetch(`${seller.origin}/data`)
    expect(life.dealings).toBeLessThanOrEqual(17)
    expect(life.dealings).toBeGreaterThan(8)
  })
})

describe('a store that fails', () => {
  const failing = <Port extends object>(port: Port, names: readonly (keyof Port)[]): Port =>
    new Proxy(port, {
      get: (target, name) =>
        names.includes(name as keyof Port)
          ? async () => {
              throw new Error('disk full')
            }
          : Reflect.get(target, name),
    })

  test('R-PAY-30 before the payment stops it', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    for (const name of ['begin', 'send', 'unfinished'] as const) {
      const client = market.client({ ledger: failing(createMemoryLedger(), [name]) })
      const { code, error } = await thrownBy(client.fetch(`${seller.origin}/data`))
      expect(code).toBe('STORE_UNAVAILABLE')
      expect(client.outcomeOf(error)).toBe('not_paid')
    }
    expect(market.spentMsat()).toBe(0n)
  })

  test('R-PAY-30 does not stop what is free', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const tokens = failing(createMemoryTokenStore(), ['usable'])
    const client = market.client({ tokens })
    expect((await client.fetch(`${seller.origin}/free`)).status).toBe(200)
    expect((await thrownBy(client.fetch(`${seller.origin}/data`))).code).toBe('STORE_UNAVAILABLE')
    expect(market.spentMsat()).toBe(0n)
  })

  for (const names of [['record'], ['noteTokenStored'], ['record', 'noteTokenStored']] as const) {
    test(`R-PAY-38 after the payment (${names.join(', ')}) keeps nobody from what was bought`, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const ledger = createMemoryLedger()
      const tokens = createMemoryTokenStore()
      const client = market.client({ ledger: failing(ledger, names), tokens })
      expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)

      const later = market.client({ ledger, tokens })
      await later.reconcile()
      expect(await ledger.unfinished()).toEqual([])
      expect((await later.fetch(`${seller.origin}/data`)).status).toBe(200)
      expect(market.spentMsat()).toBe(oneMsat)
    })
  }

  test('R-PAY-38 and cannot keep the token is asked again at the next call', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const ledger = createMemoryLedger()
    const tokens = createMemoryTokenStore()
    const client = market.client({ ledger, tokens: failing(tokens, ['put']) })
    expect((await client.fetch(`${seller.origin}/data`)).status).toBe(200)
    expect(await tokens.list()).toEqual([])

    const later = market.client({ ledger, tokens })
    const response = await later.fetch(`${seller.origin}/data`)
    expect(later.purchaseOf(response)).toMatchObject({ resumed: true })
    expect(market.spentMsat()).toBe(oneMsat)
    expect((await tokens.list()).length).toBe(1)
  })
})

test('R-PAY-73 reconcile settles what settled, keeps its token, and pays nothing', async () => {
  const market = openMarket()
  const seller = await startSeller(market)
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  const client = market.client({ ledger, tokens })
  for (const [path, fault] of [
    ['a', { kind: 'timeout', settleAfterMs: 0 }],
    ['b', { kind: 'in-flight' }],
    ['c', { kind: 'timeout', settleAfterMs: 0 }],
  ] as const) {
    market.buyer.injectFault(fault)
    expect((await thrownBy(client.fetch(`${seller.origin}/${path}`))).code).toBe('PAYMENT_UNKNOWN')
  }
  const spentMsat = market.spentMsat()

  const states = (await market.client({ ledger, tokens }).reconcile()).map(({ state }) => state)

  expect(states).toEqual(['settled', 'unknown', 'settled'])
  expect((await tokens.list()).length).toBe(2)
  expect(market.spentMsat()).toBe(spentMsat)
  expect((await market.client({ ledger, tokens }).fetch(`${seller.origin}/a`)).status).toBe(200)
  expect(market.spentMsat()).toBe(spentMsat)
})

test('R-PAY-73 reconcile says whether the wallet answered, and leaves alone what is being paid', async () => {
  const market = openMarket()
  const seller = await startSeller(market)
  const ledger = createMemoryLedger()
  const tokens = createMemoryTokenStore()
  const client = market.client({ ledger, tokens })
  market.buyer.injectFault({ kind: 'in-flight' })
  await thrownBy(client.fetch(`${seller.origin}/a`))
  expect((await client.reconcile()).map(({ state, answered }) => [state, answered])).toEqual([
    ['unknown', true],
  ])
  market.buyer.setReachable(false)
  expect((await client.reconcile()).map(({ answered }) => answered)).toEqual([false])
  market.buyer.setReachable(true)

  let pay = (): void => undefined
  const slow: Payer = {
    ...market.buyer,
    pay: (invoice, limits) =>
      new Promise((resolve) => {
        pay = () => resolve(market.buyer.pay(invoice, limits))
      }),
  }
  const paying = market.client({ ledger, tokens, payer: slow })
  const call = paying.fetch(`${seller.origin}/b`)
  while ((await ledger.list())[1]?.state !== 'sending') await new Promise(setImmediate)
  expect((await paying.reconcile()).map(({ state }) => state)).toEqual(['unknown', 'sending'])
  pay()
  expect((await call).status).toBe(200)
})

test('a purchase passes every crash point, and in their order', async () => {
  const hook = Symbol.for('satway.crash-point')
  const passed: unknown[] = []
  Reflect.set(globalThis, hook, (name: unknown) => passed.push(name))
  try {
    const market = openMarket()
    const seller = await startSeller(market)
    await market.client().fetch(`${seller.origin}/data`)
  } finally {
    Reflect.deleteProperty(globalThis, hook)
  }
  expect(passed).toEqual(crashPoints)
})
