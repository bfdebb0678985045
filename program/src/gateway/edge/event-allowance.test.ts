import { expect, test } from 'vitest'
import { EventAllowance } from './event-allowance.ts'

test('R-EDGE-20 a flood is more than a burst at once, or more than the rate for long', () => {
  let nowMs = 0
  const allowance = new EventAllowance(10, 5, () => nowMs)
  const taken = (tries: number): number =>
    Array.from({ length: tries }, () => allowance.take()).filter(Boolean).length
  expect(taken(20)).toBe(10)
  nowMs += 199
  expect(taken(1)).toBe(0)
  nowMs += 1
  expect(taken(2)).toBe(1)
  nowMs += 1000
  expect(taken(20)).toBe(5)
  nowMs += 1_000_000
  expect(taken(20)).toBe(10)
})
