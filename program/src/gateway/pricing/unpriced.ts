import { L402Error } from 'satway'

/**
 * Why a price cannot be told, for the operator: the client learns no more than the code.
 *
 * @param reason - Nothing that a peer wrote.
 */
export function unpriced(reason: string, cause?: unknown): L402Error {
  return new L402Error('REQUEST_UNPRICED', { reason }, cause)
}
