import { printable } from '../amount/index.ts'
import { encodeHex, randomBytes } from '../bytes/index.ts'
import { enforcedConditions } from '../l402/index.ts'
import { ChallengeDesk } from './challenge-desk.ts'
import { systemClock } from './clock.ts'
import { failOn, findChargeMistakes } from './configuration.ts'
import { CredentialCheck } from './credential-check.ts'
import type { FailureEvent, PaywallEvents } from './events.ts'
import { tell } from './events.ts'
import { createFailureWarning } from './failure-warning.ts'
import { Issuance } from './issuance.ts'
import { createMemoryUseStore } from './memory-store.ts'
import type { ChargeOptions, Paywall, PaywallOptions } from './paywall.ts'
import type { Pricer } from './price.ts'
import { createPricer, readPrice } from './price.ts'
import { watchSettlements } from './settlement-watch.ts'
import type { DenyList, UseStore } from './store.ts'

/** One thing that is sold. */
export type Sale = {
  readonly capability: string
  readonly tier: number
  readonly pricer: Pricer
  readonly uses: number | undefined
  readonly lifetimeSeconds: number
  readonly description: string
  readonly allowance: ChargeOptions['allowance']
}

/** What all gates of one paywall have in common, with every default filled in. */
export type Shop = {
  readonly service: string
  readonly cors: boolean
  readonly invalidCredential: 401 | 402
  readonly legacyLsat: 'off' | 'after' | 'first'
  readonly priceGracePercent: number
  /** The conditions that are enforced, for the body of a challenge. */
  readonly conditions: readonly string[]
  readonly now: () => number
  readonly uses: UseStore
  readonly denyList: DenyList | undefined
  readonly storeTimeoutMs: number
  readonly dryRun: boolean
  readonly credentials: CredentialCheck
  readonly desk: ChallengeDesk
  readonly on: PaywallEvents
  /** Follows the payee's settlements from the first challenge on. */
  watch(): void
  /** @throws {L402Error} CONFIG_INVALID with every mistake. */
  register(options: ChargeOptions): Sale
  close(): Promise<void>
}

const defaults = {
  cors: true,
  invalidCredential: 401,
  legacyLsat: 'off',
  unknownCaveats: 'refuse',
  priceGracePercent: 0,
  challengeSeconds: 600,
  storeTimeoutMs: 5000,
  dryRun: false,
  tier: 0,
  lifetimeSeconds: 3600,
} as const

/** @param options - Checked. */
export function openShop(options: PaywallOptions): Shop {
  const { service, payee, keys } = options
  const on = { ...options.on, failure: options.on?.failure ?? createFailureWarning(service) }
  const now = options.now ?? systemClock
  const given = options.issuance
  const issuance = given instanceof Issuance ? given : new Issuance(given ?? {})
  const desk = new ChallengeDesk({
    service,
    payee,
    keys,
    now,
    random: options.random ?? randomBytes,
    challengeSeconds: options.challengeSeconds ?? defaults.challengeSeconds,
    limit: issuance.limit,
    gate: issuance.gate,
  })
  const credentials = new CredentialCheck({
    service,
    keys,
    unknownCaveats: options.unknownCaveats ?? defaults.unknownCaveats,
    paid: (paymentHash) => void desk.paid(paymentHash),
  })
  const sales = new Map<string, { readonly sale: Sale; readonly definition: readonly unknown[] }>()
  let stop: (() => Promise<void>) | undefined
  let closed = false

  return {
    service,
    cors: options.cors ?? defaults.cors,
    invalidCredential: options.invalidCredential ?? defaults.invalidCredential,
    legacyLsat: options.legacyLsat ?? defaults.legacyLsat,
    priceGracePercent: options.priceGracePercent ?? defaults.priceGracePercent,
    conditions: enforcedConditions(service),
    now,
    uses: options.uses ?? createMemoryUseStore({ now }),
    denyList: options.denyList,
    storeTimeoutMs: options.storeTimeoutMs ?? defaults.storeTimeoutMs,
    dryRun: options.dryRun ?? defaults.dryRun,
    credentials,
    desk,
    on,
    watch() {
      if (closed || stop !== undefined) return
      stop = watchSettlements(payee, {
        settled: (settlement) => {
          const paymentHash = encodeHex(settlement.paymentHash)
          const { capability } = desk.paid(paymentHash) ?? {}
          tell(on.settled, printable({ ...settlement, paymentHash, capability }))
        },
        broken: (error) => {
          desk.forget()
          report(on, 'payee', error, 'NODE_UNAVAILABLE')
        },
      })
    },
    register(charged) {
      failOn(findChargeMistakes(charged))
      const sale = saleOf(service, charged)
      const definition = definitionOf(sale, charged)
      const known = sales.get(sale.capability)
      if (known === undefined) {
        sales.set(sale.capability, { sale, definition })
        return sale
      }
      if (!definition.every((part, index) => part === known.definition[index])) {
        failOn([`capability: ${sale.capability} is sold on other terms already`])
      }
      return known.sale
    },
    async close() {
      closed = true
      await stop?.()
    },
  }
}

/** Tells the operator that something the paywall depends on failed. */
export function report(
  on: PaywallEvents,
  part: FailureEvent['part'],
  error: unknown,
  code: FailureEvent['code'],
): void {
  tell(on.failure, { part, code, error })
}

const shops = new WeakMap<Paywall, Shop>()

/** Ties a paywall to what is behind it, for the other files of this folder. */
export function rememberShop(paywall: Paywall, shop: Shop): void {
  shops.set(paywall, shop)
}

/** @throws {TypeError} for an object that `createPaywall` did not make. */
export function shopOf(paywall: Paywall): Shop {
  const shop = shops.get(paywall)
  if (shop === undefined) throw new TypeError('expected a paywall, as createPaywall gives')
  return shop
}

function saleOf(service: string, options: ChargeOptions): Sale {
  const { capability } = options
  return {
    capability,
    tier: options.tier ?? defaults.tier,
    pricer: createPricer(options.price),
    uses: options.uses,
    lifetimeSeconds: options.lifetimeSeconds ?? defaults.lifetimeSeconds,
    description: options.description ?? `L402 ${service} ${capability}`,
    allowance: options.allowance,
  }
}

/** What two sales of one capability must have in common. */
function definitionOf(sale: Sale, { price }: ChargeOptions): readonly unknown[] {
  const comparable = typeof price === 'function' ? price : readPrice(price)
  const { tier, uses, lifetimeSeconds, description, allowance } = sale
  return [comparable, tier, uses, lifetimeSeconds, description, allowance]
}
