import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, mountOf, translateHosts, translatePaths } from './places.ts'

describe('R-CONF-22 expressions for hosts', () => {
  for (const [source, values, isNarrower] of [
    ['', ['*'], false],
    ['.*', ['*'], false],
    ['^.*$', ['*'], false],
    ['^.+$', ['*'], false],
    ['^api\\.example\\.com$', ['api.example.com'], false],
    ['^api.example.com$', ['api.example.com'], true],
    ['api\\.example\\.com', ['api.example.com'], true],
    ['^api\\.example\\.com:8081$', ['api.example.com'], false],
    ['^api\\.example\\.com(:\\d+)?$', ['api.example.com'], false],
    ['^api\\.example\\.com(:[0-9]+)?$', ['api.example.com'], false],
    ['^api\\.example\\.com.*$', ['api.example.com'], true],
    ['^(a|b)\\.example\\.com$', ['a.example.com', 'b.example.com'], false],
    ['^a\\.example$|^b\\.example$', ['a.example', 'b.example'], false],
    ['^[^.]+\\.example\\.com$', ['*.example.com'], false],
    ['^.*\\.example\\.com$', ['*.example.com'], true],
    ['^.+\\.example\\.com$', ['*.example.com'], true],
    ['.*example\\.com$', ['example.com'], true],
    ['^localhost:8081$', ['localhost'], false],
    ['^127\\.0\\.0\\.1$', ['127.0.0.1'], false],
    ['^(?:www\\.)?example\\.com$', ['www.example.com', 'example.com'], false],
  ] as const) {
    test(`${source} is ${values.join(', ')}${isNarrower ? ', which is less' : ''}`, () => {
      expect(translateHosts(source)).toEqual({ values, isNarrower })
    })
  }

  for (const source of [
    '^$',
    '^[a-z]+\\.example\\.com$',
    '^api\\d\\.example\\.com$',
    '^.+example\\.com$',
    '^[^.]+example\\.com$',
    '(?i)^api$',
    'a{2}',
    'a+',
    '(a',
    'a)',
    '[a',
    '\\',
    '^a^',
    'a$b',
    '^api\\..*\\.com$',
    '((((((((((a))))))))))',
    `(${'a|'.repeat(100)}a)`,
    'x'.repeat(2000),
    '(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)',
  ]) {
    test(`${source.slice(0, 40)} is not told`, () => expect(translateHosts(source)).toBeUndefined())
  }

  test('what becomes hosts is matched by the expression, for every simple expression', () => {
    const parts = fc.array(
      fc.constantFrom(
        'api',
        'www',
        '.',
        '\\.',
        '.*',
        '.+',
        '[^.]+',
        '(a|b)',
        'x?',
        '(:\\d+)?',
        'example',
        '\\.com',
        '-',
      ),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(parts, fc.boolean(), fc.boolean(), (list, starts, ends) => {
        const source = `${starts ? '^' : ''}${list.join('')}${ends ? '$' : ''}`
        const translation = translateHosts(source)
        for (const host of translation?.values ?? []) {
          const request = host.replace('*', 'q')
          expect(new RegExp(source).test(request), `${source} becomes ${host}`).toBe(true)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('R-CONF-22 expressions for paths', () => {
  for (const [source, values, isNarrower] of [
    ['', ['/*'], false],
    ['.*', ['/*'], false],
    ['^/.*$', ['/*'], false],
    ['^/', ['/*'], false],
    ['^/$', ['/'], false],
    ['^/v1/.*$', ['/v1/*'], false],
    ['^/v1/', ['/v1/*'], false],
    ['/v1/', ['/v1/*'], true],
    ['^/v1.*$', ['/v1', '/v1/*'], true],
    ['^/v1', ['/v1', '/v1/*'], true],
    ['^/v1/report$', ['/v1/report'], false],
    ['^/v1/?$', ['/v1'], true],
    ['^/v1(/.*)?$', ['/v1/*', '/v1'], false],
    ['^/v1/.+$', ['/v1/:rest', '/v1/:rest/*'], false],
    ['^/(a|b)/.*$', ['/a/*', '/b/*'], false],
    ['^/users/[^/]+$', ['/users/:p1'], false],
    ['^/users/[^/]+/posts/[^/]+$', ['/users/:p1/posts/:p2'], false],
    ['^/looprpc.SwapServer/.*$', ['/looprpc.SwapServer/*'], true],
    ['^/looprpc\\.SwapServer/.*$', ['/looprpc.SwapServer/*'], false],
    ['^/a/.*$|^/a/b$', ['/a/*'], false],
  ] as const) {
    test(`${source} is ${values.join(', ')}${isNarrower ? ', which is less' : ''}`, () => {
      expect(translatePaths(source)).toEqual({ values, isNarrower })
    })
  }

  for (const source of [
    '^$',
    '^/users/[0-9]+$',
    '^/users/\\d+$',
    '^/x.*/y$',
    'v1',
    '^v1',
    '^/v1.+$',
    '^/a//b$',
    '^/a/../b$',
    '^/[a-z]+$',
    '^/a%2fb$',
    '^/users/x[^/]+$',
    '^/users/[^/]+x$',
    '^/a b$',
    '^/(?P<n>a)$',
    '^/a\\x2f$',
  ]) {
    test(`${source} is not told`, () => expect(translatePaths(source)).toBeUndefined())
  }

  test('what becomes routes is matched by the expression, for every simple expression', () => {
    const parts = fc.array(
      fc.constantFrom(
        '/',
        '/v1',
        'x',
        '.',
        '\\.',
        '.*',
        '.+',
        '[^/]+',
        '(/a|/b)',
        '/?',
        '(/c)?',
        '-',
      ),
      { maxLength: 6 },
    )
    let told = 0
    fc.assert(
      fc.property(parts, fc.boolean(), fc.boolean(), (list, starts, ends) => {
        const source = `${starts ? '^' : ''}${list.join('')}${ends ? '$' : ''}`
        for (const route of translatePaths(source)?.values ?? []) {
          told += 1
          const filled = route.replace(/:p\d+|:rest/g, 'q')
          const samples = filled.endsWith('/*')
            ? ['', 'q', 'q/r', 'q/'].map((rest) => filled.slice(0, -1) + rest)
            : [filled]
          for (const sample of samples) {
            expect(new RegExp(source).test(sample), `${source} becomes ${route}: ${sample}`).toBe(
              true,
            )
          }
        }
      }),
      { numRuns: 5000 },
    )
    expect(told).toBeGreaterThan(500)
  })
})

describe('R-CONF-22 paths and mounts', () => {
  for (const [wide, narrow, expected] of [
    ['/*', '/', true],
    ['/*', '/a/:p1', true],
    ['/a/*', '/a/', true],
    ['/a/*', '/a/b/*', true],
    ['/a/*', '/a', false],
    ['/a/*', '/ab', false],
    ['/a', '/a', true],
    ['/a', '/a/b', false],
    ['/:p1/*', '/a/b', false],
  ] as const) {
    test(`${wide} ${expected ? 'covers' : 'does not cover'} ${narrow}`, () => {
      expect(covers(wide, narrow)).toBe(expected)
    })
  }

  for (const [paths, mount] of [
    [['/*'], '/'],
    [['/v1/*'], '/v1'],
    [['/v1', '/v1/*'], '/v1'],
    [['/v1/a', '/v1/b/*'], '/v1'],
    [['/a', '/b'], '/'],
    [['/'], '/'],
    [['/users/:p1/posts'], '/users'],
    [['/v1/', '/v1/x'], '/v1'],
  ] as const) {
    test(`${paths.join(', ')} are under ${mount}`, () => expect(mountOf(paths)).toBe(mount))
  }
})
