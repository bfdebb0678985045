import { UsageMistake } from '../cli/failure.ts'

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
}
const maxSeconds = 3_650 * 86_400
const lastSecond = 253_402_300_799
const rfc3339 =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)([Zz]|[+-]\d{2}:\d{2}))?$/

/**
 * Reads a length of time as people write it: `90s`, `30m`, `1h`, `2d`, `1w`.
 *
 * @returns seconds, from 1 to ten years; `undefined` for anything else.
 */
export function readDuration(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,8})([smhdw])$/.exec(text) ?? []
  const seconds = Number(digits) * (unitSeconds[unit] ?? 0)
  return seconds >= 1 && seconds <= maxSeconds ? seconds : undefined
}

/**
 * Reads a moment: RFC 3339 with its offset, or a day, which begins at midnight UTC.
 *
 * @returns seconds since 1970, rounded down; `undefined` for anything else, a 30th of February too.
 */
export function readMoment(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, day = '', time = '00:00:00', offset = 'Z'] = match
  const milliseconds = Date.parse(`${day}T${time}${offset.toUpperCase()}`)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  // Date.parse takes a 30th of February for the 1st or 2nd of March.
  if (Number.isNaN(milliseconds) || Number.isNaN(midnight)) return undefined
  if (new Date(midnight).toISOString().slice(0, 10) !== day) return undefined
  return Math.floor(milliseconds / 1000)
}

/**
 * Reads where a list begins: a moment, or how long ago.
 *
 * @throws {UsageMistake}
 */
export function readSince(text: string, nowSeconds: number): number {
  const duration = readDuration(text)
  const since = duration === undefined ? readMoment(text) : nowSeconds - duration
  if (since !== undefined) return since
  throw new UsageMistake('--since: expected 30m, 24h, 7d, or a moment like 2026-03-01T12:00:00Z')
}

/** RFC 3339, UTC, whole seconds. What lies beyond the year 9999 is its end. */
export function formatMoment(seconds: number): string {
  const within = Math.min(Math.floor(seconds), lastSecond)
  return new Date(within * 1000).toISOString().replace('.000Z', 'Z')
}
