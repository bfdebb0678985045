import type { RouteConfig, SaleConfig, ServiceConfig, UpstreamConfig } from './config.ts'
import { readHost } from './hosts.ts'
import type { Finding, Path } from './mistakes.ts'
import { unresolved } from './references.ts'
import type { RouteSettings } from './route.ts'
import {
  defaultLifetimeSeconds,
  defaultMaxBodyBytes,
  defaultsSchema,
  routeSchema,
  saleMembers,
  unlessNone,
} from './route.ts'
import type { SaleEntry } from './sale-check.ts'
import { findRouteMistakes } from './sale-check.ts'
import { isMapping, leaf, listOf, matching, members, readMembers, readPart } from './schema.ts'
import { expected } from './units.ts'
import { upstreamSchema } from './upstream.ts'
import { readPathPrefix } from './urls.ts'

/** What could be read of a service; all of it when nothing was found to be wrong. */
export type ServiceReading = {
  readonly path: Path
  readonly name: string | undefined
  readonly hosts: readonly string[] | undefined
  readonly mount: string | undefined
  readonly upstream: UpstreamConfig | undefined
  /** Whether there is an upstream, or nothing that could have one. */
  readonly hasUpstream: boolean
  readonly routes: ReadonlyMap<string, RouteConfig>
}

/** The library compares each route of a service with all others of it. */
const maxRoutes = 1000

const serviceMembers = members({
  name: matching(
    /^[a-z][a-z0-9-]{0,31}$/,
    'a lower-case letter, then lower-case letters, digits or -, at most 32 in all, such as weather',
  ),
  hosts: listOf(leaf(readHost), 'host names', 1).default(['*']),
  mount: leaf(readPathPrefix).default('/'),
  // Whether it may be left out is known when the listeners are.
  upstream: upstreamSchema.optional(),
  // Each of them is read for itself.
  defaults: leaf((value) => value).optional(),
  routes: leaf((value) => (isMapping(value) ? value : expected('a mapping of routes to prices'))),
})

/**
 * Reads one member of `services`, references resolved, as far as it can be read.
 *
 * @spec gateway.md R-CONF-9, R-CONF-10
 */
export function readService(value: unknown, path: Path, findings: Finding[]): ServiceReading {
  const given = readMembers(serviceMembers, value, path, findings)
  const { name, mount, hosts } = given ?? {}
  findRepeated(hosts ?? [], [...path, 'hosts'], findings)

  const defaults =
    given?.defaults === undefined
      ? {}
      : readMembers(defaultsSchema, given.defaults, [...path, 'defaults'], findings)
  const routes = new Map<string, RouteConfig>()
  const entries: SaleEntry[] = []
  const keys = Object.keys(given?.routes ?? {})
  if (keys.length > maxRoutes) {
    findings.push({ path: [...path, 'routes'], message: `expected at most ${maxRoutes} routes` })
  }
  for (const key of keys.slice(0, maxRoutes)) {
    const at = [...path, 'routes', key]
    const route = readRoute(given?.routes?.[key], defaults ?? {}, given?.defaults, at, findings)
    if (route !== undefined) routes.set(key, route)
    entries.push({ key, sale: route?.sale })
    findUnreachable(key, mount, route, at, findings)
  }
  if (given?.routes !== undefined) {
    const mistakes = findRouteMistakes(name, entries)
    for (const { key, member, message } of mistakes) {
      const at = key === undefined ? [] : member === undefined ? [key] : [key, member]
      findings.push({ path: [...path, 'routes', ...at], message })
    }
  }
  const hasUpstream = !isMapping(value) || Object.hasOwn(value, 'upstream')
  return { path, name, hosts, mount, upstream: given?.upstream, hasUpstream, routes }
}

/** The configuration of a service in which nothing was found to be wrong. */
export function completeService(reading: ServiceReading): ServiceConfig {
  const { name, hosts, mount, upstream, routes } = reading
  if (name === undefined || hosts === undefined || mount === undefined) {
    throw new TypeError('completeService: expected a reading without mistakes')
  }
  return { name, hosts, mount, upstream, routes }
}

function readRoute(
  value: unknown,
  defaults: Partial<RouteSettings>,
  writtenDefaults: unknown,
  path: Path,
  findings: Finding[],
): RouteConfig | undefined {
  if (value === null || Array.isArray(value) || typeof value === 'boolean') {
    findings.push({ path, message: 'expected free, a price such as 10 sat, or a mapping' })
    return undefined
  }
  const own = readPart(routeSchema, value, path, findings)
  if (own === undefined || value === unresolved) return undefined
  if (own.free === true) {
    const sold = saleMembers.filter((member) => Object.hasOwn(own, member))
    for (const member of sold) {
      findings.push({ path: [...path, member], message: 'a free route has none' })
    }
    return routeOf({ ...defaults, ...own }, undefined)
  }
  const settings = { ...defaults, ...own }
  const { price } = settings
  if (price === undefined) {
    // A price in the defaults that cannot be read was reported there.
    if (!isMapping(writtenDefaults) || !Object.hasOwn(writtenDefaults, 'price')) {
      findings.push({ path, message: 'expected a price, such as price: 10 sat, or free: true' })
    }
    return undefined
  }
  return routeOf(settings, {
    price,
    capability: settings.capability,
    tier: settings.tier ?? 0,
    uses: unlessNone(settings.uses),
    lifetimeSeconds: settings.lifetime ?? defaultLifetimeSeconds,
    description: settings.description,
    freeTier: unlessNone(settings.free_tier),
  })
}

function routeOf(settings: Partial<RouteSettings>, sale: SaleConfig | undefined): RouteConfig {
  return {
    sale,
    rewrite: unlessNone(settings.rewrite),
    concurrency: unlessNone(settings.concurrency),
    rateLimit: unlessNone(settings.rate_limit),
    maxBodyBytes: settings.max_body ?? defaultMaxBodyBytes,
    headMs: settings.head_timeout,
    idleMs: settings.idle_timeout,
  }
}

/** Routes that no request gets to, and rewriting that would never happen. */
function findUnreachable(
  key: string,
  mount: string | undefined,
  route: RouteConfig | undefined,
  path: Path,
  findings: Finding[],
): void {
  const pattern = key.slice(key.indexOf(' ') + 1)
  if (!pattern.startsWith('/')) return
  if (mount !== undefined && mount !== '/' && !isBelow(pattern, mount)) {
    findings.push({ path, message: `is not below the mount of its service; write it in full` })
  }
  const strip = route?.rewrite?.stripPrefix
  if (strip !== undefined && !isBelow(pattern, strip)) {
    findings.push({
      path: [...path, 'rewrite', 'strip_prefix'],
      message: 'the path of the route does not begin with it',
    })
  }
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}

function findRepeated(values: readonly string[], path: Path, findings: Finding[]): void {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) !== index) {
      findings.push({ path: [...path, index], message: 'is in the list already' })
    }
  }
}
