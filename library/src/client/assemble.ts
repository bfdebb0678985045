import type { ClientOptions } from './client.ts'
import { readOptions } from './configuration.ts'
import { createLocks } from './locks.ts'
import { createMemoryLedger } from './memory-ledger.ts'
import { createMemoryTokenStore } from './memory-token-store.ts'
import type { Parts } from './parts.ts'
import { createPayments } from './payments.ts'
import { createPurchasesUnderWay } from './purchases-under-way.ts'
import { createServerClocks } from './server-clock.ts'
import { createUsesInFlight } from './uses-in-flight.ts'

/**
 * Makes the parts of a client.
 *
 * @throws {L402Error} CONFIG_INVALID
 */
export function assemble(options: ClientOptions): Parts {
  const { policy, paymentTimeoutMs } = readOptions(options)
  const now = options.now ?? (() => Date.now() / 1000)
  const means = {
    payer: options.payer,
    ledger: options.ledger ?? createMemoryLedger(),
    tokens: options.tokens ?? createMemoryTokenStore(),
    now,
    paymentTimeoutMs,
  }
  return {
    ...means,
    policy,
    receipts: options.receipts,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    payments: createPayments(means),
    locks: createLocks(),
    clocks: createServerClocks(now),
    uses: createUsesInFlight(),
    purchases: createPurchasesUnderWay(),
  }
}
