import type { Mistake, Path, SourceReading, Spot } from './settings-source.ts'
import { formatPath } from './settings-source.ts'

const maxDepth = 8

/**
 * Reads JSON as data. A name that is there twice in one object is a mistake: `JSON.parse` would take
 * the last one without a word.
 *
 * @spec agent.md R-POL-3
 */
export function readJsonSource(text: string): SourceReading {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused('is not well-formed JSON')
  }
  const { spots, mistakes } = walk(text)
  if (mistakes.length > 0) return { mistakes }
  return {
    value,
    spotOf: (path, isAboutName) => spots.get(key(path, isAboutName)) ?? spots.get(key(path, false)),
  }
}

/** An object or a list that is open. */
type Level = { readonly path: Path; readonly names: Set<string> | undefined; part: string | number }

/** Follows text that is known to be JSON, and notes where its parts begin. */
function walk(text: string): {
  readonly spots: ReadonlyMap<string, Spot>
  readonly mistakes: readonly Mistake[]
} {
  const spots = new Map<string, Spot>()
  const mistakes: Mistake[] = []
  const levels: Level[] = []
  const spotAt = spotsIn(text)
  let isName = false
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s{}[\],:"]+/g)) {
    const [token] = match
    const level = levels.at(-1)
    if (token === '}' || token === ']') {
      levels.pop()
      isName = false
      continue
    }
    if (token === ',') {
      isName = level?.names !== undefined
      if (typeof level?.part === 'number') level.part += 1
      continue
    }
    if (isName && level?.names !== undefined) {
      const name = JSON.parse(token) as string
      const path = [...level.path, name]
      const spot = spotAt(match.index)
      if (level.names.has(name)) {
        mistakes.push({ path: formatPath(path), ...spot, message: 'is there twice' })
      }
      level.names.add(name)
      level.part = name
      spots.set(key(path, true), spot)
      isName = false
      continue
    }
    const path = level === undefined ? [] : [...level.path, level.part]
    if (path.length > maxDepth) return { spots, mistakes: refused('is nested too deeply').mistakes }
    spots.set(key(path, false), spotAt(match.index))
    if (token === '{') levels.push({ path, names: new Set(), part: '' })
    if (token === '[') levels.push({ path, names: undefined, part: 0 })
    isName = token === '{'
  }
  return { spots, mistakes }
}

/** For offsets that only grow. */
function spotsIn(text: string): (offset: number) => Spot {
  let line = 1
  let start = 0
  return (offset) => {
    for (;;) {
      const end = text.indexOf('\n', start)
      if (end === -1 || end >= offset) return { line, column: offset - start + 1 }
      line += 1
      start = end + 1
    }
  }
}

function key(path: Path, isAboutName: boolean): string {
  return `${isAboutName}${JSON.stringify(path)}`
}

function refused(message: string): { readonly mistakes: readonly Mistake[] } {
  return { mistakes: [{ path: '', line: undefined, column: undefined, message }] }
}
