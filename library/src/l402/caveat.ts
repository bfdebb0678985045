import { L402Error } from '../errors.ts'

/** A first-party caveat, split but not yet understood. */
export type ParsedCaveat = {
  /** `[A-Za-z][A-Za-z0-9_.:-]{0,63}` */
  readonly condition: string
  readonly operator: '=' | '<=' | '<' | '>' | '>='
  /** Text without control characters, and without a space at either end. */
  readonly value: string
  /** Whether the operator stands between spaces, as in `request_count <= 10`. */
  readonly spaced: boolean
}

/** Longest caveat that is read, in characters: what `verify` takes in bytes. */
export const maxCaveatLength = 256

const grammar =
  /^([A-Za-z][\w.:-]{0,63})( ?)([<>]=?|=)\2((?:[^\s\p{Cc}\p{Cs}](?:[^\p{Cc}\p{Cs}\u2028\u2029]*[^\s\p{Cc}\p{Cs}])?)?)$/u

/**
 * Splits a caveat at its first operator. Strict: nothing is trimmed, nothing may be left over.
 *
 * @param text - `condition=value`, or with exactly one space on both sides of the operator; at most
 *   256 characters.
 * @throws {L402Error} CAVEAT_MALFORMED for anything else. The details never repeat the text: it may
 *   be a preimage.
 * @spec caveats.md R-CAV-1, R-CAV-2
 * @example
 * parseCaveat('request_count <= 10').value // '10'
 */
export function parseCaveat(text: string): ParsedCaveat {
  const match = text.length <= maxCaveatLength ? grammar.exec(text) : null
  if (match === null) throw new L402Error('CAVEAT_MALFORMED', { reason: 'grammar' })
  return {
    condition: match[1]!,
    operator: match[3] as ParsedCaveat['operator'],
    value: match[4]!,
    spaced: match[2] === ' ',
  }
}

/**
 * The inverse of {@link parseCaveat}: for every caveat, `parse(format(c))` equals `c`.
 *
 * @throws {RangeError} for a caveat that the grammar cannot carry.
 * @spec caveats.md R-CAV-1
 */
export function formatCaveat(caveat: ParsedCaveat): string {
  const space = caveat.spaced ? ' ' : ''
  const text = `${caveat.condition}${space}${caveat.operator}${space}${caveat.value}`
  const match = text.length <= maxCaveatLength ? grammar.exec(text) : null
  if (match?.[1] === caveat.condition && match[4] === caveat.value) return text
  throw new RangeError('formatCaveat: the caveat does not fit the grammar')
}
