/** An IP address as numbers of 32 bits: one of them for IPv4, four for IPv6. */
export type IpAddress = readonly [number] | readonly [number, number, number, number]

/**
 * Reads an IP address. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is read as IPv4, because it
 * is the same machine; a zone (`%eth0`) is left out.
 *
 * @returns `undefined` for whatever is no address. Total, for text of any length.
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > 64) return undefined
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return [ipv4]
  const ipv6 = parseIpv6(text)
  if (ipv6 === undefined) return undefined
  const [a, b, c, d] = ipv6
  return a === 0 && b === 0 && c === 0xffff ? [d] : ipv6
}

/** The shortest spelling, in lower case: one text for each address. The inverse of {@link parseAddress}. */
export function formatAddress(address: IpAddress): string {
  if (address.length === 1) {
    const [n] = address
    return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
  }
  const groups = address.flatMap((n) => [n >>> 16, n & 0xffff])
  const zeros = longestZeros(groups)
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (zeros.length < 2) return text(groups)
  return `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`
}

/** The one spelling of an address, or the text itself where it is none. */
export function plainAddress(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : formatAddress(address)
}

/** Four decimal numbers without leading zeros: `010` is eight to some readers and ten to others. */
function parseIpv4(text: string): number | undefined {
  let value = 0
  let part = -1
  let parts = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e
    if (code === 0x2e) {
      if (part === -1 || ++parts > 4) return undefined
      value = value * 256 + part
      part = -1
      continue
    }
    const digit = code - 0x30
    if (digit < 0 || digit > 9 || part === 0) return undefined
    part = part === -1 ? digit : part * 10 + digit
    if (part > 255) return undefined
  }
  return parts === 4 ? value : undefined
}

function parseIpv6(text: string): readonly [number, number, number, number] | undefined {
  const plain = /^([0-9a-fA-F:.]+)(?:%[0-9a-zA-Z.:-]+)?$/.exec(text)?.[1]
  if (plain === undefined) return undefined
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const head = readGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 1 ? [] : readGroups(halves[1]!, true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  const word = (i: number) => ((groups[i]! << 16) | groups[i + 1]!) >>> 0
  return [word(0), word(2), word(4), word(6)]
}

/** @param isEnd - Only there may an IPv4 address stand for the last two groups. */
function readGroups(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const ipv4 = isEnd && i === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 === undefined) return undefined
    groups.push(ipv4 >>> 16, ipv4 & 0xffff)
  }
  return groups
}

function longestZeros(groups: readonly number[]): {
  readonly start: number
  readonly length: number
} {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i - length + 1, length }
  }
  return best
}
