import { decodeBase64Any, decodeUtf8, encodeBase64Url, encodeUtf8 } from '../bytes/index.ts'
import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon } from './macaroon.ts'
import { malformed } from './malformed.ts'
import { measureMacaroon } from './measure.ts'

/** The V2 JSON form of a caveat. A name that ends in 64 holds base64, the other one text. */
export type CaveatJson = {
  readonly i?: string
  readonly i64?: string
  readonly l?: string
  readonly v64?: string
}

/** The V2 JSON form: identifier, location, caveats, signature. */
export type MacaroonJson = {
  readonly v: 2
  readonly l?: string
  readonly i?: string
  readonly i64?: string
  readonly c?: readonly CaveatJson[]
  readonly s64: string
}

/**
 * Writes the V2 JSON form: text where the bytes are UTF-8, URL-safe base64 without padding where they
 * are not.
 *
 * @returns A value for `JSON.stringify`.
 * @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE for a macaroon put together by hand that
 *   {@link decodeMacaroonJson} would refuse, and for a location that is not UTF-8: JSON has no place
 *   for it.
 * @spec macaroon.md R-MAC-40, R-MAC-42
 */
export function encodeMacaroonJson(macaroon: Macaroon): MacaroonJson {
  measureMacaroon(macaroon)
  const caveats = macaroon.unverifiedCaveats.map(encodeCaveat)
  return {
    v: 2,
    ...locationMember(macaroon.location),
    ...identifierMember(macaroon.identifier),
    ...(caveats.length === 0 ? {} : { c: caveats }),
    s64: encodeBase64Url(macaroon.signature),
  }
}

/**
 * Reads the V2 JSON form, as `JSON.parse` returns it. The inverse of {@link encodeMacaroonJson}.
 *
 * @throws {L402Error} MACAROON_MALFORMED for a missing, unknown or wrongly typed member, and for one
 *   that is given both as text and as base64; MACAROON_TOO_LARGE by the size of the V2 binary form.
 * @spec macaroon.md R-MAC-40 to R-MAC-42, R-MAC-60
 */
export function decodeMacaroonJson(value: unknown): Macaroon {
  const members = readMembers(value, ['v', 'l', 'i', 'i64', 'c', 's', 's64'])
  const version = members.get('v')
  if (version !== undefined && version !== 2 && version !== '2') throw malformed('version')

  const location = readText(members.get('l'))
  const identifier = readData(members, 'i')
  const signature = readData(members, 's')
  if (identifier === undefined || signature === undefined) throw malformed('member')

  const unverifiedCaveats = readCaveats(members.get('c'))
  const bare = { identifier, unverifiedCaveats, signature }
  const macaroon = location === undefined ? bare : { ...bare, location }
  measureMacaroon(macaroon)
  return macaroon
}

function encodeCaveat({ identifier, verificationId, location }: Caveat): CaveatJson {
  if (verificationId === undefined) return identifierMember(identifier)
  return {
    ...identifierMember(identifier),
    ...locationMember(location),
    v64: encodeBase64Url(verificationId),
  }
}

function identifierMember(identifier: Uint8Array): { i: string } | { i64: string } {
  const text = textOf(identifier)
  return text === undefined ? { i64: encodeBase64Url(identifier) } : { i: text }
}

function locationMember(location: Uint8Array | undefined): { l?: string } {
  if (location === undefined) return {}
  const text = textOf(location)
  if (text === undefined) throw malformed('text')
  return { l: text }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes)
  } catch {
    return undefined
  }
}

type Members = ReadonlyMap<string, unknown>

function readMembers(value: unknown, names: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('member')
  const members = new Map<string, unknown>(Object.entries(value))
  for (const name of members.keys()) if (!names.includes(name)) throw malformed('member')
  return members
}

function readCaveats(value: unknown): readonly Caveat[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw malformed('member')
  if (value.length > limits.caveats) throw tooLarge('caveats', value.length)
  return value.map(readCaveat)
}

function readCaveat(value: unknown): Caveat {
  const members = readMembers(value, ['i', 'i64', 'l', 'v', 'v64'])
  const identifier = readData(members, 'i')
  const verificationId = readData(members, 'v')
  const location = readText(members.get('l'))
  if (identifier === undefined) throw malformed('member')
  return {
    identifier,
    ...(verificationId === undefined ? {} : { verificationId }),
    ...(location === undefined ? {} : { location }),
  }
}

function readData(members: Members, name: string): Uint8Array | undefined {
  const base64 = members.get(`${name}64`)
  if (base64 === undefined) return readText(members.get(name))
  if (members.has(name)) throw malformed('member')
  const text = bounded(base64)
  try {
    return decodeBase64Any(text)
  } catch {
    throw malformed('base64')
  }
}

function readText(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined
  const text = bounded(value)
  if (!text.isWellFormed()) throw malformed('text')
  return encodeUtf8(text)
}

function bounded(value: unknown): string {
  if (typeof value !== 'string') throw malformed('member')
  if (value.length > limits.fieldBytes) throw tooLarge('fieldBytes', value.length)
  return value
}
