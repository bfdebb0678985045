import { encodeBase64, encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
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
import { examinePhoenixd } from './examine.ts'
import { createInvoices } from './invoices.ts'
import { createPayments } from './payments.ts'
import { kind } from './requests.ts'

export type PhoenixdOptions = WalletOptions & {
  /** `http://127.0.0.1:9740`, or https behind a proxy. */
  readonly url: string
  /** `http-password`, or `http-password-limited-access` of who only receives. Secret. */
  readonly password: string
  /** PEM. Without one, what the system trusts. */
  readonly certificate?: string
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
}

export type PhoenixdWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/**
 * A phoenixd, by its HTTP API.
 *
 * It makes invoices of whole satoshis, with descriptions of at most 128 bytes. It takes no fee ceiling:
 * each payment costs 4 sat and 0.4 %, so a payment with a lower ceiling is not ordered.
 *
 * How long an order can be on its way to it is not known: phoenixd holds one until it knows the height
 * of the chain, and writes it down only then.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-PHX-1 to R-PHX-13
 */
export function createPhoenixd(options: PhoenixdOptions): PhoenixdWallet {
  const baseUrl = requireBaseUrl('url', options.url)
  const password = requireHeaderText('password', options.password)
  const { network, timeoutMs, now } = readWalletOptions(options)
  const orderTimeoutMs = requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000)
  const link = new NodeLink({
    baseUrl,
    headers: { authorization: `Basic ${encodeBase64(encodeUtf8(`:${password}`))}` },
    certificate: options.certificate,
  })

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      timeoutMs,
      now,
      ...createInvoices(link, timeoutMs),
    }),
    payer: createPayer({
      kind,
      network,
      id: encodeHex(sha256(encodeUtf8(`${kind} ${baseUrl}`))),
      orderTimeoutMs,
      lookUpTimeoutMs: timeoutMs,
      now,
      ...createPayments(link, timeoutMs),
    }),
    examine: (signal) => examinePhoenixd(link, timeoutMs, signal),
    close: () => link.close(),
  }
}
