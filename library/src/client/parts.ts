import type { ClientOptions } from './client.ts'
import type { Locks } from './locks.ts'
import type { PaymentMeans, Payments } from './payments.ts'
import type { PolicySource } from './policy-source.ts'
import type { PurchasesUnderWay } from './purchases-under-way.ts'
import type { Receipts } from './receipts.ts'
import type { ServerClocks } from './server-clock.ts'
import type { UsesInFlight } from './uses-in-flight.ts'

/** What one client is made of. */
export type Parts = PaymentMeans & {
  readonly policy: PolicySource
  readonly receipts: Receipts | undefined
  readonly fetch: NonNullable<ClientOptions['fetch']>
  readonly payments: Payments
  readonly locks: Locks
  readonly clocks: ServerClocks
  readonly uses: UsesInFlight
  readonly purchases: PurchasesUnderWay
}
