import type { Scheme } from './credential.ts'

/** One L402 or LSAT credential of an `Authorization` line: what stands after the scheme. */
export type RawCredential = { readonly scheme: Scheme; readonly text: string }

// Sticky, and each a plain run: the reader passes over a line once, whatever is in it.
const listSeparators = /[ \t,]*/y
const ourStart = /(?:(L402)|LSAT)(?:[ \t]+|(?=,)|$)/iy
/** A scheme, and after it something that is neither the `=` of a parameter nor the `:` of a token. */
const otherStart = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]+(?![ \t,=:]|$)/y

type Draft = { readonly scheme: Scheme | undefined; readonly from: number; to: number }

/**
 * Finds the L402 and LSAT credentials of one `Authorization` line. A `Headers` object joins several
 * lines with a comma, which is also what separates the tokens of one credential: a new credential
 * begins where a scheme does. Quoted text belongs to whoever quotes. Total: never throws.
 *
 * @spec l402.md R-CRED-3
 */
export function readCredentialLine(line: string): readonly RawCredential[] {
  const drafts: Draft[] = []
  // What stands before the first scheme belongs to nobody.
  let draft: Draft = { scheme: undefined, from: 0, to: 0 }
  let at = endOf(listSeparators, line, 0)
  while (at < line.length) {
    const next = startAt(line, at)
    if (next !== undefined) drafts.push(next)
    draft = next ?? draft
    draft.to = elementEnd(line, next?.from ?? at)
    at = endOf(listSeparators, line, draft.to)
  }
  return drafts.flatMap(({ scheme, from, to }) =>
    scheme === undefined ? [] : [{ scheme, text: line.slice(from, to) }],
  )
}

function startAt(line: string, at: number): Draft | undefined {
  ourStart.lastIndex = at
  const ours = ourStart.exec(line)
  if (ours !== null) {
    const scheme = ours[1] === undefined ? 'LSAT' : 'L402'
    return { scheme, from: ourStart.lastIndex, to: ourStart.lastIndex }
  }
  const from = endOf(otherStart, line, at)
  return from === at ? undefined : { scheme: undefined, from, to: from }
}

/** The comma that ends the list element in which `at` stands, or the end of the line. */
function elementEnd(line: string, at: number): number {
  let quoted = false
  for (let i = at; i < line.length; i++) {
    const character = line[i]
    if (character === '"') quoted = !quoted
    if (character === '\\' && quoted) i++
    if (character === ',' && !quoted) return i
  }
  return line.length
}

/** Where the run of `pattern` that begins at `at` ends; `at` when there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
