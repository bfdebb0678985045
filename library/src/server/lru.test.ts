import { expect, test } from 'vitest'
import { Lru } from './lru.ts'

test('the least recently used entry goes first', () => {
  const lru = new Lru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  expect(lru.get('a')).toBe(1)
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2])
})

test('the weights together stay within their bound', () => {
  const lru = new Lru<number>(100, 10)
  for (let i = 0; i < 5; i++) lru.set(`k${i}`, i, 4)
  expect([lru.size, lru.get('k4'), lru.get('k3'), lru.get('k2')]).toEqual([2, 4, 3, undefined])
  lru.set('heavy', 9, 11)
  expect([lru.get('heavy'), lru.size]).toEqual([undefined, 2])
  lru.set('k4', 7, 1)
  lru.delete('k3')
  lru.set('k9', 9, 9)
  expect([lru.get('k4'), lru.get('k9')]).toEqual([7, 9])
  lru.clear()
  lru.set('k1', 1, 10)
  expect([lru.size, lru.get('k1')]).toEqual([1, 1])
})
