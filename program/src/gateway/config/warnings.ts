import { isLoopback } from './addresses.ts'
import type { RateSourceConfig } from './config.ts'
import type { PlacedListener, PlacedService } from './cross-check.ts'
import type { Finding } from './mistakes.ts'
import { findRateWarning } from './rate-check.ts'
import { methodWarning } from './route-key.ts'
import { isOpenToOthers } from './urls.ts'

/** What the top of a configuration says that warnings are about. */
type Checked = {
  readonly trustedProxies: readonly string[]
  readonly rates: RateSourceConfig | undefined
}

/**
 * What can be meant so, and is often a mistake.
 *
 * @spec gateway.md R-CONF-19
 */
export function findWarnings(
  services: readonly PlacedService[],
  listeners: readonly PlacedListener[],
  { trustedProxies, rates }: Checked,
): readonly Finding[] {
  return [
    ...services.flatMap((service) => [...serviceWarnings(service, services.length)]),
    ...listeners.flatMap((listener) => [...listenerWarnings(listener, trustedProxies)]),
    ...findRateWarning(services, rates),
    ...(services.length > 0 ? [] : [{ path: ['services'], message: 'nothing is sold yet' }]),
  ]
}

function* serviceWarnings(service: PlacedService, count: number): Generator<Finding> {
  const { path, upstream, hosts, routes } = service
  if (upstream !== undefined && isOpenToOthers(upstream.url)) {
    const message = 'plain http to another machine: what is sold can be read and changed on the way'
    yield { path: [...path, 'upstream', 'url'], message }
  }
  if (
    upstream !== undefined &&
    upstream.signingKey === undefined &&
    upstream.headers.length === 0
  ) {
    const isLocal = isLoopback(upstream.url.hostname.replace(/^\[|\]$/g, ''))
    if (!isLocal) {
      const message =
        'no sign and no headers: the upstream cannot tell requests of the gateway from those of anybody who reaches it'
      yield { path: [...path, 'upstream', 'url'], message }
    }
  }
  if (hosts?.includes('*') === true && count > 1) {
    yield {
      path: [...path, 'hosts'],
      message: 'answers for every host that no other service names',
    }
  }
  for (const [key, { sale }] of routes) {
    const message = methodWarning(key)
    if (message !== undefined) {
      yield { path: [...path, 'routes', key], message, isAboutName: true }
    }
    if (sale?.price.kind === 'http' && isOpenToOthers(new URL(sale.price.url))) {
      const message = 'plain http to another machine: prices can be changed on the way'
      yield { path: [...path, 'routes', key, 'price', 'url'], message }
    }
  }
  if (routes.size > 0 && [...routes.values()].every(({ sale }) => sale === undefined)) {
    yield { path: [...path, 'routes'], message: 'every route is free' }
  }
}

function* listenerWarnings(
  { path, item }: PlacedListener,
  trustedProxies: readonly string[],
): Generator<Finding> {
  if (item === undefined) return
  const isBehindProxy = trustedProxies.length > 0 || item.proxyProtocolFrom.length > 0
  if (item.tls !== undefined || isLoopback(item.host) || isBehindProxy) return
  const message =
    'without TLS, and others can reach it: tokens can be read and used by who sees them pass'
  yield { path: [...path, 'address'], message }
}
