import { describe, expect, test } from 'vitest'
import { isL402Error } from '../errors.ts'
import { IssuanceGate } from './issuance-gate.ts'
import { IssuanceLimit } from './issuance-limit.ts'

describe('R-SRV-36 a client network has a bucket of challenges', () => {
  const limit = (): IssuanceLimit => new IssuanceLimit({ burst: 3, perMinute: 60 })
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
    const slow = new IssuanceLimit({ burst: 1, perMinute: 2 })
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
    const runs = tasks.map(({ run }) => gate.run(run))
    await settle()
    expect(tasks.map(({ started }) => started)).toEqual([true, true, false, false])
    await expect(gate.run(task().run)).rejects.toEqual(overloaded)

    tasks[1]!.end('second')
    await settle()
    expect(tasks.map(({ started }) => started)).toEqual([true, true, true, false])
    tasks[0]!.end('first')
    await settle()
    tasks[2]!.end('third')
    tasks[3]!.end('fourth')
    expect(await Promise.all(runs)).toEqual(['first', 'second', 'third', 'fourth'])

    const later = task()
    const run = gate.run(later.run)
    await settle()
    expect(later.started).toBe(true)
    later.end('later')
    expect(await run).toBe('later')
  })

  test('a task that fails gives its place up', async () => {
    const gate = new IssuanceGate({ ...settings, concurrent: 1 })
    const broken = gate.run(() => Promise.reject(new Error('broken')))
    const next = gate.run(async () => 'next')
    await expect(broken).rejects.toThrow('broken')
    expect(await next).toBe('next')
  })

  test('a task that never ends is given up at the deadline, and so is the wait for it', async () => {
    const gate = new IssuanceGate({ concurrent: 1, queue: 5, timeoutMs: 30 })
    const signals: AbortSignal[] = []
    const stuck = gate.run((signal) => {
      signals.push(signal)
      return new Promise<string>(() => undefined)
    })
    const behind = gate.run(() => new Promise<string>(() => undefined))
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
    expect(await gate.run(async () => 'free again')).toBe('free again')
  })
})
