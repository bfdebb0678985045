import type { Macaroon } from 'satway/macaroon'
import { Failure } from '../../cli/failure.ts'
import type { Allowance } from '../caveats.ts'
import { CaveatMistake, fullAllowance, narrow } from '../caveats.ts'

/**
 * What the caveats of a macaroon say, without asking whether anybody would believe it.
 *
 * @throws {Failure} for caveats that the gateway would refuse.
 */
export function restrictionsOf(macaroon: Macaroon): Allowance {
  const decoder = new TextDecoder()
  return macaroon.unverifiedCaveats.reduce(
    (allowance, caveat) => narrowed(allowance, decoder.decode(caveat.identifier)),
    fullAllowance,
  )
}

/** @throws {Failure} when the caveat allows more than what is there, or is none. */
export function narrowed(allowance: Allowance, caveat: string): Allowance {
  try {
    return narrow(allowance, caveat)
  } catch (error) {
    if (!(error instanceof CaveatMistake)) throw error
    throw new Failure(`The gateway would refuse this macaroon: ${error.message}.`)
  }
}
