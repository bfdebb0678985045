import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rewriteTarget } from './target.ts'

describe('R-FWD-9 rewriting', () => {
  for (const [target, stripPrefix, addPrefix, upstreamPath, expected] of [
    ['/v1/x?q=1', undefined, undefined, '/', '/v1/x?q=1'],
    ['/v1/x?q=1', '/v1', undefined, '/', '/x?q=1'],
    ['/v1/x', '/v1/', undefined, '/', '/x'],
    ['/v1', '/v1', undefined, '/', '/'],
    ['/v1?q=/v1', '/v1', undefined, '/', '/?q=/v1'],
    ['/v1/', '/v1', undefined, '/', '/'],
    ['/v10/x', '/v1', undefined, '/', '/v10/x'],
    ['/other', '/v1', undefined, '/', '/other'],
    ['/x?q=1', undefined, '/api', '/', '/api/x?q=1'],
    ['/x', undefined, '/api/', '/', '/api/x'],
    ['/x', undefined, undefined, '/base', '/base/x'],
    ['/x', undefined, undefined, '/base/', '/base/x'],
    ['/v1/x?a=b', '/v1', '/api', '/base', '/base/api/x?a=b'],
    ['/v1', '/v1', '/api', '/base', '/base/api/'],
    ['/x', '/', '/', '/', '/x'],
  ] as const) {
    test(`${target} without ${stripPrefix}, with ${addPrefix}, at ${upstreamPath}: ${expected}`, () => {
      const rewrite = { stripPrefix, addPrefix }
      expect(rewriteTarget(target, rewrite, upstreamPath)).toBe(expected)
    })
  }

  test('without a rule the target stays as it is', () => {
    expect(rewriteTarget('/a?b', undefined, '/')).toBe('/a?b')
  })

  test('the path begins with one slash, and the query stays, whatever is rewritten', () => {
    const path = fc
      .array(fc.constantFrom('v1', 'api', 'x', 'a.b'), { minLength: 1, maxLength: 4 })
      .map((segments) => `/${segments.join('/')}`)
    fc.assert(
      fc.property(path, path, path, path, (target, stripPrefix, addPrefix, upstreamPath) => {
        const result = rewriteTarget(`${target}?q=/v1`, { stripPrefix, addPrefix }, upstreamPath)
        expect(result.startsWith(`${upstreamPath}${addPrefix}/`)).toBe(true)
        expect(result.endsWith('?q=/v1')).toBe(true)
        expect(result).not.toContain('//')
      }),
    )
  })
})
