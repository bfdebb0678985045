import { encodeBase64, encodeUtf8 } from '../../bytes/index.ts'
import type { Network } from '../../invoice/index.ts'
import {
  createPayee,
  NodeLink,
  requireBaseUrl,
  requireHeaderText,
  requireMs,
  requireNetwork,
} from '../adapter/index.ts'
import type { Payee, Wallet } from '../index.ts'
import { examineCharge } from './examine.ts'
import { InvoiceList } from './invoice-list.ts'
import { createInvoices } from './invoices.ts'
import { followPayments } from './payment-stream.ts'

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
  /**
   * How long the stream of payments may be silent until it counts as broken, in ms. Charge says
   * something every 25 s. Default 80 000.
   */
  readonly silenceMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type ChargeWallet = Wallet & { readonly payee: Payee }

/** Begins what errors say. */
const kind = 'charge'
/** All invoices of a Charge come in one answer: of some forty thousand. */
const maxListBytes = 32 * 1024 * 1024

/**
 * A Lightning Charge, which is paid and never pays.
 *
 * Charge finds an invoice by an id of its own. The ids of the invoices that were made here, and of those
 * that its stream told, are kept; another invoice is looked for in the list of all, which is read once for
 * all who look at that moment.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-CHG-1 to R-CHG-9
 */
export function createCharge(options: ChargeOptions): ChargeWallet {
  const baseUrl = requireBaseUrl('url', options.url)
  const network = requireNetwork(options.network)
  const timeoutMs = requireMs('timeoutMs', options.timeoutMs, 10_000)
  const silenceMs = requireMs('silenceMs', options.silenceMs, 80_000)
  const now = options.now ?? (() => Math.floor(Date.now() / 1000))
  const token = requireHeaderText('token', options.token)
  const to = {
    baseUrl,
    headers: { authorization: `Basic ${encodeBase64(encodeUtf8(`api-token:${token}`))}` },
    certificate: options.certificate,
  }
  const link = new NodeLink(to)
  const listLink = new NodeLink({ ...to, maxAnswerBytes: maxListBytes })
  const list = new InvoiceList({ kind, link: listLink, timeoutMs })

  return {
    kind,
    network,
    payee: createPayee({
      kind,
      network,
      timeoutMs,
      now,
      ...createInvoices({ kind, link, list }),
      follow: (signal, opened) => followPayments({ kind, link, list, silenceMs }, signal, opened),
    }),
    payer: undefined,
    examine: (signal) => examineCharge({ kind, link, timeoutMs }, signal),
    close: () => {
      link.close()
      listLink.close()
    },
  }
}
