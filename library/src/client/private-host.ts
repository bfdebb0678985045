import { bareHostname } from './host.ts'

/** Networks of IPv4 that no public name should lead to: base address and length of the prefix. */
const privateNetworks: readonly (readonly [base: number, bits: number])[] = [
  [0x00000000, 8], // this host
  [0x0a000000, 8],
  [0x64400000, 10], // shared by a carrier's customers
  [0x7f000000, 8], // loopback
  [0xa9fe0000, 16], // link-local, where clouds keep their metadata
  [0xac100000, 12],
  [0xc0a80000, 16],
]

/**
 * Whether a URL names this machine or a private network, by its text alone: an address, `localhost`
 * or a name under `.localhost` or `.local`. A name that DNS leads there is not seen.
 *
 * @spec client.md R-PAY-54
 */
export function isPrivateHost(url: URL): boolean {
  const hostname = bareHostname(url)
  if (/(^|\.)localhost$/.test(hostname) || hostname.endsWith('.local')) return true
  if (hostname.startsWith('[')) return isPrivateIPv6(hostname.slice(1, -1))
  const address = parseIPv4(hostname)
  return address !== undefined && isPrivateIPv4(address)
}

/** Whether a URL names this machine, by its text alone. */
export function isLoopbackHost(url: URL): boolean {
  const hostname = bareHostname(url)
  if (/(^|\.)localhost$/.test(hostname) || hostname === '[::1]') return true
  return (parseIPv4(hostname) ?? 0) >>> 24 === 127
}

function isPrivateIPv4(address: number): boolean {
  return privateNetworks.some(([base, bits]) => (address ^ base) >>> (32 - bits) === 0)
}

function isPrivateIPv6(text: string): boolean {
  const groups = groupsOf(text)
  const [first = 0, second = 0] = groups
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80) return true
  // An IPv4 address in the last 32 bits: mapped, compatible (which has :: and ::1 in it), NAT64.
  const lead = groups.slice(0, 6)
  const isMapped = lead.slice(0, 5).every((group) => group === 0) && [0, 0xffff].includes(lead[5]!)
  const isNat64 = first === 0x64 && second === 0xff9b && lead.slice(2).every((group) => group === 0)
  const [high = 0, low = 0] = groups.slice(6)
  return (isMapped || isNat64) && isPrivateIPv4(((high << 16) | low) >>> 0)
}

/** The eight groups of an address as a URL writes it: lower case, at most one `::`, no dots. */
function groupsOf(text: string): readonly number[] {
  const [head = '', tail] = text.split('::')
  const read = (part: string): readonly number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = read(head)
  if (tail === undefined) return before
  const after = read(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...zeros, ...after]
}

/** Four decimal numbers: a URL writes every IPv4 address like that, however it was spelt. */
function parseIPv4(hostname: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(hostname)) return undefined
  return hostname.split('.').reduce((address, part) => address * 256 + Number(part), 0)
}
