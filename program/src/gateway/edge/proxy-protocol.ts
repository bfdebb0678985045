import { isIPv4, isIPv6 } from 'node:net'

/** What the start of a connection says, in the PROXY protocol of versions 1 and 2. */
export type ProxyHeader =
  /** Not all of the header is there yet. */
  | { readonly kind: 'more' }
  /** It does not begin with one. */
  | { readonly kind: 'none' }
  /**
   * `length` bytes are the header. `source` is the client's address; `undefined` where the balancer
   * speaks for itself (LOCAL, UNKNOWN) and the socket's address counts.
   */
  | { readonly kind: 'header'; readonly length: number; readonly source: string | undefined }

/** With the line end; the specification's own bound. */
const maxVersion1Bytes = 107
/** Addresses, and room for what balancers add: names, identifiers, a certificate's subject. */
const maxVersion2Bytes = 4096

const version1Start = Buffer.from('PROXY ', 'latin1')
const version2Start = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

const more: ProxyHeader = { kind: 'more' }
const none: ProxyHeader = { kind: 'none' }

/**
 * Reads a PROXY protocol header. Strict, bounded (107 bytes in version 1, 4 KiB in version 2) and
 * total: whatever is not exactly a header is `none`.
 *
 * @param bytes - What the connection sent so far.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (start.length === 0) return more
  if (beginsLike(start, version1Start)) return readVersion1(start)
  if (beginsLike(start, version2Start)) return readVersion2(start)
  return none
}

function beginsLike(start: Buffer, pattern: Buffer): boolean {
  const length = Math.min(start.length, pattern.length)
  return start.compare(pattern, 0, length, 0, length) === 0
}

function readVersion1(start: Buffer): ProxyHeader {
  const end = start.subarray(0, maxVersion1Bytes).indexOf('\r\n', 0, 'latin1')
  if (end === -1) return start.length < maxVersion1Bytes ? more : none
  const line = start.toString('latin1', version1Start.length, end)
  const length = end + 2
  // What follows UNKNOWN is to be overlooked.
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) {
    return { kind: 'header', length, source: undefined }
  }
  const fields = line.split(' ')
  const [family, source = '', destination = '', ...ports] = fields
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIpv6 : undefined
  if (isAddress === undefined || !isAddress(source) || !isAddress(destination)) return none
  if (ports.length !== 2 || !ports.every(isPort)) return none
  return { kind: 'header', length, source }
}

function readVersion2(start: Buffer): ProxyHeader {
  if (start.length < 16) {
    return start.length > 12 && start[12] !== 0x20 && start[12] !== 0x21 ? none : more
  }
  const [command, protocol] = [start[12]!, start[13]!]
  const length = 16 + start.readUInt16BE(14)
  if (command !== 0x20 && command !== 0x21) return none
  if (length > maxVersion2Bytes) return none
  if (command === 0x21 && !isKnownProtocol(protocol)) return none
  if (command === 0x21 && length < 16 + addressBytes(protocol)) return none
  if (start.length < length) return more
  const source = command === 0x20 ? undefined : sourceOf(start, protocol)
  return { kind: 'header', length, source }
}

/** Unspecified, or TCP over IPv4 or IPv6: what can stand before HTTP. */
function isKnownProtocol(protocol: number): boolean {
  return protocol === 0x00 || protocol === 0x11 || protocol === 0x21
}

function addressBytes(protocol: number): number {
  if (protocol === 0x11) return 12
  return protocol === 0x21 ? 36 : 0
}

function sourceOf(start: Buffer, protocol: number): string | undefined {
  if (protocol === 0x11) return start.subarray(16, 20).join('.')
  if (protocol === 0x00) return undefined
  const groups = Array.from({ length: 8 }, (_, i) => start.readUInt16BE(16 + 2 * i).toString(16))
  return groups.join(':')
}

function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535
}
