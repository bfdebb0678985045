import { decodeBase64Any, decodeUtf8 } from '../../bytes/index.ts'

/** What a rune restricts. The 32 bytes before it, which make it a credential, are not kept. */
export type Rune = {
  /** All of these hold; each is a choice of alternatives, one of which holds. */
  readonly restrictions: readonly (readonly Alternative[])[]
}

/** `method=pay`: one condition on one call. */
export type Alternative = {
  readonly field: string
  readonly operator: Operator
  readonly value: string
}

type Operator = '!' | '=' | '/' | '^' | '$' | '~' | '<' | '>' | '{' | '}' | '#'

const operators: ReadonlySet<string> = new Set('!=/^$~<>{}#')
/** Far more than any rune of a person; what is longer does not fit a header. */
const maxLength = 8192
const authenticatorBytes = 32
const base64Url = /^[A-Za-z0-9_-]+={0,2}$/
/** ASCII punctuation ends the name of a field; the underscore does not. */
const fieldEnd = /[!-/:-@[-^`{-~]/

/**
 * Reads a rune as `lightning-cli createrune` prints it: base64url of 32 bytes and the restrictions, with
 * `&` between restrictions, `|` between alternatives, and `\` before either of them and itself.
 *
 * Whether it is one of the node, only the node can tell.
 *
 * @returns `undefined` for what no node takes.
 */
export function readRune(text: string): Rune | undefined {
  if (text.length > maxLength || !base64Url.test(text)) return undefined
  let restrictions: string
  try {
    const bytes = decodeBase64Any(text)
    if (bytes.length < authenticatorBytes) return undefined
    restrictions = decodeUtf8(bytes.subarray(authenticatorBytes))
  } catch {
    return undefined
  }
  return restrictions.includes('\0') ? undefined : readRestrictions(restrictions)
}

function readRestrictions(text: string): Rune | undefined {
  const restrictions: Alternative[][] = []
  let alternatives: Alternative[] = []
  let at = 0
  let isOpen = text !== ''
  while (isOpen) {
    const read = readAlternative(text, at)
    if (read === undefined) return undefined
    alternatives.push(read.alternative)
    at = read.end + 1
    if (text[read.end] === '|') continue
    if (!isAllowed(alternatives, restrictions.length === 0)) return undefined
    restrictions.push(alternatives)
    alternatives = []
    isOpen = at < text.length
  }
  return { restrictions }
}

/** A field without a name is the rune's own number: alone, in front, and after `=`. */
function isAllowed(alternatives: readonly Alternative[], isFirst: boolean): boolean {
  if (alternatives.every(({ field }) => field !== '')) return true
  return isFirst && alternatives.length === 1 && alternatives[0]?.operator === '='
}

/** @returns where it ends: at `&`, at `|`, or with the text. */
function readAlternative(
  text: string,
  start: number,
): { readonly alternative: Alternative; readonly end: number } | undefined {
  let at = start
  while (at < text.length && !fieldEnd.test(text[at]!)) at++
  const operator = text[at]
  if (operator === undefined || !operators.has(operator)) return undefined
  const field = text.slice(start, at)
  let value = ''
  for (at++; at < text.length && text[at] !== '&' && text[at] !== '|'; at++) {
    if (text[at] === '\\') at++
    if (at === text.length) return undefined
    value += text[at]
  }
  return { alternative: { field, operator: operator as Operator, value }, end: at }
}

/** `now`: at this second. `ever`: at this second or at a later one. */
export type When = 'now' | 'ever'

/**
 * Whether a rune allows a command over clnrest at all. How often and with which parameters does not
 * count: what it allows within limits, it allows.
 *
 * @param nowSeconds - Whole seconds since 1970.
 * @param when - `ever` counts what whoever waits may do. Default `now`.
 * @returns `undefined` where that cannot be told from here.
 */
export function allows(
  { restrictions }: Rune,
  method: string,
  nowSeconds: number,
  when: When = 'now',
): boolean | undefined {
  let isSure = true
  for (const alternatives of restrictions) {
    const answers = alternatives.map((one) => holds(one, method, nowSeconds, when))
    if (answers.includes(true)) continue
    if (!answers.includes(undefined)) return false
    isSure = false
  }
  return isSure ? true : undefined
}

/** Fields that a caller can satisfy by what he sends, or by waiting. */
const limits = /^(rate|per|pnum|pname.*|parr.*|pinv.*)$/

function holds(
  one: Alternative,
  method: string,
  nowSeconds: number,
  when: When,
): boolean | undefined {
  const { field, operator } = one
  // The rune's own number; a comment.
  if (field === '' || operator === '#') return true
  if (field === 'method') return compare(one, method, undefined)
  if (field === 'time') {
    const isNow = compare(one, String(nowSeconds), BigInt(nowSeconds))
    // Later the time is greater, and may have any digits.
    const neverAgain = operator === '<' || operator === '!'
    return isNow || (when === 'ever' && !neverAgain)
  }
  if (limits.test(field)) return true
  // A node id is not told over clnrest, and other fields are not known here.
  return operator === '!' ? true : undefined
}

/** @param number - Of a field that is one: only these can be less or greater. */
function compare(
  { operator, value }: Alternative,
  text: string,
  number: bigint | undefined,
): boolean {
  switch (operator) {
    case '=':
      return text === value
    case '/':
      return text !== value
    case '^':
      return text.startsWith(value)
    case '$':
      return text.endsWith(value)
    case '~':
      return text.includes(value)
    case '{':
      return text < value
    case '}':
      return text > value
    case '<':
      return number !== undefined && isInteger(value) && number < BigInt(value)
    case '>':
      return number !== undefined && isInteger(value) && number > BigInt(value)
    case '!':
      return false
    case '#':
      return true
    default:
      return operator satisfies never
  }
}

function isInteger(value: string): boolean {
  return /^\s*[+-]?\d{1,19}$/.test(value)
}
