import type { Locks } from './locks.ts'
import type { PaymentMeans, Payments } from './payments.ts'
import type { PurchasesUnderWay } from './purchases-under-way.ts'
import type { ServerClocks } from './server-clock.ts'
import type { UsesInFlight } from './uses-in-flight.ts'

/** What one client is made of. */
export type Parts = PaymentMeans & {
  readonly fetch: (input: string, init: RequestInit) => Promise<Response>
  readonly payments: Payments
  readonly locks: Locks
  readonly clocks: ServerClocks
  readonly uses: UsesInFlight
  readonly purchases: PurchasesUnderWay
}
