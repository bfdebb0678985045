import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPrivateAddress } from './private-address.ts'

describe('R-PAY-54 an address that is not of the public internet', () => {
  for (const address of [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.7',
    '224.0.0.251',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::8.8.8.8',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:127.0.0.1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::ffff:0:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:0:7f00:1::f7f7:f7f7',
    '2001:0:808:808:0:0:f5ff:fffe', // Teredo: the client is 10.0.0.1
    '2001:2::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '2002:c0a8:101::',
    '3fff::1',
    '3fff:fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fdff::1',
    'fe80::1',
    'fe80::1%eth0',
    'fe80::1%25',
    'fec0::1',
    'ff02::1',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ]) {
    test(`is ${address}`, () => {
      expect(isPrivateAddress(address)).toBe(true)
    })
  }

  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '191.255.255.255',
    '192.0.1.0',
    '192.0.3.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2001:0:808:808::f7f7:f7f7', // Teredo: 8.8.8.8 behind 8.8.8.8
    '2002:808:808::1',
    '2606:4700:4700::1111',
    '2606:4700:4700::1111%eth0',
    '3ffe::1',
  ]) {
    test(`is not ${address}`, () => {
      expect(isPrivateAddress(address)).toBe(false)
    })
  }

  for (const text of [
    '',
    'localhost',
    '127.1',
    '08.8.8.8',
    '8.8.8.8.8',
    '8.8.8',
    '8.8.8.256',
    '0x8.8.8.8',
    ' 8.8.8.8',
    '8.8.8.8\n',
    '2606:4700::1::1',
    '2606:4700',
    '2606:4700:0:0:0:0:0:0:1',
    '1:2:3:4:5:6:7::8:9',
    '12345::1',
    'g::1',
    ':1',
    '2606:4700::8.8.8',
    '%eth0',
  ]) {
    test(`is what is no address at all: ${JSON.stringify(text)}`, () => {
      expect(isPrivateAddress(text)).toBe(true)
    })
  }

  test('is every one of the reserved networks, as another reading of them says', () => {
    const reserved = new BlockList()
    for (const [network, bits] of [
      ['0.0.0.0', 8],
      ['10.0.0.0', 8],
      ['100.64.0.0', 10],
      ['127.0.0.0', 8],
      ['169.254.0.0', 16],
      ['172.16.0.0', 12],
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['192.168.0.0', 16],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['224.0.0.0', 3],
    ] as const) {
      reserved.addSubnet(network, bits)
    }
    const near = fc.constantFrom(10, 100, 127, 169, 172, 192, 198, 203, 224, 255, 8)
    const second = fc.constantFrom(0, 15, 16, 18, 20, 31, 32, 51, 63, 64, 88, 127, 128, 168, 254)
    const address = fc
      .tuple(fc.oneof(near, fc.nat(255)), fc.oneof(second, fc.nat(255)), fc.nat(255), fc.nat(255))
      .map((parts) => parts.join('.'))
    fc.assert(
      fc.property(address, (text) => {
        const expected = reserved.check(text)
        expect(isPrivateAddress(text)).toBe(expected)
        expect(isPrivateAddress(`::ffff:${text}`)).toBe(expected)
        expect(isPrivateAddress(`64:ff9b::${text}`)).toBe(expected)
      }),
      { numRuns: 3000 },
    )
  })

  test('is any text but an address, and no text makes it fail', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.ipV6(), fc.ipV4(), fc.stringMatching(/^[0-9a-f:.%]+$/)),
        (text) => {
          if (!isPrivateAddress(text)) expect(isIP(text)).not.toBe(0)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
