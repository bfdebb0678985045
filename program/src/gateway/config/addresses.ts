import { isIPv4, isIPv6 } from 'node:net'
import { expected } from './units.ts'

/** Where something listens. */
export type Address = { readonly host: string; readonly port: number }

const example = 'such as 127.0.0.1:8402 or [::1]:8402'

/**
 * Reads `host:port`; an IPv6 address stands in brackets.
 *
 * @throws {Expectation}
 * @spec gateway.md R-CONF-12
 */
export function readAddress(value: unknown): Address {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535) {
    expected(`an address and a port: write 127.0.0.1:${value} for this machine only`)
  }
  if (typeof value !== 'string') expected(`an address and a port, ${example}`)
  const match = /^(?:\[([\da-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(value)
  if (match === null) expected(`an address and a port, ${example}`)
  const [, ipv6, name = '', digits = ''] = match
  const host = (ipv6 ?? name).toLowerCase()
  if (ipv6 !== undefined ? !isIPv6(ipv6) : !isIPv4(name) && !isName(host)) {
    expected(`an address and a port, ${example}`)
  }
  const port = Number(digits)
  if (port > 65_535) expected('a port from 0 to 65535')
  return { host, port }
}

/** Letters, digits, - in labels; the last label is no number, which would be a broken address. */
export function isName(host: string): boolean {
  const labels = host.split('.')
  if (host.length > 253 || /^\d+$/.test(labels.at(-1)!)) return false
  return labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label))
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

/** `0.0.0.0` and `::`. */
export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host)
}

/** Whether two listeners cannot both be opened. Port 0 is always another one. */
export function overlap(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false
  if (a.host === b.host) return true
  // `::` takes the IPv4 addresses too.
  if (isAnyV6(a.host) || isAnyV6(b.host)) return true
  if (a.host === '0.0.0.0') return !isIPv6(b.host)
  if (b.host === '0.0.0.0') return !isIPv6(a.host)
  return isLocalName(a.host, b.host) || isLocalName(b.host, a.host)
}

/** Whether a request to `target` ends at the listener `own`, as far as names and numbers tell. */
export function reaches(target: Address, own: Address): boolean {
  if (target.port !== own.port || own.port === 0) return false
  if (target.host === own.host) return true
  const isLocal = isLoopback(target.host) || isAnyAddress(target.host)
  return isLocal && (isLoopback(own.host) || isAnyAddress(own.host))
}

/** For people. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

function isAnyV6(host: string): boolean {
  return isAnyAddress(host) && host !== '0.0.0.0'
}

function isLocalName(name: string, other: string): boolean {
  return name === 'localhost' && (other === '127.0.0.1' || other === '::1')
}
