import { describe, expect, test } from 'vitest'
import { freeHeaders, paidHeaders } from './paid-headers.ts'

type Set = Readonly<Record<string, string>>
/** What is sent: what the handler set, and what is set over it. Doing it twice changes nothing. */
const paid = (set: Set, cors = false): Set => {
  const sent = { ...set, ...Object.fromEntries(paidHeaders((name) => set[name], cors, cors)) }
  expect(paidHeaders((name) => sent[name], cors, cors)).toEqual([])
  return sent
}

describe('R-SRV-46 no shared cache keeps a paid response', () => {
  for (const [handler, sent] of [
    [undefined, 'private'],
    ['private', 'private'],
    ['Private, max-age=60', 'Private, max-age=60'],
    ['no-store', 'no-store'],
    ['max-age=0, no-store', 'max-age=0, no-store'],
    ['max-age=60', 'private, max-age=60'],
    ['no-cache', 'private, no-cache'],
    ['public', 'private'],
    ['public, max-age=60', 'private, max-age=60'],
    ['PUBLIC, s-maxage=60, must-revalidate', 'private, must-revalidate'],
    ['private="set-cookie", max-age=60', 'private, max-age=60'],
    ['private="a, no-store", max-age=60', 'private, max-age=60'],
    ['x="private", max-age=1', 'private, x="private", max-age=1'],
    ['', 'private'],
    [',,', 'private'],
  ] as const) {
    test(`${handler ?? 'nothing'} becomes ${sent}`, () => {
      expect(paid(handler === undefined ? {} : { 'Cache-Control': handler })['Cache-Control']).toBe(
        sent,
      )
    })
  }
})

describe('R-SRV-47 Vary names Authorization beside what the handler set', () => {
  for (const [handler, sent] of [
    [undefined, 'Authorization'],
    ['', 'Authorization'],
    ['Accept', 'Accept, Authorization'],
    ['accept, AUTHORIZATION', 'accept, AUTHORIZATION'],
    ['*', '*'],
    ['X-Authorization', 'X-Authorization, Authorization'],
  ] as const) {
    test(`${handler ?? 'nothing'} becomes ${sent}`, () => {
      expect(paid(handler === undefined ? {} : { Vary: handler })['Vary']).toBe(sent)
    })
  }
})

describe('R-SRV-11 a page may read what was paid for', () => {
  test('unless the handler named who may', () => {
    expect(paid({}, true)).toMatchObject({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'WWW-Authenticate, Payment-Receipt, Retry-After',
    })
    expect(
      paid(
        {
          'Access-Control-Allow-Origin': 'https://a.example',
          'Access-Control-Expose-Headers': 'X-Total, retry-after',
        },
        true,
      ),
    ).toEqual({
      'Access-Control-Allow-Origin': 'https://a.example',
      'Cache-Control': 'private',
      Vary: 'Authorization, Origin',
      'Access-Control-Expose-Headers': 'X-Total, retry-after, WWW-Authenticate, Payment-Receipt',
    })
  })

  test('and a request that came from no page is answered without, in a way that caches tell apart', () => {
    expect(Object.fromEntries(paidHeaders(() => undefined, true, false))).toEqual({
      'Cache-Control': 'private',
      Vary: 'Authorization, Origin',
    })
  })

  test('and nothing is added to a free response where that is switched off', () => {
    expect(freeHeaders(() => undefined, false)).toEqual([])
    expect(freeHeaders(() => undefined, true)).toHaveLength(2)
  })
})
