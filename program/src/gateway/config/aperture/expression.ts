/**
 * One way to match, of a regular expression of the simple kind that is used for hosts and paths:
 * fixed text and placeholders in a row.
 */
export type Alternative = {
  /** Begins with `^`. */
  readonly isFromStart: boolean
  /** Ends with `$`. */
  readonly isToEnd: boolean
  readonly parts: readonly Part[]
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  /** `.`: one character, which somebody meant to be a dot. */
  | { readonly kind: 'dot' }
  /** `.*` and `.+`. */
  | { readonly kind: 'any' }
  | { readonly kind: 'some' }
  /** `[^/]+` and `[^.]+`. */
  | { readonly kind: 'segment' }
  | { readonly kind: 'label' }
  /** `\d+` and `[0-9]+`. */
  | { readonly kind: 'digits' }

/** Longer ones are not written by people. */
const maxLength = 1024
const maxAlternatives = 64
const maxDepth = 8

/** What is read beyond the simple kind. */
class NotSimple extends Error {}

/**
 * Takes a regular expression (RE2) of the simple kind apart: text, `.*`, `[^/]+`, `[^.]+`, digits,
 * groups with `|`, `?` after a character or a group, `^` and `$` at the ends.
 *
 * @returns `undefined` for anything else.
 */
export function readExpression(source: string): readonly Alternative[] | undefined {
  if (source.length > maxLength) return undefined
  try {
    const reader = new Reader(source)
    const branches = reader.branches(0)
    if (!reader.isAtEnd) return undefined
    return branches.map(anchor)
  } catch (error) {
    if (error instanceof NotSimple) return undefined
    throw error
  }
}

/** `^` and `$` while they are read; afterwards they are at the ends or nowhere. */
type Piece = Part | { readonly kind: 'start' } | { readonly kind: 'end' }
type Branch = readonly Piece[]

function anchor(branch: Branch): Alternative {
  const isFromStart = branch[0]?.kind === 'start'
  const isToEnd = branch.length > 0 && branch.at(-1)?.kind === 'end'
  const inner = branch.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined)
  const parts: Part[] = []
  for (const piece of inner) {
    if (piece.kind === 'start' || piece.kind === 'end') throw new NotSimple()
    const last = parts.at(-1)
    if (piece.kind === 'text' && last?.kind === 'text') {
      parts[parts.length - 1] = { kind: 'text', text: last.text + piece.text }
    } else parts.push(piece)
  }
  return { isFromStart, isToEnd, parts }
}

const classes: readonly (readonly [string, Part])[] = [
  ['[^/]+', { kind: 'segment' }],
  ['[^\\/]+', { kind: 'segment' }],
  ['[^.]+', { kind: 'label' }],
  ['[^\\.]+', { kind: 'label' }],
  ['[0-9]+', { kind: 'digits' }],
  ['\\d+', { kind: 'digits' }],
  ['.*', { kind: 'any' }],
  ['.+', { kind: 'some' }],
]

/** Reads by recursive descent; a cursor in a text is what it guards. */
class Reader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  get isAtEnd(): boolean {
    return this.#at === this.#source.length
  }

  branches(depth: number): readonly Branch[] {
    if (depth > maxDepth) throw new NotSimple()
    const all = [...this.#sequence(depth)]
    while (this.#take('|')) all.push(...this.#sequence(depth))
    if (all.length > maxAlternatives) throw new NotSimple()
    return all
  }

  #sequence(depth: number): readonly Branch[] {
    let all: readonly Branch[] = [[]]
    while (!this.isAtEnd && !this.#sees('|') && !this.#sees(')')) {
      const choices = this.#optional(this.#atom(depth))
      all = all.flatMap((before) => choices.map((choice) => [...before, ...choice]))
      if (all.length > maxAlternatives) throw new NotSimple()
    }
    return all
  }

  #optional(choices: readonly Branch[]): readonly Branch[] {
    const isOptional = this.#take('?')
    // Repetition of what is not one of the known placeholders, or `??` and the like.
    if (['*', '+', '?', '{'].some((sign) => this.#sees(sign))) throw new NotSimple()
    return isOptional ? [...choices, []] : choices
  }

  #atom(depth: number): readonly Branch[] {
    if (this.#take('^')) return [[{ kind: 'start' }]]
    if (this.#take('$')) return [[{ kind: 'end' }]]
    for (const [text, part] of classes) if (this.#take(text)) return [[part]]
    if (this.#take('(?:') || this.#take('(')) {
      const inner = this.branches(depth + 1)
      if (!this.#take(')')) throw new NotSimple()
      return inner
    }
    if (this.#take('.')) return [[{ kind: 'dot' }]]
    return [[{ kind: 'text', text: this.#character() }]]
  }

  #character(): string {
    const escaped = this.#take('\\')
    const character = this.#source[this.#at] ?? ''
    const isPlain = escaped
      ? /^[^A-Za-z0-9\s]$/.test(character)
      : /^[\w\-/:,@~%!&'=; ]$/.test(character)
    if (!isPlain) throw new NotSimple()
    this.#at += 1
    return character
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false
    this.#at += text.length
    return true
  }
}
