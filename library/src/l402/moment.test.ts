import { describe, expect, test } from 'vitest'
import { readMoment, readUnixMilliseconds, readUnixSeconds } from './moment.ts'

const notDecimal = [
  '',
  '-',
  '+1',
  '-1',
  '1.5',
  '1e9',
  '01',
  '0x10',
  '1_000',
  ' 1',
  '1 ',
  '１',
  'never',
  'NaN',
  'Infinity',
  '٣',
]

describe('R-CAV-14 seconds', () => {
  test('are at most eleven digits', () => {
    expect(readUnixSeconds('0')).toBe(0)
    expect(readUnixSeconds('1900000000')).toBe(1_900_000_000)
    expect(readUnixSeconds('99999999999')).toBe(99_999_999_999)
    expect(readUnixSeconds('100000000000')).toBeUndefined()
  })

  for (const text of notDecimal)
    test(`${JSON.stringify(text)} is not a time`, () => {
      expect(readUnixSeconds(text)).toBeUndefined()
      expect(readUnixMilliseconds(text)).toBeUndefined()
      expect(readMoment(text)).toBeUndefined()
    })
})

test('R-CAV-14 milliseconds are at most fourteen digits, and rounded down', () => {
  expect(readUnixMilliseconds('1644194263693')).toBe(1_644_194_263)
  expect(readUnixMilliseconds('999')).toBe(0)
  expect(readUnixMilliseconds('99999999999999')).toBe(99_999_999_999)
  expect(readUnixMilliseconds('100000000000000')).toBeUndefined()
})

describe('R-CAV-14 RFC 3339 in UTC', () => {
  for (const [text, seconds] of [
    ['1970-01-01T00:00:00Z', 0],
    ['2026-03-01T00:00:00Z', 1_772_323_200],
    ['2028-02-29T23:59:59Z', 1_835_481_599],
    ['2026-03-01T00:00:00.999999999Z', 1_772_323_200],
    ['9999-12-31T23:59:59Z', 253_402_300_799],
    ['1772323200', 1_772_323_200],
  ] as const)
    test(text, () => expect(readMoment(text)).toBe(seconds))

  for (const text of [
    '2026-03-01',
    '2026-03-01T00:00:00',
    '2026-03-01T00:00:00z',
    '2026-03-01t00:00:00Z',
    '2026-03-01 00:00:00Z',
    '2026-03-01T00:00:00+00:00',
    '2026-03-01T00:00:00-08:00',
    '2026-03-01T00:00Z',
    '2026-03-01T00:00:00.Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T00:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '0001-01-01T00:00:00Z',
    '0099-01-01T00:00:00Z',
    '12026-03-01T00:00:00Z',
    '2026-03-01T00:00:00Z ',
  ])
    test(`${text} is not a time`, () => expect(readMoment(text)).toBeUndefined())
})
