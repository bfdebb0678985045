import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { connect, constants } from 'node:http2'
import type { UpstreamConfig } from '../config/index.ts'
import { connectUpstream } from './upstream-socket.ts'

/** When a connection is closed or tested. Milliseconds. */
export type SessionTimes = {
  /** Without a request it is closed after this. */
  readonly idleMs: number
  /** An upstream that says nothing for this long, while requests wait for it, is asked for a sign. */
  readonly pingAfterMs: number
  /**
   * How soon it is asked again, where it has said nothing but that it is there. gRPC servers close
   * the connection of a client that asks more often than every 5 minutes.
   */
  readonly pingAgainMs: number
}

/** A request on a connection. */
export type OpenStream = {
  readonly session: Http2Session
  readonly stream: ClientHttp2Stream
  /** Whether the upstream ended its response, rather than breaking it off. */
  readonly isEnded: () => boolean
}

/** Streams before the upstream has said how many it takes. */
const usualStreams = 100
/** More than this are spread over several connections: one that dies takes fewer with it. */
const mostStreams = 100
/** How much of a response waits here for a client that does not read. Bytes, for each stream. */
const windowBytes = 65_535

/** Apart from the call, because Node's types do not list all of them. */
const sessionOptions = {
  settings: { enablePush: false, initialWindowSize: windowBytes },
  // A header that stands twice is the upstream's to judge.
  strictSingleValueFields: false,
  /** Megabytes. What waits for slow upstreams must not end the requests to this one. */
  maxSessionMemory: 128,
}

/** One connection to an upstream that speaks HTTP/2, for many requests at a time. */
export class Http2Session {
  /** Resolves when the upstream has shown that it speaks HTTP/2; rejects when it does not. */
  readonly ready: Promise<void>
  /** Requests that have it, or wait for it. */
  streams = 0
  /** Takes no new requests. */
  isRetired = false
  /** The upstream processed no stream above this; all, as long as it did not say so. */
  lastStreamId: number = Number.POSITIVE_INFINITY
  /** What it failed of. */
  failure: Error | undefined
  readonly #config: UpstreamConfig
  readonly #times: SessionTimes
  readonly #abort = new AbortController()
  #session: ClientHttp2Session | undefined
  #capacity: number
  #timer: NodeJS.Timeout | undefined
  #idleSince = performance.now()
  #heardAt = performance.now()
  #pingedAt = Number.NEGATIVE_INFINITY

  /** @param capacity - How many streams the last connection took. */
  constructor(config: UpstreamConfig, times: SessionTimes, capacity: number | undefined) {
    this.#config = config
    this.#times = times
    this.#capacity = capacity ?? usualStreams
    this.ready = this.#open()
    // Everyone who waits is told by `ready` itself.
    this.ready.catch(ignore)
  }

  /** How many streams the upstream takes at a time. */
  get capacity(): number {
    return this.#capacity
  }

  get hasRoom(): boolean {
    return !this.isRetired && this.streams < this.#capacity
  }

  /**
   * Sends the head of a request. Await {@link ready} first.
   *
   * @param headers - Flat: name, value, … with the pseudo-headers first.
   * @throws {TypeError} for a header that must not be sent.
   */
  request(headers: readonly string[], hasBody: boolean): OpenStream {
    const stream = this.#session!.request(headers, {
      endStream: !hasBody,
      waitForTrailers: hasBody,
    })
    return { session: this, stream, isEnded: watchEnd(stream) }
  }

  /** Something of a response came: the upstream is alive. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /** Gives up one request's hold. */
  release(): void {
    this.streams--
    if (this.streams > 0) return
    this.#idleSince = performance.now()
    if (this.isRetired) this.end()
  }

  /** Takes no new requests, and ends with the last that it has. */
  retire(): void {
    this.isRetired = true
    if (this.streams === 0) this.end()
  }

  /** Closes a connection that nobody uses. */
  end(): void {
    this.isRetired = true
    clearInterval(this.#timer)
    if (this.#session === undefined) this.#abort.abort(new Error('the connection is not needed'))
    else this.#session.close()
  }

  /** Cuts the connection, and all that is on it. */
  destroy(): void {
    this.end()
    this.#session?.destroy()
  }

  async #open(): Promise<void> {
    const startedAt = performance.now()
    try {
      const socket = await connectUpstream(this.#config, 'h2', this.#abort.signal)
      const session = connect(this.#config.url.origin, {
        ...sessionOptions,
        createConnection: () => socket,
      })
      this.#session = session
      this.#follow(session)
      await this.#settings(session, this.#config.connectMs - (performance.now() - startedAt))
      this.#timer = setInterval(() => this.#tick(), tickMs(this.#times))
      this.#timer.unref()
    } catch (error) {
      this.isRetired = true
      throw error
    }
  }

  #follow(session: ClientHttp2Session): void {
    session.on('error', (error: Error) => {
      this.failure ??= error
    })
    session.on('goaway', (_code: number, lastStreamId: number) => {
      this.isRetired = true
      this.lastStreamId = lastStreamId
    })
    session.on('close', () => {
      this.isRetired = true
      clearInterval(this.#timer)
    })
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.#capacity = Math.min(maxConcurrentStreams ?? usualStreams, mostStreams)
    })
  }

  /** The upstream's first frame: no other protocol begins with it. */
  #settings(session: ClientHttp2Session, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new Error('the upstream did not begin to speak HTTP/2 in time')
        session.destroy()
        reject(Object.assign(error, { code: 'ETIMEDOUT' }))
      }, withinMs)
      session.once('close', () => {
        clearTimeout(timer)
        reject(this.failure ?? new Error('the upstream closed the connection'))
      })
      session.once('remoteSettings', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #tick(): void {
    const now = performance.now()
    const { idleMs, pingAfterMs, pingAgainMs } = this.#times
    if (this.streams === 0) {
      if (now - this.#idleSince >= idleMs) this.end()
      return
    }
    if (now - this.#heardAt < pingAfterMs) return
    if (this.#pingedAt > this.#heardAt && now - this.#pingedAt < pingAgainMs) return
    this.#pingedAt = now
    this.#ping()
  }

  /** Ends the connection when the upstream gives no sign: its host may be gone without a word. */
  #ping(): void {
    const session = this.#session!
    // Destroyed, it is closed only when its socket is, and throws until then.
    if (session.destroyed) return
    const timer = setTimeout(() => {
      session.destroy(new Error('the upstream does not answer any more'))
    }, this.#config.connectMs)
    timer.unref()
    session.ping(() => clearTimeout(timer))
  }
}

/**
 * Lets go of a stream, whatever it is in. Closed alone it would wait for somebody to read what has
 * come, and nobody does any more.
 */
export function endStream(stream: ClientHttp2Stream): void {
  // One that is closed already takes no notice.
  stream.close(constants.NGHTTP2_CANCEL)
  stream.destroy()
}

/** The upstream has certainly not begun with it: it may be sent again without being done twice. */
export function wasNotProcessed({ stream }: OpenStream, { lastStreamId }: Http2Session): boolean {
  const { id } = stream
  return (
    id === undefined || id > lastStreamId || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
  )
}

/**
 * Tells the end of a stream from its being broken off. Node emits `end` for both, and a reset with
 * NO_ERROR is no error to it: only that the end was pushed before the stream was closed differs.
 */
function watchEnd(stream: ClientHttp2Stream): () => boolean {
  let isEnded = false
  const push = stream.push.bind(stream)
  stream.push = (part, encoding) => {
    if (part === null && !stream.closed) isEnded = true
    return push(part, encoding)
  }
  return () => isEnded
}

function tickMs({ idleMs, pingAfterMs }: SessionTimes): number {
  return Math.max(10, Math.min(idleMs, pingAfterMs) / 4)
}

function ignore(): void {
  // Whoever waits for the connection hears of it.
}
