import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeMatcher } from './address-matcher.ts'
import { clientAddress } from './client-address.ts'
import { formatAddress, parseAddress, plainAddress } from './ip-address.ts'

const ipv6Text = fc.oneof(
  fc.ipV6(),
  fc.ipV4().map((address) => `::ffff:${address}`),
  fc.ipV6().map((address) => address.toUpperCase()),
)

describe('addresses', () => {
  test('are read exactly where Node reads them', () => {
    const text = fc.oneof(
      fc.ipV4Extended(),
      fc.ipV4(),
      ipv6Text,
      fc.string({ unit: fc.constantFrom('0', '1', '9', 'f', 'g', ':', '.', '%', '/', '_', '-') }),
    )
    fc.assert(
      fc.property(text, (address) => {
        expect(parseAddress(address) !== undefined).toBe(isIP(address) !== 0)
      }),
      { numRuns: 2000 },
    )
  })

  test('have one spelling', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), ipv6Text), (address) => {
        const plain = plainAddress(address)
        expect(isIP(plain)).toBeGreaterThan(0)
        expect(plainAddress(plain)).toBe(plain)
        expect(parseAddress(plain)).toEqual(parseAddress(address))
        expect(formatAddress(parseAddress(address)!)).toBe(plain)
      }),
    )
  })

  for (const [text, plain] of [
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['1::', '1::'],
    ['::1.2.3.4', '::102:304'],
    ['010.0.0.1', '010.0.0.1'],
    ['not one', 'not one'],
  ] as const) {
    test(`${text} is ${plain}`, () => {
      expect(plainAddress(text)).toBe(plain)
    })
  }
})

describe('R-EDGE-29 networks', () => {
  for (const [cidr, address, isIn] of [
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['0.0.0.0/0', '::ffff:1.2.3.4', true],
    ['255.255.255.255/32', '255.255.255.255', true],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/65', '2001:db8::7fff:ffff:ffff:ffff', true],
    ['2001:db8::/65', '2001:db8::8000:0:0:0', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', false],
    ['::ffff:192.0.2.0/120', '192.0.2.9', true],
    ['::ffff:192.0.2.0/120', '192.0.3.9', false],
    ['10.0.0.0/8', '010.0.0.1', false],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', 'unknown', false],
  ] as const) {
    test(`${address} is ${isIn ? '' : 'not '}in ${cidr}`, () => {
      expect(makeMatcher([cidr])(address)).toBe(isIn)
    })
  }

  test('match what a list of Node matches', () => {
    const network = fc.oneof(
      fc.record({ address: fc.ipV4(), length: fc.integer({ min: 0, max: 32 }) }),
      fc.record({ address: fc.ipV6(), length: fc.integer({ min: 0, max: 128 }) }),
    )
    const near = fc.tuple(network, fc.oneof(fc.ipV4(), fc.ipV6()), fc.boolean())
    fc.assert(
      fc.property(fc.array(near, { maxLength: 5 }), (cases) => {
        // A list of Node counts an IPv4 address as IPv6 as well: then the two differ by intention.
        const cidrs = cases.map(([{ address, length }]) => ({
          address: plainAddress(address),
          length,
        }))
        const usable = cidrs.filter(
          ({ address, length }) => length <= (isIP(address) === 4 ? 32 : 128),
        )
        const list = new BlockList()
        for (const { address, length } of usable)
          list.addSubnet(address, length, isIP(address) === 4 ? 'ipv4' : 'ipv6')
        const matches = makeMatcher(usable.map(({ address, length }) => `${address}/${length}`))
        for (const [{ address }, other, same] of cases) {
          const asked = plainAddress(same ? address : other)
          const family = isIP(asked) === 4 ? 'ipv4' : 'ipv6'
          if (family === 'ipv4' && usable.some(({ address: of }) => isIP(of) === 6)) continue
          expect(matches(asked)).toBe(list.check(asked, family))
        }
      }),
    )
  })

  test('an empty list has nobody in it', () => {
    expect(makeMatcher([])('10.0.0.1')).toBe(false)
  })

  for (const cidr of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '/8',
    '2001:db8::/129',
    'fe80::1%eth0/64',
    '::ffff:10.0.0.0/8',
    'example.com',
    ' 10.0.0.0/8',
  ]) {
    test(`${JSON.stringify(cidr)} is none`, () => {
      expect(() => makeMatcher([cidr])).toThrow(RangeError)
    })
  }

  test('ten thousand of them cost no more than a few', () => {
    const few = makeMatcher(['10.0.0.0/8'])
    const many = makeMatcher(
      Array.from({ length: 10_000 }, (_, i) => `172.${(i >> 8) & 255}.${i & 255}.0/24`),
    )
    const time = (matches: (address: string) => boolean): number => {
      const started = performance.now()
      for (let i = 0; i < 50_000; i++) matches('192.0.2.7')
      return performance.now() - started
    }
    time(few)
    expect(time(many)).toBeLessThan(20 * time(few) + 100)
  })
})

describe('R-EDGE-30 the client of a request', () => {
  const isTrusted = makeMatcher(['10.0.0.0/8', '2001:db8::/32'])

  for (const [name, peer, lines, client] of [
    ['is the peer without a proxy', '192.0.2.1', [], '192.0.2.1'],
    ['is the peer that is not trusted, whatever it says', '192.0.2.1', ['1.1.1.1'], '192.0.2.1'],
    ['is the peer in its plain spelling', '::ffff:192.0.2.1', ['1.1.1.1'], '192.0.2.1'],
    ['is who a trusted proxy says', '10.0.0.1', ['192.0.2.1'], '192.0.2.1'],
    [
      'is the right-most address that is not trusted',
      '10.0.0.1',
      ['6.6.6.6, 192.0.2.1, 10.0.0.2'],
      '192.0.2.1',
    ],
    [
      'is found over several lines',
      '10.0.0.1',
      ['6.6.6.6', '192.0.2.1', '10.0.0.3, 10.0.0.2'],
      '192.0.2.1',
    ],
    ['is the first proxy where all are trusted', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    [
      'is the last one known where an entry is none',
      '10.0.0.1',
      ['192.0.2.1, unknown, 10.0.0.2'],
      '10.0.0.2',
    ],
    ['is the proxy where its entry is none', '10.0.0.1', ['192.0.2.1, _hidden'], '10.0.0.1'],
    ['is the proxy where its entry is empty', '10.0.0.1', [''], '10.0.0.1'],
    ['is the proxy where a list ends in a comma', '10.0.0.1', ['192.0.2.1,'], '10.0.0.1'],
    ['may have a port', '10.0.0.1', ['192.0.2.1:4711'], '192.0.2.1'],
    ['may be IPv6', '2001:db8::1', ['2001:DB9::0:7'], '2001:db9::7'],
    ['may be IPv6 in brackets', '10.0.0.1', ['[2001:db9::7]'], '2001:db9::7'],
    ['may be IPv6 in brackets with a port', '10.0.0.1', ['[2001:db9::7]:443'], '2001:db9::7'],
    ['is not IPv4 in brackets', '10.0.0.1', ['[192.0.2.1]'], '10.0.0.1'],
    ['is not an address with zeros before it', '10.0.0.1', ['010.2.0.1'], '10.0.0.1'],
    ['is not in quotes', '10.0.0.1', ['"192.0.2.1"'], '10.0.0.1'],
  ] as const) {
    test(name, () => {
      expect(clientAddress(peer, lines, isTrusted)).toBe(client)
    })
  }

  test('does not depend on what stands left of it', () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (left, client) => {
        fc.pre(!isTrusted(client))
        expect(clientAddress('10.0.0.1', [`${left}, ${client}`, '10.0.0.2'], isTrusted)).toBe(
          client,
        )
      }),
    )
  })
})
