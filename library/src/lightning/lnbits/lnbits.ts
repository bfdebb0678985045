import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { WalletOptions } from '../adapter/index.ts'
import {
  createPayee,
  createPayer,
  NodeLink,
  readWalletOptions,
  requireBaseUrl,
  requireHeaderText,
  requireMs,
} from '../adapter/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'
import { examineLnbits } from './examine.ts'
import { createInvoices } from './invoices.ts'
import { createPayments } from './payments.ts'
import { kind } from './requests.ts'

export type LnbitsOptions = WalletOptions & {
  /** `https://lnbits.example.com`, with a path where it has one. */
  readonly url: string
  /** Invoice key of who only receives, admin key of who pays. Secret. */
  readonly key: string
  /** PEM. Without one, what the system trusts. */
  readonly certificate?: string
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
}

export type LnbitsWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/**
 * LNbits takes an order up when it has read it, one of a wallet at a time and for some seconds each. What
 * a proxy before it holds, it holds for a minute or two.
 */
const orderLagSeconds = 600

/**
 * One wallet of an LNbits 1.x, by its HTTP API.
 *
 * It makes invoices of whole satoshis, and puts its own name where a description is empty. It takes no fee ceiling for one payment, but
 * tells what it sets aside for fees: a payment for which that is more than the ceiling is not ordered.
 *
 * What LNbits calls failed has failed: it has put the money back into the wallet. It never sends a
 * failed payment again, so another order of the same invoice fails, too.
 *
 * A payment to another wallet of the same LNbits may come without a preimage. Then it is unknown, for
 * nothing proves it.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-LNB-1 to R-LNB-15
 */
export function createLnbits(options: LnbitsOptions): LnbitsWallet {
  const baseUrl = requireBaseUrl('url', options.url)
  const key = requireHeaderText('key', options.key)
  const { network, timeoutMs, now } = readWalletOptions(options)
  const orderTimeoutMs = requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000)
  const { certificate } = options
  const link = new NodeLink({ baseUrl, headers: { 'x-api-key': key }, certificate })

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      timeoutMs,
      now,
      ...createInvoices({ link, key, timeoutMs, now }),
    }),
    payer: createPayer({
      kind,
      network,
      // The key is 122 random bits, and the only name that a wallet has here.
      id: encodeHex(sha256(encodeUtf8(`${kind} ${baseUrl} ${key}`))),
      orderLagSeconds,
      orderTimeoutMs,
      lookUpTimeoutMs: timeoutMs,
      now,
      ...createPayments(link, timeoutMs),
    }),
    examine: (signal) => examineLnbits(link, timeoutMs, signal),
    close: () => link.close(),
  }
}
