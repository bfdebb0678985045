import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'

/** A connection's facts, known before its first request. */
export type Peer = {
  /** Of the socket, or what the PROXY protocol header of a trusted balancer says. */
  readonly address: string
  readonly isEncrypted: boolean
}

/** One request as a listener hands it over, and the response it waits for. */
export type Exchange = {
  /** Both are used through what they have in common: `method`, `url`, `rawHeaders`, streams. */
  readonly request: IncomingMessage | Http2ServerRequest
  readonly response: ServerResponse | Http2ServerResponse
  readonly peer: Peer
}

/** A request to change protocols (WebSocket), on a raw HTTP/1.1 connection. */
export type UpgradeExchange = {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came after the head. */
  readonly head: Buffer
  readonly peer: Peer
}

/** What is wrong with a request as it was written: it could be read in two ways, or is too much. */
export type RequestFault = {
  readonly status: 400 | 405 | 431
  readonly code: 'REQUEST_AMBIGUOUS' | 'REQUEST_METHOD' | 'REQUEST_HEAD'
  /** Which rule it breaks. Repeats nothing of the request. */
  readonly reason: string
}

/** What listeners call. Neither throws nor rejects. */
export type Handler = {
  request(exchange: Exchange): void
  upgrade(exchange: UpgradeExchange): void
  /**
   * A request, or an upgrade, that must not be served: to be answered with the fault, and nothing of
   * it to be read or forwarded. The connection ends with the answer. Without this member the
   * listener answers by itself.
   */
  refuse?(exchange: Exchange, fault: RequestFault): void
}
