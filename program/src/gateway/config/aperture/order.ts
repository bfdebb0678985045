import type { Note } from './notes.ts'
import { covers } from './places.ts'
import type { Imported } from './service.ts'

/**
 * Aperture asks its services in their order; here the exact host and then the longest mount decide.
 * Makes the second give what the first gave: what could never be reached is left out, and a service
 * of many hosts names those that another one names too.
 *
 * @spec gateway.md R-CONF-22
 */
export function keepOrder(services: readonly Imported[], notes: Note[]): readonly Imported[] {
  const reached = services.filter((service, index) => {
    const earlier = services.slice(0, index)
    const cover = earlier.find(
      (other) => coversHosts(other, service) && coversPaths(other, service),
    )
    if (cover === undefined) return true
    const message = `is never reached: ${cover.path} comes first and takes all of its requests`
    notes.push({ kind: 'left-out', path: service.path, message })
    return false
  })
  for (const [index, service] of reached.entries()) {
    const wider = reached.slice(0, index).find((other) => other.isNarrower && meet(other, service))
    if (wider === undefined) continue
    const message = `comes after ${wider.path}, which matched more than it does here: look whether all of its requests may come to this one`
    notes.push({ kind: 'changed', path: service.path, message })
  }
  return reached.map((service, index) => ({
    ...service,
    hosts: [...service.hosts, ...sharedHosts(service, index, reached)],
  }))
}

function sharedHosts(
  service: Imported,
  index: number,
  services: readonly Imported[],
): readonly string[] {
  const hosts = services.flatMap((other, otherIndex) => {
    if (other === service || other.mount === service.mount) return []
    const [first, second] = index < otherIndex ? [service, other] : [other, service]
    if (coversPaths(first, second)) return []
    return other.hosts.filter((host) => !service.hosts.includes(host) && isCovered(host, service))
  })
  return [...new Set(hosts)]
}

function meet(a: Imported, b: Imported): boolean {
  return a.hosts.some((host) => isCovered(host, b)) || b.hosts.some((host) => isCovered(host, a))
}

function coversHosts(wide: Imported, narrow: Imported): boolean {
  return narrow.hosts.every((host) => isCovered(host, wide))
}

function isCovered(host: string, { hosts }: Imported): boolean {
  if (hosts.includes('*') || hosts.includes(host)) return true
  const dot = host.indexOf('.')
  return dot > 0 && !host.startsWith('*') && hosts.includes(`*${host.slice(dot)}`)
}

function coversPaths(wide: Imported, narrow: Imported): boolean {
  const paths = pathsOf(wide)
  return pathsOf(narrow).every((path) => paths.some((other) => covers(other, path)))
}

function pathsOf({ routes }: Imported): readonly string[] {
  return [...routes.keys()].map((key) => key.slice(key.indexOf(' ') + 1))
}
