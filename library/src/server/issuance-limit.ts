import { clientNetwork } from './client-network.ts'
import { RecentMap } from './recent-map.ts'

/** Networks remembered at a time. A network that is forgotten starts with a full bucket. */
const maxNetworks = 10_000

/** What one challenge takes out. In sixtieths, so that a rate a minute is exact by the second. */
const oneChallenge = 60

type Bucket = { sixtieths: number; atSeconds: number }

/**
 * How many new challenges each client network may ask for: a bucket that holds `burst` and is
 * refilled evenly, `perMinute` a minute.
 *
 * @spec server.md R-SRV-36
 */
export class IssuanceLimit {
  readonly #full: number
  readonly #perSecond: number
  readonly #buckets = new RecentMap<Bucket>(maxNetworks)

  constructor(options: { readonly burst: number; readonly perMinute: number }) {
    this.#full = options.burst * oneChallenge
    this.#perSecond = options.perMinute
  }

  /** @returns 0 when one challenge may be issued; otherwise how many seconds to wait, at least 1. */
  take(clientAddress: string | undefined, nowSeconds: number): number {
    const network = clientNetwork(clientAddress)
    const bucket = this.#buckets.get(network) ?? { sixtieths: this.#full, atSeconds: nowSeconds }
    // A clock that was set back refills nothing, and starts anew from there.
    const elapsed = Math.max(0, nowSeconds - bucket.atSeconds)
    bucket.sixtieths = Math.min(this.#full, bucket.sixtieths + elapsed * this.#perSecond)
    bucket.atSeconds = nowSeconds
    this.#buckets.set(network, bucket)
    const missing = oneChallenge - bucket.sixtieths
    if (missing > 0) return Math.max(1, Math.ceil(missing / this.#perSecond))
    bucket.sixtieths -= oneChallenge
    return 0
  }
}
