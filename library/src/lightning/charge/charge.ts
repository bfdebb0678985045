import type { Network } from '../../invoice/index.ts'
import type { Payee, Wallet } from '../index.ts'

export type ChargeOptions = {
  /** `http://127.0.0.1:9112`, or https behind a proxy. */
  readonly url: string
  /** Its `--api-token`. Secret. */
  readonly token: string
  /** PEM. Without one, what the system trusts. */
  readonly certificate?: string
  /** Default `bitcoin`. */
  readonly network?: Network
  /** How long an answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type ChargeWallet = Wallet & { readonly payee: Payee }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createCharge(options: ChargeOptions): ChargeWallet {
  throw new Error(`${typeof options}: not built`)
}
