import { L402Error } from '../errors.ts'
import { startDeadline } from './deadline.ts'

/**
 * Bounds how much the payee is asked at a time: so many invoices at once, so many callers waiting,
 * at most a quarter of them from one site, and an end to every wait.
 *
 * @spec server.md R-SRV-37
 */
export class IssuanceGate {
  readonly #concurrent: number
  readonly #queue: number
  readonly #timeoutMs: number
  #running = 0
  readonly #waiting = new Set<() => void>()
  /** How many of those who wait belong to each site. As long as the queue, at most. */
  readonly #waitingOf = new Map<string, number>()

  constructor(options: {
    readonly concurrent: number
    readonly queue: number
    readonly timeoutMs: number
  }) {
    this.#concurrent = options.concurrent
    this.#queue = options.queue
    this.#timeoutMs = options.timeoutMs
  }

  /**
   * Runs a task when there is room for it.
   *
   * @param site - Whose task it is.
   * @throws {L402Error} REQUEST_OVERLOADED when the queue or the site's part of it is full, or the
   *   turn never comes;
   *   NODE_UNAVAILABLE when the task itself takes longer than the time that is left.
   */
  async run<T>(site: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let started = false
    const deadline = startDeadline(this.#timeoutMs, () =>
      started
        ? new L402Error('NODE_UNAVAILABLE', { timeoutMs: this.#timeoutMs })
        : new L402Error('REQUEST_OVERLOADED', { timeoutMs: this.#timeoutMs }),
    )
    try {
      if (this.#running >= this.#concurrent) await this.#turn(site, deadline)
      else this.#running++
      started = true
      // The place is given up at the deadline also when the task does not listen to its signal.
      return await deadline.race(task(deadline.signal)).finally(() => this.#leave())
    } finally {
      deadline.clear()
    }
  }

  /** Waits in line. Whoever leaves hands its place over, so nobody overtakes. */
  async #turn(
    site: string,
    deadline: { race(promise: Promise<void>): Promise<void> },
  ): Promise<void> {
    const ofSite = this.#waitingOf.get(site) ?? 0
    if (this.#waiting.size >= this.#queue || ofSite >= Math.max(1, this.#queue / 4)) {
      throw new L402Error('REQUEST_OVERLOADED', { queue: this.#queue })
    }
    let proceed: () => void = () => undefined
    const turn = new Promise<void>((resolve) => {
      proceed = resolve
    })
    this.#waiting.add(proceed)
    this.#waitingOf.set(site, ofSite + 1)
    try {
      await deadline.race(turn)
    } finally {
      this.#waiting.delete(proceed)
      const left = (this.#waitingOf.get(site) ?? 1) - 1
      if (left > 0) this.#waitingOf.set(site, left)
      else this.#waitingOf.delete(site)
    }
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#running--
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
