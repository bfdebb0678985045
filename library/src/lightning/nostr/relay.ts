import type { LinkSocket } from '../adapter/index.ts'
import { NodeLink } from '../adapter/index.ts'
import type { NostrEvent } from './event.ts'
import { RelayConnection } from './relay-connection.ts'

/** Why a connection was not made, for people; repeats nothing that a peer said. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** A connection that is being used. */
export type HeldConnection = {
  readonly connection: RelayConnection
  /** It was made for this: it cannot have died while nobody looked. */
  readonly isFresh: boolean
  /** Called once, when it is no longer used. */
  release(): void
}

const connectMs = 10_000
/** How long one that nobody uses is kept, in ms. */
const idleMs = 30_000
/** Four times the longest event of NIP-44. */
const maxMessageBytes = 512 * 1024

/** One relay, which is connected to when somebody needs it. */
export class Relay {
  readonly #link: NodeLink
  readonly #path: string
  readonly #identify: (challenge: string) => NostrEvent
  readonly #over = new AbortController()
  #opening: Promise<RelayConnection> | undefined
  #connection: RelayConnection | undefined
  /** Who waits for an answer. Who only listens does not count. */
  #askers = 0
  #users = 0
  #idle: ReturnType<typeof setTimeout> | undefined

  /**
   * @param url - `wss://…` or `ws://…`
   * @param identify - Signs what a relay wants to know before it serves us (NIP-42).
   */
  constructor(url: string, identify: (challenge: string) => NostrEvent) {
    const { protocol, host, pathname, search } = new URL(url)
    const baseUrl = `${protocol === 'wss:' ? 'https' : 'http'}://${host}`
    this.#link = new NodeLink({ baseUrl, maxAnswerBytes: maxMessageBytes })
    this.#path = pathname + search
    this.#identify = identify
  }

  /**
   * @param use - `listen`: does not keep the process running.
   * @throws {NotConnected}
   */
  async acquire(use: 'ask' | 'listen', signal: AbortSignal): Promise<HeldConnection> {
    const known = this.#connection
    if (known?.isOpen === true) return this.#hold(known, use, false)
    const connection = await this.#open(signal)
    return this.#hold(connection, use, true)
  }

  /** Ends the connection, and every further one. */
  close(): void {
    this.#over.abort()
    clearTimeout(this.#idle)
    this.#connection?.close()
  }

  async #open(signal: AbortSignal): Promise<RelayConnection> {
    if (this.#over.signal.aborted) throw new NotConnected('it was closed')
    if (signal.aborted) throw new NotConnected('it could not be reached in time')
    // Whoever else waits must not lose it when this one leaves.
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    return await orLeave(this.#opening, signal)
  }

  async #connect(): Promise<RelayConnection> {
    const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(connectMs)])
    const opened = await this.#link.openWebSocket({ path: this.#path }, signal)
    if (opened.kind !== 'opened') throw new NotConnected(whyNot(opened))
    const connection = new RelayConnection(opened.socket, this.#identify)
    if (this.#over.signal.aborted) connection.close()
    this.#connection = connection
    return connection
  }

  #hold(connection: RelayConnection, use: 'ask' | 'listen', isFresh: boolean): HeldConnection {
    const asks = use === 'ask' ? 1 : 0
    clearTimeout(this.#idle)
    this.#users++
    this.#askers += asks
    connection.setHolding(this.#askers > 0)
    let isHeld = true
    const release = (): void => {
      if (!isHeld) return
      isHeld = false
      this.#users--
      this.#askers -= asks
      this.#connection?.setHolding(this.#askers > 0)
      if (this.#users === 0) this.#restLater()
    }
    return { connection, isFresh, release }
  }

  #restLater(): void {
    this.#idle = setTimeout(() => this.#connection?.close(), idleMs)
    this.#idle.unref()
  }
}

function whyNot(opened: Exclude<LinkSocket, { readonly kind: 'opened' }>): string {
  if (opened.kind === 'answered') return `it answered ${opened.status} instead of a WebSocket`
  // A relay has no certificate of its own that anybody could name.
  return /certificate/.test(opened.reason) ? 'its certificate is not trusted here' : opened.reason
}

/** @throws {NotConnected} when the signal aborts first. */
async function orLeave<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  work.catch(() => undefined)
  let leave: (() => void) | undefined
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new NotConnected('it could not be reached in time'))
    signal.addEventListener('abort', leave, { once: true })
  })
  try {
    return await Promise.race([work, left])
  } finally {
    if (leave !== undefined) signal.removeEventListener('abort', leave)
  }
}
