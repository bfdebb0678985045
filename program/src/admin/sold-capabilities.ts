import type { ServiceView } from './control.ts'
import { AdminProblem, quoted } from './problem.ts'

/** One priced route of a service, as its document has it. */
type SoldRoute = { readonly service: string; readonly key: string; readonly capability: string }

/**
 * The capability that a filter means: its name, or the key of the route that sells it.
 *
 * @param service - Only the routes of this one.
 * @throws {AdminProblem} ADMIN_MALFORMED for a key that leads to several.
 * @spec gateway.md R-ADM-27
 */
export function capabilityMeant(
  text: string,
  services: readonly ServiceView[],
  service: string | undefined,
): string {
  if (!isRouteKey(text)) return text
  const routes = services.flatMap(soldRoutes).filter((route) => route.key === text)
  const meant = routes.filter((route) => service === undefined || route.service === service)
  const [one, another] = new Set(meant.map(({ capability }) => capability))
  if (another !== undefined) {
    throw new AdminProblem(
      'ADMIN_MALFORMED',
      `capability: expected one; several services sell "${quoted(text)}": say which service.`,
    )
  }
  return one ?? capabilityOf(text)
}

/** Whether a service sells it at the moment. */
export function isSold(capability: string, services: readonly ServiceView[]): boolean {
  return services.flatMap(soldRoutes).some((route) => route.capability === capability)
}

function soldRoutes({ name, document }: ServiceView): readonly SoldRoute[] {
  const { routes, defaults } = membersOf(document)
  const shared = membersOf(defaults)['capability']
  return Object.entries(membersOf(routes)).flatMap(([key, route]) => {
    const { free, capability = shared } = membersOf(route)
    if (route === 'free' || free === true) return []
    return [
      {
        service: name,
        key,
        capability: typeof capability === 'string' ? capability : capabilityOf(key),
      },
    ]
  })
}

function isRouteKey(text: string): boolean {
  return /^(?:[A-Z]+|\*) \//.test(text)
}

/**
 * What a route sells that names nothing: `GET /v1/users/:id/*` is `get.v1.users.-id.--`.
 *
 * @spec server.md R-SRV-57
 */
function capabilityOf(key: string): string {
  const [method = '', path = ''] = key.split(' ')
  const verb = method === '*' ? 'any' : method.toLowerCase()
  const names = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => (segment === '*' ? '--' : segment.toLowerCase().replace(/[^a-z0-9.-]/g, '-')))
  return [verb, ...names].join('.')
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
