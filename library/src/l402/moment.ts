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

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?Z$/

/**
 * A moment as seconds since 1970 or as RFC 3339 text in UTC, `2026-03-01T00:00:00Z`.
 *
 * @returns Seconds since 1970; a fraction is dropped. `undefined` for a day or an hour that does not
 *   exist, another zone, and years before 1970.
 */
export function readMoment(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return readUnixSeconds(text)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number)
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000
  const isReal = new Date(seconds * 1000).toISOString().startsWith(text.slice(0, 19))
  return isReal && seconds >= 0 ? seconds : undefined
}
