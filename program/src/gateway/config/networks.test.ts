import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isEverybody, readNetwork } from './networks.ts'
import { Expectation } from './units.ts'

describe('R-CONF-11 networks', () => {
  for (const [text, network] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.7/32', '192.0.2.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['fe80::/10', 'fe80::/10'],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::192.0.2.0/120'],
  ] as const) {
    test(`${text} is ${network}`, () => {
      expect(readNetwork(text)).toBe(network)
    })
  }

  for (const value of [
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0/8',
    '10.0.0.0/-1',
    '10.0.0.0/8 ',
    '256.0.0.0/8',
    '2001:db8::1/32',
    '2001:db8::/129',
    '64:ff9b::192.0.2.1/120',
    '::ffff:10.0.0.0/104',
    'fe80::1%eth0',
    'localhost',
    '010.0.0.0/8',
    '/8',
    10,
    null,
  ]) {
    test(`${JSON.stringify(value)} is none`, () => {
      expect(() => readNetwork(value)).toThrow(Expectation)
    })
  }

  test('everybody is told from a network', () => {
    expect(isEverybody('0.0.0.0/0')).toBe(true)
    expect(isEverybody('::/0')).toBe(true)
    expect(isEverybody('10.0.0.0/8')).toBe(false)
  })

  test('a network is read if and only if nothing stands beyond its prefix', () => {
    const ipv4 = fc
      .array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 4, maxLength: 4 })
      .map((parts) => ({ text: parts.join('.'), bits: binary(parts, 8) }))
    const ipv6 = fc
      .array(fc.oneof(fc.constant(0), fc.nat(65_535)), { minLength: 8, maxLength: 8 })
      .map((parts) => ({
        // In its shortest spelling, with ::.
        text: new URL(
          `http://[${parts.map((part) => part.toString(16)).join(':')}]`,
        ).hostname.slice(1, -1),
        bits: binary(parts, 16),
      }))
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), fc.nat(128), ({ text, bits }, prefix) => {
        const isNetwork = prefix <= bits.length && !bits.slice(prefix).includes('1')
        if (text.startsWith('::ffff:')) return
        expect(attempt(`${text}/${prefix}`)).toBe(isNetwork)
      }),
      { numRuns: 2000 },
    )
  })
})

function binary(parts: readonly number[], width: number): string {
  return parts.map((part) => part.toString(2).padStart(width, '0')).join('')
}

function attempt(text: string): boolean {
  try {
    readNetwork(text)
    return true
  } catch (error) {
    if (error instanceof Expectation) return false
    throw error
  }
}
