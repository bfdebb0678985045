/** Seconds since some moment, from a clock that nobody can set. */
export function systemElapsed(): number {
  return performance.now() / 1000
}

/** Whole seconds since 1970, from the system clock: the default of every `now`. */
export function systemClock(): number {
  return Math.floor(Date.now() / 1000)
}
