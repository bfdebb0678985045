/** Whole seconds since 1970, from the system clock: the default of every `now`. */
export function systemClock(): number {
  return Math.floor(Date.now() / 1000)
}
