import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { CanonicalTarget } from '../../library/src/l402/index.ts'
import { canonicalTarget } from '../../library/src/l402/index.ts'
import { fuzzText } from './harness.ts'

test('R-PATH-2 R-PATH-3 any target is refused, or has a canonical form that is its own', () => {
  const report = fuzzText({
    name: 'canonicalTarget',
    seeds: [
      '/',
      '/api/v1/weather?city=x&unit=c',
      '/%7euser/caf%c3%a9',
      '/a+b/[id]',
      '/.well-known/l402.json',
      '/a%20b/',
    ],
    words: [
      '/',
      '//',
      '/./',
      '/../',
      '%2f',
      '%2e',
      '%5c',
      '%25',
      '%00',
      '%41',
      '%C3%A9',
      '%ff',
      ';',
      '\\',
      '?',
      '#',
      '+',
      'http://',
    ],
    read: canonicalTarget,
    codes: ['REQUEST_AMBIGUOUS'],
    holds: (target, result) => {
      const { path, query } = result as CanonicalTarget
      if (!isDeepStrictEqual(canonicalTarget(path + query), result))
        throw new Error('not idempotent')
      if (!target.endsWith(query)) throw new Error('the query was changed')
      const sent = target.slice(0, target.length - query.length)
      if (decodeURIComponent(path) !== decodeURIComponent(sent)) throw new Error('another path')
      // What a URL parser makes of it is the same path: nothing left to resolve.
      if (new URL(path, 'http://host').pathname !== path)
        throw new Error('a URL parser reads another path')
    },
  })
  expect(report.accepted).toBeGreaterThan(report.cases / 10)
  expect(report.refused).toBeGreaterThan(report.cases / 10)
})
