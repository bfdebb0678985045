import { maxMsat } from '../amount/index.ts'
import type { Code } from '../errors.ts'
import type { Access, Limit } from './access.ts'
import type { ParsedCaveat } from './caveat.ts'
import type { TermsOptions } from './terms.ts'

/**
 * Knows one condition. Whatever it does not understand it refuses: `read` gives `undefined`, and no
 * other member sees a value that `read` did not give.
 */
export type Satisfier<Value = unknown> = {
  readonly operator: ParsedCaveat['operator']
  /**
   * Set for the conditions of a purchase: the code with which what was bought refuses. The same
   * condition refuses with CAVEAT_NOT_MET where a holder added it.
   */
  readonly boughtCode?: Code
  /** The one capability to which the value applies. Absent: to all of them. */
  readonly capability?: string
  /** What the text means, or `undefined` when it is malformed. */
  read(text: string): Value | undefined
  /** Whether `later` allows no more than `earlier`, the caveat of this condition before it, did. */
  narrows(earlier: Value, later: Value): boolean
  /** Why this token cannot carry the value, whatever is requested. */
  refusesToken?(value: Value, token: TermsOptions): string | undefined
  /** Why this request is forbidden. */
  refuses?(value: Value, access: Access): string | undefined
  /** The moment from which on the value refuses, in seconds since 1970. */
  untilSeconds?(value: Value): number
  /** What has to be counted. */
  limit?(value: Value): Pick<Limit, 'unit' | 'max'>
  /** The delegation that the value names. */
  delegationId?(value: Value): string
}

/** A moment: half open, so that the stated second is the first one that is refused. */
export function moment(read: (text: string) => number | undefined): Satisfier<number> {
  return {
    operator: '=',
    read,
    narrows: (earlier, later) => later <= earlier,
    refuses: (until, { nowSeconds }) => (nowSeconds < until ? undefined : 'expired'),
    untilSeconds: (until) => until,
  }
}

/** A number of things that a counter has to count, each worth `scale` of the unit. */
export function counter(
  operator: ParsedCaveat['operator'],
  unit: Limit['unit'],
  scale: bigint = 1n,
): Satisfier<bigint> {
  return {
    operator,
    read: (text) => readNumber(text, scale),
    narrows: (earlier, later) => later <= earlier,
    limit: (max) => ({ unit, max }),
  }
}

/** Text of which every later one must be the same. */
export function exact(
  read: (text: string) => string | undefined,
  refuses: (value: string, access: Access) => string | undefined,
): Satisfier<string> {
  return { operator: '=', read, narrows: (earlier, later) => earlier === later, refuses }
}

/** Things between commas, without spaces, none of them empty, none of them twice. */
export function list<Item>(
  read: (text: string) => Item | undefined,
  covers: (earlier: Item, later: Item) => boolean,
  refuses: (items: readonly Item[], access: Access) => string | undefined,
): Satisfier<readonly Item[]> {
  return {
    operator: '=',
    read: (text) => readList(text, read),
    narrows: (earlier, later) =>
      later.every((item) => earlier.some((other) => covers(other, item))),
    refuses,
  }
}

/** @returns `undefined` when one of the items is malformed or stands there twice. */
export function readList<Item>(
  text: string,
  read: (text: string) => Item | undefined,
): readonly Item[] | undefined {
  const parts = text.split(',')
  if (new Set(parts).size !== parts.length) return undefined
  const items: Item[] = []
  for (const part of parts) {
    const item = read(part)
    if (item === undefined) return undefined
    items.push(item)
  }
  return items
}

/** Strict decimal, without sign or leading zero: at most all the money there is, in msat. */
export function readNumber(text: string, scale: bigint = 1n): bigint | undefined {
  if (!/^(?:0|[1-9]\d{0,18})$/.test(text)) return undefined
  const number = BigInt(text) * scale
  return number <= maxMsat ? number : undefined
}

/** Lower-case text of exactly `digits` hexadecimal digits in either case. */
export function readHexDigits(text: string, digits: number): string | undefined {
  return text.length === digits && /^[0-9A-Fa-f]+$/.test(text) ? text.toLowerCase() : undefined
}
