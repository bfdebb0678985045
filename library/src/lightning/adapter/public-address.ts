import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { BlockList, isIP } from 'node:net'

/** Of IPv4: this machine, private and link-local networks, documentation, multicast, reserved. */
const ipv4Networks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
/**
 * Of IPv6, of which nothing beside 2000::/3 is public. In it: protocol assignments with Teredo,
 * documentation, and 6to4, which carries IPv4 addresses.
 */
const ipv6Networks = [
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
]

// Two lists: in one, an IPv4 address would be looked for as the IPv6 address that maps it, too.
const notPublic = { 4: listOf(ipv4Networks, 'ipv4'), 6: listOf(ipv6Networks, 'ipv6') } as const

function listOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', bits] = network.split('/')
    list.addSubnet(base, Number(bits), family)
  }
  return list
}

/** Whether an address is one of the public internet. Text that is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !notPublic[4].check(address, 'ipv4')
  return family === 6 && !notPublic[6].check(address, 'ipv6')
}

/** The code of {@link notPublicError}. */
export const notPublicCode = 'EPRIVATE'

/** The error of a host that is, or leads to, an address that is not public. */
export function notPublicError(): NodeJS.ErrnoException {
  return Object.assign(new Error('not an address of the public internet'), { code: notPublicCode })
}

/**
 * What a socket asks for the addresses to connect to. It connects to nothing else, so that no second
 * answer of DNS comes between the check and the connection. One address that is not public refuses all.
 */
export const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, '')
    if (found.length === 0 || !found.every(({ address }) => isPublicAddress(address))) {
      return callback(notPublicError(), '')
    }
    if (options.all === true) return callback(null, found)
    const [first] = found
    callback(null, first!.address, first!.family)
  })
}
