import { L402Error } from '../errors.ts'

/** Why bytes, text or JSON are not a macaroon. A closed list: nothing of the input is repeated. */
export type Reason =
  | 'empty'
  | 'version'
  | 'truncated'
  | 'varint'
  | 'packet'
  | 'field'
  | 'member'
  | 'base64'
  | 'text'
  | 'signature length'
  | 'first-party location'
  | 'empty verification id'
  | 'trailing bytes'

/** @param position - Where it was noticed: bytes from the start. */
export function malformed(reason: Reason, position?: number): L402Error {
  const details = position === undefined ? { reason } : { reason, position }
  return new L402Error('MACAROON_MALFORMED', details)
}
