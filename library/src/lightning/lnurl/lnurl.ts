import type { Network } from '../../invoice/index.ts'
import type { Payee, Wallet } from '../index.ts'

export type LnurlOptions = {
  /** A Lightning Address, `alice@example.com`, or an `lnurl1…`, or the https URL behind it. */
  readonly address: string
  /** Default `bitcoin`. */
  readonly network?: Network
  /** How long an answer is waited for, in ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type LnurlWallet = Wallet & { readonly payee: Payee }

/** @throws {RangeError} for an option that is not as its type says; never with the text of a secret. */
export function createLnurl(options: LnurlOptions): LnurlWallet {
  throw new Error(`${typeof options}: not built`)
}
