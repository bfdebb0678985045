import type { Payee, Settlement } from 'satway/lightning'
import { limited } from './deadline.ts'

/** Who is told of settlements. Neither may throw. */
export type SettlementListener = {
  settled(settlement: Settlement): void
  /** The stream broke, and this listener with it: it is told no more. */
  broken(): void
}

export type SettlementHubOptions = {
  /** Told of every settlement, also after the stream was opened again. Must not throw. */
  readonly settled: (settlement: Settlement) => void
  /** What settles until the stream is back is not told. Told at every failed attempt. */
  readonly broken: (error: unknown) => void
  /** Told when a stream was opened, also the first: what settled before may not have been told. */
  readonly opened?: () => void
  /** The first delay before the stream is opened again, in ms; the others are 2 s. Default 1000. */
  readonly firstDelayMs?: number
}

const defaultDelayMs = 1000
/** A node that is back is to be followed within a few seconds. */
const longestDelayMs = 2000
const stopMs = 1000

/** One stream of the wallet's settlements for any number of listeners. */
export class SettlementHub {
  #payee: Payee
  #options: SettlementHubOptions
  #listeners = new Set<SettlementListener>()
  #controller = new AbortController()
  #isOpen = false
  #following: Promise<void>

  constructor(payee: Payee, options: SettlementHubOptions) {
    this.#payee = payee
    this.#options = options
    this.#following = this.#follow()
  }

  /**
   * Tells a listener of what settles from now on. While the stream is broken it is told so at once.
   *
   * @returns Ends it.
   */
  listen(listener: SettlementListener): () => void {
    if (!this.#isOpen) {
      listener.broken()
      return () => undefined
    }
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Resolves when nothing of it is left running, or after a second. */
  async stop(): Promise<void> {
    this.#controller.abort()
    // A payee that does not listen to its signal is left alone.
    await limited(this.#following, stopMs).catch(() => undefined)
  }

  async #follow(): Promise<void> {
    const { signal } = this.#controller
    const firstDelayMs = this.#options.firstDelayMs ?? defaultDelayMs
    let delayMs = firstDelayMs
    while (!signal.aborted) {
      this.#isOpen = true
      try {
        const stream = this.#payee.settlements(signal)
        this.#options.opened?.()
        for await (const settlement of stream) {
          delayMs = firstDelayMs
          this.#tell(settlement)
        }
        this.#break(new Error('the stream of settlements ended'))
      } catch (error) {
        this.#break(error)
      }
      await pause(delayMs, signal)
      delayMs = Math.min(longestDelayMs, delayMs * 2)
    }
  }

  #tell(settlement: Settlement): void {
    this.#options.settled(settlement)
    for (const listener of [...this.#listeners]) listener.settled(settlement)
  }

  #break(error: unknown): void {
    this.#isOpen = false
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    if (this.#controller.signal.aborted) return
    this.#options.broken(error)
    for (const listener of listeners) listener.broken()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    // Nobody's work waits for this: it must not keep a program running that has nothing else to do.
    const timer = setTimeout(done, ms).unref()
    signal.addEventListener('abort', done, { once: true })
  })
}
