import { expect, test } from 'vitest'
import type { NostrEvent } from '../../library/src/lightning/nostr/index.ts'
import {
  createSigner,
  hasTag,
  isAuthentic,
  readEvent,
  signEvent,
} from '../../library/src/lightning/nostr/index.ts'
import { fuzzText } from './harness.ts'

const signer = createSigner(new Uint8Array(32).fill(3))
const seeds = ['', 'tea', '"\\\n\u2028☕'].map((content) =>
  JSON.stringify(
    signEvent(
      {
        kind: 23_195,
        created_at: 1_800_000_000,
        tags: [
          ['p', 'ab'],
          ['e', 'cd'],
        ],
        content,
      },
      signer,
    ),
  ),
)
/** A signature costs a millisecond: the same one is looked at once. */
const authentic = new Map<string, boolean>()

test('R-NWC-10 events', () => {
  let read = 0
  const report = fuzzText({
    name: 'nostr event',
    seeds: [...seeds, 'null', '[]', '{}'],
    words: ['"tags":[["p","x"]]', '"kind":1', '[', ']', '"sig":', '1e309', '-1', '""'],
    read: (text) => {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        return undefined
      }
      return readEvent(value)
    },
    codes: [],
    holds: (_, result) => {
      if (result === undefined) return
      read++
      const event = result as NostrEvent
      if (readEvent(JSON.parse(JSON.stringify(event))) === undefined) throw new Error('not again')
      hasTag(event, 'p', 'ab')
      const text = JSON.stringify(event)
      const isRight = authentic.get(text) ?? isAuthentic(event)
      if (isRight) authentic.set(text, isRight)
      const isSigned = seeds.some((seed) => JSON.stringify(readEvent(JSON.parse(seed))) === text)
      if (isRight !== isSigned) throw new Error('authentic, though nobody has signed it so')
    },
  })
  expect(report.refused).toBe(0)
  expect(read).toBeGreaterThan(seeds.length)
}, 120_000)
