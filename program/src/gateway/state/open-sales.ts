import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hashBytes, toHex } from './hex-key.ts'
import type { State } from './state.ts'
import type { WriteQueue } from './write-queue.ts'

type Sale = Parameters<State['noteSale']>[0]
type OpenSale = ReturnType<State['openSales']>[number]

/** Rows, and sales that wait for their second: a flood of challenges must not become a file. */
const maxSales = 20_000
/** How many may be written before the oldest beyond {@link maxSales} are looked for. */
const trimAfter = 1000
/** Payments that only their token told of, so old that the wallet is no longer asked, in seconds. */
const askedForSeconds = 7 * 86_400
/** Rows that one transaction writes, or one step of a sweep deletes. */
const stepRows = 100

/**
 * What was sold and can still be paid. A gateway that was not there when it was paid asks the wallet
 * about these. What is paid within a second of its sale is never written.
 *
 * @spec gateway.md R-GWW-20
 */
export class OpenSales {
  readonly #queue: WriteQueue
  readonly #now: () => number
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #trim: StatementSync
  readonly #sweep: StatementSync
  readonly #list: StatementSync
  readonly #unreported: StatementSync
  readonly #waiting = new Map<string, Sale>()
  /** Those of them that are being written. */
  readonly #underWay = new Set<Sale>()
  #sinceTrim = 0

  constructor(database: DatabaseSync, queue: WriteQueue, now: () => number) {
    this.#queue = queue
    this.#now = now
    this.#insert = database.prepare(`
      INSERT INTO open_sales SELECT :hash, :service, :capability, :until
      WHERE NOT EXISTS (SELECT 1 FROM payments WHERE payment_hash = :hash AND is_reported = 1)
      ON CONFLICT DO NOTHING`)
    this.#delete = database.prepare('DELETE FROM open_sales WHERE payment_hash = ?')
    this.#trim = database.prepare(`DELETE FROM open_sales WHERE payment_hash IN
      (SELECT payment_hash FROM open_sales ORDER BY until DESC LIMIT -1 OFFSET ${maxSales})`)
    this.#sweep = database.prepare(`DELETE FROM open_sales WHERE payment_hash IN
      (SELECT payment_hash FROM open_sales WHERE until <= ? LIMIT ${stepRows})`)
    this.#list = database.prepare(`SELECT payment_hash AS hash, service, capability FROM open_sales
      WHERE until > ? ORDER BY until DESC LIMIT ${maxSales}`)
    this.#unreported = database.prepare(`SELECT payment_hash AS hash, service, capability
      FROM payments WHERE is_reported = 0 AND settled_at > ?
      ORDER BY settled_at DESC LIMIT ${maxSales}`)
  }

  note(sale: Sale): void {
    hashBytes(sale.paymentHash)
    this.#waiting.set(sale.paymentHash, sale)
    if (this.#waiting.size <= maxSales) return
    const [oldest] = this.#waiting.keys()
    this.#waiting.delete(oldest!)
  }

  /** It was paid: nothing is to be written of it. */
  forgetWaiting(paymentHash: string): void {
    this.#waiting.delete(paymentHash)
  }

  /** Within a transaction. */
  delete(paymentHash: string): void {
    this.#delete.run(hashBytes(paymentHash))
  }

  /** Writes what waits. Rejects with the first failure; what was not written waits on. */
  async flush(): Promise<void> {
    const sales = [...this.#waiting.values()].filter((sale) => !this.#underWay.has(sale))
    const writes: Promise<void>[] = []
    for (let i = 0; i < sales.length; i += stepRows) {
      writes.push(this.#write(sales.slice(i, i + stepRows)))
    }
    const outcomes = await Promise.allSettled(writes)
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** The newest first. What other processes sold within the last second is left out. */
  list(untilAfterSeconds: number): readonly OpenSale[] {
    const waiting = [...this.#waiting.values()].reverse()
    const written = this.#list.all(Math.floor(untilAfterSeconds)).map(saleOf)
    return [...waiting, ...written.filter((one) => !this.#waiting.has(one.paymentHash))]
  }

  /** Payments that the wallet has not told of: tokens that were seen. The newest first. */
  unreported(): readonly OpenSale[] {
    return this.#unreported.all(Math.floor(this.#now()) - askedForSeconds).map(saleOf)
  }

  /** One step of a sweep: forgets what can no longer be paid. */
  sweep(): 'more' | 'done' {
    const { changes } = this.#sweep.run(Math.floor(this.#now()))
    return Number(changes) < stepRows ? 'done' : 'more'
  }

  async #write(sales: readonly Sale[]): Promise<void> {
    for (const sale of sales) this.#underWay.add(sale)
    try {
      await this.#queue.add(() => {
        for (const sale of sales) this.#writeOne(sale)
        if (this.#sinceTrim < trimAfter) return
        this.#sinceTrim = 0
        this.#trim.run()
      })
      for (const { paymentHash } of sales) this.#waiting.delete(paymentHash)
    } finally {
      for (const sale of sales) this.#underWay.delete(sale)
    }
  }

  #writeOne({ paymentHash, service, capability, untilSeconds }: Sale): void {
    // It may have been paid while it waited for the file.
    if (!this.#waiting.has(paymentHash)) return
    const until = Math.floor(untilSeconds)
    this.#insert.run({ hash: hashBytes(paymentHash), service, capability, until })
    this.#sinceTrim++
  }
}

function saleOf(row: Record<string, unknown>): OpenSale {
  const { hash, service, capability } = row as {
    readonly hash: Uint8Array
    readonly service: string | null
    readonly capability: string | null
  }
  return {
    paymentHash: toHex(hash),
    service: service ?? undefined,
    capability: capability ?? undefined,
  }
}
