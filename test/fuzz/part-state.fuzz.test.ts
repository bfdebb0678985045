import { expect, test } from 'vitest'
import type { PartState } from '../../program/src/get/place/part-state.ts'
import { formatPartState, readPartState } from '../../program/src/get/place/part-state.ts'
import { fuzzText } from './harness.ts'

test('R-GET-4 the state of a partial file, mutated: what is read can be a header, and is what was written', () => {
  let accepted = 0
  const state = { version: 1, url: 'ab'.repeat(32), validator: '"v1"', size: 10 } as const
  const changed = 'Wed, 21 Oct 2015 07:28:00 GMT'
  fuzzText({
    name: 'part state',
    seeds: [
      formatPartState(state),
      formatPartState({ ...state, size: null }),
      formatPartState({ ...state, validator: changed }),
    ],
    words: ['null', '1', '"', '\\"', '\\r\\n', 'W/', '"size":', '{', '}', ','],
    read: readPartState,
    codes: [],
    holds: (_, result) => {
      const read = result as PartState | undefined
      if (read === undefined) return
      accepted++
      expect(readPartState(formatPartState(read))).toEqual(read)
      expect(new Headers({ 'if-range': read.validator }).get('if-range')).toBe(read.validator)
    },
  })
  expect(accepted).toBeGreaterThan(0)
})
