import type { Payee } from 'satway/lightning'
import type { InvoiceLimits } from '../config/index.ts'

/** What BOLT 11 has room for. */
const longestDescription = 639

/** What a wallet cannot say in an invoice. */
export function invoiceLimitsOf({
  kind,
  payee,
}: {
  readonly kind: string
  readonly payee: Payee
}): InvoiceLimits {
  const { amountStepMsat = 1n, maxDescriptionBytes = longestDescription } = payee
  return { wallet: kind, amountStepMsat: amountStepMsat.toString(), maxDescriptionBytes }
}
