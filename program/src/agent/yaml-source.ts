import type { Document, Node } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Mistake, Path, SourceReading, Spot } from './settings-source.ts'
import { formatPath, plain } from './settings-source.ts'

const maxDepth = 8

/**
 * Reads YAML 1.2 as plain data: one document, no anchors, aliases, tags or merge keys, no name twice.
 *
 * @spec agent.md R-POL-3
 */
export function readYamlSource(text: string): SourceReading {
  const lines = new LineCounter()
  const document = parse(text, lines)
  if (document === undefined) return refused('is nested too deeply')
  const [problem] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0])
    return {
      mistakes: [{ path: '', line, column: col, message: `YAML: ${sentenceOf(problem)}` }],
    }
  }
  if (document.directives.yaml.explicit === true)
    return refused('is YAML 1.2; take the %YAML line out')

  const conversion: Conversion = { lines, mistakes: [], spots: new Map() }
  const value = convert(conversion, document.contents, [])
  if (conversion.mistakes.length > 0) return { mistakes: conversion.mistakes }
  const { spots } = conversion
  return {
    value,
    spotOf: (path, isAboutName) => spots.get(key(path, isAboutName)) ?? spots.get(key(path, false)),
  }
}

/** Text that is all brackets exhausts the stack of the parser. */
function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      strict: true,
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      resolveKnownTags: false,
      version: '1.2',
      logLevel: 'error',
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** What the parser says in words for programmers, where there are better ones. */
function sentenceOf({
  code,
  message,
}: {
  readonly code: string
  readonly message: string
}): string {
  if (code === 'MULTIPLE_DOCS') return 'one document only; take the --- out'
  if (code === 'TAB_AS_INDENT') return 'a tab does not indent; write spaces'
  if (code === 'BAD_ALIAS') return 'put what begins with * in quotes, such as "*.example.com"'
  if (code === 'MULTILINE_IMPLICIT_KEY') return 'a name has a colon and a space after it'
  if (code === 'BAD_INDENT') return 'begins in another column than its neighbours'
  return plain(message.split('\n', 1)[0] ?? '')
}

type Conversion = {
  readonly lines: LineCounter
  readonly mistakes: Mistake[]
  readonly spots: Map<string, Spot>
}

function convert(conversion: Conversion, node: Node | null | undefined, path: Path): unknown {
  const { mistakes, spots } = conversion
  const spot = spotOf(conversion, node)
  if (spot !== undefined) spots.set(key(path, false), spot)
  const wrong = wrongWith(node, path)
  if (wrong !== undefined) {
    mistakes.push({
      path: formatPath(path),
      line: spot?.line,
      column: spot?.column,
      message: wrong,
    })
    return null
  }
  if (isSeq(node))
    return node.items.map((item, i) => convert(conversion, item as Node, [...path, i]))
  if (!isMap(node)) return isScalar(node) ? node.value : null

  const value = new Map<string, unknown>()
  for (const pair of node.items) {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key)
    const place = [...path, name]
    const at = spotOf(conversion, pair.key as Node)
    if (at !== undefined) spots.set(key(place, true), at)
    const isStrange = wrongWith(pair.key as Node, path)
    const message = value.has(name) ? 'is there twice' : isStrange
    if (message !== undefined) {
      mistakes.push({ path: formatPath(place), line: at?.line, column: at?.column, message })
    }
    value.set(name, convert(conversion, pair.value as Node, place))
  }
  return Object.fromEntries(value)
}

/** What plain data does not have. */
function wrongWith(node: Node | null | undefined, path: Path): string | undefined {
  if (path.length > maxDepth) return 'is nested too deeply'
  if (isAlias(node)) return 'is an alias (*); write the value itself'
  const { anchor, tag } = (node ?? {}) as { readonly anchor?: string; readonly tag?: string }
  if (anchor !== undefined) return 'has an anchor (&); write the value itself'
  return tag === undefined ? undefined : 'has a tag (!); write the value itself'
}

function spotOf({ lines }: Conversion, node: Node | null | undefined): Spot | undefined {
  const start = node?.range?.[0]
  if (start === undefined) return undefined
  const { line, col } = lines.linePos(start)
  return { line, column: col }
}

function key(path: Path, isAboutName: boolean): string {
  return `${isAboutName}${JSON.stringify(path)}`
}

function refused(message: string): { readonly mistakes: readonly Mistake[] } {
  return { mistakes: [{ path: '', line: undefined, column: undefined, message }] }
}
