import type { Payee } from 'satway/lightning'

/** What a wallet cannot do in an invoice. */
export type WalletLimits = Pick<Payee, 'network' | 'amountStepMsat' | 'maxDescriptionBytes'>

/** The limits of a payee, and nothing else of it. */
export function limitsOf(payee: Payee): WalletLimits {
  const { network, amountStepMsat, maxDescriptionBytes } = payee
  return {
    network,
    ...(amountStepMsat !== undefined && { amountStepMsat }),
    ...(maxDescriptionBytes !== undefined && { maxDescriptionBytes }),
  }
}
