import type { RelayOptions } from './relay-connection.ts'
import { RelayConnection } from './relay-connection.ts'
import { NotConnected } from './web-socket-client.ts'

/** A connection that is being used. */
export type HeldConnection = {
  readonly connection: RelayConnection
  /** It was made for this: it cannot have died while nobody looked. */
  readonly isFresh: boolean
  /** Called once, when it is no longer used. */
  release(): void
}

/** How long one that nobody uses is kept, in ms. */
const idleMs = 30_000

/** One relay, which is connected to when somebody needs it. */
export class Relay {
  readonly #options: RelayOptions
  readonly #over = new AbortController()
  #opening: Promise<RelayConnection> | undefined
  #connection: RelayConnection | undefined
  /** Who waits for an answer. Who only listens does not count. */
  #askers = 0
  #users = 0
  #idle: ReturnType<typeof setTimeout> | undefined

  constructor(options: RelayOptions) {
    this.#options = options
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
    this.#opening ??= RelayConnection.open(this.#options, this.#over.signal)
      .then((connection) => {
        if (this.#over.signal.aborted) connection.close()
        this.#connection = connection
        return connection
      })
      .finally(() => {
        this.#opening = undefined
      })
    return await orLeave(this.#opening, signal)
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
