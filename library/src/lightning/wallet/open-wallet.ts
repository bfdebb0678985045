import type { Wallet } from '../index.ts'
import type { SecretPlace, WalletUri } from './wallet-uri.ts'

export type OpenWalletOptions = {
  /**
   * Reads what a `file:` or `env:` place holds. Default: the file, of mode 0600 or stricter, or the
   * variable of this process.
   */
  readonly readSecret?: (place: SecretPlace) => Uint8Array | Promise<Uint8Array>
  /** For wallets that are plain HTTP (`http(s)://…/payinvoice`). Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * Opens the wallet that a URI names. Nothing is connected before the first call; the adapter alone is
 * loaded.
 *
 * @throws {L402Error} CONFIG_INVALID with `details.reason`, which says what to mend and repeats no
 *   secret.
 */
export async function openWallet(
  uri: string | WalletUri,
  options: OpenWalletOptions = {},
): Promise<Wallet> {
  throw new Error(`${typeof uri} ${typeof options}: not built`)
}
