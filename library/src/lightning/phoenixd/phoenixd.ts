import type { Network } from '../../invoice/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'

export type PhoenixdOptions = {
  /** `http://127.0.0.1:9740`, or https behind a proxy. */
  readonly url: string
  /** `http-password`, or `http-password-limited-access` of who only receives. Secret. */
  readonly password: string
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

export type PhoenixdWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createPhoenixd(options: PhoenixdOptions): PhoenixdWallet {
  throw new Error(`${typeof options}: not built`)
}
