import { isMapping } from '../schema.ts'
import type { Noting } from './notes.ts'
import { findIgnored } from './notes.ts'
import { translatePaths } from './places.ts'
import { duration, goDuration, numberOf, textOf } from './values.ts'

export type RateLimits = {
  /** For all routes. YAML. */
  readonly general: string | undefined
  /** For the path of a route. YAML. */
  readonly byPath: ReadonlyMap<string, string>
}

/**
 * Translates rules of requests per time. Aperture applies all that match; a route here has one.
 *
 * @param paths - Those of the service.
 */
export function readRateLimits(value: unknown, paths: readonly string[], note: Noting): RateLimits {
  const byPath = new Map<string, string>()
  let general: string | undefined
  const rules: readonly unknown[] = Array.isArray(value) ? value : []
  for (const [index, rule] of rules.entries()) {
    const member = `ratelimits[${index}]`
    const limit = isMapping(rule) ? limitOf(rule) : undefined
    if (!isMapping(rule) || limit === undefined) {
      note('left-out', member, 'is no rule of whole requests per time, a day at most')
      continue
    }
    for (const ignored of findIgnored(rule, 'services[].ratelimits[]', member)) {
      note(ignored.kind, ignored.path, ignored.message)
    }
    const translation = translatePaths(textOf(rule['pathregexp']) ?? '')
    if (translation === undefined) {
      note(
        'left-out',
        member,
        'its pathregexp cannot be said as routes exactly: these paths have no limit here',
      )
      continue
    }
    const isGeneral = translation.values.some(
      (one) => one === '/*' || (paths.length === 1 && paths[0] === one),
    )
    if (isGeneral && general !== undefined) {
      note('left-out', member, 'a route has one limit here; the rule before it was taken')
      continue
    }
    if (isGeneral) general = limit
    else for (const one of translation.values) byPath.set(one, byPath.get(one) ?? limit)
    const where = isGeneral ? 'all routes' : translation.values.join(', ')
    note(
      'changed',
      member,
      `rate_limit of ${where}, counted for each route, and the only one of its route`,
    )
  }
  return { general, byPath }
}

/** The bounds of a `rate_limit`. */
const dayMs = 86_400_000
const mostRequests = 1_000_000_000

function limitOf(rule: Readonly<Record<string, unknown>>): string | undefined {
  const requests = numberOf(rule['requests'])
  const perMs = goDuration(rule['per'])
  const burst = numberOf(rule['burst'])
  if (requests === undefined || requests < 1 || perMs === undefined || perMs <= 0) return undefined
  // Here a rate is over whole seconds: 5 per 500ms are 10 per 1s, with the burst of 5.
  const factor = perMs % 1000 === 0 ? 1 : 1000 / perMs
  if (!Number.isInteger(factor)) return undefined
  const most = burst === undefined || burst < 1 ? requests : burst
  if (perMs > dayMs || Math.max(requests * factor, most) > mostRequests) return undefined
  const shown = most === requests * factor ? '' : `, burst: ${most}`
  return `{ requests: ${requests * factor}, per: ${duration(perMs * factor)}${shown} }`
}
