import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { formatBytes, openProgress, progressLine } from './progress.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open(): { progress: ReturnType<typeof openProgress>; seen: string[] } {
  const seen: string[] = []
  const stream = { columns: 80, write: (text: string) => seen.push(text) }
  return { progress: openProgress(stream, () => Date.now()), seen }
}

describe('R-GET-9 the progress of a download', () => {
  test('is not shown before a second has gone by', () => {
    const { progress, seen } = open()
    progress.begin(1000, 0)
    progress.add(500)
    vi.advanceTimersByTime(999)
    progress.end()
    expect(seen).toEqual([])
  })

  test('is one line, written over, and wiped at the end', () => {
    const { progress, seen } = open()
    progress.begin(4_000_000, 1_000_000)
    progress.add(1_000_000)
    vi.advanceTimersByTime(1000)
    expect(seen).toEqual(['\r\u001b[2K2.0 MB of 4.0 MB  50 %  1.0 MB/s  0:02 left'])
    progress.end()
    expect(seen.at(-1)).toBe('\r\u001b[2K')
    vi.advanceTimersByTime(10_000)
    expect(seen.length).toBe(2)
  })

  for (const [what, at, line] of [
    ['of unknown length', { total: undefined, received: 2_500_000 }, '2.5 MB  1.3 MB/s'],
    ['that stands still', { total: 10, received: 0 }, '0 B of 10 B  0 %  0 B/s'],
    [
      'longer than announced',
      { total: 10, received: 20 },
      '20 B of 10 B  100 %  10 B/s  0:00 left',
    ],
    [
      'that takes hours',
      { total: 20_000_000, received: 4000 },
      '4.0 kB of 20.0 MB  0 %  2.0 kB/s  2:46:38 left',
    ],
    [
      'that takes days',
      { total: 2_000_000_000_000, received: 4000 },
      '4.0 kB of 2.0 TB  0 %  2.0 kB/s  days left',
    ],
  ] as const) {
    test(`says what is known ${what}`, () => {
      expect(progressLine({ offset: 0, seconds: 2, ...at })).toBe(line)
    })
  }

  test('counts bytes in thousands', () => {
    expect([0, 999, 1000, 999_949, 999_950, 1.5e9].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '1.5 GB',
    ])
  })
})
