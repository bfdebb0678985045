import type { ChallengeReading } from '../l402/index.ts'
import { parseChallenges } from '../l402/index.ts'
import type { ChallengeHints } from './challenge-hints.ts'
import { readHints } from './challenge-hints.ts'
import { crashPoint } from './crash-point.ts'
import { readTokenFacts } from './token-facts.ts'

/** What a 402 asks for, before anything about it is believed. */
export type Demand = {
  /** At least one. */
  readonly readings: readonly ChallengeReading[]
  readonly hints: ChallengeHints
  /** What the token in it covers; `undefined` when none can be read. */
  readonly coverage: string | undefined
}

/**
 * What a 402 asks for. Takes its body.
 *
 * @returns `undefined`, with the response untouched, when it is no 402, or has no L402 challenge.
 * @spec client.md R-PAY-3, R-PAY-10
 */
export async function readDemand(response: Response): Promise<Demand | undefined> {
  if (response.status !== 402) return undefined
  const readings = readingsOf(response)
  if (readings.length === 0) return undefined
  const hints = await readHints(response)
  crashPoint('challenge-read')
  return { readings, hints, coverage: coverageOf(readings) }
}

/** What the token in a challenge covers; `undefined` when there is none that can be read. */
export function coverageSoldBy(response: Response): string | undefined {
  return coverageOf(readingsOf(response))
}

function readingsOf(response: Response): readonly ChallengeReading[] {
  const line = response.headers.get('www-authenticate')
  return line === null ? [] : parseChallenges([line])
}

function coverageOf(readings: readonly ChallengeReading[]): string | undefined {
  for (const reading of readings) {
    if ('error' in reading) continue
    const coverage = readTokenFacts(reading.token)?.coverage
    if (coverage !== undefined) return coverage
  }
  return undefined
}
