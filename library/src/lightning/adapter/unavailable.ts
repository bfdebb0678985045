import { L402Error } from '../../errors.ts'

/**
 * The error of a wallet that cannot be reached, refuses us, or answers nonsense.
 *
 * @param reason - For people, with what to mend where it is known; never a secret or an answer.
 */
export function unavailable(kind: string, reason: string, cause?: unknown): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `${kind}: ${reason}` }, cause)
}
