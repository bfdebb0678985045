import { describe, expect, test } from 'vitest'
import { isConfidential, matchesHost, parseHostPattern, plainUrl } from './host.ts'

describe('R-PAY-21 a host pattern', () => {
  for (const [pattern, url, matches] of [
    ['example.com', 'https://example.com/', true],
    ['EXAMPLE.com', 'https://example.COM/', true],
    ['example.com', 'https://example.com./', true],
    ['example.com.', 'https://example.com/', true],
    ['example.com', 'https://example.com:8443/', true],
    ['example.com', 'https://www.example.com/', false],
    ['example.com', 'https://example.com.evil.test/', false],
    ['example.com', 'https://evilexample.com/', false],
    ['*.example.com', 'https://www.example.com/', true],
    ['*.example.com', 'https://a.b.example.com./', true],
    ['*.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://evilexample.com/', false],
    ['example.com:443', 'https://example.com/', true],
    ['example.com:443', 'http://example.com/', false],
    ['example.com:80', 'http://example.com/', true],
    ['example.com:8080', 'http://example.com:8080/', true],
    ['bücher.test', 'https://xn--bcher-kva.test/', true],
    ['127.0.0.1', 'http://127.1/', true],
    ['127.0.0.1', 'http://0x7f000001/', true],
    ['[::1]:8080', 'http://[::1]:8080/', true],
  ] as const) {
    test(`${pattern} ${matches ? 'means' : 'does not mean'} ${url}`, () => {
      expect(matchesHost(parseHostPattern(pattern)!, new URL(url))).toBe(matches)
    })
  }

  for (const text of [
    '',
    '*',
    '*.',
    'https://example.com',
    'example.com/path',
    'a b',
    'user@example.com',
    'a.*.com',
    '*.*.com',
    'example.com:port',
    'example.com:123456',
    'a\\b',
    'x?y',
    '[::1',
  ]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      expect(parseHostPattern(text)).toBeUndefined()
    })
  }
})

describe('R-PAY-22 what nobody on the way can read', () => {
  for (const [url, safe] of [
    ['https://example.com/', true],
    ['http://example.com/', false],
    ['http://localhost:3000/', true],
    ['http://api.localhost/', true],
    ['http://127.0.0.1/', true],
    ['http://127.9.9.9/', true],
    ['http://[::1]/', true],
    ['http://abc.onion/', true],
    ['http://abc.onion./', true],
    ['http://localhost.evil.test/', false],
    ['http://127.0.0.1.evil.test/', false],
    ['http://onion/', false],
    ['http://10.0.0.1/', false],
    ['http://[::ffff:7f00:1]/', false],
    ['http://0.0.0.0/', false],
  ] as const) {
    test(`${url}: ${safe}`, () => {
      expect(isConfidential(new URL(url))).toBe(safe)
    })
  }
})

test('a URL is written down without what is nobody else’s business', () => {
  expect(plainUrl(new URL('https://u:p@a.test:444/x?y=1#z'))).toBe('https://a.test:444/x?y=1')
})
