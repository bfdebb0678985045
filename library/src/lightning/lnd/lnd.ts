import { decodeUtf8, encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { Macaroon } from '../../macaroon/index.ts'
import { encodeMacaroon } from '../../macaroon/index.ts'
import type { WalletOptions } from '../adapter/index.ts'
import { createPayee, createPayer, NodeLink } from '../adapter/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'
import { readBalance } from './balance.ts'
import { examineLnd } from './examine.ts'
import { kind } from './lnd-answer.ts'
import { LndPayee } from './lnd-payee.ts'
import { createPayments } from './lnd-payer.ts'
import { readOptions } from './settings.ts'

export type LndOptions = WalletOptions & {
  /** Of its REST interface: `https://host:8080`. http on this machine only. */
  readonly url: string
  /** As `lncli bakemacaroon` writes it: the bytes of its file, or these in hex or base64. Secret. */
  readonly macaroon: Uint8Array | string
  /** PEM: its `tls.cert`. Without one, what the system trusts. */
  readonly certificate?: string
  /**
   * Whether invoices tell the way through channels that are not public. A node that has no other
   * channels cannot be paid without. Default false.
   */
  readonly privateChannels?: boolean
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
  /**
   * How long an order may still be on its way when the connection to lnd is gone, in seconds. Default
   * 120: lnd takes an order up when it reads it, and holds none back; what is left is the network, and
   * a system gives up within two minutes on what it has to send for a connection that was closed.
   */
  readonly orderLagSeconds?: number
}

export type LndWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/**
 * A node of lnd, over its REST interface. Nothing is connected before the first call.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-LND-1 to R-LND-23
 * @example
 * const lnd = createLnd({
 *   url: 'https://127.0.0.1:8080',
 *   macaroon: await readFile('receive.macaroon'),
 *   certificate: await readFile('tls.cert', 'utf8'),
 * })
 */
export function createLnd(options: LndOptions): LndWallet {
  const settings = readOptions(options)
  const { url, network, macaroon, certificate, timeoutMs, orderTimeoutMs, now } = settings
  const link = new NodeLink({
    baseUrl: url,
    headers: { 'grpc-metadata-macaroon': encodeHex(encodeMacaroon(macaroon)) },
    certificate,
  })
  const invoices = new LndPayee(link, settings.usesPrivateChannels)
  const inTime = (caller: AbortSignal | undefined): AbortSignal => {
    const limit = AbortSignal.timeout(timeoutMs)
    return caller === undefined ? limit : AbortSignal.any([caller, limit])
  }

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      create: (order, signal) => invoices.create(order, signal),
      lookUp: (hash, signal) => invoices.lookUp(hash, signal),
      follow: (signal, opened) => invoices.follow(signal, opened),
      timeoutMs,
      now,
    }),
    payer: createPayer({
      kind,
      network,
      id: idOf(url, macaroon),
      orderLagSeconds: settings.orderLagSeconds,
      // It pays a hash once by itself.
      asksFirst: false,
      ...createPayments(link, { timeoutMs, orderTimeoutMs }),
      orderTimeoutMs,
      lookUpTimeoutMs: timeoutMs,
      now,
    }),
    examine: (caller) => examineLnd(link, macaroon, inTime(caller)),
    balanceMsat: (caller) => readBalance(link, macaroon, inTime(caller)),
    close: () => link.close(),
  }
}

/** The node, and the account on it where the macaroon is that of one (litd). */
function idOf(url: string, { unverifiedCaveats }: Macaroon): string {
  const accounts = unverifiedCaveats
    .map(({ identifier }) => textOf(identifier))
    .filter((text) => text.startsWith('lnd-custom account '))
  return encodeHex(sha256(encodeUtf8([kind, url, ...accounts].join(' '))))
}

function textOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch {
    return ''
  }
}
