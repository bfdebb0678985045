import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestUrl, formatPartState, isSame, readPartState, validatorOf } from './part-state.ts'

const url = 'ab'.repeat(32)
const changed = 'Wed, 21 Oct 2015 07:28:00 GMT'
const state = { version: 1, url, validator: '"v1"', size: 10 } as const

describe('R-GET-4 the state beside a partial file', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.stringMatching(/^"[!#-~]{0,512}"$/), fc.constant(changed)),
        fc.option(fc.maxSafeNat()),
        (validator, size) => {
          const one = { version: 1, url, validator, size } as const
          expect(readPartState(formatPartState(one))).toEqual(one)
        },
      ),
    )
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['no JSON', '{'],
    ['no object', 'null'],
    ['a list', '[1]'],
    ['another version', JSON.stringify({ ...state, version: 2 })],
    ['a key more', JSON.stringify({ ...state, more: 1 })],
    ['a key less', JSON.stringify({ version: 1, url, validator: '"v1"' })],
    ['no digest', JSON.stringify({ ...state, url: 'https://shop.example/' })],
    ['a weak tag', JSON.stringify({ ...state, validator: 'W/"v1"' })],
    ['a tag with a line break', JSON.stringify({ ...state, validator: '"a\r\nX-Evil: 1"' })],
    ['a tag with a quote', JSON.stringify({ ...state, validator: '"a"b"' })],
    ['a size below zero', JSON.stringify({ ...state, size: -1 })],
    ['half a byte', JSON.stringify({ ...state, size: 0.5 })],
    ['a size as text', JSON.stringify({ ...state, size: '10' })],
    ['too much', JSON.stringify({ ...state, validator: `"${'a'.repeat(5000)}"` })],
  ] as const) {
    test(`that is none is not believed: ${what}`, () => {
      expect(readPartState(text)).toBeUndefined()
    })
  }

  test('names a URL without showing it, and without its fragment', () => {
    const digest = digestUrl(new URL('https://shop.example/a?key=secret#top'))
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(digest).toBe(digestUrl(new URL('https://shop.example/a?key=secret')))
    expect(digest).not.toBe(digestUrl(new URL('https://shop.example/a?key=other')))
  })
})

describe('R-GET-4 a validator', () => {
  for (const [what, headers, validator] of [
    ['a strong tag', { etag: '"v1"' }, '"v1"'],
    ['no weak tag', { etag: 'W/"v1"' }, undefined],
    ['nothing else beside a weak tag', { etag: 'W/"v1"', 'last-modified': changed }, undefined],
    ['no tag without quotes', { etag: 'v1' }, undefined],
    [
      'a date a second before the answer',
      { 'last-modified': changed, date: 'Wed, 21 Oct 2015 07:28:01 GMT' },
      changed,
    ],
    ['no date of the same second', { 'last-modified': changed, date: changed }, undefined],
    ['no date without the time of the answer', { 'last-modified': changed }, undefined],
    ['no date in another form', { 'last-modified': '2015-10-21', date: changed }, undefined],
    ['nothing', {}, undefined],
  ] as const) {
    test(`is ${what}`, () => {
      expect(validatorOf(new Headers(headers))).toBe(validator)
    })
  }

  for (const [what, validator, headers, same] of [
    ['its tag is the same', '"v1"', { etag: '"v1"' }, true],
    ['its tag is another', '"v1"', { etag: '"v2"' }, false],
    ['its tag is weak', '"v1"', { etag: 'W/"v1"' }, false],
    ['it has no tag', '"v1"', { 'last-modified': changed }, false],
    ['its date is the same', changed, { 'last-modified': changed }, true],
    ['it has no date', changed, {}, false],
  ] as const) {
    test(`holds for an answer: ${same}, when ${what}`, () => {
      expect(isSame(validator, new Headers(headers))).toBe(same)
    })
  }
})
