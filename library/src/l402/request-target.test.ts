import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../bytes/index.ts'
import { canonicalTarget } from './index.ts'
import { maxTargetLength } from './request-target.ts'

function reasonOf(target: string): unknown {
  try {
    return canonicalTarget(target)
  } catch (error) {
    expect(error).toMatchObject({ code: 'REQUEST_AMBIGUOUS' })
    return (error as { details: { reason: string } }).details.reason
  }
}

describe('R-PATH-1 only the origin form is read', () => {
  for (const target of [
    '',
    '*',
    'premium',
    '?x',
    'http://other/premium',
    'example.com:443',
    'HTTP://x',
    '\\premium',
  ])
    test(`${JSON.stringify(target)} is not`, () => {
      expect(reasonOf(target)).toBe('not in origin form')
    })

  test(`up to ${maxTargetLength} characters`, () => {
    const longest = `/${'a'.repeat(maxTargetLength - 1)}`
    expect(canonicalTarget(longest)).toEqual({ path: longest, query: '' })
    expect(reasonOf(`${longest}a`)).toBe('too long')
    expect(reasonOf(`/?${'%'.repeat(maxTargetLength)}`)).toBe('too long')
  })
})

describe('R-PATH-2 what servers disagree about is refused', () => {
  for (const [target, reason] of [
    ['/a\0b', 'control byte'],
    ['/a\tb', 'control byte'],
    ['/a\r\nX: y', 'control byte'],
    ['/a\x7f', 'control byte'],
    ['/a?\n', 'control byte'],
    ['/a b', 'space'],
    ['/a? b', 'space'],
    ['/caf\u00e9', 'byte outside ASCII'],
    ['/a?\u00e9', 'byte outside ASCII'],
    ['/\uff0e\uff0e/a', 'byte outside ASCII'],
    ['/premium#x', 'fragment'],
    ['/a?b#c', 'fragment'],
    ['/a\\b', 'backslash'],
    ['/..\\premium', 'backslash'],
    ['/a;b=c', 'path parameter'],
    ['/x/..;/premium', 'path parameter'],
    ['/a%', 'truncated percent-encoding'],
    ['/a%2', 'truncated percent-encoding'],
    ['/a%zz', 'truncated percent-encoding'],
    ['/a%2/b', 'truncated percent-encoding'],
    ['/x%2f..%2fpremium', 'encoded slash'],
    ['/%2Fpremium', 'encoded slash'],
    ['/.%2fpremium', 'encoded slash'],
    ['/x%5cpremium', 'encoded backslash'],
    ['/x/%2e%2e/premium', 'encoded dot'],
    ['/x/.%2E/premium', 'encoded dot'],
    ['/file%2etxt', 'encoded dot'],
    ['/a%3bb', 'encoded semicolon'],
    ['/a%00', 'encoded control byte'],
    ['/a%0D%0AX:', 'encoded control byte'],
    ['/a%1f', 'encoded control byte'],
    ['/a%7f', 'encoded control byte'],
    ['/x/%252e%252e/premium', 'double percent-encoding'],
    ['/a%252fb', 'double percent-encoding'],
    ['/a%25%32%66b', 'double percent-encoding'],
    ['/a%252525', 'double percent-encoding'],
    ['//premium', 'empty segment'],
    ['/a//b', 'empty segment'],
    ['/a//', 'empty segment'],
    ['//', 'empty segment'],
    ['/./premium', 'dot segment'],
    ['/x/../premium', 'dot segment'],
    ['/.', 'dot segment'],
    ['/..', 'dot segment'],
    ['/a/.', 'dot segment'],
    ['/a/..', 'dot segment'],
    ['/a/..?x', 'dot segment'],
    ['/./', 'dot segment'],
    ['/%ff', 'bytes that are not UTF-8'],
    ['/%c0%af', 'bytes that are not UTF-8'],
    ['/%c0%ae%c0%ae/', 'bytes that are not UTF-8'],
    ['/%e0%80%af', 'bytes that are not UTF-8'],
    ['/%ed%a0%80', 'bytes that are not UTF-8'],
    ['/%f4%90%80%80', 'bytes that are not UTF-8'],
    ['/%c3', 'bytes that are not UTF-8'],
    ['/caf%c3/%a9', 'bytes that are not UTF-8'],
  ] as const)
    test(`${JSON.stringify(target)}: ${reason}`, () => expect(reasonOf(target)).toBe(reason))
})

describe('R-PATH-3 the canonical form', () => {
  for (const [target, path] of [
    ['/', '/'],
    ['/premium', '/premium'],
    ['/premium/', '/premium/'],
    ['/PREMIUM', '/PREMIUM'],
    ['/%70remium', '/premium'],
    ['/%7euser/%2D%5F', '/~user/-_'],
    ['/a%2Cb%3ac%40', '/a,b:c@'],
    ["/!$&'()*,=:@-._~", "/!$&'()*,=:@-._~"],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%20b', '/a%20b'],
    ['/%5Bid%5d-[id]', '/%5Bid%5D-%5Bid%5D'],
    ['/"<>^`{|}', '/%22%3C%3E%5E%60%7B%7C%7D'],
    ['/100%25', '/100%25'],
    ['/100%25/%25zz', '/100%25/%25zz'],
    ['/a%3Fb%23c', '/a%3Fb%23c'],
    ['/.well-known/l402.json', '/.well-known/l402.json'],
    ['/.../..a/a..', '/.../..a/a..'],
  ] as const)
    test(`of ${target} is ${path}`, () => {
      expect(canonicalTarget(target)).toEqual({ path, query: '' })
    })

  // Pieces that meet every branch, so that most texts are near the edge of the grammar.
  const pieces = fc.oneof(
    fc.constantFrom(
      '/',
      'a',
      '.',
      '..',
      '%',
      '%2',
      '%2f',
      '%2e',
      '%61',
      '%25',
      '%C3%A9',
      '%c3',
      ';',
      '+',
      '*',
      '?',
      '#',
      '\\',
      ' ',
      '[',
      '%5b',
      '%7e',
      '~',
      '32',
      '\u00e9',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  )
  const targets = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`)

  test('of a canonical form is itself', () => {
    let accepted = 0
    fc.assert(
      fc.property(targets, (target) => {
        const first = tryCanonical(target)
        if (first === undefined) return
        accepted++
        expect(canonicalTarget(first.path + first.query)).toEqual(first)
      }),
      { numRuns: 5000 },
    )
    expect(accepted).toBeGreaterThan(500)
  })

  test('names the same bytes as what was sent', () => {
    fc.assert(
      fc.property(targets, (target) => {
        const canonical = tryCanonical(target)
        if (canonical === undefined) return
        const sent = target.slice(0, target.length - canonical.query.length)
        expect(decodeURIComponent(canonical.path)).toBe(decodeURIComponent(sent))
      }),
      { numRuns: 5000 },
    )
  })

  test('is the same for every spelling of a text, and another for every other text', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
      .filter((text) => !/[\\/;.%\p{Cc}]/u.test(text))
    fc.assert(
      fc.property(text, text, (one, other) => {
        const canonical = canonicalTarget(`/${encodeURIComponent(one)}`)
        expect(canonicalTarget(`/${encodeEverything(one)}`)).toEqual(canonical)
        if (one === other) return
        expect(canonicalTarget(`/${encodeEverything(other)}`)).not.toEqual(canonical)
      }),
    )
  })

  function encodeEverything(text: string): string {
    return [...encodeUtf8(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  }
})

test('R-PATH-4 a plus is written so that nobody reads a space', () => {
  expect(canonicalTarget('/c++')).toEqual({ path: '/c%2B%2B', query: '' })
  expect(canonicalTarget('/c%2b%2B')).toEqual({ path: '/c%2B%2B', query: '' })
})

describe('R-PATH-5 the query is kept as it was sent', () => {
  for (const query of [
    '?',
    '?a=b&c',
    '?%',
    '?%2f%2E%zz',
    '?//../;\\',
    '?a+b',
    '?x?y',
    '?"<>[]^`{|}',
  ])
    test(query, () => {
      expect(canonicalTarget(`/a${query}`)).toEqual({ path: '/a', query })
      expect(canonicalTarget(`/%61${query}`)).toEqual({ path: '/a', query })
    })
})

test('R-PATH-1 the longest targets are judged at once', () => {
  const started = performance.now()
  for (const piece of [
    '/',
    '/a',
    '/.',
    '%',
    '%25',
    '%41',
    '%ff',
    '%c3%a9',
    '+',
    '[',
    '?',
    ';',
    ' ',
    '/..',
    'a',
  ])
    for (const end of ['', '\0', '#', '%'])
      try {
        canonicalTarget(`/${piece.repeat(maxTargetLength)}`.slice(0, maxTargetLength - 1) + end)
      } catch {}
  expect(performance.now() - started).toBeLessThan(1000)
})

function tryCanonical(target: string): ReturnType<typeof canonicalTarget> | undefined {
  try {
    return canonicalTarget(target)
  } catch {
    return undefined
  }
}
