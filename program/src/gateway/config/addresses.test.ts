import { describe, expect, test } from 'vitest'
import { formatAddress, isLoopback, overlap, reaches, readAddress } from './addresses.ts'
import { Expectation } from './units.ts'

describe('R-CONF-12 addresses', () => {
  for (const [text, host, port] of [
    ['127.0.0.1:8402', '127.0.0.1', 8402],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:8402', '::1', 8402],
    ['[::]:443', '::', 443],
    ['localhost:65535', 'localhost', 65_535],
    ['API.example.com:80', 'api.example.com', 80],
  ] as const) {
    test(`${text} is read, and written back`, () => {
      expect(readAddress(text)).toEqual({ host, port })
      expect(formatAddress({ host, port })).toBe(text.toLowerCase())
    })
  }

  for (const value of [
    '',
    '8402',
    ':8402',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '::1:8402',
    '[::1]',
    '[127.0.0.1]:80',
    '1.2.3:80',
    '1.2.3.4.5:80',
    '256.1.1.1:80',
    'a b:80',
    'http://a:80',
    '-a:80',
    'a..b:80',
    '127.0.0.1:8402/x',
    '*:80',
    null,
    true,
    -1,
    1.5,
  ]) {
    test(`${JSON.stringify(value)} is none`, () => {
      expect(() => readAddress(value)).toThrow(Expectation)
    })
  }

  test('a port alone is shown how to be written', () => {
    expect(() => readAddress(8402)).toThrow('write 127.0.0.1:8402')
  })

  for (const [a, b, expected] of [
    ['127.0.0.1:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '127.0.0.1:81', false],
    ['0.0.0.0:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    ['[::]:80', '127.0.0.1:80', true],
    ['0.0.0.0:80', '[::1]:80', false],
    ['[::1]:80', '[::]:80', true],
    ['localhost:80', '127.0.0.1:80', true],
    ['0.0.0.0:0', '0.0.0.0:0', false],
  ] as const) {
    test(`${a} and ${b} ${expected ? 'overlap' : 'go together'}`, () => {
      expect(overlap(readAddress(a), readAddress(b))).toBe(expected)
      expect(overlap(readAddress(b), readAddress(a))).toBe(expected)
    })
  }

  test('loopback is 127/8, ::1 and localhost', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
      expect(isLoopback(host)).toBe(true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.example.com']) {
      expect(isLoopback(host)).toBe(false)
    }
  })

  test('an upstream reaches a listener by any name of this machine', () => {
    const at = (text: string, own: string): boolean => reaches(readAddress(text), readAddress(own))
    expect(at('localhost:80', '127.0.0.1:80')).toBe(true)
    expect(at('127.0.0.1:80', '0.0.0.0:80')).toBe(true)
    expect(at('[::1]:80', '[::]:80')).toBe(true)
    expect(at('192.0.2.1:80', '0.0.0.0:80')).toBe(false)
    expect(at('localhost:80', '192.0.2.1:80')).toBe(false)
    expect(at('localhost:80', '127.0.0.1:81')).toBe(false)
  })
})
