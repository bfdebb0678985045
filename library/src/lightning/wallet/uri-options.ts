import type { Network } from '../../invoice/index.ts'
import type { SecretPlace } from './secret-place.ts'
import { placeOf } from './secret-place.ts'
import { didYouMean, UriMistake } from './uri-mistake.ts'

const networkNames: readonly Network[] = ['bitcoin', 'testnet', 'signet', 'regtest', 'simnet']

/** The options of one URI, checked by name. Every reading throws a {@link UriMistake}. */
export type UriOptions = {
  /** `undefined`: it is not there. */
  text(name: string): string | undefined
  all(name: string): readonly string[]
  /** Default `bitcoin`. */
  network(): Network
  secret(name: string): SecretPlace | undefined
  /** A file or a variable: nobody writes PEM into a URI. */
  certificate(name: string): SecretPlace | undefined
  /** `on` or `off`. `undefined`: it is not there. */
  flag(name: string): boolean | undefined
}

/**
 * Reads what stands after the question mark. A plus sign is a plus sign.
 *
 * @param names - What there may be, each once.
 * @param repeated - The one that may be there several times.
 * @throws {UriMistake} for a name that is not known, is there twice or has no value.
 */
export function readOptions(
  query: string | undefined,
  names: readonly string[],
  repeated?: string,
): UriOptions {
  const values = new Map<string, string[]>()
  for (const part of (query ?? '').split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decodeUriPart(equals === -1 ? part : part.slice(0, equals))
    const value = equals === -1 ? '' : decodeUriPart(part.slice(equals + 1))
    if (!names.includes(name)) throw new UriMistake(`?${cut(name)}: ${unknown(name, names)}`)
    const before = values.get(name) ?? []
    if (before.length > 0 && name !== repeated) throw new UriMistake(`?${name} is there twice`)
    if (value === '') throw new UriMistake(`?${name} is empty`)
    values.set(name, [...before, value])
  }
  const text = (name: string): string | undefined => values.get(name)?.[0]

  return {
    text,
    all: (name) => values.get(name) ?? [],
    network: () => {
      const given = text('network') ?? 'bitcoin'
      const network = networkNames.find((name) => name === given)
      if (network !== undefined) return network
      throw new UriMistake(`?network: expected ${networkNames.join(', ')}`)
    },
    secret: (name) => {
      const given = text(name)
      if (given === undefined) return undefined
      const place = placeOf(given)
      if (place === undefined) throw new UriMistake(`?${name}: expected file:/path or env:NAME`)
      return place
    },
    certificate: (name) => {
      const given = text(name)
      if (given === undefined) return undefined
      const place = placeOf(given)
      if (place !== undefined && place.from !== 'uri') return place
      throw new UriMistake(`?${name}: expected file:/path, of a certificate in PEM`)
    },
    flag: (name) => {
      const given = text(name)
      if (given === undefined) return undefined
      if (given === 'on' || given === 'off') return given === 'on'
      throw new UriMistake(`?${name}: expected on or off`)
    },
  }
}

/** @throws {UriMistake} for a broken escape, and for a control character behind one. */
export function decodeUriPart(text: string): string {
  let whole: string
  try {
    whole = decodeURIComponent(text)
  } catch {
    throw new UriMistake('has a % that begins no character: write it as %25')
  }
  if (/[\0-\x1f\x7f]/.test(whole)) {
    throw new UriMistake('holds a line break or another control character')
  }
  return whole
}

function unknown(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known)
  return near === ''
    ? `is not known here; there are ${known.join(', ')}`
    : `is not known here${near}`
}

/** A name that is wrong may be a secret that was put in the wrong place. */
function cut(name: string): string {
  return /^[a-z_]{1,20}$/i.test(name) ? name : '…'
}
