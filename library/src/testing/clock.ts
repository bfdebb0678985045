/** A clock that stands still until it is told to move. */
export type TestClock = {
  /** Seconds since 1970. Give it wherever an option is called `now`. */
  readonly now: () => number
  /** @throws {RangeError} unless `seconds` is zero or more. Fractions count. */
  advance(seconds: number): void
}

/**
 * @param startSeconds - Seconds since 1970. Default 1 800 000 000 (15 January 2027).
 * @throws {RangeError} when it is not a number.
 */
export function testClock(startSeconds = 1_800_000_000): TestClock {
  if (!Number.isFinite(startSeconds)) throw new RangeError('startSeconds: expected a number')
  let now = startSeconds
  return {
    now: () => now,
    advance: (seconds) => {
      if (!Number.isFinite(seconds) || seconds < 0) {
        throw new RangeError('advance: expected zero or more seconds')
      }
      now += seconds
    },
  }
}
