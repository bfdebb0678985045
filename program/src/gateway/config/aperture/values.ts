import { Expectation, formatDuration } from '../units.ts'

/** Aperture reads its file without a schema; so do these, and give what is of the right kind. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}

export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

export function listOfTexts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.flatMap((item) => textOf(item) ?? [])
}

export function mappingOf(value: unknown): Readonly<Record<string, unknown>> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMapping ? (value as Record<string, unknown>) : {}
}

/** What the gateway's own reader says of a value; `undefined` where it takes it. */
export function objection(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof Expectation) return error.message
    throw error
  }
}

const goUnits: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** A duration as Go writes them (`1m30s`); a number is nanoseconds. In milliseconds. */
export function goDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value / 1e6) ? value / 1e6 : undefined
  if (typeof value !== 'string' || !/^(?:\d{1,9}(?:h|m|s|ms))+$/.test(value)) return undefined
  let ms = 0
  for (const [, digits = '', unit = ''] of value.matchAll(/(\d+)(h|ms|m|s)/g)) {
    ms += Number(digits) * goUnits[unit]!
  }
  return ms
}

/** The same in the gateway's spelling. */
export function duration(ms: number): string {
  return formatDuration(ms)
}
