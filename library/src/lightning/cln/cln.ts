import type { Network } from '../../invoice/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'

export type ClnOptions = {
  /** Of its REST interface (clnrest): `https://host:3010`. http on this machine only. */
  readonly url?: string
  /** Or the path of its Unix socket, `lightning-rpc`: whoever may open that may do everything. */
  readonly socketPath?: string
  /** As `lightning-cli createrune` prints it; not needed with a socket. Secret. */
  readonly rune?: string
  /** PEM: `ca.pem` or `server.pem`. Without one, what the system trusts. */
  readonly certificate?: string
  /** Default `bitcoin`. */
  readonly network?: Network
  /** How long an answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type ClnWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createCln(options: ClnOptions): ClnWallet {
  throw new Error(`${typeof options}: not built`)
}
