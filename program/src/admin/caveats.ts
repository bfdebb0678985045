import { BlockList, isIP } from 'node:net'
import { quoted } from './problem.ts'

/** What a macaroon may be good for. */
export const scopes = ['read', 'services', 'revoke'] as const

export type Scope = (typeof scopes)[number]

/** What the caveats of a macaroon leave of the full power. */
export type Allowance = {
  readonly scopes: readonly Scope[]
  /** Works before this second, and no longer from it on. */
  readonly expiresAtSeconds: number | undefined
  /** Where requests may come from. `undefined`: anywhere. */
  readonly from: AddressBlock | undefined
}

export type AddressBlock = { readonly address: string; readonly bits: number }

/** A macaroon without caveats. */
export const fullAllowance: Allowance = {
  scopes,
  expiresAtSeconds: undefined,
  from: undefined,
}

/** Why a caveat, and with it the macaroon, is refused. */
export class CaveatMistake extends Error {
  override readonly name = 'CaveatMistake'
}

/**
 * Adds one caveat.
 *
 * @param caveat - `scope=read,revoke`, `expires=<unix seconds>`, `ip=<address or CIDR block>`.
 * @throws {CaveatMistake} for another condition, a value of another form, and one that allows more
 *   than an earlier caveat did. Nothing is skipped.
 * @spec gateway.md R-ADM-7, R-ADM-8
 */
export function narrow(allowance: Allowance, caveat: string): Allowance {
  const equals = caveat.indexOf('=')
  const condition = equals === -1 ? caveat : caveat.slice(0, equals)
  const value = equals === -1 ? '' : caveat.slice(equals + 1)
  if (condition === 'scope') return { ...allowance, scopes: narrowScopes(allowance.scopes, value) }
  if (condition === 'expires') {
    return { ...allowance, expiresAtSeconds: narrowExpiry(allowance.expiresAtSeconds, value) }
  }
  if (condition === 'ip') return { ...allowance, from: narrowBlock(allowance.from, value) }
  throw new CaveatMistake(`the condition "${quoted(condition)}" is not known`)
}

/** Whether an address, as a socket tells it, is inside a block. */
export function contains(block: AddressBlock, address: string): boolean {
  const plain = unmapped(address)
  if (isIP(plain) === 0 || isIP(plain) !== isIP(block.address)) return false
  return listOf(block).check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
}

function narrowScopes(before: readonly Scope[], value: string): readonly Scope[] {
  const names = value.split(',')
  const known = names.filter((name): name is Scope => (scopes as readonly string[]).includes(name))
  if (known.length !== names.length || new Set(names).size !== names.length) {
    throw new CaveatMistake(`scope: expected some of ${scopes.join(', ')}, with commas between`)
  }
  if (!known.every((name) => before.includes(name))) {
    throw new CaveatMistake('scope: allows more than an earlier caveat')
  }
  return known
}

function narrowExpiry(before: number | undefined, value: string): number {
  if (!/^[1-9]\d{0,10}$/.test(value)) throw new CaveatMistake('expires: expected unix seconds')
  const seconds = Number(value)
  if (before !== undefined && seconds > before) {
    throw new CaveatMistake('expires: later than an earlier caveat')
  }
  return seconds
}

function narrowBlock(before: AddressBlock | undefined, value: string): AddressBlock {
  const block = readBlock(value)
  if (block === undefined) throw new CaveatMistake('ip: expected an address or a CIDR block')
  if (before !== undefined && (block.bits < before.bits || !contains(before, block.address))) {
    throw new CaveatMistake('ip: allows more than an earlier caveat')
  }
  return block
}

function readBlock(text: string): AddressBlock | undefined {
  if (text.length > 49) return undefined
  const [address = '', length, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined
  // One network, one spelling: an IPv4 address in IPv6 clothes would be a second.
  if (version === 6 && /\d\.\d/.test(address)) return undefined
  const most = version === 4 ? 32 : 128
  if (length === undefined) return { address, bits: most }
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length) || Number(length) > most) return undefined
  return { address, bits: Number(length) }
}

function listOf(block: AddressBlock): BlockList {
  const list = new BlockList()
  list.addSubnet(block.address, block.bits, isIP(block.address) === 4 ? 'ipv4' : 'ipv6')
  return list
}

/** `::ffff:127.0.0.1` is how a socket of both families tells an IPv4 address. */
function unmapped(address: string): string {
  const inner = /^::ffff:(.+)$/i.exec(address)?.[1]
  return inner !== undefined && isIP(inner) === 4 ? inner : address
}
