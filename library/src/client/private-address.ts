/** Networks of IPv4 that are not the public internet: base address and length of the prefix. */
const ipv4Networks: readonly (readonly [base: number, bits: number])[] = [
  [0x00000000, 8], // this host
  [0x0a000000, 8],
  [0x64400000, 10], // shared by a carrier's customers
  [0x7f000000, 8], // loopback
  [0xa9fe0000, 16], // link-local, where clouds keep their metadata
  [0xac100000, 12],
  [0xc0000000, 24], // protocol assignments
  [0xc0000200, 24], // documentation
  [0xc0586300, 24], // relays of 6to4, withdrawn
  [0xc0a80000, 16],
  [0xc6120000, 15], // benchmarks
  [0xc6336400, 24], // documentation
  [0xcb007100, 24], // documentation
  [0xe0000000, 4], // multicast
  [0xf0000000, 4], // reserved, with the broadcast address
]

/** The same within 2000::/3, beside which nothing of IPv6 is public. */
const ipv6Networks: readonly (readonly [base: readonly number[], bits: number])[] = [
  [[0x2001, 0x0000], 23], // protocol assignments, without Teredo
  [[0x2001, 0x0db8], 32], // documentation
  [[0x3fff, 0x0000], 20], // documentation
]

/**
 * Whether an address is not one of the public internet: this machine, a private or link-local
 * network, multicast, documentation, reserved. An IPv4 address that is carried in an IPv6 one
 * (mapped, NAT64, 6to4, Teredo) counts as itself. Text that is no address counts as private.
 *
 * @param address - As DNS gives it: four decimal numbers, or IPv6, with or without a zone.
 * @spec client.md R-PAY-54
 */
export function isPrivateAddress(address: string): boolean {
  const ipv4 = parseIPv4(address)
  if (ipv4 !== undefined) return isPrivateIPv4(ipv4)
  const groups = parseIPv6(address.replace(/%[0-9a-z.:-]+$/i, ''))
  return groups === undefined || isPrivateIPv6(groups)
}

/** Four decimal numbers from 0 to 255, without leading zeros: what else there is can be misread. */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let address = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    address = address * 256 + Number(part)
  }
  return address
}

function isPrivateIPv4(address: number): boolean {
  return ipv4Networks.some(([base, bits]) => (address ^ base) >>> (32 - bits) === 0)
}

function isPrivateIPv6(groups: readonly number[]): boolean {
  const carried = carriedIPv4(groups)
  if (carried !== undefined) return carried.some(isPrivateIPv4)
  if (groups[0]! >>> 13 !== 1) return true
  return ipv6Networks.some(([base, bits]) => isWithin(groups, base, bits))
}

/** The IPv4 addresses that an IPv6 address leads to; `undefined`: it is of another kind. */
function carriedIPv4(groups: readonly number[]): readonly number[] | undefined {
  const at = (index: number): number => groups[index]! * 0x1_0000 + groups[index + 1]!
  if (isWithin(groups, [0, 0, 0, 0, 0, 0xffff], 96)) return [at(6)]
  if (isWithin(groups, [0x64, 0xff9b, 0, 0, 0, 0], 96)) return [at(6)]
  if (isWithin(groups, [0x2002], 16)) return [at(1)]
  // Teredo: the server, and the client with its bits turned over.
  if (isWithin(groups, [0x2001, 0], 32)) return [at(2), 0xffff_ffff - at(6)]
  return undefined
}

function isWithin(groups: readonly number[], base: readonly number[], bits: number): boolean {
  return base.every((group, i) => {
    const compared = Math.min(16, Math.max(0, bits - 16 * i))
    return (group ^ groups[i]!) >>> (16 - compared) === 0
  })
}

/** The eight groups of an address. */
function parseIPv6(text: string): readonly number[] | undefined {
  const plain = withoutDots(text)
  if (plain === undefined) return undefined
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const parts = [...before!, ...(after ?? [])]
  if (!parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined
  const missing = 8 - parts.length
  if (after === undefined ? missing !== 0 : missing < 1) return undefined
  const zeros = Array.from({ length: missing }, () => '0')
  return [...before!, ...zeros, ...(after ?? [])].map((part) => Number.parseInt(part, 16))
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text
  const start = text.lastIndexOf(':') + 1
  const ipv4 = parseIPv4(text.slice(start))
  if (start === 0 || ipv4 === undefined) return undefined
  const [high, low] = [ipv4 >>> 16, ipv4 & 0xffff].map((group) => group.toString(16))
  return `${text.slice(0, start)}${high}:${low}`
}
