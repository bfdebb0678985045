import type { Msat, Network } from 'satway'
import { encodeHex } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import type { ToPrimary, ToWorker } from './messages.ts'
import { decodeFault, decodeSettlement, decodeStatus, unavailable } from './messages.ts'
import { SettlementQueue } from './settlement-queue.ts'
import type { WalletLimits } from './wallet-limits.ts'

export type RemotePayeeOptions = {
  readonly limits: WalletLimits
  /** @throws {Error} when the channel is closed. */
  readonly send: (message: ToPrimary) => void
  /** How long an answer may take. Default 15 000. */
  readonly timeoutMs?: number
}

type Answer = Extract<ToWorker, { readonly kind: 'invoiced' | 'found' | 'refused' }>
type Waiting = { answer(answer: Answer): void; fail(error: Error): void }

const defaultTimeoutMs = 15_000
/** Calls under way at a time. A flood of them must not become memory. */
const maxCalls = 10_000

/**
 * The primary's wallet, as a worker sees it.
 *
 * @spec gateway.md R-WRK-10 to R-WRK-14
 */
export class RemotePayee implements Payee {
  readonly network: Network
  readonly amountStepMsat?: Msat
  readonly maxDescriptionBytes?: number
  #send: (message: ToPrimary) => void
  #timeoutMs: number
  #calls = new Map<number, Waiting>()
  #lastId = 0
  #queues = new Set<SettlementQueue>()

  constructor(options: RemotePayeeOptions) {
    const { network, amountStepMsat, maxDescriptionBytes } = options.limits
    this.network = network
    if (amountStepMsat !== undefined) this.amountStepMsat = amountStepMsat
    if (maxDescriptionBytes !== undefined) this.maxDescriptionBytes = maxDescriptionBytes
    this.#send = options.send
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  }

  async createInvoice(
    request: Parameters<Payee['createInvoice']>[0],
  ): Promise<{ readonly invoice: string }> {
    const { amountMsat, description, expirySeconds, signal } = request
    const order = { amountMsat: amountMsat.toString(), description, expirySeconds }
    const answer = await this.#call((id) => ({ kind: 'invoice', id, order }), signal)
    if (answer.kind !== 'invoiced') throw unavailable('the primary answered something else')
    return { invoice: answer.invoice }
  }

  async lookupInvoice(
    ...[hash, signal]: Parameters<Payee['lookupInvoice']>
  ): ReturnType<Payee['lookupInvoice']> {
    const answer = await this.#call((id) => ({ kind: 'lookup', id, hash: encodeHex(hash) }), signal)
    if (answer.kind !== 'found') throw unavailable('the primary answered something else')
    return decodeStatus(answer.status)
  }

  /** One whose message was on its way from the primary when this was called is told too. */
  settlements(signal: AbortSignal): AsyncIterable<Settlement> {
    const queue = new SettlementQueue(() => {
      signal.removeEventListener('abort', onAbort)
      this.#forget(queue)
    })
    const onAbort = (): void => queue.finish()
    if (signal.aborted) queue.finish()
    else this.#remember(queue)
    signal.addEventListener('abort', onAbort, { once: true })
    return queue
  }

  /** Takes a message of the primary. Those that are not about the wallet are passed over. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'invoiced':
      case 'found':
      case 'refused':
        this.#calls.get(message.id)?.answer(message)
        return
      case 'settled': {
        const settlement = decodeSettlement(message.settlement)
        for (const queue of [...this.#queues]) queue.push(settlement)
        return
      }
      case 'broken':
        for (const queue of [...this.#queues]) queue.break()
        return
      default:
    }
  }

  #remember(queue: SettlementQueue): void {
    this.#queues.add(queue)
    if (this.#queues.size > 1) return
    try {
      this.#send({ kind: 'watch' })
    } catch {
      queue.break()
    }
  }

  #forget(queue: SettlementQueue): void {
    if (!this.#queues.delete(queue) || this.#queues.size > 0) return
    try {
      this.#send({ kind: 'unwatch' })
    } catch {
      // Without a channel there is nobody who watches.
    }
  }

  #call(message: (id: number) => ToPrimary, signal: AbortSignal | undefined): Promise<Answer> {
    if (signal?.aborted) return Promise.reject(unavailable('aborted'))
    if (this.#calls.size >= maxCalls) return Promise.reject(unavailable('too many calls'))
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#calls.delete(id)
      }
      const give = (reason: string): void => {
        finish()
        reject(unavailable(reason))
        this.#abort(id)
      }
      const onAbort = (): void => give('aborted')
      const timer = setTimeout(() => give('timeout'), this.#timeoutMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#calls.set(id, {
        answer: (answer) => {
          finish()
          if (answer.kind === 'refused') reject(decodeFault(answer.fault))
          else resolve(answer)
        },
        fail: (error) => {
          finish()
          reject(error)
        },
      })
      try {
        this.#send(message(id))
      } catch {
        this.#calls.get(id)?.fail(unavailable('the primary is gone'))
      }
    })
  }

  #abort(id: number): void {
    try {
      this.#send({ kind: 'abort', id })
    } catch {
      // Without a channel there is nobody who works on it.
    }
  }
}
