import type { Document, Node, ParsedNode } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { ConfigMistake } from './config.ts'
import type { Finding, Path } from './mistakes.ts'
import { locate } from './mistakes.ts'
import { syntaxMistake } from './yaml-mistake.ts'

/** Where a value stands in the text, from 1, and what stands in it. */
export type Place = {
  readonly line: number
  readonly column: number
  /** Where its name stands. */
  readonly key: { readonly line: number; readonly column: number } | undefined
  /** Whether it is a mapping or a list. */
  readonly isBlock: boolean
  readonly members: ReadonlyMap<string, Place>
}

export type YamlSource =
  | { readonly value: unknown; readonly places: Place }
  | { readonly mistakes: readonly ConfigMistake[] }

/** Longest text that is read, in characters. */
export const maxConfigLength = 1_048_576
/** A file of a thousand services has fewer values. */
const maxValues = 100_000
const maxDepth = 32

/**
 * Reads YAML 1.2 as data: mappings with names, lists, text, numbers, true, false, null. One
 * document, no tags, no name twice in a mapping. Aliases are read, up to 100 000 values in all.
 *
 * @spec gateway.md R-CONF-2
 */
export function readYaml(text: string): YamlSource {
  if (text.length > maxConfigLength) {
    return refused(`is longer than ${maxConfigLength} characters`)
  }
  const lines = new LineCounter()
  const document = parse(text, lines)
  if (document === undefined) return refused('is nested too deeply')
  const problems = document.errors.length > 0 ? document.errors : document.warnings
  if (problems.length > 0) return { mistakes: [syntaxMistake(problems, lines, text)] }
  if (document.directives.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    return refused('is YAML 1.2; take the %YAML line out')
  }

  const conversion: Conversion = { document, lines, findings: [], values: 0 }
  const converted = convert(conversion, document.contents, [], undefined)
  if (conversion.findings.length > 0) {
    return { mistakes: locate(conversion.findings, converted.value, converted.place) }
  }
  return { value: converted.value, places: converted.place }
}

/** The writers of the parser recurse; text that is all brackets exhausts the stack. */
function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      strict: true,
      stringKeys: true,
      // Compared in pairs by the parser; here by a set.
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

function refused(message: string): YamlSource {
  return { mistakes: [{ path: '', line: undefined, column: undefined, message }] }
}

type Conversion = {
  readonly document: Document.Parsed
  readonly lines: LineCounter
  readonly findings: Finding[]
  values: number
}

type Converted = { readonly value: unknown; readonly place: Place }

function convert(
  conversion: Conversion,
  node: Node | ParsedNode | null | undefined,
  path: Path,
  key: Place['key'],
): Converted {
  const { findings } = conversion
  const spot = spotOf(conversion.lines, node) ?? key ?? { line: 1, column: 1 }
  const members = new Map<string, Place>()
  const place: Place = { ...spot, key, isBlock: isMap(node) || isSeq(node), members }
  conversion.values += 1
  if (conversion.values > maxValues) {
    if (conversion.values === maxValues + 1) {
      findings.push({ path, message: `more than ${maxValues} values` })
    }
    return { value: null, place }
  }
  if (path.length > maxDepth) {
    findings.push({ path: path.slice(0, 4), message: 'is nested too deeply' })
    return { value: null, place }
  }
  if (isAlias(node)) {
    const target = node.resolve(conversion.document)
    if (target === undefined) findings.push({ path, message: 'is an alias of nothing before it' })
    const aliased = convert(conversion, target, path, key)
    return { value: aliased.value, place: { ...aliased.place, ...spot } }
  }
  if (isSeq(node)) {
    const value = node.items.map((item, index) => {
      const converted = convert(conversion, item as Node, [...path, index], undefined)
      members.set(String(index), converted.place)
      return converted.value
    })
    return { value, place }
  }
  if (isMap(node)) {
    const value: Record<string, unknown> = {}
    for (const pair of node.items) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key)
      const at = spotOf(conversion.lines, pair.key as Node)
      const converted = convert(conversion, pair.value as Node, [...path, name], at)
      if (members.has(name)) {
        findings.push({ path: [...path, name], message: 'is there twice', isAboutName: true })
      }
      if (name === '__proto__') {
        findings.push({ path, message: '__proto__ cannot be used as a name' })
        continue
      }
      members.set(name, converted.place)
      value[name] = converted.value
    }
    return { value, place }
  }
  return { value: isScalar(node) ? node.value : null, place }
}

function spotOf(
  lines: LineCounter,
  node: Node | null | undefined,
): { readonly line: number; readonly column: number } | undefined {
  const start = node?.range?.[0]
  if (start === undefined) return undefined
  const { line, col } = lines.linePos(start)
  return { line, column: col }
}
