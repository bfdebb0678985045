/** How many purchases at each origin are between the order to pay and the answer to what it bought. */
export type PurchasesUnderWay = {
  count(origin: string): number
  /** How many have ended at an origin so far: whoever read something can tell that it is old. */
  ended(origin: string): number
  /** Counts one more, until what it returns is called; a second call does nothing. */
  take(origin: string): () => void
  /** Waits until the next one ends. */
  nextEnd(origin: string): Promise<void>
}

/**
 * Counts purchases in this process, so that an origin which never delivered anything is not paid
 * for many things at once.
 */
export function createPurchasesUnderWay(): PurchasesUnderWay {
  const counts = new Map<string, number>()
  const ends = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()
  const count = (origin: string): number => counts.get(origin) ?? 0
  const ended = (origin: string): number => ends.get(origin) ?? 0
  const end = (origin: string): void => {
    const left = count(origin) - 1
    if (left > 0) counts.set(origin, left)
    else counts.delete(origin)
    ends.set(origin, ended(origin) + 1)
    for (const proceed of waiting.get(origin) ?? []) proceed()
    waiting.delete(origin)
  }

  return {
    count,
    ended,
    take: (origin) => {
      counts.set(origin, count(origin) + 1)
      let open = true
      return () => {
        if (open) end(origin)
        open = false
      }
    },
    nextEnd: (origin) =>
      new Promise((resolve) => {
        waiting.set(origin, [...(waiting.get(origin) ?? []), resolve])
      }),
  }
}
