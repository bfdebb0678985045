import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { createMemoryUseStore } from '../../library/src/server/index.ts'
import type { State } from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import type { OpenedStore } from './use-store-contract.ts'
import {
  branch,
  describeUseStore,
  hashOf,
  reservedIn,
  TestClock,
  takenOf,
  UseModel,
  use,
  useCommand,
} from './use-store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-uses-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => void vi.useRealTimers())
let files = 0
const newFile = (): string => join(folder, `${++files}.db`)

describeUseStore('in memory', (clock) => {
  const store = createMemoryUseStore(clock)
  // It sweeps when it is asked, at most once a minute.
  const sweep = async (): Promise<void> => {
    clock.elapsedSeconds += 61
    await store.reserve([], 0, hashOf(99))
  }
  return { store, sweep, close: () => undefined }
})

describeUseStore('in a file', (clock) => openStore(newFile(), clock).opened)

function openStore(
  file: string,
  clock: TestClock,
  owner = 'one',
): { readonly state: State; readonly opened: OpenedStore } {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const failures: unknown[] = []
  const { now, elapsed } = clock
  const onFailure = (error: unknown): void => void failures.push(error)
  const state = openState({ file, owner, now, elapsed, onFailure })
  const sweep = async (): Promise<void> => {
    vi.advanceTimersByTime(60_000)
    await settled(state)
    expect(failures).toEqual([])
  }
  return { state, opened: { store: state.uses, sweep, close: () => state.close() } }
}

/** Writes come one after the other: when this one is through, a few steps of a sweep are too. */
async function settled(state: State): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await state.uses.release(
      reservedIn(await state.uses.reserve([use({ cost: 0n })], end * 2, hashOf(0xffff))),
    )
  }
}

const end = new TestClock().nowSeconds + 3600

describe('R-STATE-10 a process that dies', () => {
  test('gives back what it had reserved, and nothing that was committed', async () => {
    const file = newFile()
    const dying = openStore(file, new TestClock(), 'a').state
    await dying.uses.commit(reservedIn(await dying.uses.reserve([use()], end, hashOf(1))))
    await dying.uses.reserve([use(), branch(7)], end, hashOf(1))

    const next = openStore(file, new TestClock(), 'b').state
    expect(await takenOf(next.uses, use(), end, hashOf(1))).toBe(2n)
    next.releaseAbandoned([])
    expect(await takenOf(next.uses, use(), end, hashOf(1))).toBe(1n)
    expect(await takenOf(next.uses, branch(7), end, hashOf(1))).toBe(0n)
    dying.close()
    next.close()
  })

  test('is told apart from those that live', async () => {
    const file = newFile()
    const [dead, alive, other, primary] = ['dead', 'alive', 'other', 'primary'].map(
      (owner) => openStore(file, new TestClock(), owner).state,
    )
    for (const state of [dead, alive, other, primary]) {
      await state!.uses.reserve([use({ max: 9n })], end, hashOf(1))
    }
    primary!.releaseOf('dead')
    expect(await takenOf(primary!.uses, use(), end, hashOf(1))).toBe(3n)
    primary!.releaseAbandoned(['alive'])
    expect(await takenOf(primary!.uses, use(), end, hashOf(1))).toBe(2n)
    expect(() => primary!.releaseOf('primary')).toThrow(TypeError)
    for (const state of [dead, alive, other, primary]) state!.close()
  })

  test('and comes back under its name finds its reservations given back', async () => {
    const file = newFile()
    const dying = openStore(file, new TestClock(), 'worker-1').state
    await dying.uses.reserve([use({ cost: 3n })], end, hashOf(1))
    const next = openStore(file, new TestClock(), 'worker-1').state
    expect(await takenOf(next.uses, use(), end, hashOf(1))).toBe(0n)
    dying.close()
    next.close()
  })

  test('agrees with a plain table, whatever happens before it', async () => {
    let crashes = 0
    const step = fc.oneof(
      { weight: 6, arbitrary: useCommand },
      { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
        const file = newFile()
        const model = new UseModel()
        const lives = [openStore(file, new TestClock()).state]
        let reservations: (readonly [string, string])[] = []
        for (const one of steps) {
          const { uses } = lives.at(-1)!
          if (one.kind === 'crash') {
            crashes++
            // The file as a dead process leaves it: nothing of the old life is closed.
            lives.push(openStore(file, new TestClock()).state)
            model.crash()
            reservations = []
          } else if (one.kind === 'reserve') {
            const answer = await uses.reserve(one.limits, end, hashOf(one.purchase))
            const expected = model.reserve(one.limits, one.purchase)
            if ('reserved' in answer && 'reserved' in expected) {
              reservations.push([answer.reserved, expected.reserved])
            } else expect(answer).toEqual(expected)
          } else {
            const pair = reservations[one.which % Math.max(1, reservations.length)]
            if (pair === undefined) continue
            await uses[one.kind](pair[0])
            model[one.kind](pair[1])
          }
        }
        for (const { limit, purchase, taken } of model.counters()) {
          expect(await takenOf(lives.at(-1)!.uses, limit, end, hashOf(purchase))).toBe(taken)
        }
        for (const state of lives) state.close()
      }),
      { numRuns: 60 },
    )
    expect(crashes).toBeGreaterThan(50)
  })
})

describe('R-STATE-11 processes that share a file', () => {
  test('share its counts', async () => {
    const file = newFile()
    const one = openStore(file, new TestClock(), 'one').state
    const two = openStore(file, new TestClock(), 'two').state
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (i % 2 === 0 ? one : two).uses.reserve([use({ max: 31n })], end, hashOf(1)),
      ),
    )
    expect(answers.filter((answer) => 'reserved' in answer).length).toBe(31)
    one.close()
    two.close()
  })
})

describe('R-STATE-12 a file that cannot be written', () => {
  test('because another process keeps it locked is waited for, and then nothing is admitted', async () => {
    const file = newFile()
    const { state } = openStore(file, new TestClock())
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const soon = state.uses.reserve([use()], end, hashOf(1))
    await new Promise((resolve) => setTimeout(resolve, 50))
    other.exec('ROLLBACK')
    reservedIn(await soon)

    other.exec('BEGIN IMMEDIATE')
    await expect(state.uses.reserve([use()], end, hashOf(1))).rejects.toThrow('locked')
    other.exec('ROLLBACK')
    expect(await takenOf(state.uses, use(), end, hashOf(1))).toBe(1n)
    other.close()
    state.close()
  })

  test('because it was closed admits nobody', async () => {
    const { state } = openStore(newFile(), new TestClock())
    state.close()
    state.close()
    await expect(state.uses.reserve([use()], end, hashOf(1))).rejects.toThrow('closed')
  })

  for (const [what, purchase, limit] of [
    ['a purchase that is no hash', 'abc', use()],
    ['a purchase in upper case', hashOf(171).toUpperCase(), use()],
    ['a key that is no hex', hashOf(1), use({ key: 'key' })],
    ['a key of odd length', hashOf(1), use({ key: 'abc' })],
    ['a lineage that is empty', hashOf(1), use({ lineage: '' })],
    ['a negative cost', hashOf(1), use({ cost: -1n })],
  ] as const) {
    test(`with ${what} is not tried`, async () => {
      const { state } = openStore(newFile(), new TestClock())
      await expect(state.uses.reserve([limit], end, purchase)).rejects.toThrow(TypeError)
      state.close()
    })
  }
})

describe('R-STATE-13 what was answered', () => {
  test('is committed later when the file could not be written', async () => {
    const file = newFile()
    const { state, opened } = openStore(file, new TestClock(), 'a')
    const reserved = reservedIn(await state.uses.reserve([use()], end, hashOf(1)))
    const other = new DatabaseSync(file)
    other.exec(
      "CREATE TRIGGER full BEFORE DELETE ON reservations BEGIN SELECT raise(ABORT, 'full'); END",
    )
    await expect(state.uses.commit(reserved)).rejects.toThrow('full')
    other.exec('DROP TRIGGER full')
    await opened.sweep()
    state.close()

    const next = openStore(file, new TestClock(), 'b').state
    next.releaseAbandoned([])
    expect(await takenOf(next.uses, use(), end, hashOf(1))).toBe(1n)
    other.close()
    next.close()
  })

  test('is counted although its process was taken for dead', async () => {
    const file = newFile()
    const alive = openStore(file, new TestClock(), 'alive').state
    const reserved = reservedIn(await alive.uses.reserve([use(), branch(7)], end, hashOf(1)))
    const given = reservedIn(await alive.uses.reserve([use()], end, hashOf(1)))
    const primary = openStore(file, new TestClock(), 'primary').state
    primary.releaseAbandoned([])
    expect(await takenOf(primary.uses, use(), end, hashOf(1))).toBe(0n)
    await alive.uses.commit(reserved)
    await alive.uses.release(given)
    expect(await takenOf(primary.uses, use(), end, hashOf(1))).toBe(1n)
    expect(await takenOf(primary.uses, branch(7), end, hashOf(1))).toBe(1n)
    alive.close()
    primary.close()
  })
})

test('R-STATE-14 a count ends at 2^63 - 1, whatever the limit', async () => {
  const { state } = openStore(newFile(), new TestClock())
  const limit = use({ unit: 'msat', max: 10n ** 30n })
  const all = { ...limit, cost: 2n ** 63n - 1n }
  reservedIn(await state.uses.reserve([all], end, hashOf(1)))
  const answer = await state.uses.reserve([{ ...limit, cost: 1n }], end, hashOf(1))
  expect(answer).toHaveProperty('exhausted.max', 10n ** 30n)
  const other = await state.uses.reserve([{ ...limit, cost: 2n ** 64n }], end, hashOf(2))
  expect(other).toHaveProperty('exhausted')
  state.close()
})

describe('R-STATE-15 a purchase that was forgotten', () => {
  const forget = async (clock: TestClock, ends: number): Promise<State> => {
    const { state, opened } = openStore(newFile(), clock)
    await state.uses.reserve([use({ cost: 3n })], ends, hashOf(1))
    clock.pass(ends - clock.nowSeconds + 3700)
    await opened.sweep()
    return state
  }

  test('has no uses when the clock is set back', async () => {
    const clock = new TestClock()
    const ends = clock.nowSeconds + 1000
    const state = await forget(clock, ends)
    clock.nowSeconds = ends - 500
    expect(await state.uses.reserve([use()], ends, hashOf(1))).toHaveProperty('exhausted')
    reservedIn(await state.uses.reserve([use()], ends + 1, hashOf(2)))
    state.close()
  })

  test('does not stand in the way of others once a clock that was a day ahead is put right', async () => {
    const clock = new TestClock()
    clock.nowSeconds += 30 * 86_400
    const state = await forget(clock, clock.nowSeconds + 1000)
    clock.nowSeconds -= 30 * 86_400
    reservedIn(await state.uses.reserve([use()], clock.nowSeconds + 1000, hashOf(2)))
    state.close()
  })

  test('is kept over a restart with a clock that was set forward', async () => {
    const clock = new TestClock()
    const file = newFile()
    const first = openStore(file, clock)
    await first.state.uses.commit(
      reservedIn(await first.state.uses.reserve([use({ cost: 3n })], end, hashOf(1))),
    )
    first.state.close()
    clock.nowSeconds += 10_000_000
    clock.elapsedSeconds = 0
    const second = openStore(file, clock)
    await second.opened.sweep()
    second.state.close()
    clock.nowSeconds -= 10_000_000
    const third = openStore(file, clock)
    expect(await third.state.uses.reserve([use()], end, hashOf(1))).toHaveProperty('exhausted')
    third.state.close()
  })
})

describe('R-STATE-16 what is over', () => {
  test('is deleted, and nothing of it stays', async () => {
    const clock = new TestClock()
    const file = newFile()
    const { state, opened } = openStore(file, clock)
    for (let i = 0; i < 700; i++) {
      await state.uses.reserve(
        [use({ key: hashOf(i) }), branch(i)],
        clock.nowSeconds + 10,
        hashOf(i),
      )
    }
    clock.pass(3700)
    await opened.sweep()
    state.close()
    const database = new DatabaseSync(file)
    const rows = ['purchases', 'counters', 'lineages'].map(
      (table) => database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows'],
    )
    // One is that of the test itself.
    expect(rows).toEqual([1, 1, 1])
    database.close()
  })

  test('goes in steps, and a purchase of which a part is gone has no uses', async () => {
    const clock = new TestClock()
    const { state, opened } = openStore(newFile(), clock)
    const limits = Array.from({ length: 900 }, (_, i) => branch(i, { max: 1n }))
    await state.uses.reserve(limits, clock.nowSeconds + 10, hashOf(1))
    clock.pass(3700)
    vi.advanceTimersByTime(60_000)
    const ends = clock.nowSeconds + 10
    let steps = 0
    for (; steps < 20; steps++) {
      const answers = await Promise.all(
        [0, 450, 899].map((i) => state.uses.reserve([branch(i, { max: 1n })], ends, hashOf(1))),
      )
      if (answers.every((answer) => 'reserved' in answer)) break
      expect(answers.every((answer) => 'exhausted' in answer)).toBe(true)
    }
    expect(steps).toBeGreaterThan(3)
    expect(steps).toBeLessThan(20)
    await opened.sweep()
    state.close()
  })
})
