import { isL402Error } from '../errors.ts'
import { canonicalTarget } from './request-target.ts'

/** One path, or everything at and below a segment (`/api/*`). */
export type PathPattern = {
  /** Canonical; without the slash at its end where `below` is set. */
  readonly path: string
  readonly below: boolean
}

/**
 * Reads a path as a caveat states it: in canonical form, exact or ending in `/*`.
 *
 * @returns `undefined` for another spelling of a path, a query, and a `*` anywhere else: what looks
 *   like a pattern is not taken for a literal.
 */
export function readPathPattern(text: string): PathPattern | undefined {
  const below = text.endsWith('/*')
  const path = below ? text.slice(0, -2) : text
  if (path.includes('*') || (below && path.endsWith('/'))) return undefined
  return (below && path === '') || isCanonical(path) ? { path, below } : undefined
}

/** Whether a canonical path is within the pattern. */
export function matchesPath(pattern: PathPattern, path: string): boolean {
  if (path === pattern.path) return true
  return pattern.below && path.startsWith(pattern.path) && path[pattern.path.length] === '/'
}

/** Whether every path that `inner` allows is allowed by `outer`. */
export function coversPattern(outer: PathPattern, inner: PathPattern): boolean {
  if (inner.below && !outer.below) return false
  return inner.path === '' ? outer.path === '' : matchesPath(outer, inner.path)
}

function isCanonical(path: string): boolean {
  try {
    const canonical = canonicalTarget(path)
    return canonical.path === path && canonical.query === ''
  } catch (cause) {
    if (!isL402Error(cause)) throw cause
    return false
  }
}
