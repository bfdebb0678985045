import type { Worker } from 'node:cluster'
import type { Payee } from 'satway/lightning'
import { limited } from './deadline.ts'
import type { Question, ToPrimary, ToWorker } from './messages.ts'
import { encodeLimits, isMessage } from './messages.ts'
import { PayeeDesk } from './payee-desk.ts'
import type { SettlementHub } from './settlement-hub.ts'
import { limitsOf } from './wallet-limits.ts'

export type MemberOptions = {
  readonly name: string
  readonly owner: string
  readonly payee: Payee
  readonly hub: SettlementHub
  /** The configuration at the moment when the worker asks for it. */
  readonly config: () => { readonly text: string; readonly generation: number }
}

/** How a process ended. `code` is `undefined` when a signal ended it. */
export type Exit = { readonly code: number | undefined; readonly signal: string | undefined }

/** The worker could not do what it was asked to, and is as it was. */
export class WorkerRefusal extends Error {
  override readonly name = 'WorkerRefusal'
}

/** One worker process, from its start to its end. */
export class Member {
  readonly name: string
  readonly owner: string
  readonly startedAtMs: number = performance.now()
  /** Resolves when it serves, or never. */
  readonly ready: Promise<void>
  /** Resolves when the process is no more. Never rejects. */
  readonly exited: Promise<Exit>
  /** What it answered last when it was asked what it counted. */
  collected: string | undefined
  /** Which configuration it has. */
  generation = 0
  isReady = false
  /** It is to end: its end is no accident. */
  isLeaving = false
  isGone = false
  /** Pings in a row that it did not answer. */
  silences = 0
  #worker: Worker
  #options: MemberOptions
  #desk: PayeeDesk
  #questions = new Map<number, { resolve(text: string): void; reject(error: Error): void }>()
  #lastId = 0
  #tellReady: () => void = () => undefined

  constructor(worker: Worker, options: MemberOptions) {
    this.name = options.name
    this.owner = options.owner
    this.#worker = worker
    this.#options = options
    this.#desk = new PayeeDesk(options.payee, options.hub, (message) => this.tell(message))
    this.ready = new Promise((resolve) => {
      this.#tellReady = resolve
    })
    this.exited = new Promise((resolve) => {
      worker.once('exit', (code: number | null, signal: string | null) => {
        this.#end()
        resolve({ code: code ?? undefined, signal: signal ?? undefined })
      })
      // It could not even be started: there is no exit to wait for.
      worker.on('error', () => {
        if (worker.process.pid !== undefined) return
        this.#end()
        resolve({ code: undefined, signal: undefined })
      })
    })
    worker.on('message', (message: unknown) => {
      if (isMessage(message)) this.#receive(message as ToPrimary)
    })
  }

  /**
   * @throws {WorkerRefusal} when it says no.
   * @throws {Error} when it dies, or does not answer in time.
   */
  ask(question: Question, timeoutMs: number): Promise<string> {
    if (this.isGone) return Promise.reject(new Error('the worker is gone'))
    this.#lastId += 1
    const id = this.#lastId
    const answer = new Promise<string>((resolve, reject) => {
      this.#questions.set(id, { resolve, reject })
    })
    this.tell({ kind: 'ask', id, question })
    return limited(answer, timeoutMs).finally(() => this.#questions.delete(id))
  }

  tell(message: ToWorker): void {
    if (!this.#worker.isConnected()) return
    // With a callback a channel that breaks meanwhile is no event `error`; the exit follows anyway.
    this.#worker.process.send?.(message, undefined, undefined, () => undefined)
  }

  /** Lets it finish what is open. What is left after `drainMs` and two seconds is cut. */
  async leave(drainMs: number): Promise<Exit> {
    this.isLeaving = true
    this.isReady = false
    this.tell({ kind: 'drain' })
    const exit = await this.#exitWithin(drainMs + graceMs)
    return exit ?? this.stop()
  }

  /** Ends it now: it may write what waits, for half a second. */
  async stop(): Promise<Exit> {
    this.isLeaving = true
    this.isReady = false
    this.tell({ kind: 'stop' })
    const exit = await this.#exitWithin(stopMs)
    if (exit !== undefined) return exit
    this.kill()
    return this.exited
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #exitWithin(ms: number): Promise<Exit | undefined> {
    return limited(this.exited, ms).catch(() => undefined)
  }

  #end(): void {
    this.isGone = true
    this.isReady = false
    this.#desk.close()
    for (const { reject } of this.#questions.values()) reject(new Error('the worker died'))
  }

  #receive(message: ToPrimary): void {
    switch (message.kind) {
      case 'hello':
        this.#welcome()
        return
      case 'ready':
        this.isReady = !this.isLeaving
        this.#tellReady()
        return
      case 'done':
        this.#questions.get(message.id)?.resolve(message.text)
        return
      case 'failed':
        this.#questions.get(message.id)?.reject(new WorkerRefusal(message.message))
        return
      case 'last':
        this.collected = message.text
        return
      default:
        this.#desk.receive(message)
    }
  }

  #welcome(): void {
    const { name, owner, payee, config } = this.#options
    const { text, generation } = config()
    this.generation = generation
    const wallet = encodeLimits(limitsOf(payee))
    this.tell({ kind: 'welcome', wallet, name, owner, config: text })
  }
}

const graceMs = 2000
const stopMs = 500
