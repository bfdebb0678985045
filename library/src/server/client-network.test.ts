import { describe, expect, test } from 'vitest'
import { clientNetwork, clientSite } from './client-network.ts'

describe('R-SRV-36 clients are counted by their network', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.0/24'],
    ['192.0.2.255', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8::192.0.2.1', '2001:db8:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    [undefined, 'unknown'],
    ['', 'unknown'],
    ['unix:/run/socket', 'unknown'],
    ['256.0.0.1', 'unknown'],
    ['1.2.3', 'unknown'],
    ['1::2::3', 'unknown'],
    ['1:2:3:4:5:6:7', 'unknown'],
    ['1:2:3:4:5:6:7:8:9', 'unknown'],
    ['12345::', 'unknown'],
    ['x'.repeat(100), 'unknown'],
  ] as const) {
    test(`${address?.slice(0, 30)} is in ${network}`, () => {
      expect(clientNetwork(address)).toBe(network)
    })
  }
})

describe('R-SRV-36 R-SRV-37 a site is a /48, or the network where there is none', () => {
  for (const [address, site] of [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8:1:ffff::1', '2001:db8:1::/48'],
    ['::1', '0:0:0::/48'],
    ['192.0.2.1', '192.0.2.0/24'],
    [undefined, 'unknown'],
  ] as const) {
    test(`${address} is of ${site}`, () => {
      expect(clientSite(address)).toBe(site)
    })
  }
})
