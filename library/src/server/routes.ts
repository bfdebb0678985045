import { isL402Error, L402Error } from '../errors.ts'
import type { CanonicalTarget } from '../l402/index.ts'
import { failOn, mistakesOf } from './configuration.ts'
import { decide } from './gate.ts'
import { markGate } from './gate-mark.ts'
import { freeHeaders } from './paid-headers.ts'
import type { ChargeOptions, Decision, Gate, IncomingRequest, Paywall } from './paywall.ts'
import { refuse } from './refuse.ts'
import type { Route } from './route-map.ts'
import { capabilityOf, RouteMap, readRoute } from './route-map.ts'
import { screen } from './screen.ts'
import type { Sale, Shop } from './shop.ts'
import { shopOf } from './shop.ts'

/**
 * `"POST /v1/decode"` to what it costs, or `'free'`. Closed: what is not listed is refused.
 *
 * A key is a method, or `*` for all of them, a space and a path pattern: `:name` stands for one
 * segment, a last `*` for one or more. HEAD follows GET. The capability, where it is left out, is
 * made of the key: `post.v1.decode`.
 */
export type RouteTable = Readonly<
  Record<string, 'free' | (Omit<ChargeOptions, 'capability'> & { readonly capability?: string })>
>

/** A gate for a whole application. */
export type Routes = Gate

/** A route of the table, understood. `sale` is `undefined` where it is free. */
type Entry = { readonly key: string; readonly sale: Sale | undefined }

/**
 * Makes one gate of a table of routes.
 *
 * The most specific pattern that matches the canonical path decides, and its methods are all there
 * are. A path that matches another entry when upper and lower case and a last slash are overlooked
 * is not found: some framework behind would overlook them. A path whose percent-encoding leads to
 * another entry when it is not decoded is ambiguous.
 *
 * @throws {L402Error} CONFIG_INVALID with every mistake, each under its number with its key.
 * @throws {TypeError} for a paywall that `createPaywall` did not make.
 * @spec server.md R-SRV-53 to R-SRV-58
 */
export function createRoutes(paywall: Paywall, table: RouteTable): Routes {
  const shop = shopOf(paywall)
  const map = readTable(shop, table)

  return markGate(async (request) => {
    const screening = screen(shop, request)
    const screened = screening instanceof Promise ? await screening : screening
    if (screened.decision !== undefined) return screened.decision
    const { method, target } = screened

    if (isRouteHidden(map, request.target, method, target.path)) {
      const reason = 'the encoding of the path changes its route'
      return refuseRoute(shop, new L402Error('REQUEST_AMBIGUOUS', { reason }))
    }
    const methods = map.match(target.path)
    if (methods === undefined) return refuseRoute(shop, new L402Error('REQUEST_NOT_FOUND'))
    const entry = entryOf(methods, method)
    if (entry === undefined) {
      const allow = [...methods.keys()].flatMap((name) =>
        name === 'GET' ? ['GET', 'HEAD'] : [name],
      )
      return refuseRoute(shop, new L402Error('REQUEST_METHOD', { allow: allow.join(', ') }))
    }
    const { key, sale } = entry
    if (sale === undefined) return free(shop, request, key, target)
    return decide(shop, sale, request, method, target, key)
  })
}

/**
 * Whether a router that reads the path as it was received takes another route than one that decodes
 * it first. Express is of the first kind, Hono of the second: one of them would serve what another
 * entry prices.
 */
function isRouteHidden(
  map: RouteMap<Entry>,
  received: string,
  method: string,
  canonical: string,
): boolean {
  const path = received.split('?', 1)[0]!
  if (path === canonical) return false
  const raw = path.replace(/%[\da-f]{2}/gi, (hex) => hex.toUpperCase())
  return entryOf(map.match(raw), method) !== entryOf(map.match(canonical), method)
}

function entryOf(
  methods: ReadonlyMap<string, Entry> | undefined,
  method: string,
): Entry | undefined {
  return methods?.get(method) ?? methods?.get('*')
}

function readTable(shop: Shop, table: RouteTable): RouteMap<Entry> {
  if (!isRecord(table)) failOn([`table: expected an object, such as { 'GET /': 'free' }`])
  const map = new RouteMap<Entry>()
  const counter: Counter = { shop, mistakes: [], derived: new Map() }
  for (const [key, charged] of Object.entries(table)) {
    const route = readRoute(key)
    const wrong =
      typeof route === 'string'
        ? route
        : charged !== 'free' && !isRecord(charged)
          ? "expected 'free' or { price: '10 sat' }"
          : map.add(route, () => entryFor(counter, key, route, charged))
    if (wrong !== undefined) counter.mistakes.push(`${shown(key)}: ${wrong}`)
  }
  if (Object.keys(table).length === 0) counter.mistakes.push('table: expected at least one route')
  failOn(counter.mistakes)
  return map
}

type Counter = {
  readonly shop: Shop
  readonly mistakes: string[]
  /** Which key a capability was made of. */
  readonly derived: Map<string, string>
}

/** @returns `undefined` when the route cannot be sold so; the mistakes say why. */
function entryFor(
  counter: Counter,
  key: string,
  route: Route,
  charged: RouteTable[string],
): Entry | undefined {
  if (charged === 'free') return { key, sale: undefined }
  const sale = sell(counter, key, route, charged)
  return sale === undefined ? undefined : { key, sale }
}

/** @returns `undefined` when the route cannot be sold so; the mistakes say why. */
function sell(
  { shop, mistakes, derived }: Counter,
  key: string,
  route: Route,
  options: Exclude<RouteTable[string], 'free'>,
): Sale | undefined {
  const capability = options.capability ?? capabilityOf(route)
  const other = options.capability === undefined ? derived.get(capability) : undefined
  if (other !== undefined) {
    mistakes.push(`${shown(key)}: same capability as ${shown(other)}; name one of them`)
    return undefined
  }
  derived.set(capability, key)
  try {
    return shop.register({ ...options, capability })
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    mistakes.push(...mistakesOf(error).map((mistake) => `${shown(key)} ${mistake}`))
    return undefined
  }
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 64))
}

function refuseRoute(shop: Shop, error: L402Error): Promise<Decision> {
  return refuse(shop, error, undefined, undefined)
}

function free(
  shop: Shop,
  request: IncomingRequest,
  route: string,
  target: CanonicalTarget,
): Decision {
  const isCrossOrigin = shop.cors && request.headerLines('origin').length > 0
  return {
    status: 'admitted',
    route,
    target,
    waived: undefined,
    receipt: undefined,
    responseHeaders: (current) => freeHeaders(current, isCrossOrigin),
    isCounted: false,
    finish: () => Promise.resolve(),
  }
}
