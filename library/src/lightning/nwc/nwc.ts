import type { Msat } from '../../amount/index.ts'
import type { WalletOptions } from '../adapter/index.ts'
import { readMsat, unavailable } from '../adapter/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'
import { examine } from './examination.ts'
import { createInvoices } from './invoices.ts'
import { NwcLink } from './nwc-link.ts'
import { createPayments } from './payments.ts'
import { kind, whyNot } from './refusals.ts'
import { readOptions } from './settings.ts'

export type NwcOptions = WalletOptions & {
  /** The wallet's public key: 64 hex digits. */
  readonly walletPubkey: string
  /** `wss://…`, or `ws://` on this machine. One to eight. */
  readonly relays: readonly string[]
  /** The secret key of this connection: 64 hex digits. */
  readonly secret: string
  /** How long the end of a payment is waited for, in ms; then it is unknown. Default 75 000. */
  readonly orderTimeoutMs?: number
  /**
   * How often an invoice that waits is asked about while nothing tells, in ms; each time that it is
   * still open, half as often. Default 3000.
   */
  readonly pollMs?: number
}

export type NwcWallet = Wallet & {
  readonly payee: Payee
  readonly payer: Payer
  /**
   * What the wallet says that this connection has.
   *
   * @throws {L402Error} NODE_UNAVAILABLE, also when the connection may not ask.
   */
  balanceMsat(signal?: AbortSignal): Promise<Msat>
}

/**
 * A wallet over Nostr Wallet Connect (NIP-47): paid and paying by encrypted messages over relays.
 *
 * NIP-47 knows no fee ceiling. The wallet's own limit holds (Alby Hub: one per cent, at least 10 sat),
 * and the budget of the connection where it has one. A payment with a ceiling of 0 is not ordered.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-NWC-1 to R-NWC-43
 */
export function createNwc(options: NwcOptions): NwcWallet {
  const settings = readOptions(options)
  const { network, timeoutMs } = settings
  const link = new NwcLink(settings)

  const within = (caller: AbortSignal | undefined): AbortSignal => {
    if (caller?.aborted === true) throw unavailable(kind, 'aborted')
    const limit = AbortSignal.timeout(timeoutMs)
    return caller === undefined ? limit : AbortSignal.any([caller, limit])
  }

  return {
    kind,
    network,
    payee: createInvoices(link, settings),
    payer: createPayments(link, settings),
    examine: async (caller) => await examine(link, within(caller)),
    balanceMsat: async (caller) => {
      const method = 'get_balance'
      const reply = await link.ask(method, {}, 'question', within(caller))
      if (reply.kind !== 'answered' || reply.code !== undefined) throw whyNot(reply, method)
      const balance = readMsat(reply.result['balance'])
      if (balance === undefined) throw unavailable(kind, 'it told no balance that can be read')
      return balance
    },
    close: () => link.close(),
  }
}
