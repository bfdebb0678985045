import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LongStreamOptions } from './upgrade-watch.ts'
import { watchLongStream } from './upgrade-watch.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.setSystemTime(1_000_000)
})
afterEach(() => {
  vi.useRealTimers()
})

const now = (): number => Date.now() / 1000

function watch(options: Partial<LongStreamOptions>): ReturnType<typeof watchLongStream> {
  return watchLongStream({
    validUntilSeconds: undefined,
    now,
    isDenied: () => false,
    everyMs: 2_000,
    ...options,
  })
}

describe('R-WS-7 a long stream is watched', () => {
  test('and ends in the moment in which its time is over', async () => {
    const { signal } = watch({ validUntilSeconds: 1_005 })
    await vi.advanceTimersByTimeAsync(4_990)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(15)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'ACCESS_EXPIRED' })
  })

  test('one whose time is over before ends at once', async () => {
    const { signal } = watch({ validUntilSeconds: 999 })
    await vi.advanceTimersByTimeAsync(1)
    expect(signal.reason).toMatchObject({ code: 'ACCESS_EXPIRED' })
  })

  test('one without an end goes on', async () => {
    const { signal } = watch({})
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(signal.aborted).toBe(false)
  })

  test('a clock that is set back does not keep it forever', async () => {
    let offset = 0
    const { signal } = watch({ validUntilSeconds: 1_010, now: () => now() + offset })
    await vi.advanceTimersByTimeAsync(5_000)
    offset = -5
    await vi.advanceTimersByTimeAsync(9_000)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(signal.aborted).toBe(true)
  })

  test('a revocation ends it within the time between two looks', async () => {
    let isDenied = false
    for (const answer of [() => isDenied, () => Promise.resolve(isDenied)]) {
      isDenied = false
      const { signal } = watch({ isDenied: answer })
      await vi.advanceTimersByTimeAsync(10_000)
      expect(signal.aborted).toBe(false)
      isDenied = true
      await vi.advanceTimersByTimeAsync(2_000)
      expect(signal.reason).toMatchObject({ code: 'ACCESS_REVOKED' })
    }
  })

  test('a list that cannot be read does not end it, and is asked again', async () => {
    let asked = 0
    const { signal } = watch({
      isDenied: () => {
        asked++
        if (asked === 1) throw new Error('no store')
        return asked === 2 ? Promise.reject(new Error('no store')) : true
      },
    })
    await vi.advanceTimersByTimeAsync(4_000)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(signal.reason).toMatchObject({ code: 'ACCESS_REVOKED' })
  })

  test('a list that never answers is asked once, and the time counts all the same', async () => {
    let asked = 0
    const { signal } = watch({
      validUntilSeconds: 1_020,
      isDenied: () => {
        asked++
        return new Promise<boolean>(() => undefined)
      },
    })
    await vi.advanceTimersByTimeAsync(19_000)
    expect(asked).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(signal.reason).toMatchObject({ code: 'ACCESS_EXPIRED' })
  })

  test('a stopped watch says nothing, also where an answer was on its way', async () => {
    const answer = Promise.withResolvers<boolean>()
    const { signal, stop } = watch({ validUntilSeconds: 1_010, isDenied: () => answer.promise })
    await vi.advanceTimersByTimeAsync(2_000)
    stop()
    answer.resolve(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signal.aborted).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })
})
