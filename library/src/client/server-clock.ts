/** What servers' clocks show, learned from their `Date` headers. */
export type ServerClocks = {
  /** Seconds since 1970 by the clock of that origin; by ours, where nothing is known. */
  now(origin: string): number
  learn(origin: string, response: Response): void
}

/** The most origins that are remembered. The one that was heard of longest ago is forgotten. */
const maxOrigins = 1000
/** `Date` has whole seconds and takes time to arrive: less than this is no difference. */
const tolerated = 2
/** A clock that is further away than a day is no clock, or a trap. */
const maxOffsetSeconds = 86_400

/**
 * Remembers how far servers' clocks are from ours, up to a day. Only for the expiry of the credentials
 * that they are sent: a server that lies about the time can shorten or lengthen nothing but those.
 *
 * @spec client.md R-PAY-61
 */
export function createServerClocks(now: () => number): ServerClocks {
  const offsets = new Map<string, number>()
  return {
    now: (origin) => now() + (offsets.get(origin) ?? 0),
    learn: (origin, response) => {
      // A stored answer carries the time at which it was made.
      if (response.headers.has('age')) return
      const server = Date.parse(response.headers.get('date') ?? '') / 1000
      const offset = server - now()
      // Negated, so that what is no number is passed over, too.
      if (!(Math.abs(offset) <= maxOffsetSeconds)) return
      offsets.delete(origin)
      if (Math.abs(offset) <= tolerated) return
      offsets.set(origin, offset)
      const [oldest] = offsets.keys()
      if (offsets.size > maxOrigins && oldest !== undefined) offsets.delete(oldest)
    },
  }
}
