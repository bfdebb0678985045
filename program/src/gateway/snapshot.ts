import { isDeepStrictEqual } from 'node:util'
import type { Payee } from 'satway/lightning'
import type { Gate, KeyRing, Paywall, PaywallEvents, Receipt, RouteTable } from 'satway/server'
import { createIssuance, createPaywall, createRoutes } from 'satway/server'
import type {
  GatewayConfig,
  RateLimitConfig,
  RouteConfig,
  SaleConfig,
  ServiceConfig,
} from './config/index.ts'
import { makeMatcher } from './edge/index.ts'
import { HostTable } from './host-table.ts'
import type { ConcurrencyLimit } from './limits/index.ts'
import {
  concurrencyLimit,
  createRateLimiter,
  createSharedRateLimiter,
  rateKey,
} from './limits/index.ts'
import type { PricerSource, RateSource } from './pricing/index.ts'
import { createAllowance, createPrice } from './pricing/index.ts'
import type { Upstream } from './proxy/index.ts'
import { createUpstream } from './proxy/index.ts'
import type { State } from './state/index.ts'

/** Everything that a request is decided by. Never changes: a reload makes another one. */
export type Snapshot = {
  readonly config: GatewayConfig
  readonly hosts: HostTable<Service>
  readonly services: readonly Service[]
  isBlocked(address: string): boolean
  isTrusted(address: string): boolean
  /** Lets go of what only this snapshot has. Requests under way go on. */
  retire(kept: Snapshot | undefined): Promise<void>
}

export type Service = {
  readonly config: ServiceConfig
  readonly gate: Gate
  readonly paywall: Paywall
  readonly upstream: Upstream | undefined
  readonly routes: ReadonlyMap<string, Route>
}

export type Route = {
  readonly config: RouteConfig
  readonly concurrency: ConcurrencyLimit | undefined
  /** Seconds to wait, 0 when the request may go on. */
  readonly takeRate: ((receipt: Receipt | undefined, clientAddress: string) => number) | undefined
}

export type SnapshotOptions = {
  readonly payee: Payee
  readonly keys: KeyRing
  readonly state: State
  readonly rates: RateSource | undefined
  readonly pricers: PricerSource
  readonly dryRun: boolean
  /** How many processes share the limits. */
  readonly workers: number
  readonly now: () => number
  readonly events: (service: string) => PaywallEvents
  /** What was in force before; its connections are kept where nothing about them changed. */
  readonly previous: Snapshot | undefined
}

/**
 * Makes everything that a configuration says.
 *
 * @throws {L402Error} CONFIG_INVALID, and nothing is left behind.
 */
export function createSnapshot(config: GatewayConfig, options: SnapshotOptions): Snapshot {
  const issuance = createIssuance(shared(config.issuance, options.workers))
  const services = config.services.map((service) => openService(config, service, issuance, options))
  const hosts = new HostTable<Service>()
  for (const service of services) {
    for (const host of service.config.hosts) hosts.add(host, service.config.mount, service)
  }
  return {
    config,
    hosts,
    services,
    isBlocked: makeMatcher(config.block),
    isTrusted: makeMatcher(config.trustedProxies),
    retire: async (kept) => {
      const still = new Set(kept?.services.map(({ upstream }) => upstream))
      await Promise.all(
        services.map(async ({ paywall, upstream }) => {
          await paywall.close()
          if (!still.has(upstream)) await upstream?.close()
        }),
      )
    },
  }
}

function openService(
  config: GatewayConfig,
  service: ServiceConfig,
  issuance: ReturnType<typeof createIssuance>,
  options: SnapshotOptions,
): Service {
  const { state, now } = options
  const paywall = createPaywall({
    service: service.name,
    payee: options.payee,
    keys: options.keys,
    uses: state.uses,
    denyList: state.denyList,
    now,
    cors: config.cors,
    invalidCredential: config.invalidCredential,
    legacyLsat: config.legacyLsat,
    unknownCaveats: config.unknownCaveats,
    priceGracePercent: config.priceGracePercent,
    challengeSeconds: config.challengeSeconds,
    issuance,
    dryRun: options.dryRun,
    on: options.events(service.name),
  })
  const table: Record<string, RouteTable[string]> = {}
  const routes = new Map<string, Route>()
  for (const [key, route] of service.routes) {
    table[key] = route.sale === undefined ? 'free' : charge(service, key, route.sale, options)
    routes.set(key, openRoute(service, key, route, options))
  }
  return {
    config: service,
    gate: createRoutes(paywall, table),
    paywall,
    upstream: openUpstream(service, options),
    routes,
  }
}

function charge(
  service: ServiceConfig,
  key: string,
  sale: SaleConfig,
  { rates, pricers, state, payee }: SnapshotOptions,
): Exclude<RouteTable[string], 'free'> {
  const { capability, uses, description, freeTier } = sale
  const counted = `${service.name} ${capability ?? key}`
  return {
    price: createPrice(sale.price, {
      rates,
      pricers,
      service: service.name,
      route: key,
      capability,
      stepMsat: payee.amountStepMsat,
    }),
    tier: sale.tier,
    lifetimeSeconds: sale.lifetimeSeconds,
    ...(capability === undefined ? {} : { capability }),
    ...(uses === undefined ? {} : { uses }),
    ...(description === undefined ? {} : { description }),
    ...(freeTier === undefined ? {} : { allowance: createAllowance(freeTier, counted, state) }),
  }
}

/** What was counted so far goes on where the bound is the same. */
function openRoute(
  service: ServiceConfig,
  key: string,
  config: RouteConfig,
  options: SnapshotOptions,
): Route {
  const before = options.previous?.services
    .find(({ config: { name } }) => name === service.name)
    ?.routes.get(key)
  const { concurrency, rateLimit } = config
  return {
    config,
    concurrency:
      before?.config.concurrency === concurrency
        ? before?.concurrency
        : openLimit(concurrency, options.workers),
    takeRate:
      before !== undefined && isDeepStrictEqual(before.config.rateLimit, rateLimit)
        ? before.takeRate
        : rateLimit && takeRate(service, key, rateLimit, options),
  }
}

/** Each of several processes has its part. */
function openLimit(concurrency: number | undefined, workers: number): ConcurrencyLimit | undefined {
  if (concurrency === undefined) return undefined
  return concurrencyLimit(Math.max(1, Math.floor(concurrency / workers)))
}

function takeRate(
  service: ServiceConfig,
  key: string,
  rate: RateLimitConfig,
  { state, workers }: SnapshotOptions,
): NonNullable<Route['takeRate']> {
  // One process counts in memory; several count in what they share.
  const limiter =
    workers === 1
      ? createRateLimiter(rate)
      : createSharedRateLimiter(`${service.name} ${key}`, rate, state)
  return (receipt, clientAddress) => limiter.take(rateKey(rate.by, receipt, clientAddress))
}

function openUpstream(
  { name, upstream }: ServiceConfig,
  { previous, now }: SnapshotOptions,
): Upstream | undefined {
  if (upstream === undefined) return undefined
  const before = previous?.services.find(({ config }) => config.name === name)
  if (before?.upstream !== undefined && isDeepStrictEqual(before.config.upstream, upstream)) {
    return before.upstream
  }
  return createUpstream(upstream, { now })
}

/** Limits of issuance are in memory: each of several processes has its part. */
function shared(issuance: GatewayConfig['issuance'], workers: number): GatewayConfig['issuance'] {
  if (workers === 1) return issuance
  const part = (whole: number): number => Math.max(1, Math.ceil(whole / workers))
  return {
    burst: part(issuance.burst),
    perMinute: issuance.perMinute / workers,
    globalBurst: part(issuance.globalBurst),
    globalPerMinute: issuance.globalPerMinute / workers,
  }
}
