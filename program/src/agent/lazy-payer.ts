import type { Network } from 'satway'
import type { Ledger } from 'satway/client'
import type { Payer } from 'satway/lightning'

/** One whose name and lag are known once it is open, and not before. */
type Opening = { -readonly [Name in keyof Payer]: Payer[Name] } & {
  /**
   * Opens it before a payment is written down. Where that cannot be done the payment has no wallet to its
   * name, and is not ordered, though it could be opened by then.
   *
   * @param paymentHash - In hex.
   */
  prepare(paymentHash: string): Promise<void>
}
export type LazyPayer = Readonly<Opening>

/**
 * A wallet that is opened when it is first told something. One that cannot be opened was certainly not
 * told anything: what `open` rejects with has to be NODE_UNAVAILABLE.
 *
 * @param open - Called for every order and question; it remembers what is open.
 */
export function createLazyPayer(network: Network, open: () => Promise<Payer>): LazyPayer {
  const ready = async (): Promise<Payer> => {
    const payer = await open()
    if (payer.id !== undefined) lazy.id = payer.id
    if (payer.orderLagSeconds !== undefined) lazy.orderLagSeconds = payer.orderLagSeconds
    return payer
  }
  /** Why the wallet could not be named, by payment. */
  const unnamed = new Map<string, unknown>()
  const lazy: Opening = {
    network,
    pay: async (invoice, limits) => {
      const paymentHash = Buffer.from(invoice.paymentHash).toString('hex')
      if (unnamed.has(paymentHash)) throw unnamed.get(paymentHash)
      return await (await ready()).pay(invoice, limits)
    },
    lookupPayment: async (hash, signal) => await (await ready()).lookupPayment(hash, signal),
    prepare: async (paymentHash) => {
      unnamed.delete(paymentHash)
      try {
        await ready()
      } catch (error) {
        // The order that follows says so.
        unnamed.set(paymentHash, error)
      }
    },
  }
  return lazy
}

/**
 * The same ledger, which names the wallet in each intent: it has to be open by then. Without a name a
 * later process would ask another wallet about the payment, and believe it.
 */
export function namingWallet(ledger: Ledger, payer: LazyPayer): Ledger {
  return {
    ...ledger,
    begin: async (intent, limits) => {
      await payer.prepare(intent.paymentHash)
      const { id: walletId, orderLagSeconds } = payer
      return await ledger.begin({ ...intent, walletId, orderLagSeconds }, limits)
    },
  }
}
