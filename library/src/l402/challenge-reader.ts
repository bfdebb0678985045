/** The parameters of one challenge, spelled as they came. Nothing is understood yet. */
export type RawChallenge = {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case. Of a repeated parameter, the first value. */
  readonly parameters: ReadonlyMap<string, string>
  /** The first thing that was wrong, if anything was. */
  readonly error: string | undefined
}

type Draft = { scheme: string; parameters: Map<string, string>; error: string | undefined }
type Piece = { readonly value: string; readonly end: number; readonly error?: string }

// Sticky, so that each matches where the reader stands, and each a plain run: the reader passes
// over a line once, whatever is in it.
const listSeparators = /[ \t,]*/y
const blanks = /[ \t]*/y
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const token68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y
const bareValue = /[^ \t,]*/y

const control = /[\x00-\x08\x0a-\x1f\x7f]/

/**
 * Splits one `WWW-Authenticate` line into challenges (RFC 9110 section 11.6.1), as liberally as it
 * can be done without guessing: unquoted values may contain `=` and `/`, single quotes quote, commas
 * may be missing or doubled. Total: never throws.
 *
 * @spec l402.md R-CHAL-3, R-CHAL-4
 */
export function readChallengeLine(line: string): readonly RawChallenge[] {
  const drafts: Draft[] = []
  // What stands before the first scheme belongs to nobody.
  let draft = begin('')
  let at = endOf(listSeparators, line, 0)
  while (at < line.length) {
    const nameEnd = endOf(token, line, at)
    const afterName = endOf(blanks, line, nameEnd)
    if (nameEnd === at) {
      draft.error ??= 'unexpected character'
      at = readValue(line, at).end
    } else if (line[afterName] === '=') {
      const value = readValue(line, endOf(blanks, line, afterName + 1))
      note(draft, line.slice(at, nameEnd).toLowerCase(), value)
      at = value.end
    } else {
      draft = begin(line.slice(at, nameEnd).toLowerCase())
      drafts.push(draft)
      at = endOf(token68, line, afterName)
    }
    at = endOf(listSeparators, line, at)
  }
  return drafts
}

function begin(scheme: string): Draft {
  return { scheme, parameters: new Map(), error: undefined }
}

function note(draft: Draft, name: string, { value, error }: Piece): void {
  draft.error ??= error
  if (control.test(value)) draft.error ??= 'control character'
  const earlier = draft.parameters.get(name)
  if (earlier === undefined) draft.parameters.set(name, value)
  else if (earlier !== value) {
    draft.error ??= `parameter repeated with different values: ${name.slice(0, 64)}`
  }
}

/** A quoted-string, text between single quotes, or everything up to a blank or a comma. */
function readValue(line: string, at: number): Piece {
  if (line[at] === '"') return readQuoted(line, at)
  const close = line[at] === "'" ? line.indexOf("'", at + 1) : -1
  if (close !== -1) return { value: line.slice(at + 1, close), end: close + 1 }
  const end = endOf(bareValue, line, at)
  return { value: line.slice(at, end), end }
}

/** A backslash takes the next character as it is (quoted-pair). */
function readQuoted(line: string, at: number): Piece {
  let value = ''
  let from = at + 1
  for (let i = from; i < line.length; i++) {
    if (line[i] === '"') return { value: value + line.slice(from, i), end: i + 1 }
    if (line[i] !== '\\') continue
    value += line.slice(from, i)
    from = i + 1
    i++
  }
  return {
    value: value + line.slice(from),
    end: line.length,
    error: 'unterminated quoted-string',
  }
}

/** Where the run of `pattern` that begins at `at` ends; `at` when there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
