/** How many requests may be under way at a time. */
export type ConcurrencyLimit = {
  /** Takes a place; false when there is none. Who got one gives it back with {@link leave}, once. */
  enter(): boolean
  /** @throws {RangeError} when nobody is inside. */
  leave(): void
}

/**
 * Limits how many requests of a route are under way. There is no queue: who finds no place is told
 * to come back.
 *
 * @param max - At least 1.
 * @spec gateway.md R-LIM-8
 */
export function concurrencyLimit(max: number): ConcurrencyLimit {
  let inside = 0
  return {
    enter: () => {
      if (inside >= max) return false
      inside++
      return true
    },
    leave: () => {
      if (inside === 0) throw new RangeError('leave: once for each enter')
      inside--
    },
  }
}
