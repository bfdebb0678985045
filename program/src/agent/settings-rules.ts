import type { Msat } from 'satway'
import { parseAmount } from 'satway'
import { parseHostPattern } from './host-pattern.ts'
import type { Mistake, Path, Source } from './settings-source.ts'
import { formatPath } from './settings-source.ts'

/** Notes what is wrong with a part of a document. */
export type Report = (path: Path, message: string, isAboutName?: boolean) => void

/** Reads one value; reports, and gives `undefined`, when it is not what it should be. */
export type Rule<T> = (value: unknown, path: Path, report: Report) => T | undefined

/**
 * Reads a whole document by a rule.
 *
 * @returns the value, or every mistake, by line.
 */
export function readBy<T>(
  rule: Rule<T>,
  source: Source,
): { readonly value: T } | { readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = []
  const value = rule(source.value, [], (path, message, isAboutName = false) => {
    const spot = source.spotOf(path, isAboutName)
    mistakes.push({ path: formatPath(path), line: spot?.line, column: spot?.column, message })
  })
  if (mistakes.length > 0 || value === undefined) return { mistakes: inOrder(mistakes) }
  return { value }
}

export type Rules = Readonly<Record<string, Rule<unknown>>>
export type Members<R extends Rules> = {
  readonly [Name in keyof R]?: Exclude<ReturnType<R[Name]>, undefined>
}

/** A mapping of names that are known. */
export function mapping<R extends Rules>(
  rules: R,
  required: readonly (keyof R & string)[] = [],
): Rule<Members<R>> {
  const known = Object.keys(rules)
  return (value, path, report) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      report(path, `expected names with values: ${known.join(', ')}`)
      return undefined
    }
    const members: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(value)) {
      const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
      if (rule === undefined) report([...path, name], unknownName(name, known), true)
      else if (member === null)
        report([...path, name], 'is empty; give it a value or take it out', true)
      else members[name] = rule(member, [...path, name], report)
    }
    for (const name of required) {
      if (!Object.hasOwn(value, name)) report([...path, name], 'is missing')
    }
    return members as Members<R>
  }
}

/** A list of so many. */
export function list<T>(
  item: Rule<T>,
  { least = 0 }: { readonly least?: number } = {},
): Rule<readonly T[]> {
  return (value, path, report) => {
    if (!Array.isArray(value)) {
      report(path, 'expected a list, such as [a, b]')
      return undefined
    }
    if (value.length < least) report(path, 'is an empty list; take it out, or name one')
    return value
      .map((one: unknown, i) => item(one, [...path, i], report))
      .filter((one) => one !== undefined)
  }
}

/** Exactly this value. */
export function exactly<T extends number>(expected: T): Rule<T> {
  return (value, path, report) => {
    if (value === expected) return expected
    report(path, `expected ${expected}`)
    return undefined
  }
}

/** One of these words. */
export function oneOf<T extends string>(...words: readonly T[]): Rule<T> {
  return (value, path, report) => {
    const word = words.find((candidate) => candidate === value)
    if (word !== undefined) return word
    const meant = typeof value === 'string' ? nearest(value, words) : undefined
    report(
      path,
      `expected ${words.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    )
    return undefined
  }
}

/** A whole number within these bounds, both included. */
export function whole(least: number, most: number): Rule<number> {
  return (value, path, report) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
      return value
    report(path, `expected a whole number from ${least} to ${most}`)
    return undefined
  }
}

export const flag: Rule<boolean> = (value, path, report) => {
  if (typeof value === 'boolean') return value
  report(path, 'expected true or false')
  return undefined
}

/**
 * How an amount is written in a settings file. Fewer digits than the library reads, so that whatever
 * fits is no more than there is.
 */
export const amountPattern =
  '^(\\d{1,15}(\\.\\d{1,3})? ?sats?|\\d{1,18} ?msats?|\\d{1,7}(\\.\\d{1,11})? ?(BTC|btc))$'
const amountForm = new RegExp(amountPattern)

/** Money, with its unit. */
export const amount: Rule<Msat> = (value, path, report) => {
  if (typeof value === 'string' && amountForm.test(value)) return parseAmount(value)
  report(
    path,
    `expected an amount with its unit, such as 100 sat, 1500 msat, 0.0001 BTC${meant(value)}`,
  )
  return undefined
}

/** What was probably meant by a number without a unit. */
function meant(value: unknown): string {
  const digits = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof digits !== 'number' || !Number.isSafeInteger(digits) || digits < 0) return ''
  return `; write ${digits} sat`
}

/** As {@link parseHostPattern} reads it, kept as it was written. */
export const hostPattern: Rule<string> = (value, path, report) => {
  if (typeof value === 'string' && parseHostPattern(value) !== undefined) return value
  report(path, 'expected a host, such as api.example.com, "*.example.com", localhost:8080')
  return undefined
}

export const publicKeyPattern = '^0[23][0-9A-Fa-f]{64}$'
const publicKeyForm = new RegExp(publicKeyPattern)

/** The public key of a node. */
export const publicKey: Rule<string> = (value, path, report) => {
  if (typeof value === 'string' && publicKeyForm.test(value)) return value.toLowerCase()
  report(path, 'expected the public key of a node: 66 hex digits that begin with 02 or 03')
  return undefined
}

/** What to say about a name that is not known: the one that was meant, or all there are. */
export function unknownName(name: string, known: readonly string[]): string {
  if (name === '<<') return 'merges are not read; write the values themselves'
  const near = nearest(name, known)
  if (near !== undefined) return `is not known here; did you mean ${near}?`
  return `is not known here; there are ${known.join(', ')}`
}

/** The one that was probably meant: of several that are as near, the first. */
function nearest<T extends string>(name: string, known: readonly T[]): T | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, edits: editsBetween(folded(name), folded(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits)
  return best?.candidate
}

/** `maxFee`, `max-fee` and `MAX_FEE` are the same to whoever writes them. */
function folded(name: string): string {
  return name.slice(0, 64).toLowerCase().replace(/[-_ ]/g, '')
}

/** A swap of two neighbours is one edit. */
function editsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (rows[i - 1]?.[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : replaced
      row.push(Math.min((rows[i - 1]?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced, swapped))
    }
    rows.push(row)
  }
  return rows.at(-1)?.at(-1) ?? 0
}

function inOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  const last = Number.MAX_SAFE_INTEGER
  return [...mistakes].sort(
    (a, b) => (a.line ?? last) - (b.line ?? last) || (a.column ?? 0) - (b.column ?? 0),
  )
}
