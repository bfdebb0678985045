import { L402Error } from '../../errors.ts'

/**
 * The error of a wallet that cannot be reached, refuses us, or answers nonsense. It has no cause: what
 * a reader says of an answer can repeat a part of it, and that part can be a secret.
 *
 * @param reason - For people, with what to mend where it is known; never a secret or an answer.
 */
export function unavailable(kind: string, reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `${kind}: ${reason}` })
}

/**
 * The same of a wallet that answered and does not take the credential, or cannot be meant: waiting does
 * not help, somebody has to change something. `details.refused` is true.
 *
 * @param reason - As of {@link unavailable}.
 */
export function refused(kind: string, reason: string): L402Error {
  return new L402Error('NODE_UNAVAILABLE', { reason: `${kind}: ${reason}`, refused: true })
}
