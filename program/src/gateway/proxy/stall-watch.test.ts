import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Watched } from './stall-watch.ts'
import { StallWatch } from './stall-watch.ts'

function waiting(watch: StallWatch, limitMs: number): Watched & { stalls: number } {
  const watched = {
    movedAt: watch.ticks,
    patienceTicks: watch.patience(limitMs),
    stalls: 0,
    onStall: () => {
      watched.stalls++
      watch.remove(watched)
    },
  }
  watch.add(watched)
  return watched
}

describe('R-FWD-15 how long is waited', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('never shorter than the limit, and little longer', () => {
    const watch = new StallWatch(1000)
    const watched = waiting(watch, 1000)
    vi.advanceTimersByTime(1000)
    expect(watched.stalls).toBe(0)
    vi.advanceTimersByTime(250)
    expect(watched.stalls).toBe(1)
  })

  test('who moves is left alone, however long it takes', () => {
    const watch = new StallWatch(1000)
    const watched = waiting(watch, 1000)
    for (let i = 0; i < 100; i++) {
      vi.advanceTimersByTime(900)
      watched.movedAt = watch.ticks
    }
    expect(watched.stalls).toBe(0)
  })

  test('a patience without end ends never', () => {
    const watch = new StallWatch(1000)
    const watched = waiting(watch, Number.POSITIVE_INFINITY)
    vi.advanceTimersByTime(1_000_000)
    expect(watched.stalls).toBe(0)
  })

  test('those that end together are all told, and others that are removed then are not', () => {
    const watch = new StallWatch(100)
    const all = Array.from({ length: 10 }, () => waiting(watch, 100))
    const first = all[0]!
    all[9]!.onStall = () => {
      watch.remove(all[9]!)
      watch.remove(first)
    }
    watch.remove(all[4]!)
    watch.remove(all[4]!)
    vi.advanceTimersByTime(200)
    expect(all.map(({ stalls }) => stalls)).toEqual([0, 1, 1, 1, 0, 1, 1, 1, 1, 0])
  })

  test('the timer rests where nobody waits, and starts again', () => {
    const watch = new StallWatch(100)
    watch.remove(waiting(watch, 100))
    vi.advanceTimersByTime(1000)
    expect(vi.getTimerCount()).toBe(0)
    const watched = waiting(watch, 100)
    vi.advanceTimersByTime(200)
    expect(watched.stalls).toBe(1)
  })
})
