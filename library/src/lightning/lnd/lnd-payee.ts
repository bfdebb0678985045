import { encodeHex, equalBytes } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { InvoiceOrder, NodeLink } from '../adapter/index.ts'
import { unavailable } from '../adapter/index.ts'
import type { InvoiceStatus, Settlement } from '../index.ts'
import type { Said } from './lnd-answer.ts'
import { codes, kind, readAnswer, readLine, uselessAnswer } from './lnd-answer.ts'
import type { InvoiceTold } from './lnd-invoice.ts'
import { isSpontaneous, readIndex, readInvoice } from './lnd-invoice.ts'

/** lnd makes no invoice of more: 100 000 BTC. */
const maxInvoiceMsat = 100_000n * 100_000_000n * 1000n
const missing: ReadonlySet<string> = new Set([
  'unable to locate invoice',
  'there are no existing invoices',
])

/** Invoices and their settlements over the REST interface of lnd. */
export class LndPayee {
  readonly #link: NodeLink
  readonly #usesPrivateChannels: boolean
  /** The latest invoice that was heard of: lnd counts them from 1. */
  #lastAdded = 0n
  /** The last settlement that a stream told before it broke, and no stream has taken up. */
  #resumeFrom: bigint | undefined

  constructor(link: NodeLink, usesPrivateChannels: boolean) {
    this.#link = link
    this.#usesPrivateChannels = usesPrivateChannels
  }

  async create(order: InvoiceOrder, signal: AbortSignal): Promise<string> {
    const { amountMsat, description, expirySeconds } = order
    if (amountMsat > maxInvoiceMsat) {
      throw new RangeError('amountMsat: lnd makes invoices of at most 100 000 BTC')
    }
    const body = JSON.stringify({
      value_msat: String(amountMsat),
      memo: description,
      expiry: String(expirySeconds),
      private: this.#usesPrivateChannels,
    })
    // Repeatable: an invoice that nobody is told of does no harm.
    const request = { method: 'POST', path: '/v1/invoices', repeatable: true, body } as const
    const { said, status } = await this.#ask(request, signal)
    const text = said?.says === 'result' ? said.result['payment_request'] : undefined
    if (said?.says !== 'result' || typeof text !== 'string') throw uselessAnswer(said, status)
    this.#heardOf(readIndex(said.result['add_index']))
    return text
  }

  async lookUp(hash: PaymentHash, signal: AbortSignal): Promise<InvoiceStatus> {
    const request = { method: 'GET', path: `/v1/invoice/${encodeHex(hash)}` } as const
    const { said, status } = await this.#ask(request, signal)
    if (said?.says === 'status') {
      const { code, message } = said.status
      // A proxy that has nothing at this path uses the code as well.
      if (code === codes.notFound && missing.has(message)) return { status: 'not-found' }
    }
    const told = said?.says === 'result' ? readInvoice(said.result) : undefined
    if (told === undefined || !equalBytes(told.paymentHash, hash)) {
      throw uselessAnswer(said, status)
    }
    this.#heardOf(told.addIndex)
    return told.standing
  }

  /** As `PayeeDriver.follow`. */
  async *follow(signal: AbortSignal, opened: () => void): AsyncGenerator<Settlement> {
    let since = this.#resumeFrom
    this.#resumeFrom = undefined
    try {
      for await (const { invoice, isNews } of this.#events(since, signal)) {
        opened()
        this.#heardOf(invoice.addIndex)
        const { standing, settleIndex, paymentHash } = invoice
        if (!isNews || standing.status !== 'settled') continue
        since = settleIndex ?? since
        const { amountMsat, settledAtSeconds } = standing
        // Whoever pays without an invoice chose the preimage himself.
        if (!invoice.isSpontaneous) yield { paymentHash, amountMsat, settledAtSeconds }
      }
    } catch (error) {
      if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
      throw unavailable(kind, 'the stream of invoices broke')
    } finally {
      if (!signal.aborted && since !== undefined) this.#resumeAt(since)
    }
  }

  /**
   * What lnd tells of its invoices, after the settlement `since`. lnd says nothing at all, not even that
   * it listens, until something happens: so it is asked for the latest invoice once more. How that one
   * stands is no news: it may have been settled for long.
   */
  async *#events(
    since: bigint | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly invoice: InvoiceTold; readonly isNews: boolean }> {
    const last = this.#lastAdded
    const from = [
      ...(last > 1n ? [`add_index=${last - 1n}`] : []),
      ...(since !== undefined ? [`settle_index=${since}`] : []),
    ]
    const path = `/v1/invoices/subscribe?${from.join('&')}`
    const opened = await this.#link.stream({ method: 'GET', path, background: true }, signal)
    if (opened.kind !== 'answered') throw unavailable(kind, opened.reason)
    let isFirst = last > 1n
    for await (const line of opened.lines) {
      if (line === '') continue
      const said = readLine(line)
      const invoice = said?.says === 'result' ? readInvoice(said.result) : undefined
      // Anybody can send one: it must not end the stream.
      if (invoice === undefined && said?.says === 'result' && isSpontaneous(said.result)) continue
      if (invoice === undefined) throw uselessAnswer(said, opened.status)
      yield { invoice, isNews: !isFirst || invoice.addIndex !== last }
      isFirst = false
    }
  }

  #heardOf(addIndex: bigint | undefined): void {
    if (addIndex !== undefined && addIndex > this.#lastAdded) this.#lastAdded = addIndex
  }

  /** Of several streams that broke, the earliest counts. */
  #resumeAt(settleIndex: bigint): void {
    const other = this.#resumeFrom
    this.#resumeFrom = other === undefined || settleIndex < other ? settleIndex : other
  }

  async #ask(
    request: Parameters<NodeLink['request']>[0],
    signal: AbortSignal,
  ): Promise<{ readonly said: Said; readonly status: number }> {
    const reply = await this.#link.request(request, signal)
    if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
    return { said: readAnswer(reply.text), status: reply.status }
  }
}
