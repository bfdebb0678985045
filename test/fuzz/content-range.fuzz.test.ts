import { expect, test } from 'vitest'
import type { ContentRange } from '../../program/src/get/place/content-range.ts'
import { readContentRange } from '../../program/src/get/place/content-range.ts'
import { fuzzText } from './harness.ts'

test('R-GET-4 Content-Range, mutated: what is read lies within what it is a part of', () => {
  let parts = 0
  fuzzText({
    name: 'Content-Range',
    seeds: ['bytes 0-99/100', 'bytes 5-5/*', 'bytes */0', 'BYTES 10-999/100000', 'items 0-1/2'],
    words: ['bytes ', '-', '/', '*', '0', '9', '999999999999999', ','],
    read: readContentRange,
    codes: [],
    holds: (text, result) => {
      const range = result as ContentRange | undefined
      if (range?.kind !== 'part') return
      parts++
      const { first, last, total } = range
      expect(first).toBeLessThanOrEqual(last)
      if (total !== undefined) expect(last).toBeLessThan(total)
      expect(readContentRange(`bytes ${first}-${last}/${total ?? '*'}`)).toEqual(range)
      expect(text).toMatch(/^bytes /i)
    },
  })
  expect(parts).toBeGreaterThan(0)
})
