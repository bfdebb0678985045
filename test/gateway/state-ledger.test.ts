import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type {
  State,
  Transaction,
  TransactionFilter,
} from '../../program/src/gateway/state/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import { hashOf, TestClock } from './use-store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-ledger-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const opened: State[] = []
afterEach(() => {
  for (const state of opened.splice(0)) state.close()
  vi.useRealTimers()
})

let files = 0
const newFile = (): string => join(folder, `${++files}.db`)
const day = 86_400

function open(file = newFile(), clock = new TestClock(), owner = 'one'): State {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const onFailure = (error: unknown): never => {
    throw error
  }
  const state = openState({ file, owner, now: clock.now, elapsed: clock.elapsed, onFailure })
  opened.push(state)
  return state
}

type Settlement = Parameters<State['noteSettlement']>[0]
type Token = Parameters<State['noteToken']>[0]

function settlement(number: number, change: Partial<Settlement> = {}): Settlement {
  return {
    paymentHash: hashOf(number),
    amountMsat: 1000n,
    settledAtSeconds: 1_799_000_000,
    service: 'weather',
    capability: 'report',
    ...change,
  }
}

const tokenIdOf = (number: number): string => number.toString(16).padStart(64, 'f')

function token(number: number, change: Partial<Token> = {}): Token {
  return {
    paymentHash: hashOf(number),
    tokenId: tokenIdOf(number),
    amountMsat: 1000n,
    service: 'weather',
    capability: 'report',
    validUntilSeconds: 1_800_003_600,
    ...change,
  }
}

/** Lets a second pass, and what it brings be written. */
async function second(state: State): Promise<void> {
  vi.advanceTimersByTime(1000)
  await written(state)
}

/** Writes are made in their order. */
async function written(state: State): Promise<void> {
  for (let i = 0; i < 12; i++)
    await state.uses
      .reserve([], 1, hashOf(1))
      .then((answer) => ('reserved' in answer ? state.uses.release(answer.reserved) : undefined))
}

const all = { limit: 1000 }

describe('R-STATE-23 a settlement', () => {
  test('is one transaction, written at once', async () => {
    const state = open()
    state.noteSettlement(settlement(1))
    await written(state)
    expect(state.transactions(all)).toEqual({
      items: [
        {
          paymentHash: hashOf(1),
          tokenId: undefined,
          amountMsat: 1000n,
          settledAtSeconds: 1_799_000_000,
          service: 'weather',
          capability: 'report',
          isReported: true,
          uses: 0,
          validUntilSeconds: undefined,
          lastSeenSeconds: undefined,
          isRevoked: false,
        },
      ],
      next: undefined,
    } satisfies ReturnType<State['transactions']>)
  })

  test('that is reported again changes nothing', async () => {
    const file = newFile()
    const state = open(file)
    state.noteSettlement(settlement(1))
    await written(state)
    state.noteSettlement(settlement(1, { amountMsat: 5n, settledAtSeconds: 7, service: 'other' }))
    open(file, new TestClock(), 'two').noteSettlement(settlement(1, { amountMsat: 6n }))
    await written(state)
    await written(opened[1]!)
    expect(state.transactions(all).items).toEqual([
      expect.objectContaining({
        amountMsat: 1000n,
        settledAtSeconds: 1_799_000_000,
        service: 'weather',
      }),
    ])
    expect(state.stats({ fromSeconds: 0, untilSeconds: 2e9 })).toMatchObject([
      { payments: 1, revenueMsat: 1000n },
    ])
  })

  test('is written when the file can be written again', async () => {
    const file = newFile()
    const failures: unknown[] = []
    if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const state = openState({ file, owner: 'one', onFailure: (error) => void failures.push(error) })
    opened.push(state)
    const tool = new DatabaseSync(file)
    tool.exec(
      "CREATE TRIGGER full BEFORE INSERT ON payments BEGIN SELECT raise(ABORT, 'full'); END",
    )
    state.noteSettlement(settlement(1))
    state.noteToken(token(2))
    await second(state)
    expect(failures.length).toBeGreaterThanOrEqual(2)
    tool.exec('DROP TRIGGER full')
    tool.close()
    await second(state)
    expect(
      state
        .transactions(all)
        .items.map(({ paymentHash }) => paymentHash)
        .sort(),
    ).toEqual([hashOf(1), hashOf(2)])
  })

  for (const [what, change] of [
    ['a hash that is none', { paymentHash: 'abc' }],
    ['a hash in upper case', { paymentHash: 'AB'.repeat(32) }],
    ['a negative amount', { amountMsat: -1n }],
    ['an amount of 2^63', { amountMsat: 2n ** 63n }],
    ['no time', { settledAtSeconds: Number.NaN }],
    ['a time before 1970', { settledAtSeconds: -1 }],
  ] as const) {
    test(`with ${what} is refused`, () => {
      expect(() => open().noteSettlement(settlement(1, change))).toThrow(/expected/)
    })
  }
})

describe('R-STATE-24 a token', () => {
  test('that nobody reported is a payment all the same', async () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    state.noteToken(token(1))
    await second(state)
    expect(state.transaction(hashOf(1))).toEqual({
      paymentHash: hashOf(1),
      tokenId: tokenIdOf(1),
      amountMsat: 1000n,
      settledAtSeconds: clock.nowSeconds,
      service: 'weather',
      capability: 'report',
      isReported: false,
      uses: 1,
      validUntilSeconds: 1_800_003_600,
      lastSeenSeconds: clock.nowSeconds,
      isRevoked: false,
    } satisfies Transaction)
  })

  for (const first of ['settlement', 'token'] as const) {
    test(`and its settlement are one, the ${first} first, and what the payee said stands`, async () => {
      const state = open()
      const note = {
        settlement: () =>
          state.noteSettlement(settlement(1, { service: undefined, amountMsat: 900n })),
        token: () => state.noteToken(token(1)),
      }
      note[first]()
      await second(state)
      note[first === 'token' ? 'settlement' : 'token']()
      await second(state)
      expect(state.transactions(all).items).toEqual([
        expect.objectContaining({
          tokenId: tokenIdOf(1),
          amountMsat: 900n,
          settledAtSeconds: 1_799_000_000,
          service: 'weather',
          isReported: true,
          uses: 1,
        }),
      ])
      const stats = state.stats({ fromSeconds: 0, untilSeconds: 2e9 })
      expect(stats.reduce((sum, { payments }) => sum + payments, 0)).toBe(1)
      expect(stats.reduce((sum, { revenueMsat }) => sum + revenueMsat, 0n)).toBe(900n)
      expect(stats.reduce((sum, { uses }) => sum + uses, 0)).toBe(1)
    })
  }
})

describe('R-STATE-25 tokens that are seen', () => {
  test('are written after a second, with all their uses', async () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    for (let i = 0; i < 500; i++) state.noteToken(token(i % 5))
    await written(state)
    expect(state.transactions(all).items).toEqual([])
    await second(state)
    clock.pass(100)
    state.noteToken(token(3))
    await second(state)
    expect(state.transaction(hashOf(3))).toMatchObject({
      uses: 101,
      lastSeenSeconds: clock.nowSeconds,
    })
    expect(state.transaction(hashOf(4))).toMatchObject({ uses: 100 })
  })

  test('are written before it when there are a thousand, and at the end', async () => {
    const file = newFile()
    const state = open(file)
    for (let i = 0; i < 1001; i++) state.noteToken(token(i))
    await written(state)
    expect(state.transactions(all).items.length).toBe(1000)
    state.close()
    const again = open(file)
    expect(again.transaction(hashOf(1000))?.uses).toBe(1)
  })

  test('of several processes are added up', async () => {
    const file = newFile()
    const states = [open(file), open(file, new TestClock(), 'two')]
    for (const state of states) for (let i = 0; i < 7; i++) state.noteToken(token(1))
    for (const state of states) await second(state)
    expect(states[0]!.transaction(hashOf(1))?.uses).toBe(14)
  })

  test('again cost a fraction of a microsecond', () => {
    const state = open()
    const one = token(1)
    state.noteToken(one)
    const rounds = 200_000
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < 5; run++) {
      const started = performance.now()
      for (let i = 0; i < rounds; i++) state.noteToken(one)
      best = Math.min(best, performance.now() - started)
    }
    // A tenth of it on a quiet machine.
    expect((best / rounds) * 1000).toBeLessThan(1)
  })

  for (const [what, change] of [
    ['a hash that is none', { paymentHash: '' }],
    ['a token id that is none', { tokenId: 'x' }],
    ['a negative amount', { amountMsat: -1n }],
    ['no end', { validUntilSeconds: Number.NaN }],
  ] as const) {
    test(`with ${what} are refused`, () => {
      expect(() => open().noteToken(token(1, change))).toThrow(/expected/)
    })
  }
})

describe('R-STATE-26 revoking', () => {
  for (const [by, id] of [
    ['payment hash', hashOf(1)],
    ['token id', tokenIdOf(1)],
    ['token id in upper case', tokenIdOf(1).toUpperCase()],
  ] as const) {
    test(`by ${by} marks the payment and deletes nothing`, async () => {
      const state = open()
      state.noteToken(token(1))
      state.noteToken(token(2))
      await second(state)
      state.deny(id, 'stolen')
      expect(state.transaction(hashOf(1))).toMatchObject({
        isRevoked: true,
        uses: 1,
        amountMsat: 1000n,
      })
      expect(state.transactions({ limit: 10, state: 'revoked' }).items.length).toBe(1)
      expect(state.stats({ fromSeconds: 0, untilSeconds: 2e9 })[0]?.payments).toBe(2)
      expect(state.allow(id)).toBe(true)
      expect(state.transaction(hashOf(1))?.isRevoked).toBe(false)
    })

    test(`by ${by} also marks what comes later`, async () => {
      const state = open()
      state.deny(id, 'stolen')
      state.noteSettlement(settlement(1))
      state.noteToken(token(1))
      await second(state)
      expect(state.transaction(hashOf(1))?.isRevoked).toBe(true)
    })
  }

  test('by both ids lasts until both are allowed', async () => {
    const state = open()
    state.noteToken(token(1))
    await second(state)
    state.deny(hashOf(1), 'a')
    state.deny(tokenIdOf(1), 'b')
    state.allow(hashOf(1))
    expect(state.transaction(hashOf(1))?.isRevoked).toBe(true)
    state.allow(tokenIdOf(1))
    expect(state.transaction(hashOf(1))?.isRevoked).toBe(false)
  })
})

const nowSeconds = new TestClock().nowSeconds
const transactionArbitrary = fc.record({
  service: fc.constantFrom('a', 'b'),
  capability: fc.constantFrom('x', 'y', 'z'),
  age: fc.integer({ min: 0, max: 6 }),
  isSeen: fc.boolean(),
  validFor: fc.constantFrom(-10, 0, 10),
  isDenied: fc.boolean(),
})
const optional = <Value>(values: readonly Value[]): fc.Arbitrary<Value | undefined> =>
  fc.constantFrom(undefined, ...values)
const filterArbitrary = fc.record({
  service: optional(['a', 'b', 'c']),
  capability: optional(['x', 'y']),
  fromSeconds: optional([nowSeconds - 4, nowSeconds - 2]),
  untilSeconds: optional([nowSeconds - 3, nowSeconds]),
  state: optional(['active', 'revoked', 'expired'] as const),
  limit: fc.integer({ min: 1, max: 7 }),
})

test('R-STATE-27 pages hold everything that a filter names, once, the newest first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(transactionArbitrary, { maxLength: 25 }),
      fc.array(filterArbitrary, { minLength: 5, maxLength: 5 }),
      async (made, filters) => {
        const state = open()
        for (const [
          i,
          { service, capability, age, isSeen, validFor, isDenied },
        ] of made.entries()) {
          const settledAtSeconds = nowSeconds - age
          state.noteSettlement(settlement(i, { service, capability, settledAtSeconds }))
          const validUntilSeconds = nowSeconds + validFor
          if (isSeen) state.noteToken(token(i, { service, capability, validUntilSeconds }))
          if (isDenied) state.deny(hashOf(i), 'x')
        }
        await second(state)
        for (const drawn of filters) {
          const filter = Object.fromEntries(
            Object.entries(drawn).filter(([, value]) => value !== undefined),
          ) as TransactionFilter
          const fits = made.flatMap((one, i) => {
            const { service, capability, age, isSeen, validFor, isDenied } = one
            const isExpired = isSeen && validFor <= 0
            const standing = isDenied ? 'revoked' : isExpired ? 'expired' : 'active'
            const at = nowSeconds - age
            const isIn =
              (filter.service ?? service) === service &&
              (filter.capability ?? capability) === capability &&
              (filter.state ?? standing) === standing &&
              at >= (filter.fromSeconds ?? 0) &&
              at < (filter.untilSeconds ?? at + 1)
            return isIn ? [hashOf(i)] : []
          })
          const items = everyPage(state, filter)
          expect(items.map(({ paymentHash }) => paymentHash).sort()).toEqual(fits.sort())
          const times = items.map(({ settledAtSeconds }) => settledAtSeconds)
          expect(times).toEqual([...times].sort((one, other) => other - one))
        }
        state.close()
        opened.pop()
      },
    ),
    { numRuns: 40 },
  )
})

function everyPage(state: State, filter: TransactionFilter): readonly Transaction[] {
  const items: Transaction[] = []
  let after: string | undefined
  do {
    const page = state.transactions(after === undefined ? filter : { ...filter, after })
    expect(page.items.length).toBeLessThanOrEqual(filter.limit)
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}

describe('R-STATE-27 a page', () => {
  test('is not moved by what is paid meanwhile', async () => {
    const state = open()
    for (let i = 0; i < 10; i++) state.noteSettlement(settlement(i, { settledAtSeconds: 1000 + i }))
    await written(state)
    const first = state.transactions({ limit: 4 })
    for (let i = 10; i < 20; i++)
      state.noteSettlement(settlement(i, { settledAtSeconds: 1000 + i }))
    await written(state)
    const second = state.transactions({ limit: 4, after: first.next! })
    expect(second.items.map(({ settledAtSeconds }) => settledAtSeconds)).toEqual([
      1005, 1004, 1003, 1002,
    ])
  })

  test('looks at 2000 rows at most, and says that more follow', async () => {
    const file = newFile()
    const state = open(file)
    const tool = new DatabaseSync(file)
    tool.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
      INSERT INTO payments (payment_hash, token_id, amount_msat, settled_at, service, capability,
        is_reported, uses, valid_until, is_revoked)
      SELECT randomblob(32), randomblob(32), 1, 1000, 's', 'c', 0, 0, iif(i = 3, 9e9, 5), 0 FROM n`)
    tool.close()
    const filter = { limit: 10, state: 'active' as const }
    const first = state.transactions(filter)
    expect(first.items).toEqual([])
    expect(first.next).toBeDefined()
    expect(everyPage(state, filter).length).toBe(1)
    expect(everyPage(state, { limit: 1000 }).length).toBe(6000)
  })

  for (const [what, change] of [
    ['no limit', { limit: 0 }],
    ['a limit of 1001', { limit: 1001 }],
    ['half a limit', { limit: 1.5 }],
    ['an id of 7 digits', { id: '1234567' }],
    ['an id of 65 digits', { id: 'a'.repeat(65) }],
    ['an id that is no hex', { id: "12345678' OR 1" }],
    ['an `after` that is none', { after: 'x' }],
    ['an `after` with something behind', { after: Buffer.from('1.1x').toString('base64url') }],
    ['an `after` in another spelling', { after: `${Buffer.from('1.1').toString('base64url')}=` }],
    ['an `after` that is far too long', { after: 'MS4x'.repeat(10_000) }],
    ['a state that is none', { state: 'gone' as 'active' }],
  ] as const) {
    test(`with ${what} is refused`, () => {
      expect(() => open().transactions({ limit: 10, ...change })).toThrow(RangeError)
    })
  }
})

describe('R-STATE-28 a transaction', () => {
  const one = `12345678${'0'.repeat(56)}`
  const two = `12345679${'0'.repeat(56)}`
  const clash = `12345678${'1'.repeat(56)}`
  test('is found by the first digits of its payment hash or token id', async () => {
    const state = open()
    state.noteToken(token(1, { paymentHash: one, tokenId: 'ab'.repeat(32) }))
    state.noteToken(token(2, { paymentHash: two, tokenId: 'cd'.repeat(32) }))
    await second(state)
    for (const id of [one, '12345678', '123456780', 'ABABABAB', 'ab'.repeat(32)]) {
      expect(state.transaction(id)?.paymentHash).toBe(one)
      expect(state.transactions({ limit: 5, id }).items.map((item) => item.paymentHash)).toEqual([
        one,
      ])
    }
    for (const id of ['12345677', '1234567', '', 'x'.repeat(8), "' OR 1=1 --", one + '0']) {
      expect(state.transaction(id)).toBeUndefined()
    }
  })

  test('is not guessed when two begin like that', async () => {
    const state = open()
    state.noteToken(token(1, { paymentHash: one }))
    state.noteToken(token(2, { paymentHash: clash }))
    await second(state)
    expect(state.transaction('12345678')).toBeUndefined()
    expect(state.transaction('123456781')?.paymentHash).toBe(clash)
    expect(state.transactions({ limit: 5, id: '12345678' }).items.length).toBe(2)
    expect(state.transactions({ limit: 5, id: '12345678', state: 'revoked' }).items).toEqual([])
  })
})

describe('R-STATE-29 stats', () => {
  test('are sums by service and UTC day', async () => {
    const clock = new TestClock()
    const state = open(newFile(), clock)
    const midnight = Math.floor(clock.nowSeconds / day) * day
    for (const [number, service, settledAtSeconds] of [
      [1, 'a', midnight - 1],
      [2, 'a', midnight],
      [3, 'a', midnight + 5],
      [4, 'b', midnight + 5],
      [5, undefined, midnight + 5],
      [6, 'a', midnight - 40 * day],
    ] as const) {
      state.noteSettlement(settlement(number, { service, settledAtSeconds }))
    }
    for (let i = 0; i < 3; i++) state.noteToken(token(3, { service: 'a' }))
    await second(state)
    const range = { fromSeconds: midnight - day, untilSeconds: midnight + day }
    const text = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)
    expect(state.stats(range)).toEqual([
      { service: 'a', day: text(midnight - 1), payments: 1, revenueMsat: 1000n, uses: 0 },
      { service: '', day: text(midnight), payments: 1, revenueMsat: 1000n, uses: 0 },
      { service: 'a', day: text(midnight), payments: 2, revenueMsat: 2000n, uses: 3 },
      { service: 'b', day: text(midnight), payments: 1, revenueMsat: 1000n, uses: 0 },
    ])
    expect(state.stats({ ...range, service: 'b' }).length).toBe(1)
    // Whole days: a range that touches one has all of it, and its end is exclusive.
    expect(state.stats({ fromSeconds: midnight + 500, untilSeconds: midnight + 501 }).length).toBe(
      3,
    )
    expect(state.stats({ fromSeconds: midnight - 5, untilSeconds: midnight }).length).toBe(1)
    expect(state.stats({ fromSeconds: midnight, untilSeconds: midnight })).toEqual([])
    expect(() => state.stats({ fromSeconds: Number.NaN, untilSeconds: 1 })).toThrow(RangeError)
  })

  test('agree with the transactions, whatever comes in which order', async () => {
    const step = fc.record({
      number: fc.nat(5),
      isToken: fc.boolean(),
      service: fc.constantFrom('a', 'b', undefined),
      days: fc.nat(2),
      amountMsat: fc.bigInt(0n, 9n),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const clock = new TestClock()
        const state = open(newFile(), clock)
        for (const { number, isToken, service = 'c', days, amountMsat } of steps) {
          const settledAtSeconds = clock.nowSeconds - days * day
          if (isToken) state.noteToken(token(number, { service, amountMsat }))
          else state.noteSettlement(settlement(number, { service, amountMsat, settledAtSeconds }))
          await second(state)
        }
        const sums = new Map<string, bigint>()
        for (const { service, settledAtSeconds, amountMsat } of state.transactions(all).items) {
          const name = `${service} ${new Date(settledAtSeconds * 1000).toISOString().slice(0, 10)}`
          sums.set(name, (sums.get(name) ?? 0n) + amountMsat + 1_000_000n)
        }
        const stats = state.stats({ fromSeconds: 0, untilSeconds: clock.nowSeconds + 1 })
        for (const { service, day: date, payments, revenueMsat } of stats) {
          const expected = sums.get(`${service} ${date}`) ?? 0n
          expect(revenueMsat + BigInt(payments) * 1_000_000n).toBe(expected)
          sums.delete(`${service} ${date}`)
        }
        expect([...sums]).toEqual([])
        const uses = stats.reduce((sum, one) => sum + one.uses, 0)
        expect(uses).toBe(steps.filter(({ isToken }) => isToken).length)
        state.close()
        opened.pop()
      }),
      { numRuns: 30 },
    )
  })
})
