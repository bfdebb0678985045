import { encodeBase64, encodeUtf8 } from '../../bytes/index.ts'
import type { WalletOptions } from '../adapter/index.ts'
import {
  createPayee,
  NodeLink,
  readWalletOptions,
  requireBaseUrl,
  requireHeaderText,
  requireMs,
} from '../adapter/index.ts'
import type { Payee, Wallet } from '../index.ts'
import { examineCharge } from './examine.ts'
import { InvoiceList } from './invoice-list.ts'
import { createInvoices } from './invoices.ts'
import { followPayments } from './payment-stream.ts'

export type ChargeOptions = WalletOptions & {
  /** `http://127.0.0.1:9112`, or https behind a proxy. */
  readonly url: string
  /** Its `--api-token`. Secret. */
  readonly token: string
  /** PEM. Without one, what the system trusts. */
  readonly certificate?: string
  /**
   * How long the stream of payments may be silent until it counts as broken, in ms. Charge says
   * something every 25 s. Default 80 000.
   */
  readonly silenceMs?: number
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
  const { network, timeoutMs, now } = readWalletOptions(options)
  const silenceMs = requireMs('silenceMs', options.silenceMs, 80_000)
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
