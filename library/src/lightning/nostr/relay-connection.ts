import type { WebSocketPeer } from '../web-socket/index.ts'
import type { NostrEvent } from './event.ts'

/** What is wanted of a relay, and who is told. */
export type Subscription = {
  /** As NIP-01 has it. */
  readonly filter: Readonly<Record<string, unknown>>
  /** Nothing more is sent once it is over, so that it need not be closed. */
  readonly isBrief: boolean
  /** Something that is said to match: as it came. @returns whether it was of use. */
  readonly event: (value: unknown) => boolean
  /** Everything stored was told; from now on it is what is new. */
  readonly stands: () => void
  /** The relay ended it, or the connection broke. Nothing more comes. */
  readonly ended: (reason: string) => void
}

type Running = Subscription & { isAnew: boolean; stood: boolean }
type Publication = {
  readonly event: NostrEvent
  readonly refused: (reason: string) => void
  isAnew: boolean
}

/** So many subscriptions that are over are left to be replaced, without being closed. */
const maxFreeIds = 2
/** A relay may send what nobody asked for. So much of it on end, and it is left. */
const maxStrays = 200
const maxChallengeLength = 1024
/** How often a relay may ask who we are on one connection. */
const maxIdentifications = 3
/** What a relay may begin its reason with (NIP-01, NIP-42); the rest is for people, and not repeated. */
const prefix = /^([a-z][a-z-]{0,19}):/

/** One connection to a relay (NIP-01), until it breaks. */
export class RelayConnection {
  readonly #identify: (challenge: string) => NostrEvent
  readonly #subscriptions = new Map<string, Running>()
  readonly #publications = new Map<string, Publication>()
  /** What was refused until the relay knows who we are. */
  readonly #waiting = new Set<() => void>()
  readonly #socket: WebSocketPeer
  #isOpen = true
  /** What the relay said to who we are. `undefined`: nothing yet. */
  #isAdmitted: boolean | undefined
  #identifications = 0
  #identificationId: string | undefined
  /** Names of subscriptions that are over: a relay replaces what has the same name. */
  readonly #freeIds: string[] = []
  #count = 0
  #strays = 0

  /** @param identify - Signs what a relay wants to know before it serves us (NIP-42). */
  constructor(socket: WebSocketPeer, identify: (challenge: string) => NostrEvent) {
    this.#socket = socket
    this.#identify = identify
    void this.#readAll()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether the connection keeps the process running. */
  setHolding(isHolding: boolean): void {
    this.#socket.setHolding(isHolding)
  }

  /** @returns what ends it, from our side: `ended` is not called then. */
  subscribe(subscription: Subscription): () => void {
    const id = this.#freeIds.pop() ?? `s${this.#count++}`
    if (!this.#send('REQ', id, subscription.filter)) {
      queueMicrotask(() => subscription.ended('the connection broke'))
      return () => undefined
    }
    const running: Running = { ...subscription, isAnew: false, stood: false }
    this.#subscriptions.set(id, running)
    return () => {
      if (this.#subscriptions.get(id) !== running) return
      this.#subscriptions.delete(id)
      // What still comes for it is of no use to the next one, and harmless; not so that it stands.
      const mayStay = running.isBrief && running.stood && this.#freeIds.length < maxFreeIds
      if (mayStay) this.#freeIds.push(id)
      else this.#send('CLOSE', id)
    }
  }

  /**
   * @param refused - Called when the relay does not take it. That it took it says nothing of whom it is for.
   * @returns whether it may have been sent.
   */
  publish(event: NostrEvent, refused: (reason: string) => void): boolean {
    if (!this.#send('EVENT', event)) return false
    this.#publications.set(event.id, { event, refused, isAnew: false })
    return true
  }

  /** It is not sent again, should the relay have wanted to know first who we are. */
  withdraw({ id }: NostrEvent): void {
    this.#publications.delete(id)
  }

  close(): void {
    this.#socket.close()
    this.#end()
  }

  #send(...message: readonly unknown[]): boolean {
    return this.#isOpen && this.#socket.send(JSON.stringify(message))
  }

  async #readAll(): Promise<void> {
    try {
      for await (const text of this.#socket.messages) this.#read(text)
    } catch {
      // It broke, or is none.
    }
    this.#end()
  }

  #end(): void {
    this.#isOpen = false
    const running = [...this.#subscriptions.values()]
    this.#subscriptions.clear()
    this.#publications.clear()
    this.#waiting.clear()
    for (const { ended } of running) ended('the connection broke')
  }

  #read(text: string): void {
    this.#strays = this.#handle(parse(text)) ? 0 : this.#strays + 1
    if (this.#strays > maxStrays) this.#socket.destroy()
  }

  /** @returns whether it was of use. */
  #handle([type, first, second, third]: readonly unknown[]): boolean {
    switch (type) {
      case 'EVENT':
        return this.#subscriptions.get(String(first))?.event(second) === true
      case 'EOSE':
        return this.#stands(this.#subscriptions.get(String(first)))
      case 'CLOSED':
        return this.#closed(String(first), reasonOf(second))
      case 'OK':
        return this.#answered(String(first), second === true, reasonOf(third))
      case 'AUTH':
        return this.#asked(first)
      default:
        // A NOTICE is for people, and says what a relay wants it to say.
        return false
    }
  }

  #stands(running: Running | undefined): boolean {
    if (running === undefined) return false
    running.stood = true
    running.stands()
    return true
  }

  #closed(id: string, reason: string): boolean {
    const running = this.#subscriptions.get(id)
    if (running === undefined) return false
    if (reason === 'auth-required' && !running.isAnew) {
      running.isAnew = true
      this.#onceAdmitted(() => {
        if (this.#subscriptions.get(id) === running) this.#send('REQ', id, running.filter)
      })
      return true
    }
    this.#subscriptions.delete(id)
    running.ended(`the relay refused: ${reason}`)
    return true
  }

  #answered(id: string, isTaken: boolean, reason: string): boolean {
    if (id === this.#identificationId) return this.#admitted(isTaken)
    const publication = this.#publications.get(id)
    if (publication === undefined) return false
    if (reason === 'auth-required' && !isTaken && !publication.isAnew) {
      publication.isAnew = true
      this.#onceAdmitted(() => {
        if (this.#publications.has(id)) this.#send('EVENT', publication.event)
      })
      return true
    }
    this.#publications.delete(id)
    if (!isTaken && reason !== 'duplicate') publication.refused(`the relay refused: ${reason}`)
    return true
  }

  #asked(challenge: unknown): boolean {
    if (typeof challenge !== 'string' || challenge.length > maxChallengeLength) return false
    if (this.#identifications >= maxIdentifications) return false
    this.#identifications++
    const event = this.#identify(challenge)
    this.#identificationId = event.id
    this.#isAdmitted = undefined
    return this.#send('AUTH', event)
  }

  #admitted(isTaken: boolean): boolean {
    this.#identificationId = undefined
    this.#isAdmitted = isTaken
    // Where it was not, each is refused once more, and told so.
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const again of waiting) again()
    return true
  }

  #onceAdmitted(again: () => void): void {
    if (this.#isAdmitted === undefined) this.#waiting.add(again)
    else again()
  }
}

function parse(text: string): readonly unknown[] {
  try {
    const message: unknown = JSON.parse(text)
    return Array.isArray(message) ? message : []
  } catch {
    return []
  }
}

function reasonOf(text: unknown): string {
  return prefix.exec(String(text))?.[1] ?? 'error'
}
