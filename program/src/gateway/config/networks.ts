import { isIP, isIPv4 } from 'node:net'
import { expected } from './units.ts'

const example = 'such as 10.0.0.0/8 or 2001:db8::/32'

/**
 * Reads a network. A single address stands for itself (`/32`, `/128`).
 *
 * @returns CIDR notation with the prefix.
 * @throws {Expectation} also where the address has bits beyond the prefix: it was meant otherwise.
 * @spec gateway.md R-CONF-11
 */
export function readNetwork(value: unknown): string {
  const match =
    typeof value === 'string' ? /^([\d.a-fA-F:]{2,45})(?:\/(\d{1,3}))?$/.exec(value) : null
  const [, address = '', prefix] = match ?? []
  if (match === null || isIP(address) === 0) expected(`an address or a network, ${example}`)
  if (/^::ffff:.*\./i.test(address)) expected('IPv4 in its own form, such as 10.0.0.0/8')
  const bits = isIPv4(address) ? 32 : 128
  const length = prefix === undefined ? bits : Number(prefix)
  if (length > bits) expected(`a prefix of at most /${bits}`)
  const rest = BigInt(bits - length)
  if (numberOf(address) & ((1n << rest) - 1n)) {
    expected(`a network without bits beyond /${length}, or a single address`)
  }
  return `${address}/${length}`
}

/** Whether a network that {@link readNetwork} gave is all there is of its kind. */
export function isEverybody(network: string): boolean {
  return network.endsWith('/0')
}

function numberOf(address: string): bigint {
  if (isIPv4(address)) return fold(address.split('.').map(Number), 8n)
  const plain = address.replace(/\d+\.\d+\.\d+\.\d+$/, (quad) => {
    const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const groups = tail === undefined ? before : [...before, ...zeros, ...after]
  return fold(
    groups.map((group) => Number.parseInt(group, 16)),
    16n,
  )
}

function fold(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) + BigInt(part), 0n)
}
