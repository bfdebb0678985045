import { decodeHex } from '../bytes/index.ts'

/** An IP address, or a block of them in CIDR notation. */
export type AddressRange = {
  /** 4 bytes, or 16. An IPv4 address that is written in IPv6 (`::ffff:a.b.c.d`) has 4. */
  readonly bytes: Uint8Array
  /** How many leading bits count. */
  readonly bits: number
}

/** `::ffff:0:0/96` in bytes: where IPv6 writes down IPv4. */
const mappedPrefix: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
const maxTextLength = 49

/**
 * Reads an address or a block: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
 *
 * @returns `undefined` for a zone, a port, leading zeros, and a block with bits beyond its length.
 */
export function readAddressRange(text: string): AddressRange | undefined {
  if (text.length > maxTextLength) return undefined
  const [address = '', length, ...rest] = text.split('/')
  const bytes = readIpv4(address) ?? readIpv6(address)
  if (bytes === undefined || rest.length > 0) return undefined
  const bits = length === undefined ? bytes.length * 8 : readLength(length, bytes.length * 8)
  if (bits === undefined || hasBitsBeyond(bytes, bits)) return undefined
  return isMapped(bytes) && bits >= 96
    ? { bytes: bytes.slice(12), bits: bits - 96 }
    : { bytes, bits }
}

/** Whether every address of `inner` is in `outer`. The two families never contain each other. */
export function coversRange(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.bytes.length !== inner.bytes.length || inner.bits < outer.bits) return false
  const whole = outer.bits >> 3
  for (let i = 0; i < whole; i++) if (outer.bytes[i] !== inner.bytes[i]) return false
  const rest = outer.bits & 7
  return rest === 0 || (outer.bytes[whole]! ^ inner.bytes[whole]!) >> (8 - rest) === 0
}

function readIpv4(text: string): Uint8Array | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(text)) return undefined
  const parts = text.split('.').map(Number)
  return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined
}

function readIpv6(text: string): Uint8Array | undefined {
  const [head = '', tail, ...rest] = withoutDottedEnd(text).split('::')
  if (rest.length > 0) return undefined
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return decodeHex([...before, ...Array<string>(missing).fill('0000'), ...after].join(''))
}

/** IPv6 may end in dotted decimals. As two groups they read like the rest. */
function withoutDottedEnd(text: string): string {
  const lastColon = text.lastIndexOf(':')
  const dotted = readIpv4(text.slice(lastColon + 1))
  if (dotted === undefined || lastColon === -1) return text
  const [a = 0, b = 0, c = 0, d = 0] = dotted
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16))
  return text.slice(0, lastColon + 1) + groups.join(':')
}

function groupsOf(text: string): readonly string[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  return groups.map((group) => group.padStart(4, '0'))
}

function readLength(text: string, max: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined
  return Number(text) <= max ? Number(text) : undefined
}

function hasBitsBeyond(bytes: Uint8Array, bits: number): boolean {
  return bytes.some((byte, i) => (byte & (0xff >> Math.max(0, Math.min(8, bits - i * 8)))) !== 0)
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && mappedPrefix.every((byte, i) => byte === bytes[i])
}
