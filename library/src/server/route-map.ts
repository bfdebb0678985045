import { isL402Error } from '../errors.ts'
import { canonicalTarget } from '../l402/index.ts'

/** A key of a route table, understood. */
export type Route = {
  /** Upper case, or `*`. */
  readonly method: string
  /** `:name` for one segment, a last `*` for one or more. `['']` for the root. */
  readonly segments: readonly string[]
}

type Pattern<Entry> = {
  readonly segments: readonly string[]
  /** The same in lower case, for what is found when case is overlooked. */
  readonly folded: readonly string[]
  readonly methods: Map<string, Entry>
}

/**
 * Understands a key of a route table.
 *
 * @returns The route, or what is wrong with it.
 * @spec server.md R-SRV-53
 */
export function readRoute(key: string): Route | string {
  const match = /^([A-Z]{1,16}|\*) (\/\S{0,1000})$/.exec(key)
  if (match === null) return 'expected a method or *, a space and a path'
  const [, method = '', path = ''] = match
  if (method === 'HEAD') return 'HEAD follows GET'
  if (method === 'TRACE' || method === 'CONNECT') return `${method} is never served`

  const segments = path.slice(1).split('/')
  const names = segments.filter((segment) => segment.startsWith(':'))
  if (!names.every((name) => /^:[A-Za-z][A-Za-z0-9_]{0,31}$/.test(name))) return 'expected :name'
  if (new Set(names).size !== names.length) return 'expected each :name once'
  if (segments.slice(0, -1).some((segment) => segment.includes('*')))
    return '* only as the last segment'
  if (segments.at(-1)!.includes('*') && segments.at(-1) !== '*') return '* only as a whole segment'
  if (!isCanonical(segments)) return 'expected the canonical spelling of the path'
  return { method, segments }
}

/** Whether the fixed parts are spelled as a request's path is after it was made canonical. */
function isCanonical(segments: readonly string[]): boolean {
  const fixed = `/${segments.map((segment) => (isFixed(segment) ? segment : 'x')).join('/')}`
  try {
    return !fixed.includes('?') && canonicalTarget(fixed).path === fixed
  } catch (error) {
    if (isL402Error(error)) return false
    throw error
  }
}

/**
 * The capability that a route sells when none is named: `GET /v1/users/:id/*` is
 * `get.v1.users.-id.--`.
 *
 * @spec server.md R-SRV-57
 */
export function capabilityOf({ method, segments }: Route): string {
  const verb = method === '*' ? 'any' : method.toLowerCase()
  const names = segments
    .filter((segment) => segment !== '')
    .map((segment) => (segment === '*' ? '--' : segment.toLowerCase().replace(/[^a-z0-9.-]/g, '-')))
  return [verb, ...names].join('.')
}

/** Routes by path, the most specific first. */
export class RouteMap<Entry> {
  /** Most specific first. */
  readonly #patterns: Pattern<Entry>[] = []

  /**
   * Adds what a route leads to.
   *
   * @param make - Gives the entry; `undefined` when it is a mistake that was already reported.
   * @returns What is wrong with the route beside the others, if anything.
   */
  add({ method, segments }: Route, make: () => Entry | undefined): string | undefined {
    const shape = shapeOf(segments)
    let pattern = this.#patterns.find((other) => shapeOf(other.segments) === shape)
    if (pattern === undefined) {
      const folded = withoutLastSlash(segments.map(fold))
      const foldedShape = shapeOf(folded)
      const rival = this.#patterns.find((other) => shapeOf(other.folded) === foldedShape)
      if (rival !== undefined) return 'differs from another route by case or a last slash only'
      pattern = { segments, folded, methods: new Map() }
      this.#patterns.push(pattern)
      this.#patterns.sort((a, b) => compareSpecificity(a.segments, b.segments))
    }
    if (pattern.methods.has(method)) return 'is listed twice'
    const entry = make()
    if (entry !== undefined) pattern.methods.set(method, entry)
    return undefined
  }

  /**
   * The methods of the pattern that a canonical path belongs to.
   *
   * @returns `undefined` when there is none, or when another pattern would match if upper and lower
   *   case and a last slash were overlooked.
   * @spec server.md R-SRV-54, R-SRV-56
   */
  match(path: string): ReadonlyMap<string, Entry> | undefined {
    const segments = path.slice(1).split('/')
    const found = this.#patterns.find((pattern) => matches(pattern.segments, segments))
    if (found === undefined) return undefined
    const folded = withoutLastSlash(segments.map(fold))
    const overlooked = this.#patterns.find((pattern) => matches(pattern.folded, folded))
    return overlooked === undefined || overlooked === found ? found.methods : undefined
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === '*'
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false
  return pattern.every((segment, index) => {
    if (segment === '*') return true
    return isFixed(segment) ? segment === path[index] : path[index] !== ''
  })
}

/** Fixed segments before parameters, parameters before the rest; decided by the first difference. */
function compareSpecificity(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = rank(a[i]!) - rank(b[i]!)
    if (difference !== 0) return difference
  }
  return b.length - a.length
}

function rank(segment: string): number {
  if (isFixed(segment)) return 0
  return segment === '*' ? 2 : 1
}

/** Two patterns of one shape match the same paths. */
function shapeOf(segments: readonly string[]): string {
  return segments.map((segment) => (segment.startsWith(':') ? ':' : segment)).join('/')
}

function isFixed(segment: string): boolean {
  return segment !== '*' && !segment.startsWith(':')
}

function fold(segment: string): string {
  return segment.startsWith(':') ? segment : segment.toLowerCase()
}

function withoutLastSlash(segments: readonly string[]): readonly string[] {
  return segments.length > 1 && segments.at(-1) === '' ? segments.slice(0, -1) : segments
}
