import type { Payee } from 'satway/lightning'
import type { WalletConfig } from '../config/index.ts'

/** The node that is paid, and what a person is told about it. */
export type OpenWallet = {
  readonly payee: Payee
  /** One line: what it is and whether money is real. */
  readonly about: string
  /** A wallet that a buyer on this machine can pay with; on the embedded network only. */
  readonly buyerWallet: string | undefined
  /** What an operator should know at the start. */
  readonly warning: string | undefined
  close(): Promise<void>
}

/**
 * Opens the wallet that the configuration names. Loaded one by one: nobody pays for the adapters
 * that he does not use.
 *
 * @throws {L402Error} CONFIG_INVALID where it must not be opened, such as devnet in production.
 */
export async function openWallet(config: WalletConfig): Promise<OpenWallet> {
  const { openDevnetWallet } = await import('./devnet-wallet.ts')
  return openDevnetWallet(config)
}
