import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coversPattern, matchesPath, readPathPattern } from './path-pattern.ts'

describe('R-CAV-17 a path is exact, or a segment and everything below it', () => {
  for (const [pattern, inside, outside] of [
    ['/api', ['/api'], ['/', '/api/', '/api/x', '/apix', '/API']],
    ['/api/', ['/api/'], ['/api', '/api/x']],
    ['/api/*', ['/api', '/api/', '/api/x', '/api/x/y'], ['/', '/apix', '/ap', '/API/x']],
    ['/*', ['/', '/api', '/api/x/'], []],
    ['/caf%C3%A9/*', ['/caf%C3%A9/x'], ['/caf']],
  ] as const)
    test(pattern, () => {
      const read = readPathPattern(pattern)!
      expect(inside.filter((path) => !matchesPath(read, path))).toEqual([])
      expect(outside.filter((path) => matchesPath(read, path))).toEqual([])
    })

  for (const text of [
    '',
    '*',
    'api',
    '/**',
    '/a*',
    '/*/b',
    '/a/*/b',
    '/a/*/*',
    '/a//*',
    '//*',
    '/a?x',
    '/a?',
    '/a#x',
    '/a/../b',
    '/./*',
    '/a b',
    '/%61',
    '/caf%c3%a9',
    '/c++',
    '/a;b',
    'http://x/a',
    `/${'a'.repeat(9000)}`,
  ])
    test(`${JSON.stringify(text.slice(0, 30))} is malformed`, () => {
      expect(readPathPattern(text)).toBeUndefined()
    })
})

test('R-CAV-17 a pattern covers another when every path of the other is its own', () => {
  const names = ['/', '/a', '/a/', '/a/b', '/a/b/c', '/ab', '/b']
  const patterns = ['/*', '/a', '/a/', '/a/*', '/a/b', '/a/b/*', '/ab', '/ab/*', '/b/*']
  const pattern = fc.constantFrom(...patterns)
  fc.assert(
    fc.property(pattern, pattern, (first, second) => {
      const [outer, inner] = [readPathPattern(first)!, readPathPattern(second)!]
      if (!coversPattern(outer, inner)) return
      for (const path of names) {
        if (matchesPath(inner, path))
          expect([first, second, matchesPath(outer, path)]).toEqual([first, second, true])
      }
    }),
  )
  for (const [outer, inner, covers] of [
    ['/*', '/a/*', true],
    ['/*', '/a', true],
    ['/*', '/*', true],
    ['/a/*', '/a/*', true],
    ['/a/*', '/a', true],
    ['/a/*', '/a/b/*', true],
    ['/a/*', '/ab', false],
    ['/a/*', '/*', false],
    ['/a', '/a/*', false],
    ['/a', '/a', true],
    ['/a', '/a/', false],
  ] as const)
    expect([outer, inner, coversPattern(readPathPattern(outer)!, readPathPattern(inner)!)]).toEqual(
      [outer, inner, covers],
    )
})
