import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'
import type { NodeLink } from '../adapter/index.ts'
import { readFieldsList, unavailable } from '../adapter/index.ts'
import { noAnswer } from './answers.ts'
import type { ChargedInvoice } from './charged-invoice.ts'
import { readInvoice } from './charged-invoice.ts'

type ListOptions = {
  readonly kind: string
  /** Takes long answers. */
  readonly link: NodeLink
  readonly timeoutMs: number
}

/** By payment hash in hex. `undefined`: there is one, and it cannot be read. */
type Invoices = ReadonlyMap<string, ChargedInvoice | undefined>

/** How many ids are kept; the oldest go first. */
const maxIds = 10_000

/**
 * Where the invoices of a Charge are found by payment hash. Charge itself can be asked for one by its id
 * alone, or for all.
 */
export class InvoiceList {
  readonly #options: ListOptions
  /** Ids by payment hash in hex, oldest first. */
  readonly #ids = new Map<string, string>()
  #running: Promise<Invoices> | undefined
  #next: Promise<Invoices> | undefined

  constructor(options: ListOptions) {
    this.#options = options
  }

  idOf(hash: PaymentHash): string | undefined {
    return this.#ids.get(encodeHex(hash))
  }

  keep(hash: string, id: string): void {
    this.#ids.delete(hash)
    this.#ids.set(hash, id)
    const [oldest] = this.#ids.keys()
    if (this.#ids.size > maxIds) this.#ids.delete(oldest!)
  }

  /**
   * Looks through all invoices. Whoever comes while the list is read waits for the next reading: an
   * invoice may have been made meanwhile.
   *
   * @throws NODE_UNAVAILABLE when the list cannot be read.
   */
  async find(hash: PaymentHash): Promise<ChargedInvoice | undefined> {
    const invoices = await this.#readAfterNow()
    const hashHex = encodeHex(hash)
    const found = invoices.get(hashHex)
    if (found === undefined && invoices.has(hashHex)) {
      throw unavailable(this.#options.kind, 'it tells of the invoice what cannot be understood')
    }
    return found
  }

  #readAfterNow(): Promise<Invoices> {
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  #start(): Promise<Invoices> {
    this.#next = undefined
    const reading = this.#read().finally(() => {
      if (this.#running === reading) this.#running = undefined
    })
    this.#running = reading
    return reading
  }

  async #read(): Promise<Invoices> {
    const { kind, link, timeoutMs } = this.#options
    const signal = AbortSignal.timeout(timeoutMs)
    const reply = await link.request({ method: 'GET', path: '/invoices' }, signal)
    const isAnswer = reply.kind === 'answered' && reply.status === 200
    const list = isAnswer ? readFieldsList(reply.text) : undefined
    if (list === undefined) throw noAnswer(kind, reply)
    const invoices = new Map<string, ChargedInvoice | undefined>()
    for (const fields of list) {
      const invoice = readInvoice(fields)
      const hash = invoice?.hash ?? fields['rhash']
      if (typeof hash === 'string') invoices.set(hash, invoice)
      // Those that wait are asked about again, one by one.
      if (invoice?.status.status === 'open') this.keep(invoice.hash, invoice.id)
    }
    return invoices
  }
}
