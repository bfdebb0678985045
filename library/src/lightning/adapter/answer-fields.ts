import type { Msat } from '../../amount/index.ts'
import { maxMsat } from '../../amount/index.ts'
import { decodeHex } from '../../bytes/index.ts'
import type { Preimage } from '../../invoice/index.ts'
import { preimage } from '../../invoice/index.ts'

/** The members of a JSON object that a wallet answered with. Nothing is known of what they hold. */
export type Fields = Readonly<Record<string, unknown>>

/** @returns `undefined` for what is no JSON object. */
export function readFields(text: string | undefined): Fields | undefined {
  return asFields(parseJson(text))
}

/** @returns `undefined` for what is no array of JSON objects. */
export function readFieldsList(text: string | undefined): readonly Fields[] | undefined {
  const value = parseJson(text)
  if (!Array.isArray(value)) return undefined
  const list = value.map(asFields)
  return list.every((fields) => fields !== undefined) ? list : undefined
}

/** Digits, or a JSON number that is exact. @returns `undefined` for anything else. */
export function readMsat(value: unknown): Msat | undefined {
  const digits = Number.isSafeInteger(value) ? String(value) : value
  if (typeof digits !== 'string' || !/^\d{1,19}$/.test(digits)) return undefined
  const amount = BigInt(digits)
  return amount > maxMsat ? undefined : (amount as Msat)
}

/** Whole seconds since 1970. @returns `undefined` for anything else. */
export function readSeconds(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

/** 64 hex digits. Zeros are how some wallets write none. @returns `undefined` for anything else. */
export function readPreimage(value: unknown): Preimage | undefined {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/i.test(value)) return undefined
  return /^0+$/.test(value) ? undefined : preimage(decodeHex(value.toLowerCase()))
}

/**
 * A JSON object inside another. Only what the text says: `constructor` is no member of an empty one.
 *
 * @returns `undefined` for what is no JSON object.
 */
export function asFields(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.assign(Object.create(null), value)
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
