import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryDenyList, createMemoryUseStore } from './memory-store.ts'
import type { CostedLimit } from './store.ts'

const end = 1_000_000

function limit(key: string, max: bigint, cost = 1n, unit: 'use' | 'msat' = 'use'): CostedLimit {
  const setBy = key === 'purchase' ? 'purchase' : 'attenuation'
  return { key, unit, max, setBy, cost, lineage: setBy === 'purchase' ? key : 'one' }
}

describe('R-SRV-40 all limits of a request move together or not at all', () => {
  test('a limit without room leaves the others as they were', async () => {
    const store = createMemoryUseStore()
    const parent = limit('purchase', 2n)
    await store.reserve([parent, limit('child', 1n)], end, 'p')
    expect(await store.reserve([parent, limit('child', 1n)], end, 'p')).toEqual({
      exhausted: { key: 'child', unit: 'use', max: 1n, setBy: 'attenuation', lineage: 'one' },
    })
    expect(await store.reserve([parent], end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve([parent], end, 'p')).toHaveProperty('exhausted')
  })

  test('uses and money under one key are two counters', async () => {
    const store = createMemoryUseStore()
    await store.reserve([limit('k', 1n)], end, 'p')
    expect(await store.reserve([limit('k', 500n, 500n, 'msat')], end, 'p')).toHaveProperty(
      'reserved',
    )
    expect(await store.reserve([limit('k', 500n, 1n, 'msat')], end, 'p')).toHaveProperty(
      'exhausted',
    )
  })

  test('two limits on one counter are charged once, and the smaller one holds', async () => {
    const store = createMemoryUseStore()
    const both = [limit('k', 3n), limit('k', 2n)]
    expect(await store.reserve(both, end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve(both, end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve(both, end, 'p')).toHaveProperty('exhausted')
    expect(await store.reserve([limit('k', 3n)], end, 'p')).toHaveProperty('reserved')
  })

  test('R-SRV-44 a reservation ends once, whatever is called after that', async () => {
    const store = createMemoryUseStore()
    const only = [limit('k', 1n)]
    const first = await store.reserve(only, end, 'p')
    if (!('reserved' in first)) throw new Error('expected a reservation')
    await store.release(first.reserved)
    await store.release(first.reserved)
    await store.commit(first.reserved)
    const second = await store.reserve(only, end, 'p')
    if (!('reserved' in second)) throw new Error('expected a reservation')
    await store.commit(second.reserved)
    await store.release(second.reserved)
    await store.release('unknown')
    expect(await store.reserve(only, end, 'p')).toHaveProperty('exhausted')
  })
})

test('R-SRV-40 R-SRV-41 whatever is reserved, released and committed at once, no limit is exceeded', async () => {
  // A tree: the purchase, children of it, grandchildren of each child.
  const step = fc.record({
    child: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    grandchild: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
    cost: fc.bigInt(1n, 4n),
    end: fc.constantFrom('commit', 'release', 'hang'),
  })
  const maxima = fc.record({
    purchase: fc.bigInt(0n, 12n),
    child: fc.bigInt(0n, 6n),
    grandchild: fc.bigInt(0n, 3n),
    spending: fc.bigInt(0n, 20n),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), maxima, async (steps, max) => {
      const store = createMemoryUseStore()
      const held = new Map<string, bigint>()
      const check = (): void => {
        for (const [name, taken] of held) {
          const most = name.startsWith('msat')
            ? max.spending
            : max[name.split(' ')[1]!.replace(/\d+/g, '') as 'purchase']
          expect(taken, name).toBeLessThanOrEqual(most)
        }
      }
      await Promise.all(
        steps.map(async ({ child, grandchild, cost, end: ending }) => {
          const limits = [limit('purchase', max.purchase)]
          if (child !== undefined) {
            limits.push(limit(`child${child}`, max.child))
            limits.push(limit(`child${child}`, max.spending, cost, 'msat'))
            if (grandchild !== undefined) {
              limits.push(limit(`grandchild${child}${grandchild}`, max.grandchild))
            }
          }
          const move = (sign: bigint): void => {
            for (const { key, unit, cost } of limits) {
              const name = `${unit} ${key}`
              held.set(name, (held.get(name) ?? 0n) + sign * cost)
            }
          }
          const answer = await store.reserve(limits, end, 'p')
          if ('exhausted' in answer) return
          move(1n)
          check()
          await Promise.resolve()
          if (ending === 'release') {
            // What is given back is counted as free only once the store knows it.
            move(-1n)
            await store.release(answer.reserved)
          }
          if (ending === 'commit') await store.commit(answer.reserved)
        }),
      )
      check()

      // Exactly what was kept is taken: the rest can still be had, and no more.
      const left = max.purchase - (held.get('use purchase') ?? 0n)
      for (let i = 0n; i < left; i++) {
        expect(await store.reserve([limit('purchase', max.purchase)], end, 'p')).toHaveProperty(
          'reserved',
        )
      }
      expect(await store.reserve([limit('purchase', max.purchase)], end, 'p')).toHaveProperty(
        'exhausted',
      )
    }),
    { numRuns: 300 },
  )
})

describe('R-SRV-45 a counter outlives its purchase by an hour', () => {
  const only = [limit('k', 1n)]

  test('and is forgotten after that', async () => {
    const clock = { seconds: 0 }
    const now = (): number => clock.seconds
    const store = createMemoryUseStore({ now, elapsed: now })
    await store.reserve(only, 1000, 'p')
    clock.seconds = 1000 + 3599
    expect(await store.reserve(only, 1000, 'p')).toHaveProperty('exhausted')
    clock.seconds = 1000 + 3600 + 60
    expect(await store.reserve(only, 1000, 'p')).toHaveProperty('reserved')
  })

  test('also when a later request names an earlier end', async () => {
    const clock = { seconds: 0 }
    const now = (): number => clock.seconds
    const store = createMemoryUseStore({ now, elapsed: now })
    await store.reserve([limit('k', 2n)], 100_000, 'p')
    await store.reserve([limit('k', 2n)], 10, 'p')
    clock.seconds = 50_000
    expect(await store.reserve([limit('k', 2n)], 10, 'p')).toHaveProperty('exhausted')
  })

  test('by both clocks: one that is set forward, and back again, forgets nothing', async () => {
    const clock = { seconds: 0, elapsed: 0 }
    const store = createMemoryUseStore({
      now: () => clock.seconds,
      elapsed: () => clock.elapsed,
    })
    await store.reserve(only, 1000, 'p')
    clock.seconds = 1_000_000
    clock.elapsed = 100
    await store.reserve(only, 1_001_000, 'other')
    clock.seconds = 100
    clock.elapsed = 200
    expect(await store.reserve(only, 1000, 'p')).toHaveProperty('exhausted')
    // A clock that was ahead when the use was taken forgets it no earlier either.
    clock.elapsed = 100_000
    await store.reserve(only, 1_001_000, 'other')
    expect(await store.reserve(only, 1000, 'p')).toHaveProperty('exhausted')
    clock.seconds = 5000
    clock.elapsed = 101_000
    expect(await store.reserve(only, 10_000, 'p')).toHaveProperty('reserved')
  })

  const branch = (lineage: string, i: number): CostedLimit => ({
    ...limit(`${lineage} ${i}`, 1n),
    lineage,
  })

  test('and no purchase has more than 10 000 of them', async () => {
    const store = createMemoryUseStore()
    for (let i = 0; i < 10_000; i++) {
      expect(await store.reserve([branch(`delegate ${i % 10}`, i)], end, 'p')).toHaveProperty(
        'reserved',
      )
    }
    expect(await store.reserve([branch('newcomer', 0)], end, 'p')).toHaveProperty('exhausted')
    const again = { ...branch('delegate 1', 1), max: 2n }
    expect(await store.reserve([again], end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve([branch('newcomer', 0)], end, 'other')).toHaveProperty('reserved')
  })

  test('and no lineage more than 1000, so that one delegate leaves room for the others', async () => {
    const store = createMemoryUseStore()
    const own = limit('purchase', 5000n)
    for (let i = 0; i < 2000; i++) {
      const answer = await store.reserve([own, branch('greedy', i)], end, 'p')
      expect(answer).toHaveProperty(i < 1000 ? 'reserved' : 'exhausted')
    }
    // What two limits of one request open together counts together.
    await store.reserve(
      Array.from({ length: 999 }, (_, i) => branch('other', i)),
      end,
      'p',
    )
    const two = [branch('other', 2000), branch('other', 2001)]
    expect(await store.reserve(two, end, 'p')).toHaveProperty('exhausted')
    expect(await store.reserve(two.slice(1), end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve([own, branch('modest', 1)], end, 'p')).toHaveProperty('reserved')
    expect(await store.reserve([own], end, 'p')).toHaveProperty('reserved')
  })
})

test('R-SRV-27 a deny list knows payments, tokens and delegations, and forgets them again', () => {
  const list = createMemoryDenyList()
  const token = { paymentHash: 'aa', tokenId: 'bb', delegationIds: ['team', 'bot'] }
  expect(list.isDenied(token)).toBe(false)
  for (const id of ['aa', 'bb', 'bot']) {
    list.deny(id)
    expect(list.isDenied(token)).toBe(true)
    expect(list.isDenied({ paymentHash: 'cc', tokenId: 'dd', delegationIds: [] })).toBe(false)
    list.allow(id)
    expect(list.isDenied(token)).toBe(false)
  }
})
