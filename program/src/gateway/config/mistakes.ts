import { printable } from '../../cli/printable.ts'
import type { ConfigMistake } from './config.ts'
import type { Place } from './yaml-source.ts'

/** Where something stands in a document: names of members and positions in lists. */
export type Path = readonly (string | number)[]

/** A mistake, before it is known in which line it is. */
export type Finding = {
  readonly path: Path
  readonly message: string
  /** Set where the name itself is wrong, and not its value. */
  readonly isAboutName?: true
  readonly isCollision?: true
}

/** `services[0].routes["GET /x"].price`. Names are cut to 64 characters. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (!/^[A-Za-z_][\w-]{0,63}$/.test(part)) text += `[${shown(part)}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** Text out of a document, cut, in quotes and safe to print. Never for what may be a secret. */
export function shown(text: string): string {
  return JSON.stringify(printable(text.slice(0, 64)))
}

/**
 * Gives findings their lines, and the paths that the author of the document wrote: where `price` was
 * given in short, the mistake is in the short form.
 *
 * @param places - Absent for a document without lines, such as JSON of the admin API.
 */
export function locate(
  findings: readonly Finding[],
  document: unknown,
  places: Place | undefined,
): readonly ConfigMistake[] {
  const located = findings.map(({ path, message, isAboutName, isCollision }): ConfigMistake => {
    const written = writtenPath(path, document)
    const spot = places === undefined ? undefined : spotOf(written, places, isAboutName === true)
    return {
      path: formatPath(written),
      line: spot?.line,
      column: spot?.column,
      message,
      ...(isCollision === undefined ? {} : { isCollision }),
    }
  })
  return inOrder(located)
}

/** By line and column; what has no line comes last. The same mistake stands once. */
export function inOrder(mistakes: readonly ConfigMistake[]): readonly ConfigMistake[] {
  const unique = new Map(
    mistakes.map((mistake) => [`${mistake.path}\n${mistake.message}`, mistake]),
  )
  return [...unique.values()].sort(
    (a, b) =>
      (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
}

function writtenPath(path: Path, document: unknown): Path {
  let value = document
  for (const [index, part] of path.entries()) {
    if (typeof value !== 'object' || value === null) return path.slice(0, index)
    // `listen: { … }` is short for a list of one.
    if (typeof part === 'number' && !Array.isArray(value)) {
      const rest = writtenPath(path.slice(index + 1), value)
      return [...path.slice(0, index), ...rest]
    }
    value = Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined
    if (value === undefined) return path
  }
  return path
}

function spotOf(
  path: Path,
  root: Place,
  isAboutName: boolean,
): { readonly line: number; readonly column: number } {
  let place = root
  for (const part of path) {
    const next = place.members.get(String(part))
    // What is missing is missed where its mapping begins.
    if (next === undefined) return place.key ?? place
    place = next
  }
  return isAboutName || place.isBlock ? (place.key ?? place) : place
}

/**
 * What to say about a name that is not known: the one that was meant, or all there are.
 *
 * @spec gateway.md R-CONF-3
 */
export function unknownName(name: string, known: readonly string[]): string {
  if (name === '<<') return 'merge keys (<<) are not read; use `defaults` of the service'
  const near = nearest(name, known)
  if (near !== undefined) return `is not known here; did you mean ${near}?`
  return `is not known here; there are ${known.join(', ')}`
}

/** The one that was probably meant: of several that are as near, the first. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  return known
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Edits from one name to another; a swap of neighbours is one, and `-` and upper case are none. */
function distanceOf(name: string, candidate: string): number {
  const a = name.slice(0, 64).toLowerCase().replaceAll('-', '_')
  const b = candidate.toLowerCase()
  if (a.replaceAll('_', '') === b.replaceAll('_', '')) return 0
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
