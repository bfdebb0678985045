import type { LineCounter, YAMLError } from 'yaml'
import { printable } from '../../cli/printable.ts'
import type { ConfigMistake } from './config.ts'

/** Longer lines are cut around the mistake. */
const maxShownColumns = 200

/**
 * The first thing that is wrong with the syntax, with its line. What comes after it is mostly a
 * consequence.
 *
 * @param problems - One or more, as the parser gives them.
 * @spec gateway.md R-CONF-26
 */
export function syntaxMistake(
  problems: readonly YAMLError[],
  lines: LineCounter,
  text: string,
): ConfigMistake {
  const first = problems.reduce((a, b) => (b.pos[0] < a.pos[0] ? b : a))
  const rows = text.split(/\r\n|\n|\r/)
  const spots = spotsOf(first, problems, lines)
  const { line, column } = spotOf(rows, spots)
  const { sentence, isIndent } = explain(first, rows, spots)
  const hint = isIndent ? indentHint(rows, line) : ''
  const row = rows[line - 1] ?? ''
  return {
    path: '',
    line,
    column,
    message: `YAML: ${sentence}${hint}`,
    ...(row.trim() === '' ? {} : { source: sourceOf(row, column) }),
  }
}

/** Where a problem begins, and the line in which it ends. */
type Spots = { readonly line: number; readonly column: number; readonly lastLine: number }

function spotsOf(first: YAMLError, problems: readonly YAMLError[], lines: LineCounter): Spots {
  const { line, col } = lines.linePos(first.pos[0])
  const ends = problems.filter(({ pos }) => pos[0] === first.pos[0]).map(({ pos }) => pos[1])
  return { line, column: col, lastLine: lines.linePos(Math.max(...ends)).line }
}

/** A text goes on in a line that is indented deeper: it is that line which is in the wrong place. */
function spotOf(
  rows: readonly string[],
  { line, column, lastLine }: Spots,
): { readonly line: number; readonly column: number } {
  const row = rows[line - 1]
  const indent = indentOf(row)
  if (isLooseDash(row)) return { line, column: indent + 1 }
  const deeper = rows.slice(line, lastLine).findIndex((other) => isContent(other))
  const next = rows[line + deeper]
  if (deeper === -1 || indentOf(next) <= indent)
    return { line, column: Math.max(column, indent + 1) }
  return { line: line + deeper + 1, column: indentOf(next) + 1 }
}

/** The line, and the last one before it. */
function indentHint(rows: readonly string[], line: number): string {
  const before = rows.slice(0, line - 1).findLastIndex((row) => isContent(row)) + 1
  return before === 0 ? '' : `; look at the indentation of lines ${before} to ${line}`
}

type Explanation = { readonly sentence: string; readonly isIndent: boolean }

function explain({ code, message }: YAMLError, rows: readonly string[], spots: Spots): Explanation {
  const plain = (sentence: string): Explanation => ({ sentence, isIndent: false })
  const indent = (sentence: string): Explanation => ({ sentence, isIndent: true })
  switch (code) {
    case 'MULTIPLE_DOCS':
      return plain('one document only; take the --- out')
    case 'NON_STRING_KEY':
      return plain('names are text')
    case 'TAB_AS_INDENT':
      return plain('a tab does not indent; write spaces')
    case 'BAD_ALIAS':
      return plain('what begins with * is put in quotes, such as "* /v1/*"')
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      if (isLooseDash(rows[spots.line - 1]))
        return plain('an item of a list has a space after its -')
      if (code === 'MULTILINE_IMPLICIT_KEY') return plain('a name has a colon and a space after it')
      if (spots.lastLine > spots.line) return indent('is indented deeper than the line it follows')
      return plain('a second ": " in one value; put a text that has one in quotes')
    case 'BAD_INDENT':
      if (message.startsWith('Flow')) return plain('a { or [ before it is not closed')
      return indent('begins in another column than its neighbours')
    case 'MISSING_CHAR':
      if (message.startsWith('Sequence')) {
        return indent('is no item of the list above (those begin with -), and in the wrong column')
      }
      return plain(message.includes('quote') ? 'a text in quotes has no end' : short(message))
    default:
      return plain(short(message))
  }
}

/** What the parser says, which speaks to programmers. */
function short(message: string): string {
  return printable(message.split('\n', 1)[0] ?? '').slice(0, 160)
}

function isContent(row: string): boolean {
  return /^\s*[^\s#]/.test(row)
}

function isLooseDash(row = ''): boolean {
  return /^ *-[A-Za-z"'{[]/.test(row)
}

function indentOf(row = ''): number {
  return row.length - row.trimStart().length
}

/** The line as it is shown: words that could be a secret are dotted out, each character by one. */
function sourceOf(row: string, column: number): string {
  const end = Math.max(maxShownColumns, column + 1)
  return printable(row.slice(0, end).replaceAll('\t', ' ')).replace(/[\w+=-]{8,}/g, (word) => {
    const isMixed = /\d/.test(word) && /[A-Za-z]/.test(word) && !/^\d+[A-Za-z]{1,4}$/.test(word)
    return isMixed ? '•'.repeat(word.length) : word
  })
}
