import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readContentRange } from './content-range.ts'

describe('R-GET-4 Content-Range', () => {
  test('is read in its three forms', () => {
    expect(readContentRange('bytes 100-199/1000')).toEqual({
      kind: 'part',
      first: 100,
      last: 199,
      total: 1000,
    })
    expect(readContentRange('Bytes 0-0/*')).toMatchObject({ first: 0, last: 0, total: undefined })
    expect(readContentRange('bytes */47')).toEqual({ kind: 'unsatisfied', total: 47 })
  })

  for (const text of [
    null,
    '',
    'bytes',
    'bytes 1-2',
    'bytes 5-4/10',
    'bytes 0-10/10',
    'bytes */*',
    'bytes 0-1/2, bytes 2-3/4',
    'bytes 0-1/2x',
    'bytes -1-1/2',
    'bytes 0x0-1/2',
    'items 0-1/2',
    ' bytes 0-1/2',
    'bytes 0-1/9999999999999999',
  ]) {
    test(`in another form is none: ${text}`, () => {
      expect(readContentRange(text)).toBeUndefined()
    })
  }

  test('that makes sense is read as it was written', () => {
    const most = 10 ** 15 - 2
    fc.assert(
      fc.property(fc.nat(most), fc.nat(most), fc.nat(most), (a, b, c) => {
        const [first = 0, last = 0, end = 0] = [a, b, c].sort((one, other) => one - other)
        const total = end + 1
        const range = readContentRange(`bytes ${first}-${last}/${total}`)
        expect(range).toEqual({ kind: 'part', first, last, total })
      }),
    )
  })
})
