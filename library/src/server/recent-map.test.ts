import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentMap } from './recent-map.ts'

test('what is not used is forgotten, and what is used stays', () => {
  const map = new RecentMap<number>(4)
  map.set('used', 1)
  map.set('unused', 2)
  for (let i = 0; i < 100; i++) {
    map.set(`new ${i}`, i)
    expect(map.get('used')).toBe(1)
    expect(map.size).toBeLessThanOrEqual(4)
  }
  expect(map.get('unused')).toBeUndefined()
})

test('a value that is deleted or replaced is gone, in whichever generation it was', () => {
  const map = new RecentMap<number>(4)
  map.set('a', 1)
  map.set('b', 2)
  map.set('c', 3)
  map.set('a', 4)
  map.delete('b')
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([4, undefined, 3])
  map.clear()
  expect([map.size, map.get('a')]).toEqual([0, undefined])
})

test('the bounds hold whatever is done, and the last half of it is always there', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 20 }).map(String),
    weight: fc.integer({ min: 0, max: 12 }),
    act: fc.constantFrom('set', 'get', 'delete'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new RecentMap<number>(10, 20)
      const weights = new Map<string, number>()
      for (const { key, weight, act } of steps) {
        if (act === 'set') {
          map.set(key, weight, weight)
          if (weight <= 10) weights.set(key, weight)
          expect(map.get(key)).toBe(weight <= 10 ? weight : undefined)
        }
        if (act === 'get' && map.get(key) !== undefined) expect(map.get(key)).toBe(weights.get(key))
        if (act === 'delete') {
          map.delete(key)
          expect(map.get(key)).toBeUndefined()
        }
        const held = [...weights.keys()].filter((other) => map.get(other) !== undefined)
        expect(map.size).toBeLessThanOrEqual(10)
        expect(held.reduce((sum, other) => sum + weights.get(other)!, 0)).toBeLessThanOrEqual(20)
      }
    }),
  )
})
