import { describe, expect, test } from 'vitest'
import { countRestarts } from './restarts.ts'

describe('R-WRK-8 restarts wait longer after each quick death', () => {
  test('100 ms at first, then twice as long each time, up to 30 s', () => {
    const restarts = countRestarts()
    const delays = Array.from({ length: 12 }, () => restarts.died(50))
    expect(delays).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
    ])
  })

  test('a worker that lived ten seconds makes all forgotten', () => {
    const restarts = countRestarts()
    for (let i = 0; i < 8; i++) restarts.died(9999)
    expect(restarts.isHopeless()).toBe(true)
    expect(restarts.died(10_000)).toBe(100)
    expect(restarts.isHopeless()).toBe(false)
    expect(restarts.died(9999)).toBe(100)
  })

  test('four quick deaths are not hopeless, five are', () => {
    const restarts = countRestarts()
    for (let i = 0; i < 4; i++) restarts.died(0)
    expect(restarts.isHopeless()).toBe(false)
    restarts.died(0)
    expect(restarts.isHopeless()).toBe(true)
  })
})
