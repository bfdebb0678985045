import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { IssuanceGate } from './issuance-gate.ts'
import { IssuanceLimit } from './issuance-limit.ts'

const plenty = { globalBurst: 1_000_000, globalPerMinute: 1_000_000 }

describe('R-SRV-36 a client network has a bucket of challenges', () => {
  const limit = (): IssuanceLimit => new IssuanceLimit({ ...plenty, burst: 3, perMinute: 60 })
  const takeAll = (bucket: IssuanceLimit, address: string | undefined, now: number): number[] =>
    Array.from({ length: 4 }, () => bucket.take(address, now))

  test('that is refilled evenly and never above its size', () => {
    const bucket = limit()
    expect(takeAll(bucket, '192.0.2.1', 1000)).toEqual([0, 0, 0, 1])
    expect(bucket.take('192.0.2.1', 1000.5)).toBe(1)
    expect(bucket.take('192.0.2.1', 1001)).toBe(0)
    expect(takeAll(bucket, '192.0.2.1', 9000)).toEqual([0, 0, 0, 1])
  })

  test('that others in the network share and strangers do not', () => {
    const bucket = limit()
    takeAll(bucket, '192.0.2.1', 1000)
    expect(bucket.take('192.0.2.200', 1000)).toBe(1)
    expect(bucket.take('192.0.3.1', 1000)).toBe(0)
    expect(bucket.take('2001:db8::1', 1000)).toBe(0)
  })

  test('that says how long to wait', () => {
    const slow = new IssuanceLimit({ ...plenty, burst: 1, perMinute: 2 })
    expect([
      slow.take('192.0.2.1', 0),
      slow.take('192.0.2.1', 0),
      slow.take('192.0.2.1', 20),
    ]).toEqual([0, 30, 10])
  })

  test('that a clock set back neither fills nor locks', () => {
    const bucket = limit()
    takeAll(bucket, '192.0.2.1', 1_000_000)
    expect(bucket.take('192.0.2.1', 0)).toBe(1)
    expect(bucket.take('192.0.2.1', 1)).toBe(0)
  })
})

describe('R-SRV-36 a flood from many networks', () => {
  const count = (limit: IssuanceLimit, addresses: readonly string[], now = 1000): number =>
    addresses.filter((address) => limit.take(address, now) === 0).length
  const networksOf = (site: string): readonly string[] =>
    Array.from({ length: 300 }, (_, i) => `${site}:${(i >> 2).toString(16)}::1`)

  test('of one IPv6 /48 has four times the bucket of one network, and no more', () => {
    const limit = new IssuanceLimit({ ...plenty, burst: 3, perMinute: 60 })
    expect(count(limit, networksOf('2001:db8:1'))).toBe(12)
    expect(limit.take('2001:db8:1:ffff::1', 1000)).toBe(1)
    expect(limit.take('2001:db8:2::1', 1000)).toBe(0)
    expect(limit.take('192.0.2.1', 1000)).toBe(0)
    expect(count(limit, networksOf('2001:db8:1'), 1001)).toBe(4)
  })

  const everywhere = Array.from({ length: 12_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1`)

  test('has the bucket of all together, which says when to come back', () => {
    const limit = new IssuanceLimit({
      burst: 3,
      perMinute: 60,
      globalBurst: 100,
      globalPerMinute: 6,
    })
    expect(count(limit, everywhere)).toBe(100)
    expect(limit.take('192.0.2.1', 1000)).toBe(10)
    expect(limit.take('192.0.2.1', 1010)).toBe(0)
  })

  test('fills no empty bucket of a network by making it forgotten', () => {
    const limit = new IssuanceLimit({
      burst: 3,
      perMinute: 0.01,
      globalBurst: 1000,
      globalPerMinute: 1,
    })
    const one = Array.from({ length: 5 }, () => '192.0.2.1')
    expect(count(limit, one)).toBe(3)
    count(limit, everywhere)
    expect(count(limit, one, 1600)).toBe(0)
    expect(limit.take('198.51.100.1', 1600)).toBe(0)
  })

  test('who is refused for a network of its own takes nothing from the others', () => {
    const limit = new IssuanceLimit({
      burst: 1,
      perMinute: 1,
      globalBurst: 2,
      globalPerMinute: 1,
    })
    expect(count(limit, ['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(1)
    expect(limit.take('198.51.100.1', 1000)).toBe(0)
  })
})

describe('R-SRV-37 the payee is asked for so many invoices at a time', () => {
  const settings = { concurrent: 2, queue: 2, timeoutMs: 60_000 }
  const overloaded = expect.toSatisfy((error) => isL402Error(error, 'REQUEST_OVERLOADED'))

  /** A task that ends when it is told to. */
  function task(): { run: () => Promise<string>; end: (text: string) => void; started: boolean } {
    const state = {
      started: false,
      end: (_: string): void => undefined,
      run: (): Promise<string> => {
        state.started = true
        return new Promise((resolve) => {
          state.end = resolve
        })
      },
    }
    return state
  }
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }

  test('others wait in line, and whoever finds the line full is refused', async () => {
    const gate = new IssuanceGate(settings)
    const tasks = Array.from({ length: 4 }, task)
    const runs = tasks.map(({ run }, index) => gate.run(`site ${index}`, run))
    await settle()
    expect(tasks.map(({ started }) => started)).toEqual([true, true, false, false])
    await expect(gate.run('one more', task().run)).rejects.toEqual(overloaded)

    tasks[1]!.end('second')
    await settle()
    expect(tasks.map(({ started }) => started)).toEqual([true, true, true, false])
    tasks[0]!.end('first')
    await settle()
    tasks[2]!.end('third')
    tasks[3]!.end('fourth')
    expect(await Promise.all(runs)).toEqual(['first', 'second', 'third', 'fourth'])

    const later = task()
    const run = gate.run('later', later.run)
    await settle()
    expect(later.started).toBe(true)
    later.end('later')
    expect(await run).toBe('later')
  })

  test('one site has a quarter of the line, and a newcomer its turn', async () => {
    const gate = new IssuanceGate({ concurrent: 1, queue: 8, timeoutMs: 60_000 })
    const tasks = Array.from({ length: 5 }, task)
    const flood = tasks.slice(0, 4).map(({ run }) => gate.run('flood', run))
    const refused = Promise.allSettled(flood)
    const newcomer = gate.run('newcomer', tasks[4]!.run)
    await settle()
    await expect(flood[3]).rejects.toEqual(overloaded)
    for (const { end } of [tasks[0]!, tasks[1]!, tasks[2]!, tasks[4]!]) {
      await settle()
      end('done')
      await settle()
    }
    expect(await newcomer).toBe('done')
    expect((await refused).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ])
    // And its part is free again.
    expect(await gate.run('flood', async () => 'again')).toBe('again')
  })

  test('a task that fails gives its place up', async () => {
    const gate = new IssuanceGate({ ...settings, concurrent: 1 })
    const broken = gate.run('a', () => Promise.reject(new Error('broken')))
    const next = gate.run('b', async () => 'next')
    await expect(broken).rejects.toThrow('broken')
    expect(await next).toBe('next')
  })

  test('a task that never ends is given up at the deadline, and so is the wait for it', async () => {
    const gate = new IssuanceGate({ concurrent: 1, queue: 5, timeoutMs: 30 })
    const signals: AbortSignal[] = []
    const stuck = gate.run('a', (signal) => {
      signals.push(signal)
      return new Promise<string>(() => undefined)
    })
    const behind = gate.run('b', () => new Promise<string>(() => undefined))
    await expect(stuck).rejects.toEqual(
      expect.toSatisfy((error) => isL402Error(error, 'NODE_UNAVAILABLE')),
    )
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    await expect(behind).rejects.toEqual(
      expect.toSatisfy(
        (error) =>
          isL402Error(error, 'REQUEST_OVERLOADED') || isL402Error(error, 'NODE_UNAVAILABLE'),
      ),
    )
    expect(await gate.run('b', async () => 'free again')).toBe('free again')
  })
})
