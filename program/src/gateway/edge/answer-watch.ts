import type { Http2Session, Http2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Exchange } from '../proxy/index.ts'
import type { Connection } from './connection.ts'

/** Answers that may wait in one session for as long as a client may be slow. */
const maxPatient = 20
/** How long more than that may wait while none of them leaves, in milliseconds. */
const crowdMs = 3000

/**
 * Sees to it that an answer of the gateway's own leaves. It is short: a client that does not take it
 * within `limitMs` loses its stream, and over HTTP/1.1 its connection. A session of HTTP/2 that only
 * holds such answers ends.
 *
 * Call it when the answer has been ended.
 */
export function watchAnswer({ request, response }: Exchange, limitMs: number): void {
  if ('stream' in response) {
    const { stream } = response
    if (stream.session !== undefined) waitingOf.get(stream.session)?.add(stream, limitMs)
    return
  }
  if (response.writableFinished || response.destroyed) return
  const timer = setTimeout(() => request.socket.destroy(), limitMs)
  timer.unref()
  response.once('close', () => clearTimeout(timer))
}

/** Makes {@link watchAnswer} know a session. */
export function watchAnswersOf(session: Http2Session, connection: Connection): void {
  waitingOf.set(session, new WaitingAnswers(connection))
}

const waitingOf = new WeakMap<Http2Session, WaitingAnswers>()

/** The answers that one session's client has not taken yet. */
class WaitingAnswers {
  readonly #connection: Connection
  readonly #waiting = new Set<Http2Stream>()
  #hasMoved = false
  #crowdTimer: NodeJS.Timeout | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  add(stream: Http2Stream, limitMs: number): void {
    if (stream.closed) return
    this.#waiting.add(stream)
    const timer = setTimeout(() => this.#giveUp([stream]), limitMs)
    timer.unref()
    stream.once('close', () => {
      clearTimeout(timer)
      this.#waiting.delete(stream)
      this.#hasMoved = true
    })
    if (this.#waiting.size > maxPatient && this.#crowdTimer === undefined) this.#watchCrowd()
  }

  /** Many that wait are many requests kept in memory, which cost their client nothing. */
  #watchCrowd(): void {
    this.#hasMoved = false
    this.#crowdTimer = setTimeout(() => {
      this.#crowdTimer = undefined
      if (this.#waiting.size <= maxPatient) return
      if (this.#hasMoved) this.#watchCrowd()
      else this.#giveUp([...this.#waiting])
    }, crowdMs)
    this.#crowdTimer.unref()
  }

  #giveUp(streams: readonly Http2Stream[]): void {
    if (this.#waiting.size === this.#connection.streams) {
      this.#connection.breakSession('the client does not take its answers')
      return
    }
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
  }
}
