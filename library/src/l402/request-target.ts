import { L402Error } from '../errors.ts'

/** A request target that can be read in one way only. */
export type CanonicalTarget = {
  /** Starts with `/`; percent-encoding only where required, upper-case hex. */
  readonly path: string
  /** The query as sent, with `?`; empty when there is none. */
  readonly query: string
}

/** Longest request target that is read, in characters. */
export const maxTargetLength = 8192

/** What most requests look like: nothing to decode, nothing to refuse. */
const plain = /^(?=\/)(?:\/(?!\.\.?(?:[/?]|$))[A-Za-z0-9\-._~!$&'()*,=:@]+)*\/?(?:\?[!"$-~]*)?$/

/** What no target may contain, and why. In the order in which they are reported. */
const forbiddenAnywhere: readonly (readonly [RegExp, string])[] = [
  [/[\x00-\x1f\x7f]/, 'control byte'],
  [/ /, 'space'],
  [/[^\x00-\x7f]/, 'byte outside ASCII'],
  [/#/, 'fragment'],
]
const forbiddenInPath: readonly (readonly [RegExp, string])[] = [
  [/\\/, 'backslash'],
  [/;/, 'path parameter'],
  [/%(?![0-9A-Fa-f]{2})/, 'truncated percent-encoding'],
  [/%2f/i, 'encoded slash'],
  [/%5c/i, 'encoded backslash'],
  [/%2e/i, 'encoded dot'],
  [/%3b/i, 'encoded semicolon'],
  [/%[01][0-9A-F]|%7F/i, 'encoded control byte'],
]
const forbiddenWhenDecoded: readonly (readonly [RegExp, string])[] = [
  [/%25[0-9A-Fa-f]{2}/, 'double percent-encoding'],
  [/\/\//, 'empty segment'],
  [/\/\.\.?(?:\/|$)/, 'dot segment'],
]

/** What stands for itself in a path. Not `+`: some servers read it as a space (R-PATH-4). */
const literal = /^[A-Za-z0-9\-._~!$&'()*,=:@]$/
const toBeWritten = /%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*,=:@/%]/g

/**
 * The one canonical form of an origin-form request target: what is matched, priced and forwarded.
 *
 * Idempotent: the canonical form of a canonical form is itself.
 *
 * @param target - As received, not decoded: path and query, at most 8192 characters.
 * @throws {L402Error} REQUEST_AMBIGUOUS, with `reason`, when two servers could read it differently.
 * @spec l402.md R-PATH-1, R-PATH-2, R-PATH-3, R-PATH-4
 * @example
 * canonicalTarget('/%7euser/a+b?q=%2f') // { path: '/~user/a%2Bb', query: '?q=%2f' }
 */
export function canonicalTarget(target: string): CanonicalTarget {
  if (target.length > maxTargetLength) throw ambiguous('too long')
  const question = target.indexOf('?')
  const path = question === -1 ? target : target.slice(0, question)
  const query = question === -1 ? '' : target.slice(question)
  if (plain.test(target)) return { path, query }

  if (!target.startsWith('/')) throw ambiguous('not in origin form')
  refuse(forbiddenAnywhere, target)
  refuse(forbiddenInPath, path)
  const canonical = path.replace(toBeWritten, rewritten)
  refuse(forbiddenWhenDecoded, canonical)
  if (!isUtf8(canonical)) throw ambiguous('bytes that are not UTF-8')
  return { path: canonical, query }
}

/** One character of a path in its canonical spelling. */
function rewritten(found: string, hex: string | undefined): string {
  const code = hex === undefined ? found.charCodeAt(0) : Number.parseInt(hex, 16)
  const character = String.fromCharCode(code)
  if (literal.test(character)) return character
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`
}

/** Whether what the percent-encoding hides is UTF-8, by the strict decoder of the language. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

function refuse(forbidden: readonly (readonly [RegExp, string])[], text: string): void {
  for (const [pattern, reason] of forbidden) if (pattern.test(text)) throw ambiguous(reason)
}

function ambiguous(reason: string): L402Error {
  return new L402Error('REQUEST_AMBIGUOUS', { reason })
}
