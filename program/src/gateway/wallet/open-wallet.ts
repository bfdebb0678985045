import type { Payee } from 'satway/lightning'
import type { WalletConfig } from '../config/index.ts'
import type { Check, Log } from '../operations/index.ts'

/** The node that is paid, and what a person is told about it. */
export type OpenWallet = {
  /** `devnet`, or the scheme of its URI: `lnd`. */
  readonly kind: string
  readonly payee: Payee
  /** Whether what is paid is worth anything. */
  readonly isRealMoney: boolean
  /** One line: what it is and whether money is real. */
  readonly about: string
  /** A wallet that a buyer on this machine can pay with; on the embedded network only. */
  readonly buyerWallet: string | undefined
  /** How it is at the moment. */
  readonly check: Check
  /**
   * Looks at the wallet for the first time, and goes on to look while it cannot be reached. Nothing is
   * sold before it was found to be good.
   *
   * @returns what an operator should know at the start.
   * @throws {WalletRefusal} where waiting does not help: the start is to be stopped.
   */
  begin(log: Pick<Log, 'info' | 'warn' | 'error'>): Promise<readonly string[]>
  close(): Promise<void>
}

/** Why a wallet is not used, and what to do about it. */
export class WalletRefusal extends Error {
  override readonly name = 'WalletRefusal'
  readonly advice: string

  constructor(message: string, advice: string) {
    super(message)
    this.advice = advice
  }
}

/**
 * Opens the wallet that the configuration names. Loaded one by one: nobody pays for the adapters
 * that he does not use.
 *
 * @throws {L402Error} CONFIG_INVALID where it must not be opened, such as devnet in production, or a
 *   secret that is not there.
 */
export async function openWallet(config: WalletConfig): Promise<OpenWallet> {
  if (config.kind === 'devnet') {
    const { openDevnetWallet } = await import('./devnet-wallet.ts')
    return openDevnetWallet(config)
  }
  const { openNodeWallet } = await import('./node-wallet.ts')
  return openNodeWallet(config)
}
