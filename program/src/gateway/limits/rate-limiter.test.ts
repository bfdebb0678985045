import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Rate } from './rate-limiter.ts'
import { createRateLimiter, createSharedRateLimiter } from './rate-limiter.ts'

function open(rate: Rate, places?: number) {
  const clock = { seconds: 1000 }
  // Which keys share a place must not be up to chance.
  const limiter = createRateLimiter(rate, () => clock.seconds, places, 'fixed')
  const takeAll = (key: string): number => {
    let taken = 0
    while (limiter.take(key) === 0) taken++
    return taken
  }
  return { clock, limiter, take: limiter.take, takeAll }
}

describe('a rate within one process', () => {
  test('R-LIM-1 lets a burst through at once and the rate after that', () => {
    const { clock, take, takeAll } = open({ requests: 10, perSeconds: 1, burst: 10 })
    expect(takeAll('a')).toBe(10)
    clock.seconds += 0.099
    expect(take('a')).toBe(1)
    clock.seconds += 0.001
    expect(take('a')).toBe(0)
    expect(take('a')).toBe(1)
    clock.seconds += 100
    expect(takeAll('a')).toBe(10)
  })

  test('R-LIM-1 takes nothing from who is refused', () => {
    const { clock, take, takeAll } = open({ requests: 1, perSeconds: 60, burst: 2 })
    expect(takeAll('a')).toBe(2)
    for (let i = 0; i < 100; i++) take('a')
    clock.seconds += 60
    expect(takeAll('a')).toBe(1)
  })

  test.each([
    [{ requests: 1, perSeconds: 5, burst: 1 }, 0, 5],
    [{ requests: 1, perSeconds: 0.5, burst: 1 }, 0, 1],
    [{ requests: 10, perSeconds: 11, burst: 1 }, 0, 2],
    [{ requests: 60, perSeconds: 60, burst: 1 }, 0, 1],
    [{ requests: 1, perSeconds: 3600, burst: 1 }, 0, 3600],
    [{ requests: 1, perSeconds: 3600, burst: 3 }, 0, 3600],
    [{ requests: 1, perSeconds: 5, burst: 1 }, 0.5, 5],
    [{ requests: 1, perSeconds: 5, burst: 1 }, 4.5, 1],
    [{ requests: 1, perSeconds: 5, burst: 1 }, 5, 0],
  ])('R-LIM-2 with %o, %s seconds after the last one, the wait is %s', (rate, later, wait) => {
    const { clock, take, takeAll } = open(rate)
    takeAll('a')
    clock.seconds += later
    expect(take('a')).toBe(wait)
  })

  test('R-LIM-2 lets a request through after the time it told', () => {
    const rates = fc.record({
      requests: fc.integer({ min: 1, max: 1000 }),
      perSeconds: fc.integer({ min: 1, max: 86_400 }),
      burst: fc.integer({ min: 1, max: 50 }),
    })
    fc.assert(
      fc.property(rates, fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (rate, steps) => {
        const { clock, take, takeAll } = open(rate)
        for (const step of steps) {
          takeAll('a')
          clock.seconds += step
        }
        takeAll('a')
        clock.seconds += take('a')
        expect(take('a')).toBe(0)
      }),
    )
  })

  test('R-LIM-1 lets no more through, in any time, than the burst and what the rate gives', () => {
    const rates = fc.record({
      requests: fc.integer({ min: 1, max: 100 }),
      perSeconds: fc.integer({ min: 1, max: 100 }),
      burst: fc.integer({ min: 1, max: 20 }),
    })
    const steps = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 200 })
    fc.assert(
      fc.property(rates, steps, (rate, waits) => {
        const { clock, take } = open(rate)
        const passedAt: number[] = []
        for (const wait of waits) {
          clock.seconds += wait
          if (take('a') === 0) passedAt.push(clock.seconds)
        }
        for (const [i, first] of passedAt.entries()) {
          for (let j = i; j < passedAt.length; j++) {
            const most = rate.burst + ((passedAt[j]! - first) * rate.requests) / rate.perSeconds
            expect(j - i + 1).toBeLessThanOrEqual(most + 0.001)
          }
        }
      }),
    )
  })

  test('R-LIM-5 counts each key and each rule for itself', () => {
    const rate = { requests: 1, perSeconds: 60, burst: 3 }
    const one = open(rate)
    const other = open(rate)
    expect([one.takeAll('a'), one.takeAll('b'), other.takeAll('a')]).toEqual([3, 3, 3])
    expect([one.takeAll('a'), one.takeAll('b'), other.takeAll('a')]).toEqual([0, 0, 0])
  })

  test('R-LIM-7 a flood of new keys frees nobody of what he owes', () => {
    const { take, takeAll } = open({ requests: 1, perSeconds: 3600, burst: 3 }, 100)
    for (let i = 0; i < 100; i++) expect(takeAll(`early ${i}`)).toBe(3)
    let passed = 0
    for (let i = 0; i < 100_000; i++) if (take(`flood ${i}`) === 0) passed++
    // Beyond the places, all of them together have those that are shared.
    expect(passed).toBeGreaterThan(4096)
    expect(passed).toBeLessThanOrEqual(4096 * 3)
    for (let i = 0; i < 100; i++) expect(take(`early ${i}`)).toBeGreaterThan(0)
  })

  test('R-LIM-7 places are free again when nothing is owed, and debts made in between stay', () => {
    const { clock, take, takeAll } = open({ requests: 1, perSeconds: 10, burst: 1 }, 100)
    for (let i = 0; i < 100; i++) expect(take(`early ${i}`)).toBe(0)
    clock.seconds += 5
    expect(take('late')).toBe(0)
    expect(take('late')).toBe(10)
    clock.seconds += 5
    for (let i = 0; i < 50; i++) expect(take(`next ${i}`), String(i)).toBe(0)
    expect(take('late')).toBe(5)
    clock.seconds += 5
    expect(takeAll('late')).toBe(1)
    for (let i = 0; i < 50; i++) expect(take(`next ${i}`)).toBeGreaterThan(0)
  })

  test('R-LIM-9 a clock that is set back makes nobody wait longer than a full bucket takes', () => {
    const { clock, take, takeAll } = open({ requests: 1, perSeconds: 10, burst: 3 })
    takeAll('a')
    clock.seconds -= 100_000
    expect(take('a')).toBeLessThanOrEqual(30)
    clock.seconds += 30
    expect(take('a')).toBe(0)
  })
})

describe('a rate that processes share', () => {
  test('R-LIM-5 R-LIM-6 asks the state, under a key that no other rule has', () => {
    const keys: string[] = []
    const rate = { requests: 60, perSeconds: 60, burst: 10 }
    const state = {
      takeRate: (key: string, asked: Rate) => {
        expect(asked).toBe(rate)
        keys.push(key)
        return 0
      },
    }
    for (const [rule, key] of [
      ['weather GET /x', 'token a'],
      ['weather GET /x token', 'a'],
      ['weather "GET /x', 'token a'],
      ['weather GET /x', 'network a'],
      ['weather', 'GET /x token a'],
    ] as const) {
      expect(createSharedRateLimiter(rule, rate, state).take(key)).toBe(0)
    }
    expect(new Set(keys).size).toBe(5)
  })

  test.each([
    [0, 0],
    [0.01, 1],
    [1, 1],
    [1.1, 2],
    [60, 60],
  ])('R-LIM-2 of a wait of %s seconds says %s', (wait, told) => {
    const rate = { requests: 1, perSeconds: 1, burst: 1 }
    expect(createSharedRateLimiter('x', rate, { takeRate: () => wait }).take('a')).toBe(told)
  })

  test('R-LIM-6 fails as the state does', () => {
    const broken = new Error('the disk is full')
    const state = {
      takeRate: () => {
        throw broken
      },
    }
    const rate = { requests: 1, perSeconds: 1, burst: 1 }
    expect(() => createSharedRateLimiter('x', rate, state).take('a')).toThrow(broken)
  })
})
