import type { UpstreamConfig } from '../config/index.ts'
import type { SessionTimes } from './http2-session.ts'
import { Http2Session } from './http2-session.ts'

const usualTimes: SessionTimes = { idleMs: 60_000, pingAfterMs: 15_000, pingAgainMs: 310_000 }

/** How long a connection may take to end once no exchange needs it, in milliseconds. */
const farewellMs = 5_000

/** How often somebody may find a connection full that had room when he chose it. */
const maxRounds = 8

/** The connections to one upstream that speaks HTTP/2: one, and more as they fill. */
export class Http2Sessions {
  readonly #config: UpstreamConfig
  readonly #times: SessionTimes
  /** Those that take requests, oldest first. */
  readonly #open = new Set<Http2Session>()
  /** All that somebody has, or waits for. */
  readonly #used = new Set<Http2Session>()
  /** How many have one, or wait for one. */
  #busy = 0
  /** Exchanges under way, which may have no connection at the moment. */
  #exchanges = 0
  /** What the last connection took. */
  #capacity: number | undefined
  #whenClosed: (() => void) | undefined
  #farewell: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(config: UpstreamConfig, times: Partial<SessionTimes> = {}) {
    this.#config = config
    this.#times = { ...usualTimes, ...times }
  }

  /**
   * A connection with room for one more request. It is given back with {@link giveBack}.
   *
   * @param isFresh - Only one that is opened now.
   * @throws {Error} when there is none to be had; see {@link connectUpstream}.
   */
  async take(isFresh: boolean): Promise<Http2Session> {
    this.#busy++
    try {
      return await this.#find(isFresh)
    } catch (error) {
      this.#done()
      throw error
    }
  }

  giveBack(session: Http2Session): void {
    this.#release(session)
    if (session.isRetired) this.#open.delete(session)
    this.#done()
  }

  /** An exchange begins, and will need connections until {@link leave}. */
  enter(): void {
    this.#exchanges++
  }

  leave(): void {
    this.#exchanges--
    this.#endIfLast()
  }

  /**
   * Ends those that are idle now, and the others as they finish. Resolves after the last, or when no
   * exchange is left and an upstream takes too long to let go.
   */
  close(): Promise<void> {
    this.#isClosed = true
    for (const session of this.#open) session.retire()
    this.#open.clear()
    return new Promise((resolve) => {
      this.#whenClosed = resolve
      this.#endIfLast()
    })
  }

  async #find(isFresh: boolean): Promise<Http2Session> {
    for (let round = 0; round < maxRounds; round++) {
      const session = (isFresh && round === 0 ? undefined : this.#roomy()) ?? this.#create()
      session.streams++
      this.#used.add(session)
      try {
        await session.ready
      } catch (error) {
        this.#release(session)
        this.#open.delete(session)
        throw error
      }
      this.#capacity = session.capacity
      if (this.#fits(session)) return session
      this.#release(session)
    }
    throw new Error('the upstream takes no more streams')
  }

  /** Whether it still has room: it may have been chosen before the upstream said how much. */
  #fits(session: Http2Session): boolean {
    if (this.#isForOne()) return session.streams === 1 && session.capacity > 0
    return !session.isRetired && session.streams <= session.capacity
  }

  #roomy(): Http2Session | undefined {
    for (const session of this.#open) {
      if (session.hasRoom) return session
      if (session.isRetired) this.#open.delete(session)
    }
    return undefined
  }

  #create(): Http2Session {
    const session = new Http2Session(this.#config, this.#times, this.#capacity)
    if (this.#isForOne()) session.isRetired = true
    else this.#open.add(session)
    return session
  }

  /** A connection that ends with its one request. */
  #isForOne(): boolean {
    return this.#isClosed || !this.#config.keepAlive
  }

  #release(session: Http2Session): void {
    session.release()
    if (session.streams === 0) this.#used.delete(session)
  }

  #done(): void {
    this.#busy--
    this.#endIfLast()
  }

  #endIfLast(): void {
    if (this.#whenClosed === undefined || this.#exchanges > 0) return
    if (this.#busy === 0) {
      clearTimeout(this.#farewell)
      this.#whenClosed()
      return
    }
    this.#farewell ??= setTimeout(() => {
      for (const session of this.#used) session.destroy()
      this.#whenClosed?.()
    }, farewellMs)
  }
}
