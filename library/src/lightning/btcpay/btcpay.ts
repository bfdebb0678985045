import type { Network } from '../../invoice/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'

export type BtcpayOptions = {
  /** `https://btcpay.example.com`, with a path where it has one. */
  readonly url: string
  readonly storeId: string
  /** An API key of the Greenfield API. Secret. */
  readonly key: string
  /** PEM. Without one, what the system trusts. */
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

export type BtcpayWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createBtcpay(options: BtcpayOptions): BtcpayWallet {
  throw new Error(`${typeof options}: not built`)
}
