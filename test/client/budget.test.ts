import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BudgetLimits, Client, Ledger, PolicyOptions } from '../../library/src/client/index.ts'
import { createMemoryLedger, createMemoryTokenStore } from '../../library/src/client/index.ts'
import type { Fault } from '../../library/src/lightning/devnet/index.ts'
import { openMarket, openPolicy, thrownBy } from './market.ts'
import { hashHex, startSeller } from './seller.ts'

const oneMsat = 11_001n

describe('R-PAY-24 a budget', () => {
  test('holds against fifty parallel calls for different things', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    // Amount and fee ceiling of one are 15 sat: at first two fit, and what is not spent fits more.
    const policy = { ...openPolicy, perHourMsat: '35 sat' }
    const client = market.client({ policy })
    const calls = Array.from({ length: 50 }, (_, i) => client.fetch(`${seller.origin}/item-${i}`))
    const ends = await Promise.allSettled(calls)
    const bought = ends.filter(({ status }) => status === 'fulfilled').length
    expect(market.spentMsat()).toBe(BigInt(bought) * oneMsat)
    expect(market.spentMsat()).toBeLessThanOrEqual(35_000n)
    expect(bought).toBeGreaterThanOrEqual(2)
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    }
  })

  test('is shared by all clients of one ledger', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const ledger = createMemoryLedger()
    const policy = { ...openPolicy, maxTotalMsat: '35 sat' }
    const calls = Array.from({ length: 20 }, (_, i) =>
      market.client({ ledger, policy }).fetch(`${seller.origin}/item-${i}`),
    )
    await Promise.allSettled(calls)
    expect(market.spentMsat()).toBeLessThanOrEqual(35_000n)
  })

  for (const [limit, policy] of [
    ['total', { maxTotalMsat: '14.999 sat' }],
    ['per-host', { perHostMsat: '14.999 sat' }],
    ['per-day', { perDayMsat: '14.999 sat' }],
    ['per-hour', { perHourMsat: '14.999 sat' }],
  ] as const satisfies readonly (readonly [string, Partial<PolicyOptions>])[]) {
    test(`R-PAY-29 counts the fee ceiling before the payment (${limit})`, async () => {
      const market = openMarket()
      const seller = await startSeller(market)
      const client = market.client({ policy: { ...openPolicy, ...policy } })
      const { code, details } = await thrownBy(client.fetch(`${seller.origin}/data`))
      expect([code, details]).toEqual([
        'BUDGET_EXCEEDED',
        {
          limit,
          origin: seller.origin,
          paymentHash: hashHex(seller.sold[0]!),
          amountMsat: '10000',
          maxFeeMsat: '5000',
          limitMsat: '14999',
          leftMsat: '14999',
          hint: expect.stringContaining('policy.'),
        },
      ])
      expect(market.spentMsat()).toBe(0n)
      const exact = Object.fromEntries(Object.keys(policy).map((key) => [key, '15 sat']))
      const enough = market.client({ policy: { ...openPolicy, ...exact } })
      expect((await enough.fetch(`${seller.origin}/data`)).status).toBe(200)
    })
  }

  test('per host is not widened by other ports of the host', async () => {
    const market = openMarket()
    const shops = [await startSeller(market), await startSeller(market)]
    const client = market.client({ policy: { ...openPolicy, perHostMsat: '20 sat' } })
    expect((await client.fetch(`${shops[0]!.origin}/data`)).status).toBe(200)
    const { details } = await thrownBy(client.fetch(`${shops[1]!.origin}/data`))
    expect(details['limit']).toBe('per-host')
  })

  test('R-PAY-25 of an hour is there again an hour after the payment, not earlier', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ policy: { ...openPolicy, perHourMsat: '20 sat' } })
    await client.fetch(`${seller.origin}/a`)
    market.advance(3599)
    expect((await thrownBy(client.fetch(`${seller.origin}/b`))).details['limit']).toBe('per-hour')
    market.advance(1)
    expect((await client.fetch(`${seller.origin}/b`)).status).toBe(200)
  })

  test('R-PAY-26 is not there again because a clock was set back', async () => {
    const market = openMarket()
    const seller = await startSeller(market)
    const client = market.client({ policy: { ...openPolicy, perHourMsat: '20 sat' } })
    await client.fetch(`${seller.origin}/a`)
    market.advance(-1800)
    expect((await thrownBy(client.fetch(`${seller.origin}/b`))).details['limit']).toBe('per-hour')
  })
})

type Step =
  | { readonly kind: 'call'; readonly path: number; readonly sat: number; readonly of: 0 | 1 }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'advance'; readonly seconds: number }
  | { readonly kind: 'policy'; readonly policy: PolicyOptions | 'broken' }
  | { readonly kind: 'reconcile' }
  | { readonly kind: 'restart'; readonly of: 0 | 1 }
  | { readonly kind: 'rest' }

const widest = { maxPaymentMsat: '60 sat', maxTotalMsat: '400 sat', perHourMsat: '150 sat' }
const policies: readonly PolicyOptions[] = [
  widest,
  { ...widest, maxTotalMsat: '100 sat' },
  { ...widest, perHourMsat: '30 sat' },
  { ...widest, maxPaymentMsat: '20 sat' },
  { ...widest, denyHosts: ['127.0.0.1'] },
]
const of = fc.constantFrom(0 as const, 1 as const)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      path: fc.integer({ min: 0, max: 4 }),
      sat: fc.integer({ min: 1, max: 40 }),
      of,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>(
        { kind: 'timeout', settleAfterMs: 0 },
        { kind: 'timeout', settleAfterMs: 600_000 },
        { kind: 'in-flight' },
        { kind: 'fail', reason: 'no-route' },
        { kind: 'duplicate' },
        { kind: 'unavailable' },
        { kind: 'wrong-preimage' },
      ),
    }),
  },
  fc.record({
    kind: fc.constant('advance' as const),
    seconds: fc.constantFrom(1, 60, 3600, 90_000),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('policy' as const),
      policy: fc.oneof(
        { weight: 3, arbitrary: fc.constant(widest) },
        fc.constantFrom(...policies, 'broken' as const),
      ),
    }),
  },
  fc.constant({ kind: 'reconcile' as const }),
  fc.record({ kind: fc.constant('restart' as const), of }),
  { weight: 3, arbitrary: fc.constant({ kind: 'rest' as const }) },
)

/** A ledger that tells the sums when a payment begins, and the limits under which it does. */
function watched(
  ledger: Ledger,
  now: () => number,
  onBegun: (
    sums: { readonly totalMsat: bigint; readonly hourMsat: bigint },
    limits: BudgetLimits,
  ) => void,
): Ledger {
  return {
    ...ledger,
    begin: async (intent, limits) => {
      const begun = await ledger.begin(intent, limits)
      if (begun.status === 'begun') onBegun(await ledger.spending(now()), limits)
      return begun
    },
  }
}

test('R-PAY-24 R-PAY-80 no interleaving of calls of two clients, faults, restarts, time and changes of the policy spends more than a budget, and the ledger counts at least what is gone', async () => {
  let payments = 0
  let changes = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const market = openMarket()
      const seller = await startSeller({
        ...market,
        answer: (request, by) =>
          by.serve(request, { sat: BigInt(request.target.split('?')[1]!), uses: 2 }),
      })
      let policy: PolicyOptions | 'broken' = widest
      let isBroken = false
      const failures: unknown[] = []
      const ledger = watched(createMemoryLedger(), market.now, (sums, limits) => {
        if (isBroken) failures.push('a payment began without a policy')
        if (sums.totalMsat > limits.maxTotalMsat || sums.hourMsat > limits.perHourMsat!) {
          failures.push({ sums, limits })
        }
      })
      const tokens = createMemoryTokenStore()
      const open = (): Client =>
        market.client({
          ledger,
          tokens,
          policy: () => {
            if (policy === 'broken') throw new Error('no file')
            return policy
          },
        })
      const clients = [open(), open()]
      const spentAt: { readonly seconds: number; readonly msat: bigint }[] = []
      let seenMsat = 0n
      const look = async (): Promise<void> => {
        market.devnet.tick()
        const goneMsat = market.spentMsat()
        if (goneMsat !== seenMsat) {
          spentAt.push({ seconds: market.now(), msat: goneMsat - seenMsat })
          payments++
        }
        seenMsat = goneMsat
        const spending = await ledger.spending(market.now())
        expect(spending.totalMsat).toBeGreaterThanOrEqual(goneMsat)
        expect(spending.totalMsat).toBeLessThanOrEqual(400_000n)
        expect(spending.hourMsat).toBeLessThanOrEqual(150_000n)
      }
      const running: Promise<unknown>[] = []
      for (const one of steps) {
        if (one.kind === 'fault') market.buyer.injectFault(one.fault)
        if (one.kind === 'advance') market.advance(one.seconds)
        if (one.kind === 'restart') clients[one.of] = open()
        if (one.kind === 'reconcile') await clients[0]!.reconcile()
        if (one.kind === 'rest') await Promise.allSettled(running)
        if (one.kind === 'policy') {
          changes++
          isBroken = false
          policy = one.policy
          await new Promise(setImmediate)
          isBroken = policy === 'broken'
        }
        if (one.kind === 'call') {
          running.push(clients[one.of]!.fetch(`${seller.origin}/p${one.path}?${one.sat}`))
          running.at(-1)!.catch(() => undefined)
        }
        await look()
      }
      await Promise.allSettled(running)
      await look()
      expect(failures).toEqual([])
      // One payment a hash, as many as the seller’s own node has seen settle.
      const entries = await ledger.list()
      expect(new Set(entries.map(({ paymentHash }) => paymentHash)).size).toBe(entries.length)
      await clients[0]!.reconcile()
      const settled = (await ledger.list()).filter(({ state }) => state === 'settled')
      let settledMsat = 0n
      for (const { amountMsat, feeMsat } of settled) settledMsat += amountMsat + feeMsat!
      const { totalMsat, heldMsat } = await ledger.spending(market.now())
      expect(totalMsat - heldMsat).toBe(settledMsat)
      expect(settledMsat).toBeLessThanOrEqual(market.spentMsat())
    }),
    { numRuns: 60 },
  )
  expect(payments).toBeGreaterThan(100)
  expect(changes).toBeGreaterThan(50)
})
