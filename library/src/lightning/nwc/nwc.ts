import type { Network } from '../../invoice/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'

export type NwcOptions = {
  /** The wallet's public key: 64 hex digits. */
  readonly walletPubkey: string
  /** `wss://…`, or `ws://` on this machine. One or more. */
  readonly relays: readonly string[]
  /** The secret key of this connection: 64 hex digits. */
  readonly secret: string
  /** Default `bitcoin`. */
  readonly network?: Network
  /** How long an answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type NwcWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createNwc(options: NwcOptions): NwcWallet {
  throw new Error(`${typeof options}: not built`)
}
