import type { HeldConnection, NostrEvent, Relay, RelayConnection } from '../nostr/index.ts'
import { NotConnected } from '../nostr/index.ts'

/** One question to a wallet, over all its relays at once. */
export type Exchange<Answer> = {
  /** What is published once the relay listens for the answer. `undefined`: only asks what is stored. */
  readonly event: NostrEvent | undefined
  readonly filter: Readonly<Record<string, unknown>>
  /** Reads what a relay says is the answer. `undefined`: it is not. */
  readonly read: (value: unknown) => Answer | undefined
  /** Whether the answer is waited for on new connections, when those break that it was sent over. */
  readonly isPatient: boolean
  /** A relay that is not ready by then, in ms, is not sent anything. */
  readonly sendByMs: number
  readonly signal: AbortSignal
}

/** What has no answer. */
type Unanswered =
  | { readonly kind: 'not-sent'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string }

/** How one relay went. */
type Leg = { readonly isSent: boolean; readonly reason: string }

/** How one connection ended: its relay wants no more of it, or it may be tried anew. */
type End = { readonly isFinal: boolean; readonly reason: string }

const late: End = { isFinal: true, reason: 'it did not answer in time' }
const firstPauseMs = 100
const maxPauseMs = 3000

/**
 * Asks every relay and takes the first answer. Resolves always, by the time the signal aborts.
 *
 * Each relay first says that it listens for the answer: an idle connection that has died is found out
 * before anything is sent, and no answer comes before somebody hears it.
 */
export async function exchange<Answer>(
  relays: readonly Relay[],
  question: Exchange<Answer>,
): Promise<Answer | Unanswered> {
  const answered = new AbortController()
  const signal = AbortSignal.any([question.signal, answered.signal])
  const sendBy = AbortSignal.any([signal, AbortSignal.timeout(question.sendByMs)])
  return await new Promise((resolve) => {
    const take = (answer: Answer): void => {
      answered.abort()
      resolve(answer)
    }
    const legs = relays.map((relay) => new LegOver(relay, question, signal, sendBy, take).run())
    Promise.all(legs).then((all) => resolve(sumUp(all)))
  })
}

function sumUp(legs: readonly Leg[]): Unanswered {
  const sent = legs.find(({ isSent }) => isSent)
  if (sent !== undefined) return { kind: 'lost', reason: sent.reason }
  return { kind: 'not-sent', reason: legs[0]?.reason ?? late.reason }
}

/** One question over one relay. */
class LegOver<Answer> {
  readonly #relay: Relay
  readonly #question: Exchange<Answer>
  readonly #signal: AbortSignal
  readonly #sendBy: AbortSignal
  readonly #take: (answer: Answer) => void
  /** Whether the relay may have read it. */
  #isSent = false

  constructor(
    relay: Relay,
    question: Exchange<Answer>,
    signal: AbortSignal,
    sendBy: AbortSignal,
    take: (answer: Answer) => void,
  ) {
    this.#relay = relay
    this.#question = question
    this.#signal = signal
    this.#sendBy = sendBy
    this.#take = take
  }

  async run(): Promise<Leg> {
    for (let failures = 0; ; failures++) {
      const { isFinal, reason } = await this.#tryOnce()
      const mayGoOn = this.#isSent && this.#question.isPatient && !this.#signal.aborted
      if (isFinal || !mayGoOn) return { isSent: this.#isSent, reason }
      await pause(Math.min(firstPauseMs * 2 ** failures, maxPauseMs), this.#signal)
    }
  }

  async #tryOnce(): Promise<End> {
    for (;;) {
      let held: HeldConnection
      try {
        held = await this.#relay.acquire('ask', this.#isSent ? this.#signal : this.#sendBy)
      } catch (error) {
        return { isFinal: false, reason: reasonOf(error) }
      }
      const end = await this.#askOver(held.connection)
      held.release()
      // It died while nobody used it.
      const wasStale = !end.isFinal && !this.#isSent && !held.isFresh
      if (!wasStale) return end
    }
  }

  #askOver(connection: RelayConnection): Promise<End> {
    const { event, filter, read } = this.#question
    return new Promise((resolve) => {
      let stop: (() => void) | undefined
      const finish = (end: End): void => {
        this.#signal.removeEventListener('abort', onLate)
        this.#sendBy.removeEventListener('abort', onUnsent)
        stop?.()
        if (event !== undefined) connection.withdraw(event)
        resolve(end)
      }
      const onLate = (): void => finish(late)
      const onUnsent = (): void => {
        if (!this.#isSent) finish(late)
      }
      this.#signal.addEventListener('abort', onLate, { once: true })
      this.#sendBy.addEventListener('abort', onUnsent, { once: true })
      stop = connection.subscribe({
        filter,
        isBrief: true,
        event: (value) => {
          const answer = read(value)
          if (answer === undefined) return false
          this.#take(answer)
          finish(late)
          return true
        },
        stands: () => {
          if (this.#isSent) return
          if (event === undefined) {
            // Everything stored was told, and it was not among it.
            this.#isSent = true
            finish({ isFinal: true, reason: 'it has published nothing' })
            return
          }
          const refused = (reason: string): void =>
            finish({ isFinal: true, reason: `its relay: ${reason}` })
          this.#isSent = connection.publish(event, refused)
        },
        ended: (reason) => finish({ isFinal: false, reason: `its relay: ${reason}` }),
      })
      if (this.#signal.aborted) onLate()
      else if (this.#sendBy.aborted) onUnsent()
    })
  }
}

/** Why no relay could be reached, for people. */
export function reasonOf(error: unknown): string {
  return error instanceof NotConnected ? `its relay: ${error.message}` : late.reason
}

/** Ends at once when the signal aborts. @param isHolding - Whether it keeps the process running. */
export function pause(ms: number, signal: AbortSignal, isHolding = true): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (!isHolding) timer.unref()
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
