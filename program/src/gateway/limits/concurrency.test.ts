import { describe, expect, test } from 'vitest'
import { concurrencyLimit } from './concurrency.ts'

describe('a limit of requests under way', () => {
  test('R-LIM-8 has so many places, and gives one that came back away again', () => {
    const limit = concurrencyLimit(2)
    expect([limit.enter(), limit.enter(), limit.enter()]).toEqual([true, true, false])
    limit.leave()
    expect([limit.enter(), limit.enter()]).toEqual([true, false])
    limit.leave()
    limit.leave()
    expect([limit.enter(), limit.enter(), limit.enter()]).toEqual([true, true, false])
  })

  test('R-LIM-8 takes back no more places than it gave', () => {
    const limit = concurrencyLimit(1)
    expect(() => limit.leave()).toThrow(RangeError)
    expect([limit.enter(), limit.enter()]).toEqual([true, false])
  })
})
