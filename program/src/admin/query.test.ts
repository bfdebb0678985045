import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMoment } from './query.ts'

describe('R-ADM-12 a moment', () => {
  for (const [text, seconds] of [
    ['100000000', 100_000_000],
    ['0', undefined],
    ['20261125', undefined],
    ['1795593600', 1_795_593_600],
    ['2026-11-25', 1_795_564_800],
    ['2026-11-25T08:00:00Z', 1_795_593_600],
    ['2026-11-25T08:00:00.999Z', 1_795_593_600],
    ['2026-11-25T09:00:00+01:00', 1_795_593_600],
    ['2024-02-29', 1_709_164_800],
    ['1970-01-01', 0],
    ['', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['123456789012', undefined],
    ['2026', undefined],
    ['2026-11', undefined],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['2026-00-10', undefined],
    ['2026-11-25T08:00Z', undefined],
    ['2026-11-25T08:00:00', undefined],
    ['2026-11-25 08:00:00Z', undefined],
    ['2026-11-25T24:00:01Z', undefined],
    ['2026-11-25T08:00:61Z', undefined],
    ['2026-11-25T08:00:00+25:00', undefined],
    ['1969-12-31', undefined],
    ['25.11.2026', undefined],
    [' 2026-11-25', undefined],
    ['2026-11-25\n', undefined],
  ] as const) {
    test(`${JSON.stringify(text)} is ${seconds ?? 'none'}`, () => {
      expect(readMoment(text)).toBe(seconds)
    })
  }

  test('that a program writes is read as what it was', () => {
    const dates = fc.date({
      min: new Date(0),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(dates, (date) => {
        expect(readMoment(date.toISOString())).toBe(Math.floor(date.getTime() / 1000))
      }),
    )
  })
})
