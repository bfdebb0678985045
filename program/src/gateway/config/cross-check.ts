import type { Address } from './addresses.ts'
import { overlap, reaches } from './addresses.ts'
import type { AdminConfig, ListenerConfig } from './config.ts'
import type { Finding, Path } from './mistakes.ts'
import { formatPath } from './mistakes.ts'
import type { ServiceReading } from './service.ts'
import type { Claim } from './shadows.ts'
import { findShadowed } from './shadows.ts'
import { hostOf, portOf } from './urls.ts'

/** A listener, and where it stands. */
export type PlacedListener = {
  readonly path: Path
  /** Absent where it could not be read. */
  readonly address: Address | undefined
  /** All of it, when nothing was found to be wrong. */
  readonly item: ListenerConfig | undefined
}

/** A service, and whether the admin API made it. */
export type PlacedService = ServiceReading & { readonly origin: 'file' | 'api' }

/**
 * Names, and hosts with mounts, that two services claim. Where one of them was made through the
 * admin API, the file's is told how to get rid of the other.
 *
 * @param fresh - The service that is about to be stored: it gives way, and not the others.
 * @spec gateway.md R-CONF-10, R-CONF-17
 */
export function findCollisions(
  services: readonly PlacedService[],
  fresh: string | undefined,
): readonly Finding[] {
  return [
    ...findSameNames(services, fresh),
    ...findSameMounts(services, fresh),
    ...findShadows(services, fresh),
  ]
}

function findSameNames(
  services: readonly PlacedService[],
  fresh: string | undefined,
): readonly Finding[] {
  const first = new Map<string, PlacedService>()
  return services.flatMap((service): readonly Finding[] => {
    const { name } = service
    if (name === undefined) return []
    const other = first.get(name)
    if (other === undefined) {
      first.set(name, service)
      return []
    }
    return [collision(other, service, fresh, 'name', `${name} is the name of`)]
  })
}

function findSameMounts(
  services: readonly PlacedService[],
  fresh: string | undefined,
): readonly Finding[] {
  const first = new Map<string, PlacedService>()
  return services.flatMap((service): readonly Finding[] => {
    const rivals = new Map<PlacedService, string>()
    for (const host of new Set(service.hosts ?? [])) {
      if (service.mount === undefined) continue
      // Mounts that differ by case only would hide each other.
      const claim = `${host} ${service.mount.toLowerCase()}`
      const other = first.get(claim)
      if (other === undefined) first.set(claim, service)
      else if (!rivals.has(other)) rivals.set(other, host)
    }
    return [...rivals].map(([other, host]) => {
      const what = host === '*' ? 'every host' : 'one of its hosts'
      return collision(other, service, fresh, 'mount', `${what} with this mount belongs to`)
    })
  })
}

/** Services of the admin API that would take requests from routes of the file. */
function findShadows(
  services: readonly PlacedService[],
  fresh: string | undefined,
): readonly Finding[] {
  const made = services.filter(({ origin }) => origin === 'api')
  const given = services.filter(({ origin }) => origin === 'file')
  return made.flatMap((service) =>
    given.flatMap((other): readonly Finding[] => {
      const shadowed = findShadowed(claimOf(other), claimOf(service))
      if (shadowed === undefined) return []
      const { route, host } = shadowed
      const where = host === '*' ? '' : ` on ${host}`
      return [collision(other, service, fresh, 'mount', `${route}${where} belongs to`)]
    }),
  )
}

function claimOf({ hosts = [], mount = '/', routes }: PlacedService): Claim {
  return { hosts, mount, routes: [...routes.keys()] }
}

/** The mistake stands in the file where that is possible: that is where it is mended. */
function collision(
  other: PlacedService,
  service: PlacedService,
  fresh: string | undefined,
  member: string,
  what: string,
): Finding {
  const isFresh = service.name === fresh
  const isAcross = other.origin === 'file' && service.origin === 'api' && !isFresh
  if (!isAcross) {
    const message = `${what} ${nameOf(other)} already`
    return { path: [...service.path, member], message, isCollision: true }
  }
  const made = service.name ?? 'NAME'
  const message = `${what} a service that was made through the admin API; to delete that one: satway admin services delete ${made}`
  return { path: [...other.path, member], message, isCollision: true }
}

function nameOf(service: PlacedService): string {
  const where = service.origin === 'api' ? ' (made through the admin API)' : ''
  if (service.name !== undefined) return `the service ${service.name}${where}`
  return `another service${where}`
}

/**
 * What only fits together with the listeners: a service that has nothing to forward to, and a
 * listener for the questions of proxies where none is known.
 *
 * @spec gateway.md R-CONF-14
 */
export function findUnanswerable(
  services: readonly PlacedService[],
  listeners: readonly PlacedListener[],
  trustedProxies: readonly string[] | undefined,
): readonly Finding[] {
  const asked = listeners.filter(({ item }) => item?.forwardAuth !== undefined)
  const forwards = listeners.some(
    ({ item }) => item !== undefined && item.forwardAuth === undefined,
  )
  const lacking = services.filter(({ hasUpstream }) => forwards && !hasUpstream)
  return [
    ...lacking.map(({ path }) => ({
      path: [...path, 'upstream'],
      message:
        'expected the URL of an upstream, such as http://127.0.0.1:3000; only where every listener has forward_auth it may be left out',
    })),
    ...(trustedProxies?.length === 0 ? asked : []).map(({ path }) => ({
      path: [...path, 'forward_auth'],
      message: 'answers trusted proxies only: expected their networks in trusted_proxies',
    })),
  ]
}

type PlacedAddress = { readonly path: Path; readonly address: Address; readonly what: string }

/**
 * Listeners that cannot be opened beside each other. The admin API has a port of its own, also where
 * another address would do: who asks the wrong one by its port would not see it.
 *
 * @spec gateway.md R-CONF-12
 */
export function findOverlaps(
  listeners: readonly PlacedListener[],
  admin: AdminConfig | undefined,
): readonly Finding[] {
  const all = addressesOf(listeners, admin)
  return all.flatMap(({ path, address }, index): readonly Finding[] => {
    const earlier = all.slice(0, index)
    const rival = path[0] === 'admin' && earlier.find((one) => isSamePort(one.address, address))
    if (rival) {
      const message = `its port is that of ${formatPath(rival.path)}: expected another one`
      return [{ path, message }]
    }
    const other = earlier.find((one) => overlap(one.address, address))
    if (other === undefined) return []
    // Where both listeners of an authority's challenges are one, it is opened once.
    if (other.what === 'acme' && path.at(-1) === 'http') return []
    return [{ path, message: `${other.what} already listens there` }]
  })
}

/**
 * Upstreams that are the gateway itself: a request would go round until something breaks.
 *
 * @spec gateway.md R-CONF-14
 */
export function findLoops(
  services: readonly PlacedService[],
  listeners: readonly PlacedListener[],
  admin: AdminConfig | undefined,
): readonly Finding[] {
  const own = addressesOf(listeners, admin)
  return services.flatMap(({ path, upstream }): readonly Finding[] => {
    if (upstream === undefined) return []
    const target = { host: hostOf(upstream.url), port: portOf(upstream.url) }
    const reached = own.find(({ address }) => reaches(target, address))
    if (reached === undefined) return []
    const message = `is the gateway itself, which listens there (${formatPath(reached.path)})`
    return [{ path: [...path, 'upstream', 'url'], message }]
  })
}

function isSamePort(a: Address, b: Address): boolean {
  return a.port === b.port && a.port !== 0
}

function addressesOf(
  listeners: readonly PlacedListener[],
  admin: AdminConfig | undefined,
): readonly PlacedAddress[] {
  const all = listeners.flatMap(({ path, address, item }): readonly PlacedAddress[] => {
    if (address === undefined) return []
    const own = { path: [...path, 'address'], address, what: 'another listener' }
    if (item?.tls?.kind !== 'acme') return [own]
    const http = { host: item.tls.httpHost, port: item.tls.httpPort }
    return [own, { path: [...path, 'tls', 'acme', 'http'], address: http, what: 'acme' }]
  })
  if (admin === undefined) return all
  return [...all, { path: ['admin'], address: admin, what: 'the admin API' }]
}
