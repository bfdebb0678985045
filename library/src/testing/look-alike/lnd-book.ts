import { encodeHex } from '../../bytes/index.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { InvoiceSheet } from './lnd-messages.ts'
import { invoiceMessage } from './lnd-messages.ts'

/** What happened to the invoices of one node, in order. */
type Event = {
  readonly kind: 'added' | 'settled'
  readonly index: number
  readonly hash: PaymentHash
}

/** The invoices of one lnd, which it counts as they are added and as they settle, each from 1. */
export class LndBook {
  readonly #node: DevnetNode
  readonly #events: Event[] = []
  /** Those that were made through lnd, by payment hash in hex. */
  readonly #invoices = new Map<string, Invoice>()
  /** Their numbers, by payment hash in hex. */
  readonly #indexes = { added: new Map<string, number>(), settled: new Map<string, number>() }
  readonly #waiting = new Set<() => void>()
  readonly #closed = new AbortController()

  constructor(node: DevnetNode) {
    this.#node = node
    this.#watch().catch(() => undefined)
  }

  /** @returns its number. */
  add(invoice: Invoice): number {
    this.#invoices.set(encodeHex(invoice.paymentHash), invoice)
    return this.#note('added', invoice.paymentHash)
  }

  async message(hash: PaymentHash): Promise<unknown> {
    return invoiceMessage(this.#sheet(hash), await this.#node.lookupInvoice(hash))
  }

  /**
   * Invoices as they are added and as they settle. A number above zero asks for what came after it as
   * well: first for the added ones, each as it stands now.
   */
  async *follow(
    from: { readonly addIndex: number; readonly settleIndex: number },
    signal: AbortSignal,
  ): AsyncGenerator<unknown> {
    let at = this.#events.length
    const since = (kind: Event['kind'], index: number): readonly Event[] =>
      index === 0 ? [] : this.#events.filter((event) => event.kind === kind && event.index > index)
    const backlog = [...since('added', from.addIndex), ...since('settled', from.settleIndex)]
    for (const { hash } of backlog) yield await this.message(hash)
    while (!signal.aborted && !this.#closed.signal.aborted) {
      const event = this.#events[at]
      if (event === undefined) {
        await this.#wait(signal)
        continue
      }
      at++
      const sheet = this.#sheet(event.hash)
      const standing = await this.#node.lookupInvoice(event.hash)
      yield event.kind === 'added'
        ? invoiceMessage(sheet, { status: 'open' })
        : invoiceMessage(sheet, standing)
    }
  }

  close(): void {
    this.#closed.abort()
    this.#wake()
  }

  async #watch(): Promise<void> {
    for await (const { paymentHash } of this.#node.settlements(this.#closed.signal)) {
      this.#note('settled', paymentHash)
    }
  }

  #sheet(hash: PaymentHash): InvoiceSheet {
    const hashHex = encodeHex(hash)
    return {
      hash,
      invoice: this.#invoices.get(hashHex),
      addIndex: this.#indexes.added.get(hashHex) ?? 0,
      settleIndex: this.#indexes.settled.get(hashHex) ?? 0,
    }
  }

  #note(kind: Event['kind'], hash: PaymentHash): number {
    const indexes = this.#indexes[kind]
    const index = indexes.size + 1
    indexes.set(encodeHex(hash), index)
    this.#events.push({ kind, index, hash })
    this.#wake()
    return index
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const look of waiting) look()
  }
}
