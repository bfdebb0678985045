import type { Network } from '../../invoice/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'

export type LndOptions = {
  /** Of its REST interface: `https://host:8080`. http on this machine only. */
  readonly url: string
  /** As `lncli bakemacaroon` writes it. Secret. */
  readonly macaroon: Uint8Array
  /** PEM: its `tls.cert`. Without one, what the system trusts. */
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

export type LndWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createLnd(options: LndOptions): LndWallet {
  throw new Error(`${typeof options}: not built`)
}
