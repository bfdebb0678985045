import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeHex } from '../bytes/index.ts'
import { coversRange, readAddressRange } from './address-range.ts'

describe('R-CAV-19 addresses are numbers', () => {
  for (const [text, hex, bits] of [
    ['0.0.0.0', '00000000', 32],
    ['192.0.2.7', 'c0000207', 32],
    ['255.255.255.255', 'ffffffff', 32],
    ['192.0.2.0/24', 'c0000200', 24],
    ['0.0.0.0/0', '00000000', 0],
    ['192.0.2.128/25', 'c0000280', 25],
    ['::', '0'.repeat(32), 128],
    ['::1', `${'0'.repeat(31)}1`, 128],
    ['1::', `0001${'0'.repeat(28)}`, 128],
    ['2001:db8::7', '20010db8000000000000000000000007', 128],
    ['2001:0DB8:0:0:0:0:0:7', '20010db8000000000000000000000007', 128],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', 128],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000', 128],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008', 128],
    ['2001:db8::/32', `20010db8${'0'.repeat(24)}`, 32],
    ['::/0', '0'.repeat(32), 0],
    ['64:ff9b::192.0.2.7', '0064ff9b0000000000000000c0000207', 128],
    ['::ffff:192.0.2.7', 'c0000207', 32],
    ['::FFFF:c000:207', 'c0000207', 32],
    ['0:0:0:0:0:ffff:192.0.2.0/120', 'c0000200', 24],
    ['::ffff:0:0/96', '00000000', 0],
    ['::fffe:0:0/95', `${'0'.repeat(20)}fffe00000000`, 95],
  ] as const)
    test(text, () => {
      const range = readAddressRange(text)!
      expect([encodeHex(range.bytes), range.bits]).toEqual([hex, bits])
    })
})

describe('R-CAV-19 what is not exactly an address or a block is malformed', () => {
  for (const text of [
    '',
    '/',
    '/8',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3.4',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.-4',
    '0x7f.0.0.1',
    '127.1',
    '1.2.3.4:80',
    '1.2.3.4/',
    '1.2.3.4/33',
    '1.2.3.4/032',
    '1.2.3.4/8',
    '192.0.2.1/31',
    '1.2.3.0/24/24',
    ' 1.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '::g',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1/129',
    '::1/127',
    'fe80::1%eth0',
    '[::1]',
    '1'.repeat(60),
  ])
    test(JSON.stringify(text), () => expect(readAddressRange(text)).toBeUndefined())
})

describe('R-CAV-19 a block covers', () => {
  for (const [outer, inner, covers] of [
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '192.0.2.0/24', true],
    ['192.0.2.0/25', '192.0.2.0/24', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '203.0.113.9', false],
    ['::/0', '::ffff:203.0.113.9', false],
    ['203.0.113.9', '::ffff:203.0.113.9', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
  ] as const)
    test(`${outer} and ${inner}: ${covers}`, () => {
      expect(coversRange(readAddressRange(outer)!, readAddressRange(inner)!)).toBe(covers)
    })

  test('what the sum of its leading bits says', () => {
    const number = fc.nat(0xffff_ffff)
    fc.assert(
      fc.property(number, fc.nat(32), number, fc.nat(32), (a, aBits, b, bBits) => {
        const outer = readAddressRange(`${dotted(masked(a, aBits))}/${aBits}`)!
        const inner = readAddressRange(`${dotted(masked(b, bBits))}/${bBits}`)!
        const expected = bBits >= aBits && masked(b, aBits) === masked(a, aBits)
        expect(coversRange(outer, inner)).toBe(expected)
      }),
    )
  })

  function masked(number: number, bits: number): number {
    return bits === 0 ? 0 : ((number >>> (32 - bits)) << (32 - bits)) >>> 0
  }
  function dotted(number: number): string {
    return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
  }
})
