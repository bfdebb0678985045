import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { CostedLimit, UseStore } from '../../library/src/server/index.ts'

type Answer = Awaited<ReturnType<UseStore['reserve']>>

/** A clock that can be set, and one that cannot. */
export class TestClock {
  nowSeconds = 1_800_000_000
  elapsedSeconds = 100

  readonly now = (): number => this.nowSeconds
  readonly elapsed = (): number => this.elapsedSeconds

  pass(seconds: number): void {
    this.nowSeconds += seconds
    this.elapsedSeconds += seconds
  }
}

export type OpenedStore = {
  readonly store: UseStore
  /** Forgets what is over. */
  sweep(): Promise<void>
  close(): void
}

export function hashOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

export function use(change: Partial<CostedLimit> = {}): CostedLimit {
  return {
    key: hashOf(1),
    lineage: hashOf(1),
    unit: 'use',
    max: 3n,
    setBy: 'purchase',
    cost: 1n,
    ...change,
  }
}

/** A limit that a holder set: a branch of the purchase. */
export function branch(number: number, change: Partial<CostedLimit> = {}): CostedLimit {
  const key = number.toString(16).padStart(32, '0')
  return use({ key, lineage: key, setBy: 'attenuation', ...change })
}

export function reservedIn(answer: Answer): string {
  if ('reserved' in answer) return answer.reserved
  throw new Error(`exhausted: ${answer.exhausted.key}`)
}

/** How much of a counter is taken: the smallest maximum under which nothing more is asked. */
export async function takenOf(
  store: UseStore,
  limit: CostedLimit,
  expiresAt: number,
  purchase: string,
): Promise<bigint> {
  let least = 0n
  let most = 1n << 62n
  while (least < most) {
    const max = (least + most) / 2n
    const answer = await store.reserve([{ ...limit, max, cost: 0n }], expiresAt, purchase)
    if ('reserved' in answer) {
      await store.release(answer.reserved)
      most = max
    } else {
      least = max + 1n
    }
  }
  return least
}

/** What every store of uses does, wherever it keeps its counters. */
export function describeUseStore(name: string, open: (clock: TestClock) => OpenedStore): void {
  const opened: OpenedStore[] = []
  const openStore = (clock = new TestClock()): OpenedStore & { readonly clock: TestClock } => {
    const one = open(clock)
    opened.push(one)
    return { ...one, clock }
  }
  afterEach(() => {
    for (const { close } of opened.splice(0)) close()
  })
  const end = new TestClock().nowSeconds + 3600

  describe(`R-SRV-40 ${name}: reserve`, () => {
    test('gives as many as the limit has, and names the limit that is used up', async () => {
      const { store } = openStore()
      for (let i = 0; i < 3; i++) {
        await store.commit(reservedIn(await store.reserve([use()], end, hashOf(1))))
      }
      const { cost, ...limit } = use()
      expect(await store.reserve([use()], end, hashOf(1))).toEqual({ exhausted: limit })
    })

    test('counts what is reserved and not yet ended', async () => {
      const { store } = openStore()
      for (let i = 0; i < 3; i++) await store.reserve([use()], end, hashOf(1))
      expect(await store.reserve([use()], end, hashOf(1))).toHaveProperty('exhausted')
    })

    test('takes all limits or none', async () => {
      const { store } = openStore()
      const both = [use({ max: 10n }), branch(7, { max: 2n })]
      for (let i = 0; i < 2; i++) await store.reserve(both, end, hashOf(1))
      const answer = await store.reserve(both, end, hashOf(1))
      expect(answer).toHaveProperty('exhausted.key', branch(7).key)
      expect(await takenOf(store, use(), end, hashOf(1))).toBe(2n)
    })

    test('takes none when the last of three is used up, also of counters that are new', async () => {
      const { store } = openStore()
      const three = [use(), branch(7), branch(8, { max: 0n })]
      expect(await store.reserve(three, end, hashOf(1))).toHaveProperty('exhausted.max', 0n)
      expect(await takenOf(store, use(), end, hashOf(1))).toBe(0n)
      expect(await takenOf(store, branch(7), end, hashOf(1))).toBe(0n)
    })

    test('counts uses and msat of one key apart, and one key in two purchases apart', async () => {
      const { store } = openStore()
      await store.reserve([use({ cost: 2n })], end, hashOf(1))
      await store.reserve([use({ unit: 'msat', max: 900n, cost: 500n })], end, hashOf(1))
      await store.reserve([use({ cost: 3n })], end, hashOf(2))
      expect(await takenOf(store, use(), end, hashOf(1))).toBe(2n)
      expect(await takenOf(store, use({ unit: 'msat' }), end, hashOf(1))).toBe(500n)
      expect(await takenOf(store, use(), end, hashOf(2))).toBe(3n)
    })

    test('charges a counter once that two limits name, and holds it to both', async () => {
      const { store } = openStore()
      const twice = [use({ max: 5n }), use({ max: 2n })]
      for (let i = 0; i < 2; i++) await store.reserve(twice, end, hashOf(1))
      expect(await takenOf(store, use(), end, hashOf(1))).toBe(2n)
      expect(await store.reserve(twice, end, hashOf(1))).toHaveProperty('exhausted.max', 2n)
    })

    test('of a thousand at once gives exactly the limit', async () => {
      const { store } = openStore()
      const all = await Promise.all(
        Array.from({ length: 1000 }, () => store.reserve([use({ max: 137n })], end, hashOf(1))),
      )
      expect(all.filter((answer) => 'reserved' in answer).length).toBe(137)
    })

    test('without a limit is always given', async () => {
      const { store } = openStore()
      const answers = [
        await store.reserve([], end, hashOf(1)),
        await store.reserve([], end, hashOf(1)),
      ]
      for (const answer of answers) await store.release(reservedIn(answer))
    })

    test('counts msat beyond what a double can hold', async () => {
      const { store } = openStore()
      const limit = use({ unit: 'msat', max: 2n ** 60n, cost: 2n ** 60n - 1n })
      await store.commit(reservedIn(await store.reserve([limit], end, hashOf(1))))
      expect(await store.reserve([{ ...limit, cost: 2n }], end, hashOf(1))).toHaveProperty(
        'exhausted',
      )
      reservedIn(await store.reserve([{ ...limit, cost: 1n }], end, hashOf(1)))
    })
  })

  describe(`R-SRV-44 ${name}: a reservation`, () => {
    for (const [first, then, taken] of [
      ['release', 'release', 0n],
      ['release', 'commit', 0n],
      ['commit', 'release', 1n],
      ['commit', 'commit', 1n],
    ] as const) {
      for (const together of [true, false]) {
        test(`ends once: ${first}, then ${then}${together ? ' at the same time' : ''}`, async () => {
          const { store } = openStore()
          const reserved = reservedIn(await store.reserve([use()], end, hashOf(1)))
          if (together) await Promise.all([store[first](reserved), store[then](reserved)])
          else {
            await store[first](reserved)
            await store[then](reserved)
          }
          expect(await takenOf(store, use(), end, hashOf(1))).toBe(taken)
        })
      }
    }

    for (const unknown of ['', '0', '9999999999', 'x', '-1', '1.1', "1' OR 1"]) {
      test(`that nobody made (${JSON.stringify(unknown)}) changes nothing`, async () => {
        const { store } = openStore()
        await store.reserve([use()], end, hashOf(1))
        await store.commit(unknown)
        await store.release(unknown)
        expect(await takenOf(store, use(), end, hashOf(1))).toBe(1n)
      })
    }
  })

  describe(`R-SRV-45 ${name}: a counter`, () => {
    test('is kept for an hour after the end of its purchase, and no longer', async () => {
      const { store, clock, sweep } = openStore()
      await store.reserve([use({ cost: 3n })], clock.nowSeconds + 10, hashOf(1))
      clock.pass(10 + 3500)
      await sweep()
      expect(await takenOf(store, use(), 0, hashOf(1))).toBe(3n)
      // A store may keep it longer by the minutes that its two clocks need to agree.
      clock.pass(100 + 180)
      await sweep()
      expect(await takenOf(store, use(), clock.nowSeconds + 10, hashOf(1))).toBe(0n)
    })

    test('is kept when the clock is set forward and back', async () => {
      const { store, clock, sweep } = openStore()
      await store.reserve([use({ cost: 3n })], clock.nowSeconds + 10, hashOf(1))
      clock.nowSeconds += 1_000_000
      await sweep()
      clock.nowSeconds -= 1_000_000
      clock.pass(60)
      await sweep()
      expect(await store.reserve([use()], clock.nowSeconds + 10, hashOf(1))).toHaveProperty(
        'exhausted',
      )
    })

    test('is kept until the latest end that was named', async () => {
      const { store, clock, sweep } = openStore()
      await store.reserve([use()], clock.nowSeconds + 10_000, hashOf(1))
      await store.reserve([use()], clock.nowSeconds + 10, hashOf(1))
      clock.pass(10_000)
      await sweep()
      expect(await takenOf(store, use(), 0, hashOf(1))).toBe(2n)
    })

    test('of a lineage has room for 999 beside it, and other lineages are not touched', async () => {
      const { store } = openStore()
      const lineage = branch(1).key
      for (let i = 1; i <= 1000; i++) {
        reservedIn(await store.reserve([branch(i, { lineage })], end, hashOf(1)))
      }
      const more = branch(1001, { lineage })
      expect(await store.reserve([more], end, hashOf(1))).toHaveProperty('exhausted.key', more.key)
      reservedIn(await store.reserve([branch(500, { lineage })], end, hashOf(1)))
      reservedIn(await store.reserve([branch(1001)], end, hashOf(1)))
      reservedIn(await store.reserve([use()], end, hashOf(1)))
    })

    test('of a purchase has room for 9999 beside it', async () => {
      const { store } = openStore()
      for (let i = 0; i < 10_000; i += 50) {
        const limits = Array.from({ length: 50 }, (_, k) => {
          const lineage = branch(1 + Math.floor((i + k) / 1000)).key
          return branch(i + k, { lineage })
        })
        reservedIn(await store.reserve(limits, end, hashOf(1)))
      }
      expect(await store.reserve([branch(10_000)], end, hashOf(1))).toHaveProperty('exhausted')
      expect(await store.reserve([use()], end, hashOf(1))).toHaveProperty('exhausted')
      reservedIn(await store.reserve([branch(9999)], end, hashOf(1)))
      reservedIn(await store.reserve([branch(10_000)], end, hashOf(2)))
    })
  })

  test(`R-SRV-40 ${name}: agrees with a plain table, whatever happens`, async () => {
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.array(useCommand, { minLength: 10, maxLength: 60 }), async (commands) => {
        const { store, close } = openStore()
        const model = new UseModel()
        const reservations: (readonly [string, string])[] = []
        for (const command of commands) {
          if (command.kind === 'reserve') {
            const { limits, purchase } = command
            const answer = await store.reserve(limits, end, hashOf(purchase))
            const expected = model.reserve(limits, purchase)
            if ('reserved' in answer && 'reserved' in expected) {
              reservations.push([answer.reserved, expected.reserved])
            } else {
              refusals++
              expect(answer).toEqual(expected)
            }
            continue
          }
          const one = reservations[command.which % Math.max(1, reservations.length)]
          if (one === undefined) continue
          await store[command.kind](one[0])
          model[command.kind](one[1])
        }
        for (const { limit, purchase, taken } of model.counters()) {
          expect(await takenOf(store, limit, end, hashOf(purchase))).toBe(taken)
        }
        close()
        opened.pop()
      }),
      { numRuns: 100 },
    )
    expect(refusals).toBeGreaterThan(100)
  })
}

const limitOf = fc.record({
  number: fc.nat(3),
  unit: fc.constantFrom('use' as const, 'msat' as const),
  max: fc.bigInt(0n, 12n),
  cost: fc.bigInt(0n, 4n),
})
/** Few counters and small limits, so that they meet. */
export const useCommand = fc.oneof(
  fc.record({
    kind: fc.constant('reserve' as const),
    purchase: fc.integer({ min: 1, max: 2 }),
    limits: fc
      .array(limitOf, { minLength: 1, maxLength: 3 })
      .map((limits) =>
        limits.map(({ number, ...rest }) =>
          number === 0 ? use(rest) : branch(number, { ...rest, lineage: branch(1).key }),
        ),
      ),
  }),
  fc.record({ kind: fc.constantFrom('commit' as const, 'release' as const), which: fc.nat(30) }),
)

type Taken = { readonly limit: CostedLimit; readonly purchase: number; taken: bigint }

/** The definitions, without any care for speed. */
export class UseModel {
  readonly #counters = new Map<string, Taken>()
  readonly #open = new Map<string, readonly (readonly [Taken, bigint])[]>()
  #count = 0

  reserve(limits: readonly CostedLimit[], purchase: number): Answer {
    const charges = new Map<Taken, bigint>()
    for (const limit of limits) {
      const counter = this.#counterOf(limit, purchase)
      const { cost, ...rest } = limit
      if (counter.taken + cost > limit.max) return { exhausted: rest }
      charges.set(counter, cost)
    }
    for (const [counter, cost] of charges) counter.taken += cost
    const reserved = String(++this.#count)
    this.#open.set(reserved, [...charges])
    return { reserved }
  }

  commit(reserved: string): void {
    this.#open.delete(reserved)
  }

  release(reserved: string): void {
    for (const [counter, cost] of this.#open.get(reserved) ?? []) counter.taken -= cost
    this.#open.delete(reserved)
  }

  /** The process died. */
  crash(): void {
    for (const reserved of [...this.#open.keys()]) this.release(reserved)
  }

  counters(): readonly Taken[] {
    return [...this.#counters.values()]
  }

  #counterOf(limit: CostedLimit, purchase: number): Taken {
    const name = `${purchase} ${limit.unit} ${limit.key}`
    const counter = this.#counters.get(name) ?? { limit, purchase, taken: 0n }
    this.#counters.set(name, counter)
    return counter
  }
}
