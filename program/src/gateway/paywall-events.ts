import type { PaywallEvents } from 'satway/server'
import type { Observer } from './operations/index.ts'
import type { SettlementRecord } from './settlements.ts'

/** What a service's paywall tells, for metrics and the ledger. */
export function paywallEvents(
  service: string,
  observer: Observer,
  settlements: SettlementRecord,
): PaywallEvents {
  return {
    challenge: ({ paymentHash, capability, reused, amountMsat, expiresAtSeconds }) => {
      observer.challenge(service, reused, amountMsat)
      if (!reused) settlements.remember(paymentHash, { service, capability }, expiresAtSeconds)
    },
    failure: ({ part, error }) => observer.failure(part, service, error),
  }
}
