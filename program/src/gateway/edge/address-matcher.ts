import type { IpAddress } from './ip-address.ts'
import { parseAddress } from './ip-address.ts'

/**
 * Makes a test for membership in networks.
 *
 * One lookup for each length of prefix in use, so that a list of ten thousand networks costs a
 * request no more than a short one.
 *
 * @param cidrs - `192.0.2.0/24`, `2001:db8::/32`, or one address. Bits beyond the prefix are
 *   overlooked. `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
 * @returns Tells whether an address, in any spelling, lies in one of them. What is no address does not.
 * @throws {RangeError} for a network that is not one.
 */
export function makeMatcher(cidrs: readonly string[]): (address: string) => boolean {
  if (cidrs.length === 0) return () => false
  const networks = new Map<string, Set<string | number>>()
  const prefixes: { readonly words: 1 | 4; readonly length: number; readonly key: string }[] = []
  for (const cidr of cidrs) {
    const { address, length } = parseCidr(cidr)
    const words = address.length
    const key = `${words}/${length}`
    let members = networks.get(key)
    if (members === undefined) {
      members = new Set()
      networks.set(key, members)
      prefixes.push({ words, length, key })
    }
    members.add(networkOf(address, length))
  }
  const tests = prefixes.map((prefix) => ({ ...prefix, members: networks.get(prefix.key)! }))

  return (text) => {
    const address = parseAddress(text)
    if (address === undefined) return false
    for (const { words, length, members } of tests) {
      if (words === address.length && members.has(networkOf(address, length))) return true
    }
    return false
  }
}

function parseCidr(cidr: string): { readonly address: IpAddress; readonly length: number } {
  const [, text = '', digits] = /^([^/]+?)(?:\/(0|[1-9]\d{0,2}))?$/.exec(cidr) ?? []
  const address = text.includes('%') ? undefined : parseAddress(text)
  if (address === undefined) throw notNetwork(cidr)
  // The prefix of an IPv4 address that is written inside IPv6 counts from there.
  const offset = address.length === 1 && text.includes(':') ? 96 : 0
  const bits = address.length * 32
  const length = digits === undefined ? bits : Number(digits) - offset
  if (length < 0 || length > bits) throw notNetwork(cidr)
  return { address, length }
}

function networkOf(address: IpAddress, length: number): string | number {
  if (address.length === 1) return masked(address[0], length)
  const [a, b, c, d] = address
  if (length <= 32) return masked(a, length)
  if (length <= 64) return `${a}:${masked(b, length - 32)}`
  if (length <= 96) return `${a}:${b}:${masked(c, length - 64)}`
  return `${a}:${b}:${c}:${masked(d, length - 96)}`
}

function masked(word: number, length: number): number {
  return length <= 0 ? 0 : (word & (-1 << (32 - length))) >>> 0
}

function notNetwork(cidr: string): RangeError {
  const shown = cidr.slice(0, 64).replace(/[^\x21-\x7e]/g, '?')
  return new RangeError(`expected a network such as 192.0.2.0/24 or 2001:db8::/32, not ${shown}`)
}
