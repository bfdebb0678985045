import { BlockList, isIP } from 'node:net'
import { expect, test } from 'vitest'
import { isPrivateAddress } from '../../library/src/client/index.ts'
import { fuzzText } from './harness.ts'

/** What no reading of an address may let pass. */
const inside = new BlockList()
inside.addSubnet('10.0.0.0', 8)
inside.addSubnet('127.0.0.0', 8)
inside.addSubnet('169.254.0.0', 16)
inside.addSubnet('172.16.0.0', 12)
inside.addSubnet('192.168.0.0', 16)
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addSubnet('fe80::', 10, 'ipv6')
inside.addAddress('::1', 'ipv6')
inside.addAddress('::', 'ipv6')

test('R-PAY-54 whatever DNS says, only an address of the public internet counts as one', () => {
  let open = 0
  const report = fuzzText({
    name: 'private address',
    seeds: [
      '8.8.8.8',
      '127.0.0.1',
      '10.1.2.3',
      '2606:4700:4700::1111',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::10.0.0.1',
      '2002:7f00:1::',
      '2001:0:808:808::f7f7:f7f7',
      'fe80::1%eth0',
    ],
    words: ['::', ':', '.', '%', 'ffff', '127.', '0', '255', '2001:'],
    read: (text) => isPrivateAddress(text),
    codes: [],
    holds: (text, isPrivate) => {
      if (isPrivate === true) return
      open++
      const kind = isIP(text)
      if (kind === 0) throw new Error('let pass what is no address')
      const plain = text.replace(/%.*$/s, '')
      if (inside.check(plain, kind === 4 ? 'ipv4' : 'ipv6'))
        throw new Error('let pass what is inside')
    },
  })
  expect(open).toBeGreaterThan(report.cases / 50)
  expect(open).toBeLessThan(report.cases)
})
