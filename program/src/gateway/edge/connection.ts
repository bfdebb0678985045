import type { ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Peer } from '../proxy/exchange.ts'
import { closeGently } from './gentle-close.ts'

/** How long a connection without a request may take to notice that it was ended. */
const idleLingerMs = 500

/** One accepted connection, from its first byte to its end. */
export class Connection {
  /** As it was accepted. */
  readonly raw: Socket
  /** What requests come on: `raw`, or what is inside its TLS. `undefined` before that is known. */
  stream: Socket | undefined
  peer: Peer
  /** HTTP/2. */
  session: ServerHttp2Session | undefined
  /** HTTP/1.1: the response to the latest request, which is the last one to be sent. */
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

  /** Whether a response is still owed. */
  get isBusy(): boolean {
    return this.isUpgraded || (this.latest !== undefined && !isSent(this.latest))
  }

  /** Ends it as soon as nothing is under way. */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    if (this.session !== undefined) {
      this.session.close()
      return
    }
    if (this.stream === undefined) {
      this.raw.destroy()
      return
    }
    if (!this.isBusy) {
      this.end(idleLingerMs)
      return
    }
    if (this.isUpgraded || this.latest === undefined) return
    if (!this.latest.headersSent) this.latest.shouldKeepAlive = false
    this.latest.once('close', () => this.end(idleLingerMs))
  }

  /** Ends it now, after what was written. */
  end(lingerMs?: number): void {
    if (this.isClosing) return
    this.isOver = true
    this.isClosing = true
    closeGently(this.stream ?? this.raw, lingerMs)
  }
}

/** Whether all of a response went out, or nobody is there to take it. */
export function isSent(response: ServerResponse): boolean {
  return response.writableFinished || response.destroyed
}
