/** How many requests are on their way under each token, in this process. */
export type UsesInFlight = {
  count(id: string): number
  /** Counts one request more, until what it returns is called, once. */
  take(id: string): () => void
  /** Waits until no request is on its way under a token. */
  idle(id: string): Promise<void>
}

/**
 * Counts requests that have not been answered, so that a token which is good for one request is not
 * sent with two. Choosing and counting happen without a pause in between.
 */
export function createUsesInFlight(): UsesInFlight {
  const counts = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()
  const count = (id: string): number => counts.get(id) ?? 0
  return {
    count,
    take: (id) => {
      counts.set(id, count(id) + 1)
      return () => {
        const left = count(id) - 1
        if (left > 0) {
          counts.set(id, left)
          return
        }
        counts.delete(id)
        for (const proceed of waiting.get(id) ?? []) proceed()
        waiting.delete(id)
      }
    },
    idle: async (id) => {
      if (count(id) === 0) return
      await new Promise<void>((resolve) => {
        waiting.set(id, [...(waiting.get(id) ?? []), resolve])
      })
    },
  }
}
