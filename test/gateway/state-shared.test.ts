import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { State } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import { hashOf, TestClock } from './use-store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-shared-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const opened: State[] = []
afterEach(() => {
  for (const state of opened.splice(0)) state.close()
  vi.useRealTimers()
})

let files = 0
const newFile = (): string => join(folder, `${++files}.db`)

function open(file = newFile(), clock = new TestClock(), owner = `owner-${opened.length}`): State {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const state = openState({ file, owner, now: clock.now, elapsed: clock.elapsed })
  opened.push(state)
  return state
}

const none = { paymentHash: hashOf(1), tokenId: hashOf(2), delegationIds: ['a', 'Delegation'] }

describe('R-STATE-20 what is denied', () => {
  for (const [what, id] of [
    ['a payment hash', hashOf(1)],
    ['a token id', hashOf(2)],
    ['a payment hash in upper case', hashOf(1).toUpperCase()],
    ['a delegation id', 'Delegation'],
  ] as const) {
    test(`by ${what} is so at once, here; within two seconds elsewhere; and after a restart`, () => {
      const file = newFile()
      const [here, there] = [open(file), open(file)]
      here.deny(id, 'stolen')
      expect(here.denyList.isDenied(none)).toBe(true)
      expect(there.denyList.isDenied(none)).toBe(false)
      vi.advanceTimersByTime(2000)
      expect(there.denyList.isDenied(none)).toBe(true)
      expect(open(file).denyList.isDenied(none)).toBe(true)
      expect(there.allow(id)).toBe(true)
      expect(there.allow(id)).toBe(false)
      vi.advanceTimersByTime(2000)
      for (const state of [here, there, open(file)])
        expect(state.denyList.isDenied(none)).toBe(false)
    })
  }

  test('is only what was named', () => {
    const state = open()
    expect(state.denyList.isDenied(none)).toBe(false)
    state.deny('delegation', 'another spelling of a delegation is another one')
    state.deny(hashOf(3), 'somebody else')
    expect(state.denyList.isDenied(none)).toBe(false)
  })

  test('is listed, the latest first, with the reason of the last time', () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    const first = clock.nowSeconds
    state.deny('a', 'one')
    clock.pass(10)
    state.deny('b', 'two')
    state.deny('a', 'three')
    state.deny('c', 'four')
    state.allow('c')
    expect(state.denials()).toEqual([
      { id: 'b', reason: 'two', deniedAtSeconds: first + 10 },
      { id: 'a', reason: 'three', deniedAtSeconds: first },
    ])
    state.deny('c', 'x'.repeat(10_000))
    expect(state.denials().find(({ id }) => id === 'c')?.reason.length).toBe(500)
  })

  test('needs no token that was seen', () => {
    const state = open()
    state.deny(hashOf(77), 'before it was bought')
    expect(state.denyList.isDenied({ ...none, tokenId: hashOf(77) })).toBe(true)
  })

  for (const id of ['', 'x'.repeat(257)]) {
    test(`cannot be an id of ${id.length} characters`, () => {
      expect(() => open().deny(id, 'x')).toThrow(TypeError)
      expect(() => open().allow(id)).toThrow(TypeError)
    })
  }

  test('is followed through any changes by two processes', () => {
    const change = fc.record({ who: fc.nat(1), id: fc.nat(4), isDeny: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const file = newFile()
        const states = [open(file), open(file)]
        const denied = new Set<number>()
        for (const { who, id, isDeny } of changes) {
          if (isDeny) states[who]!.deny(`id-${id}`, 'x')
          else expect(states[who]!.allow(`id-${id}`)).toBe(denied.has(id))
          denied[isDeny ? 'add' : 'delete'](id)
        }
        vi.advanceTimersByTime(1000)
        states.push(open(file))
        for (const { denyList } of states) {
          for (let id = 0; id < 5; id++) {
            const asked = { ...none, delegationIds: [`id-${id}`] }
            expect(denyList.isDenied(asked)).toBe(denied.has(id))
          }
        }
        for (const state of opened.splice(0)) state.close()
      }),
      { numRuns: 40 },
    )
  })
})

test('R-STATE-22 a deny list that cannot be read for five seconds answers nothing', () => {
  const file = newFile()
  const state = open(file)
  const other = open(file)
  const tool = new DatabaseSync(file)
  tool.exec('ALTER TABLE denials RENAME TO gone')
  other.takeFree('x', 1, 60)
  vi.advanceTimersByTime(4000)
  expect(state.denyList.isDenied(none)).toBe(false)
  vi.advanceTimersByTime(1000)
  expect(() => state.denyList.isDenied(none)).toThrow('cannot be read')
  tool.exec('ALTER TABLE gone RENAME TO denials')
  tool.close()
  vi.advanceTimersByTime(1000)
  expect(state.denyList.isDenied(none)).toBe(false)
})

describe('R-STATE-30 a free tier', () => {
  test('gives as many requests as it has in each window of each key', () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    const take = (key = 'a'): boolean => state.takeFree(key, 3, 60)
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false])
    expect(take('b')).toBe(true)
    clock.pass(59)
    expect(take()).toBe(false)
    clock.pass(1)
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false])
  })

  test('is shared by processes and kept over a restart', () => {
    const file = newFile()
    const states = [open(file), open(file)]
    const given = Array.from({ length: 40 }, (_, i) => states[i % 2]!.takeFree('a', 15, 60))
    expect(given.filter((one) => one).length).toBe(15)
    expect(open(file).takeFree('a', 15, 60)).toBe(false)
    expect(open(file).takeFree('a', 16, 60)).toBe(true)
  })

  test('of no requests gives none', () => {
    expect(open().takeFree('a', 0, 60)).toBe(false)
  })

  for (const [what, key, requests, seconds] of [
    ['an empty key', '', 1, 60],
    ['a key that is far too long', 'x'.repeat(513), 1, 60],
    ['requests that are no number', 'a', Number.NaN, 60],
    ['fewer than no requests', 'a', -1, 60],
    ['a window of nothing', 'a', 1, 0],
    ['a window that is no number', 'a', 1, Number.NaN],
    ['a window of two years', 'a', 1, 2 * 366 * 86_400],
  ] as const) {
    test(`with ${what} is a mistake`, () => {
      expect(() => open().takeFree(key, requests, seconds)).toThrow(/expected/)
    })
  }
})

describe('R-STATE-31 a rate', () => {
  const rate = { requests: 60, perSeconds: 60, burst: 5 }

  test('gives a burst at once, and then one each interval', () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    const take = (): number => state.takeRate('a', rate)
    expect(Array.from({ length: 6 }, take)).toEqual([0, 0, 0, 0, 0, 1])
    clock.pass(0.25)
    expect(take()).toBeCloseTo(0.75, 5)
    clock.pass(0.75)
    expect([take(), take()]).toEqual([0, 1])
    clock.pass(1000)
    expect(Array.from({ length: 6 }, take)).toEqual([0, 0, 0, 0, 0, 1])
    expect(state.takeRate('b', rate)).toBe(0)
  })

  test('is shared by processes, and what is refused takes nothing', () => {
    const file = newFile()
    const clock = new TestClock()
    const states = [open(file, clock), open(file, clock)]
    const waits = Array.from({ length: 50 }, (_, i) => states[i % 2]!.takeRate('a', rate))
    expect(waits.filter((wait) => wait === 0).length).toBe(5)
    clock.pass(1)
    expect(states[0]!.takeRate('a', rate)).toBe(0)
  })

  test('is never exceeded, and waiting as long as it says is always enough', () => {
    const step = fc.record({ pause: fc.integer({ min: 0, max: 3000 }), isPatient: fc.boolean() })
    const rates = fc.record({
      requests: fc.integer({ min: 1, max: 20 }),
      perSeconds: fc.integer({ min: 1, max: 20 }),
      burst: fc.integer({ min: 1, max: 5 }),
    })
    const clock = new TestClock()
    const state = open(newFile(), clock)
    let keys = 0
    fc.assert(
      fc.property(rates, fc.array(step, { maxLength: 40 }), (drawn, steps) => {
        const key = `key-${++keys}`
        const given: number[] = []
        for (const { pause, isPatient } of steps) {
          clock.pass(pause / 1000)
          let wait = state.takeRate(key, drawn)
          if (wait > 0 && isPatient) {
            clock.pass(wait + 0.000_002)
            wait = state.takeRate(key, drawn)
            expect(wait).toBe(0)
          }
          if (wait === 0) given.push(clock.nowSeconds)
        }
        const interval = drawn.perSeconds / drawn.requests
        for (const [i, since] of given.entries()) {
          for (const [k, until] of given.entries()) {
            if (k < i) continue
            const most = drawn.burst + (until - since) / interval
            expect(k - i + 1).toBeLessThanOrEqual(most + 0.001)
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  for (const [what, change] of [
    ['no requests', { requests: 0 }],
    ['no time', { perSeconds: 0 }],
    ['requests that are no number', { requests: Number.NaN }],
    ['less than nothing', { requests: -1 }],
    ['no burst', { burst: 0 }],
    ['a burst that takes years', { perSeconds: 86_400, requests: 1, burst: 1000 }],
  ] as const) {
    test(`of ${what} is a mistake`, () => {
      expect(() => open().takeRate('a', { ...rate, ...change })).toThrow(RangeError)
    })
  }
})

describe('R-STATE-32 a clock that was set', () => {
  for (const [what, step] of [
    ['forward and back by a year', 366 * 86_400],
    ['back by a year', -366 * 86_400],
  ] as const) {
    test(`${what} shuts nobody out for longer than a window`, () => {
      const clock = new TestClock()
      const state = open(newFile(), clock)
      if (step > 0) clock.nowSeconds += step
      const rate = { requests: 1, perSeconds: 10, burst: 2 }
      for (let i = 0; i < 3; i++) {
        state.takeFree('a', 2, 60)
        state.takeRate('a', rate)
      }
      clock.nowSeconds -= Math.abs(step)
      expect(state.takeFree('a', 2, 60)).toBe(true)
      expect(state.takeRate('a', rate)).toBeLessThanOrEqual(10)
      clock.pass(20)
      expect(state.takeRate('a', rate)).toBe(0)
    })
  }

  test('back by a little gives nothing again', () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    for (let i = 0; i < 2; i++) state.takeFree('a', 2, 60)
    clock.nowSeconds -= 30
    expect(state.takeFree('a', 2, 60)).toBe(false)
  })
})

test('R-STATE-33 windows that ended and rates at rest are forgotten, others are not', async () => {
  const file = newFile()
  const clock = new TestClock()
  const state = open(file, clock)
  for (let i = 0; i < 500; i++) {
    state.takeFree(`short-${i}`, 1, 60)
    state.takeRate(`short-${i}`, { requests: 1, perSeconds: 60, burst: 1 })
  }
  clock.nowSeconds += 3 * 366 * 86_400
  state.takeFree('from the future', 1, 60)
  state.takeRate('from the future', { requests: 1, perSeconds: 60, burst: 1 })
  clock.nowSeconds -= 3 * 366 * 86_400
  state.takeFree('long', 1, 86_400)
  state.takeRate('long', { requests: 1, perSeconds: 86_400, burst: 1 })
  clock.pass(100)
  vi.advanceTimersByTime(60_000)
  const tool = new DatabaseSync(file)
  const keys = (table: string): readonly unknown[] =>
    tool
      .prepare(`SELECT key FROM ${table}`)
      .all()
      .map(({ key }) => key)
  await expect.poll(() => [keys('free_windows'), keys('rates')]).toEqual([['long'], ['long']])
  tool.close()
  expect(state.takeFree('long', 1, 86_400)).toBe(false)
})

test('R-STATE-34 services are stored, replaced, listed by name and forgotten', () => {
  const file = newFile()
  const clock = new TestClock()
  const state = open(file, clock)
  state.putService('b', '{"name":"b"}')
  state.putService('a', '{"name":"a"}')
  clock.pass(5)
  open(file, clock).putService('b', '{"name":"b","mount":"/"}')
  expect(state.services()).toEqual([
    { name: 'a', document: '{"name":"a"}', changedAtSeconds: clock.nowSeconds - 5 },
    { name: 'b', document: '{"name":"b","mount":"/"}', changedAtSeconds: clock.nowSeconds },
  ])
  expect(state.forgetService('a')).toBe(true)
  expect(state.forgetService('a')).toBe(false)
  expect(
    open(file, clock)
      .services()
      .map(({ name }) => name),
  ).toEqual(['b'])
})
