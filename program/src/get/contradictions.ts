import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import type { HttpRequest } from './request.ts'

/** Pairs of which one says what the other takes back. */
const pairs = [
  ['json', 'human'],
  ['include', 'json'],
  ['location', 'no-location'],
  ['no-location', 'max-redirects'],
  ['no-pay', 'ask'],
  ['no-pay', 'approval-wait'],
] as const

/**
 * Refuses flags of which one could not be done without breaking another.
 *
 * @throws {UsageMistake}
 */
export function refuseContradictions(
  given: Given,
  { method, headers }: Pick<HttpRequest, 'method' | 'headers'>,
  output: string | undefined,
): void {
  for (const [one, other] of pairs) {
    if (given.has(one) && given.has(other)) {
      throw new UsageMistake(`--${one} and --${other} contradict each other`)
    }
  }
  refuseTwoDocuments(given, output)
  if (given.has('include') && output !== undefined && output !== '-') {
    throw new UsageMistake(
      '--include writes to standard output, and the body goes to a file: give one',
    )
  }
  if (!given.has('continue')) return
  if (output === undefined || output === '-') {
    throw new UsageMistake('--continue goes on with a file: name it with --output')
  }
  if (method !== 'GET') throw new UsageMistake('--continue is for GET')
  for (const name of ['range', 'if-range']) {
    if (headers.has(name)) throw new UsageMistake(`--continue sets ${name} by itself`)
  }
}

/** @throws {UsageMistake} when standard output would be a report and a body. */
export function refuseTwoDocuments(given: Given, output: string | undefined): void {
  if (!given.has('json') || output !== '-') return
  throw new UsageMistake('--json puts the body into the document: leave out --output -')
}
