import { AdminProblem, quoted } from './problem.ts'

/** The query of one request, read strictly. */
export type Query = {
  has(name: string): boolean
  text(name: string): string | undefined
  /** @throws {AdminProblem} ADMIN_MALFORMED unless it is a whole number in the range. */
  whole(name: string, range: { readonly min: number; readonly max: number }): number | undefined
  /** @throws {AdminProblem} ADMIN_MALFORMED unless it is one of them. */
  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined
  /**
   * A moment, in unix seconds.
   *
   * @throws {AdminProblem} ADMIN_MALFORMED unless it is a day (`2026-11-25`, its beginning in UTC), a
   *   time with its zone (`2026-11-25T08:00:00Z`), or unix seconds.
   */
  moment(name: string): number | undefined
}

const maxValueLength = 256

/**
 * Reads a query. A parameter that is not known, is there twice or is empty is a mistake: what is
 * skipped in silence gives an answer to another question.
 *
 * @throws {AdminProblem} ADMIN_MALFORMED
 * @spec gateway.md R-ADM-12
 */
export function readQuery(parameters: URLSearchParams, known: readonly string[]): Query {
  const values = new Map<string, string>()
  for (const [name, value] of parameters) {
    if (!known.includes(name)) throw malformed(`The parameter "${quoted(name)}" is not known here.`)
    if (values.has(name)) throw malformed(`The parameter "${name}" is there twice.`)
    if (value === '' || value.length > maxValueLength) {
      throw malformed(`${name}: expected 1 to ${maxValueLength} characters.`)
    }
    values.set(name, value)
  }
  return {
    has: (name) => values.has(name),
    text: (name) => values.get(name),
    whole: (name, { min, max }) => {
      const text = values.get(name)
      if (text === undefined) return undefined
      const value = Number(text)
      if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value
      throw malformed(`${name}: expected a whole number from ${min} to ${max}.`)
    },
    oneOf: (name, choices) => {
      const text = values.get(name)
      if (text === undefined) return undefined
      const choice = choices.find((candidate) => candidate === text)
      if (choice === undefined) throw malformed(`${name}: expected ${choices.join(' or ')}.`)
      return choice
    },
    moment: (name) => {
      const text = values.get(name)
      if (text === undefined) return undefined
      const seconds = readMoment(text)
      if (seconds !== undefined) return seconds
      throw malformed(
        `${name}: expected a day (2026-11-25), a time (2026-11-25T08:00:00Z) or unix seconds.`,
      )
    },
  }
}

/** @returns unix seconds, or `undefined` for what is no moment. */
export function readMoment(text: string): number | undefined {
  // Not fewer digits: `2026` is meant to be a year.
  if (/^\d{9,11}$/.test(text)) return Number(text)
  const match = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))?$/.exec(text)
  if (match === null) return undefined
  const [, day = '', time = 'T00:00:00Z'] = match
  // The 30th of February would be read as a day in March.
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined
  const milliseconds = Date.parse(day + time)
  if (Number.isNaN(milliseconds) || milliseconds < 0) return undefined
  return Math.floor(milliseconds / 1000)
}

function malformed(detail: string): AdminProblem {
  return new AdminProblem('ADMIN_MALFORMED', detail)
}
