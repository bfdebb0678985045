import { clientNetwork, siteOf } from './client-network.ts'
import { RecentMap } from './recent-map.ts'

/** Networks remembered at a time. A network that is forgotten starts with a full bucket. */
const maxNetworks = 10_000

/** What one challenge takes out. In sixtieths, so that a rate a minute is exact by the second. */
const oneChallenge = 60

/** How many networks' worth an IPv6 site is given: a site has 65 536 of them for nothing. */
const networksPerSite = 4

type Bucket = { sixtieths: number; atSeconds: number }
type Rate = { readonly burst: number; readonly perMinute: number }

/**
 * How many new challenges may be asked for: by each client network, by each IPv6 site, and by all
 * together. Each has a bucket that holds `burst` and is refilled evenly, `perMinute` a minute.
 *
 * @spec server.md R-SRV-36
 */
export class IssuanceLimit {
  readonly #perNetwork: Rate
  readonly #perSite: Rate
  readonly #perAll: Rate
  readonly #buckets = new RecentMap<Bucket>(maxNetworks)
  #all: Bucket | undefined

  constructor(options: Rate & { readonly globalBurst: number; readonly globalPerMinute: number }) {
    const { burst, perMinute, globalBurst, globalPerMinute } = options
    this.#perNetwork = { burst, perMinute }
    this.#perSite = { burst: burst * networksPerSite, perMinute: perMinute * networksPerSite }
    this.#perAll = { burst: globalBurst, perMinute: globalPerMinute }
  }

  /** @returns 0 when one challenge may be issued; otherwise how many seconds to wait, at least 1. */
  take(clientAddress: string | undefined, nowSeconds: number): number {
    const all = refill(this.#all, this.#perAll, nowSeconds)
    this.#all = all
    // Before any network is looked up: a flood from many must not push out who is remembered.
    const waitForAll = secondsToWait(all, this.#perAll)
    if (waitForAll > 0) return waitForAll

    const network = clientNetwork(clientAddress)
    const site = siteOf(network)
    const own = refill(this.#buckets.get(network), this.#perNetwork, nowSeconds)
    const wait = secondsToWait(own, this.#perNetwork)
    if (wait > 0) return wait
    if (site === network) return this.#takeFrom([[network, own]], all)

    const shared = refill(this.#buckets.get(site), this.#perSite, nowSeconds)
    const waitForSite = secondsToWait(shared, this.#perSite)
    if (waitForSite > 0) return waitForSite
    return this.#takeFrom(
      [
        [network, own],
        [site, shared],
      ],
      all,
    )
  }

  /** Keeps what is taken from, and nothing of who was refused. */
  #takeFrom(buckets: readonly (readonly [string, Bucket])[], all: Bucket): 0 {
    all.sixtieths -= oneChallenge
    for (const [name, bucket] of buckets) {
      bucket.sixtieths -= oneChallenge
      this.#buckets.set(name, bucket)
    }
    return 0
  }
}

/** Brings a bucket up to now; a full one where there is none yet. */
function refill(known: Bucket | undefined, { burst, perMinute }: Rate, nowSeconds: number): Bucket {
  const full = burst * oneChallenge
  const bucket = known ?? { sixtieths: full, atSeconds: nowSeconds }
  // A clock that was set back refills nothing, and starts anew from there.
  const elapsed = Math.max(0, nowSeconds - bucket.atSeconds)
  bucket.sixtieths = Math.min(full, bucket.sixtieths + elapsed * perMinute)
  bucket.atSeconds = nowSeconds
  return bucket
}

function secondsToWait({ sixtieths }: Bucket, { perMinute }: Rate): number {
  const missing = oneChallenge - sixtieths
  return missing > 0 ? Math.max(1, Math.ceil(missing / perMinute)) : 0
}
