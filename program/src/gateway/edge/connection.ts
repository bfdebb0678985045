import type { ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import { constants } from 'node:http2'
import { Socket } from 'node:net'
import type { Peer } from '../proxy/index.ts'
import { closeGently } from './gentle-close.ts'

/** How long a connection without a request may take to notice that it was ended. */
const idleLingerMs = 500
/** How long a peer that was told to go, and has no stream left, may stay. */
const goneMs = 1000

/** One accepted connection, from its first byte to its end. */
export class Connection {
  /** As it was accepted. */
  readonly raw: Socket
  /** What requests come on: `raw`, or what is inside its TLS. `undefined` before that is known. */
  stream: Socket | undefined
  peer: Peer
  /** As whose it is counted. */
  client: string | undefined
  /** HTTP/2. */
  session: ServerHttp2Session | undefined
  /** HTTP/2: requests under way. */
  streams = 0
  /** HTTP/1.1: the response that is the last one to be sent. `undefined`: none is owed. */
  latest: ServerResponse | undefined
  /** HTTP/1.1: requests that came before the response to an earlier one was sent. */
  waiting = 0
  /** It speaks another protocol by now. */
  isUpgraded = false
  /** No further request on it is served: its last answer is on its way. */
  isOver = false
  /** That answer has been sent. */
  isClosing = false
  /** No new request, and an end with the last open response. */
  isDraining = false

  constructor(raw: Socket, peer: Peer) {
    this.raw = raw
    this.peer = peer
  }

  /** The response that a new one has to wait for. */
  get owed(): ServerResponse | undefined {
    const { latest } = this
    // All of it may have gone out although nobody was told yet.
    return latest === undefined || latest.writableFinished || latest.destroyed ? undefined : latest
  }

  /** Ends it as soon as nothing is under way. */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    if (this.session !== undefined) {
      this.endSession()
      return
    }
    if (this.stream === undefined) {
      this.raw.destroy()
      return
    }
    if (this.isUpgraded) return
    const { owed } = this
    if (owed === undefined) {
      this.end(idleLingerMs)
      return
    }
    if (!owed.headersSent) owed.shouldKeepAlive = false
    owed.once('close', () => this.end(idleLingerMs))
  }

  /** Tells the peer of a session to go: at once without streams, and with its last one otherwise. */
  endSession(): void {
    this.session?.close()
    if (this.streams === 0) setTimeout(() => this.raw.destroy(), goneMs).unref()
  }

  /** Ends a session whose client does harm. It may not even read that. */
  breakSession(reason: string): void {
    const { session } = this
    if (session === undefined || session.destroyed) return
    session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM)
    setTimeout(() => this.raw.destroy(), goneMs).unref()
  }

  /** Ends it after its last answer. Where all of the request was read, nobody is still sending. */
  endSoon(): void {
    if (this.isOver || this.stream === undefined || this.latest?.req.complete !== true) {
      this.end()
      return
    }
    this.isOver = true
    this.isClosing = true
    Socket.prototype.destroySoon.call(this.stream)
  }

  /** Ends it now, after what was written. */
  end(lingerMs?: number): void {
    if (this.isClosing) return
    this.isOver = true
    this.isClosing = true
    closeGently(this.stream ?? this.raw, lingerMs)
  }
}
