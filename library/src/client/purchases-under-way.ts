/** How many purchases at each host are between the order to pay and the answer to what it bought. */
export type PurchasesUnderWay = {
  count(host: string): number
  /** How many have ended at a host so far: whoever read something can tell that it is old. */
  ended(host: string): number
  /** Counts one more, until what it returns is called; a second call does nothing. */
  take(host: string): () => void
  /** Waits until the next one ends. */
  nextEnd(host: string): Promise<void>
}

/**
 * Counts purchases in this process, so that a host which never delivered anything is not paid
 * for many things at once.
 */
export function createPurchasesUnderWay(): PurchasesUnderWay {
  const counts = new Map<string, number>()
  const ends = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()
  const count = (host: string): number => counts.get(host) ?? 0
  const ended = (host: string): number => ends.get(host) ?? 0
  const end = (host: string): void => {
    const left = count(host) - 1
    if (left > 0) counts.set(host, left)
    else counts.delete(host)
    ends.set(host, ended(host) + 1)
    for (const proceed of waiting.get(host) ?? []) proceed()
    waiting.delete(host)
  }

  return {
    count,
    ended,
    take: (host) => {
      counts.set(host, count(host) + 1)
      let open = true
      return () => {
        if (open) end(host)
        open = false
      }
    },
    nextEnd: (host) =>
      new Promise((resolve) => {
        waiting.set(host, [...(waiting.get(host) ?? []), resolve])
      }),
  }
}
