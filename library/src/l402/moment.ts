/** Seconds since 1970, as strict decimal digits: no sign, no leading zero, at most 11 of them. */
export function readUnixSeconds(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,10})$/.test(text) ? Number(text) : undefined
}

/**
 * Milliseconds since 1970, at most 14 digits (lsat-js).
 *
 * @returns Whole seconds, rounded down: a token never works longer than it says.
 */
export function readUnixMilliseconds(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,13})$/.test(text) ? Math.floor(Number(text) / 1000) : undefined
}

const rfc3339 =
  /^([1-9]\d{3})-(0[1-9]|1[0-2])-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?Z$/

/**
 * A moment as seconds since 1970 or as RFC 3339 text in UTC, `2026-03-01T00:00:00Z`.
 *
 * @returns Seconds since 1970; a fraction is dropped. `undefined` for a day or an hour that does not
 *   exist, another zone, and years before 1970.
 */
export function readMoment(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return readUnixSeconds(text)
  const [, year, month, day, hour, minute, second] = match
  const time = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  // A day that does not exist rolls over into another one.
  return time >= 0 && new Date(time).getUTCDate() === Number(day) ? time / 1000 : undefined
}
