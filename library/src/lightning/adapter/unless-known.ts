import type { Told } from './payer.ts'

/**
 * How a payment ended whose order the wallet refused: a refusal may be about a second order of what is
 * paid already, or under way, so the wallet is asked before anybody believes it.
 *
 * @param lookUp - As `PayerDriver.lookUp`. What cannot be found out is unknown.
 * @param whenRefused - The end, where the wallet knows of no attempt that has settled or goes on.
 */
export async function unlessKnown(
  lookUp: () => Promise<Told | undefined>,
  whenRefused: () => Told,
): Promise<Told> {
  let found: Told | undefined
  try {
    found = await lookUp()
  } catch {
    return { status: 'unknown' }
  }
  return found === undefined || found.status === 'failed' ? whenRefused() : found
}
