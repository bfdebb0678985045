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
import { examineStore } from './examine.ts'
import { createInvoices } from './invoices.ts'
import { createPayments } from './payments.ts'

export type BtcpayOptions = WalletOptions & {
  /** `https://btcpay.example.com`, with a path where it has one. https, or http on this machine. */
  readonly url: string
  /** As in the address of the store's settings. */
  readonly storeId: string
  /** An API key of the Greenfield API. Secret. */
  readonly key: string
  /** PEM. Without one, what the system trusts. */
  readonly certificate?: string
  /** Whether invoices tell the way through channels that are not announced. Default false. */
  readonly privateRouteHints?: boolean
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
}

export type BtcpayWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/** Begins what errors say. */
const kind = 'btcpay'
/**
 * BTCPay hands an order to its node at once and gives up after the `sendTimeout` that it was told, a
 * minute. What a proxy before it holds, it holds for a minute or two.
 */
const orderLagSeconds = 600

/**
 * The Lightning node of one store of a BTCPay Server, by its Greenfield API.
 *
 * What BTCPay says of a payment is what the node behind it says. A payment has failed when BTCPay
 * answered the order with an error and knows the payment as failed or, having found no route, not at all;
 * and when a look-up says so of a payment that no attempt can follow.
 *
 * The fee ceiling is told in whole satoshis, rounded down. Below one satoshi nothing is ordered: BTCPay
 * would drop the ceiling. Nodes that are accounts at somebody else's (LNDhub) may not keep it.
 *
 * There are no events but webhooks, which the API key of a gateway cannot make: open invoices are asked
 * about.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-BTP-1 to R-BTP-12
 */
export function createBtcpay(options: BtcpayOptions): BtcpayWallet {
  const url = requireBaseUrl('url', options.url)
  const storeId = requireStoreId(options.storeId)
  const { network, timeoutMs, now } = readWalletOptions(options)
  const orderTimeoutMs = requireMs('orderTimeoutMs', options.orderTimeoutMs, 75_000)
  const link = new NodeLink({
    baseUrl: url,
    headers: { authorization: `token ${requireHeaderText('key', options.key)}` },
    certificate: options.certificate,
  })
  const store = { kind, link, path: `/api/v1/stores/${storeId}/lightning/BTC` } as const
  const { privateRouteHints = false } = options

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      timeoutMs,
      now,
      ...createInvoices({ ...store, privateRouteHints, now }),
    }),
    payer: createPayer({
      kind,
      network,
      id: encodeHex(sha256(encodeUtf8(`${kind} ${url} ${storeId}`))),
      orderLagSeconds,
      orderTimeoutMs,
      lookUpTimeoutMs: timeoutMs,
      now,
      ...createPayments({ ...store, orderTimeoutMs, now }),
    }),
    examine: (signal) => examineStore({ ...store, storeId, timeoutMs }, signal),
    close: () => link.close(),
  }
}

function requireStoreId(text: string): string {
  if (typeof text === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(text)) return text
  throw new RangeError('storeId: expected letters and digits, as in the address of the store')
}
