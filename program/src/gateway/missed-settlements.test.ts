import { encodeHex, L402Error, msat } from 'satway'
import type { InvoiceStatus, Payee, Settlement } from 'satway/lightning'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MissedSettlements } from './missed-settlements.ts'
import type { OpenSale } from './state/index.ts'

const nowSeconds = 1_800_000_000
const hashOf = (n: number): string => n.toString(16).padStart(64, '0')
const sale = (n: number): OpenSale => ({
  paymentHash: hashOf(n),
  service: 'shop',
  capability: `thing-${n}`,
})
const paid: InvoiceStatus = { status: 'settled', amountMsat: msat(1000n), settledAtSeconds: 5 }

function setUp(answers: ReadonlyMap<string, InvoiceStatus>) {
  const world = {
    open: [...answers.keys()].map((hash) => ({ ...sale(1), paymentHash: hash })) as OpenSale[],
    unreported: [] as OpenSale[],
    isReachable: true,
    underWay: 0,
    mostUnderWay: 0,
    asked: [] as string[],
    since: [] as number[],
    told: [] as string[],
    forgotten: [] as string[],
    failures: 0,
    /** What the wallet never tells about. */
    unreadable: new Set<string>(),
  }
  const payee: Pick<Payee, 'lookupInvoice'> = {
    lookupInvoice: async (hash) => {
      world.asked.push(encodeHex(hash))
      world.underWay++
      world.mostUnderWay = Math.max(world.mostUnderWay, world.underWay)
      await new Promise((resolve) => setTimeout(resolve, 10))
      world.underWay--
      const isTold = world.isReachable && !world.unreadable.has(encodeHex(hash))
      if (!isTold) throw new L402Error('NODE_UNAVAILABLE', { reason: 'test' })
      return answers.get(encodeHex(hash)) ?? { status: 'not-found' }
    },
  }
  const missed = new MissedSettlements({
    payee: payee as Payee,
    state: {
      openSales: (since) => {
        world.since.push(since)
        return world.open
      },
      unreportedPayments: () => world.unreported,
      forgetSale: (hash) => void world.forgotten.push(hash),
    },
    settled: ({ paymentHash: hash }: Settlement, { service }) => {
      world.told.push(`${encodeHex(hash).slice(-2)} ${service}`)
    },
    failed: () => {
      world.failures++
    },
    now: () => nowSeconds,
  })
  return { missed, world }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('R-GWW-21 what was sold before a start is asked about', () => {
  test('all of it, and what only tokens told of; what was paid is told with what it was for', async () => {
    const { missed, world } = setUp(
      new Map<string, InvoiceStatus>([
        [hashOf(1), paid],
        [hashOf(2), { status: 'open' }],
        [hashOf(3), { status: 'closed' }],
        [hashOf(4), { status: 'not-found' }],
      ]),
    )
    world.unreported = [{ paymentHash: hashOf(5), service: 'other', capability: 'x' }]
    missed.ask()
    await vi.advanceTimersByTimeAsync(1000)
    expect(world.asked.toSorted()).toEqual([1, 2, 3, 4, 5].map(hashOf))
    expect([world.since, world.told, world.forgotten]).toEqual([[0], ['01 shop'], [hashOf(3)]])
    // Once: a stream stands, and tells the rest.
    missed.ask()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(world.asked).toHaveLength(5)
  })

  test('a few at a time, however many there are', async () => {
    const many = new Map(Array.from({ length: 200 }, (_, n) => [hashOf(n), paid]))
    const { missed, world } = setUp(many)
    missed.ask()
    await vi.advanceTimersByTimeAsync(1000)
    expect([world.told.length, world.mostUnderWay]).toEqual([200, 4])
  })

  test('again, until the wallet could be asked', async () => {
    const { missed, world } = setUp(new Map([[hashOf(1), paid]]))
    world.isReachable = false
    missed.ask()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(world.failures).toBeGreaterThan(1)
    expect(world.told).toEqual([])
    world.isReachable = true
    await vi.advanceTimersByTimeAsync(60_000)
    expect(world.told).toEqual(['01 shop'])
  })

  test('also where the wallet never tells about some of it', async () => {
    const hashes = Array.from({ length: 30 }, (_, n) => hashOf(n + 1))
    const { missed, world } = setUp(new Map(hashes.map((hash) => [hash, paid])))
    world.unreadable = new Set(hashes.slice(0, 10))
    missed.ask()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(world.told).toHaveLength(20)
    missed.close()
  })

  test('and no more once it is closed', async () => {
    const { missed, world } = setUp(new Map([[hashOf(1), paid]]))
    world.isReachable = false
    missed.ask()
    await vi.advanceTimersByTimeAsync(100)
    missed.close()
    const before = world.asked.length
    await vi.advanceTimersByTimeAsync(600_000)
    missed.ask()
    expect(world.asked.length).toBe(before)
  })
})

describe('R-GWW-22 what was sold before a gap is asked about', () => {
  test('what could still be paid when the stream broke, once it stands again', async () => {
    const { missed, world } = setUp(new Map([[hashOf(1), paid]]))
    missed.ask()
    await vi.advanceTimersByTimeAsync(1000)
    world.told.length = 0
    missed.lost()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(world.told).toEqual([])
    missed.ask()
    await vi.advanceTimersByTimeAsync(2000)
    expect([world.since, world.told]).toEqual([[0, nowSeconds], ['01 shop']])
  })

  test('no more than a tenth of the time, where the stream breaks again and again', async () => {
    const open = Array.from({ length: 400 }, (_, n) => [hashOf(n), { status: 'open' }] as const)
    const { missed, world } = setUp(new Map<string, InvoiceStatus>(open))
    // 400 questions of 10 ms, four at a time: a second.
    for (let second = 0; second < 120; second += 2) {
      missed.lost()
      missed.ask()
      await vi.advanceTimersByTimeAsync(2000)
    }
    expect(world.asked.length / 400).toBeGreaterThan(8)
    expect(world.asked.length / 400).toBeLessThan(16)
    missed.close()
  })

  test('a gap that opens while it asks is asked about too', async () => {
    const { missed, world } = setUp(new Map([[hashOf(1), { status: 'open' } as InvoiceStatus]]))
    missed.ask()
    await vi.advanceTimersByTimeAsync(5)
    missed.lost()
    missed.ask()
    await vi.advanceTimersByTimeAsync(1000)
    expect(world.asked).toHaveLength(2)
  })
})
