import { describe, expect, test } from 'vitest'
import { createServerClocks } from './server-clock.ts'

const now = 1_900_000_000
const origin = 'https://a.test'

function dated(seconds: number, headers: Record<string, string> = {}): Response {
  return new Response('', { headers: { date: new Date(seconds * 1000).toUTCString(), ...headers } })
}

describe('R-PAY-61 the clock of a server', () => {
  for (const [name, responses, expected] of [
    ['is ours until something is known', [], now],
    ['is what its Date header showed', [dated(now + 7200)], now + 7200],
    ['is what the last one showed', [dated(now + 7200), dated(now - 60)], now - 60],
    ['is ours again when they agree', [dated(now + 7200), dated(now + 1)], now],
    ['is not what a stored answer shows', [dated(now - 999, { age: '999' })], now],
    ['is what it showed, up to a day', [dated(now + 86_400)], now + 86_400],
    ['is ours when it is off by more', [dated(now + 86_401)], now],
    ['is ours when it shows the year 9999', [dated(253_402_300_799)], now],
    ['is ours when it shows a time before 1970', [dated(-3600)], now],
    ['is what it was when it shows nonsense later', [dated(now + 60), dated(-3600)], now + 60],
    ['is ours when there is no date', [new Response('')], now],
    ['is ours when the date is nonsense', [new Response('', { headers: { date: 'x' } })], now],
  ] as const) {
    test(name, () => {
      const clocks = createServerClocks(() => now)
      for (const response of responses) clocks.learn(origin, response)
      expect(clocks.now(origin)).toBe(expected)
      expect(clocks.now('https://b.test')).toBe(now)
    })
  }

  test('is remembered for a thousand servers, and forgotten for those not heard of for longest', () => {
    const clocks = createServerClocks(() => now)
    const name = (i: number): string => `https://${i}.test`
    for (let i = 0; i < 1001; i++) clocks.learn(name(i), dated(now + 100))
    expect(clocks.now(name(0))).toBe(now)
    expect(clocks.now(name(1))).toBe(now + 100)
    expect(clocks.now(name(1000))).toBe(now + 100)
  })
})
