import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { constants } from 'node:http2'
import { Readable } from 'node:stream'
import { L402Error } from 'satway'
import { isClientGone } from './client-response.ts'
import type { Exchange } from './exchange.ts'
import type { Traffic } from './forward.ts'

type Request = Exchange['request']

/** What a request says about its body. */
export type BodyShape = {
  readonly isPresent: boolean
  /** What `Content-Length` says; `undefined` for a body that ends when it ends. */
  readonly length: number | undefined
}

const noBody: BodyShape = { isPresent: false, length: undefined }

/** How much of a body nobody wants is read, so that the client gets to read its answer. Bytes. */
const maxDiscardedBytes = 1024 * 1024

/** Reads the shape of a request's body from its head. */
export function bodyShape(request: Request): BodyShape {
  const { headers } = request
  const length = headers['content-length']
  if (isHttp2(request)) {
    if (request.stream.endAfterHeaders) return noBody
  } else if (length === undefined && headers['transfer-encoding'] === undefined) {
    return noBody
  }
  if (length === undefined) return { isPresent: true, length: undefined }
  return length === '0' ? noBody : { isPresent: true, length: Number(length) }
}

/** Whether all of the request's body has been read. */
export function isBodyRead(request: Request): boolean {
  return request.readableEnded
}

export function isHttp2(request: Request): request is Http2ServerRequest {
  return request.httpVersionMajor === 2
}

/**
 * Invites the body of a client that waits for it (`Expect: 100-continue`). Does nothing where it was
 * invited already. Listeners hand `checkContinue` on like any request, so that nobody sends a body
 * that is refused.
 */
export function inviteBody({ request, response }: Pick<Exchange, 'request' | 'response'>): void {
  if (request.headers.expect === undefined || invited.has(request)) return
  invited.add(request)
  // On a stream that was reset Node throws, which here would end the process.
  if (isClientGone(response) || response.headersSent || wasInvitedByNode(response)) return
  response.writeContinue()
}

const invited = new WeakSet<Request>()

/** A server without a `checkContinue` listener invites by itself, and notes it here. */
function wasInvitedByNode(response: ServerResponse | Http2ServerResponse): boolean {
  return '_sent100' in response && response._sent100 === true
}

/** Why a body was not read to its end. */
export type BodyFault = 'too-long' | 'client-left'

/**
 * The body of a request on its way to the upstream: first what was read of it already, then the rest
 * as it comes. It reads no faster than it is read.
 *
 * It is a stream of its own because who sends it destroys what he was given, and that must not be
 * the client's connection: an answer may still go there.
 */
export class RequestBody extends Readable {
  readonly #request: Request
  readonly #maxBytes: number
  readonly #onMove: () => void
  readonly #traffic: Traffic | undefined
  #start: Buffer | undefined
  #seenBytes = 0
  #isAttached = false
  /** The client owes us something: we read, and have not got it. */
  isWaiting = false
  /** Something of it, or its end, was handed on. */
  hasBegun = false
  fault: BodyFault | undefined

  /**
   * @param start - What was read already; counts.
   * @param maxBytes - Longest body. A longer one ends with an error, and `fault` says so.
   * @param onMove - Called at every part.
   */
  constructor(
    request: Request,
    start: Buffer | undefined,
    maxBytes: number,
    onMove: () => void,
    traffic: Traffic | undefined,
  ) {
    super({ highWaterMark: 64 * 1024 })
    this.#request = request
    this.#start = start
    this.#maxBytes = maxBytes
    this.#onMove = onMove
    this.#traffic = traffic
  }

  override _read(): void {
    const start = this.#start
    if (start !== undefined) {
      this.#start = undefined
      if (start.length > 0) {
        this.#take(start)
        return
      }
    }
    if (!this.#isAttached) this.#attach()
    if (this.#request.readableEnded) return
    this.isWaiting = true
    this.#request.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.isWaiting = false
    this.#detach()
    callback(error)
  }

  #attach(): void {
    this.#isAttached = true
    const request: Readable = this.#request
    if (request.readableEnded) {
      this.#end()
      return
    }
    request.on('data', this.#take)
    request.on('end', this.#end)
    request.on('error', this.#leave)
    request.on('close', this.#leave)
  }

  #detach(): void {
    if (!this.#isAttached) return
    const request: Readable = this.#request
    request.off('data', this.#take)
    request.off('end', this.#end)
    request.off('close', this.#leave)
    // 'error' stays: nobody else may listen, and an unheard one ends the process.
  }

  readonly #take = (part: Buffer): void => {
    this.#onMove()
    this.#seenBytes += part.length
    if (this.#traffic !== undefined) this.#traffic.requestBytes = this.#seenBytes
    if (this.#seenBytes > this.#maxBytes) {
      this.#fail('too-long')
      return
    }
    this.hasBegun = true
    if (this.push(part)) return
    this.isWaiting = false
    this.#request.pause()
  }

  readonly #end = (): void => {
    this.isWaiting = false
    this.hasBegun = true
    this.push(null)
  }

  readonly #leave = (): void => {
    if (!this.#request.readableEnded) this.#fail('client-left')
  }

  #fail(fault: BodyFault): void {
    this.fault ??= fault
    this.destroy(new Error(`the body of the request was not read: ${fault}`))
  }
}

/**
 * Reads on where a body is of no use any more, so that the client, which may still be sending, gets
 * to read the answer. After 1 MiB the connection is closed.
 */
export function discardBody(request: Request): void {
  if (request.readableEnded || request.destroyed) return
  let bytes = 0
  request.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > maxDiscardedBytes) closeConnection(request)
  })
  request.on('error', ignore)
  request.resume()
}

function closeConnection(request: IncomingMessage | Http2ServerRequest): void {
  if (isHttp2(request)) closeStream(request)
  else request.socket.destroy()
}

/** After an answer that has left it is no error; one that has not would never leave any more. */
function closeStream({ stream }: Http2ServerRequest): void {
  const isAnswered = stream.state.localClose === 1
  stream.close(isAnswered ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL)
}

/**
 * Waits no longer for the rest of a body that nobody reads. Over HTTP/2, an answer that is still on
 * its way is left alone.
 */
export function endBody({ request }: Pick<Exchange, 'request'>): void {
  if (!isHttp2(request)) request.destroy()
  else if (request.stream.state.localClose === 1) closeStream(request)
}

/**
 * Reads a request's whole body, where something is decided by it before it is forwarded. Give the
 * result on as `bodyStart`.
 *
 * @param maxBytes - The longest body that is kept.
 * @param idleMs - How long the client may send nothing.
 * @throws {L402Error} REQUEST_TOO_LARGE when it is longer, REQUEST_TIMEOUT when it stalls,
 *   REQUEST_MALFORMED when the client leaves before its end.
 * @spec gateway.md R-FWD-12
 */
export function readStart(exchange: Exchange, maxBytes: number, idleMs = 30_000): Promise<Buffer> {
  const { request } = exchange
  const shape = bodyShape(request)
  if (!shape.isPresent || request.readableEnded) return Promise.resolve(Buffer.alloc(0))
  if (shape.length !== undefined && shape.length > maxBytes) {
    return Promise.reject(new L402Error('REQUEST_TOO_LARGE', { maxBytes }))
  }
  inviteBody(exchange)
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => fail(new L402Error('REQUEST_TIMEOUT')), idleMs)

    const stop = (): void => {
      clearTimeout(timer)
      request.off('data', take)
      request.off('end', end)
      request.off('close', leave)
    }
    const fail = (error: Error): void => {
      stop()
      request.pause()
      reject(error)
    }
    const take = (part: Buffer): void => {
      timer.refresh()
      bytes += part.length
      if (bytes <= maxBytes) parts.push(part)
      else fail(new L402Error('REQUEST_TOO_LARGE', { maxBytes }))
    }
    const end = (): void => {
      stop()
      resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
    }
    const leave = (): void => fail(new L402Error('REQUEST_MALFORMED', { body: 'incomplete' }))

    request.on('data', take)
    request.on('end', end)
    request.on('close', leave)
    request.on('error', ignore)
  })
}

function ignore(): void {
  // 'close' follows, and says it.
}
