import { describe, expect, test } from 'vitest'
import { fingerprint, isoTime, relativeTime } from './notation.ts'

describe('a moment relative to now', () => {
  for (const [at, now, text] of [
    [100, 100, 'now'],
    [101, 100, 'in 1 second'],
    [159, 100, 'in 59 seconds'],
    [160, 100, 'in 1 minute'],
    [3799, 100, 'in 1 hour'],
    [100, 100 + 86_400 * 2, '2 days ago'],
    [100, 100 + 86_400 * 365 * 9, '9 years ago'],
  ] as const) {
    test(`${at} at ${now} is ${text}`, () => {
      expect(relativeTime(at, now)).toBe(text)
    })
  }
})

test('a time is written in UTC, also beyond what a date can hold', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00Z')
  expect(isoTime(2 ** 53)).toBe('second 9007199254740992')
})

test('a fingerprint is the start of the SHA-256', () => {
  expect(fingerprint('abc')).toBe('ba7816bf')
})
