import { L402Error } from '../errors.ts'

/** The refusal of an invoice that does not follow the grammar. `reason` is ours, never the payee's. */
export function malformed(reason: string): L402Error {
  return new L402Error('INVOICE_MALFORMED', { reason })
}
