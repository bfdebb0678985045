import { decodeHex, paymentHash } from 'satway'
import type { Payee } from 'satway/lightning'
import type { InvoiceOrder, ToPrimary, ToWorker } from './messages.ts'
import { decodeAmount, encodeFault, encodeSettlement, encodeStatus } from './messages.ts'
import type { SettlementHub } from './settlement-hub.ts'

/** Answers one worker's questions about the wallet, in the primary. */
export class PayeeDesk {
  #payee: Payee
  #hub: SettlementHub
  #send: (message: ToWorker) => void
  #calls = new Map<number, AbortController>()
  #unlisten: (() => void) | undefined

  /** @param send - Must not throw. */
  constructor(payee: Payee, hub: SettlementHub, send: (message: ToWorker) => void) {
    this.#payee = payee
    this.#hub = hub
    this.#send = send
  }

  /** Takes a message of the worker. Those that are not about the wallet are passed over. */
  receive(message: ToPrimary): void {
    switch (message.kind) {
      case 'invoice': {
        const { id, order } = message
        void this.#answer(id, async (signal) => {
          return { kind: 'invoiced', id, ...(await this.#createInvoice(order, signal)) }
        })
        return
      }
      case 'lookup': {
        const { id, hash } = message
        void this.#answer(id, async (signal) => {
          const status = await this.#payee.lookupInvoice(paymentHash(decodeHex(hash)), signal)
          return { kind: 'found', id, status: encodeStatus(status) }
        })
        return
      }
      case 'abort':
        this.#calls.get(message.id)?.abort()
        return
      case 'watch':
        this.#watch()
        return
      case 'unwatch':
        this.#unlisten?.()
        this.#unlisten = undefined
        return
      default:
    }
  }

  /** The worker is gone: nothing is done for it any more. */
  close(): void {
    this.#unlisten?.()
    for (const controller of this.#calls.values()) controller.abort()
  }

  #watch(): void {
    this.#unlisten?.()
    this.#unlisten = this.#hub.listen({
      settled: (settlement) => {
        this.#send({ kind: 'settled', settlement: encodeSettlement(settlement) })
      },
      broken: () => this.#send({ kind: 'broken' }),
    })
  }

  #createInvoice(order: InvoiceOrder, signal: AbortSignal): Promise<{ readonly invoice: string }> {
    const { description, expirySeconds } = order
    const amountMsat = decodeAmount(order.amountMsat)
    return this.#payee.createInvoice({ amountMsat, description, expirySeconds, signal })
  }

  async #answer(id: number, work: (signal: AbortSignal) => Promise<ToWorker>): Promise<void> {
    const controller = new AbortController()
    this.#calls.set(id, controller)
    try {
      this.#send(await work(controller.signal))
    } catch (error) {
      this.#send({ kind: 'refused', id, fault: encodeFault(error) })
    } finally {
      this.#calls.delete(id)
    }
  }
}
