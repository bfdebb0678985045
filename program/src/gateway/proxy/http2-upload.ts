import type { ClientHttp2Stream } from 'node:http2'
import type { BodyFault } from './body.ts'
import { RequestBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import type { Forward } from './forward.ts'
import type { RequestRules } from './headers.ts'
import { requestTrailers } from './headers.ts'

/** How much of a body is kept until the response begins, to be sent again. Bytes. */
const maxKeptBytes = 64 * 1024

export type UploadEvents = {
  /** A part moved. */
  moved(): void
  /** All of it was handed over. */
  done(): void
  failed(fault: BodyFault): void
}

/**
 * The body of a request on its way into a stream of HTTP/2. Its beginning is kept for a while, so
 * that it can go into another stream when the first was refused.
 */
export class Upload {
  readonly #exchange: Exchange
  readonly #rules: RequestRules
  readonly #events: UploadEvents
  readonly #body: RequestBody
  #stream: ClientHttp2Stream | undefined
  /** `undefined` once it is too much, or no longer needed. */
  #kept: Buffer[] | undefined = []
  #keptBytes = 0
  #isStarted = false
  #hasEnded = false
  #isStopped = false

  constructor(exchange: Exchange, forward: Forward, rules: RequestRules, events: UploadEvents) {
    const { bodyStart, maxBodyBytes } = forward
    this.#exchange = exchange
    this.#rules = rules
    this.#events = events
    this.#body = new RequestBody(
      exchange.request,
      bodyStart,
      maxBodyBytes,
      events.moved,
      forward.traffic,
    )
  }

  /** The client owes us a part. */
  get isWaiting(): boolean {
    return this.#body.isWaiting
  }

  /** All of it was handed over. */
  get isDone(): boolean {
    return this.#hasEnded
  }

  get canRepeat(): boolean {
    return this.#kept !== undefined
  }

  /** Begins, or begins again, with a new stream. */
  send(stream: ClientHttp2Stream): void {
    this.#stream = stream
    stream.on('wantTrailers', () => this.#sendTrailers(stream))
    stream.on('drain', this.#onDrain)
    let isTaken = true
    for (const part of this.#kept ?? []) isTaken = stream.write(part)
    if (this.#hasEnded) this.#end(stream)
    else if (!this.#isStarted) this.#start()
    else if (isTaken) this.#body.resume()
  }

  /** Holds it back: its stream has failed. */
  hold(): void {
    this.#stream = undefined
    if (this.#isStarted) this.#body.pause()
  }

  /** The response has begun: nothing will be sent again. */
  forget(): void {
    this.#kept = undefined
  }

  /** Reads no more of it. */
  stop(): void {
    this.#isStopped = true
    this.#stream = undefined
    this.#kept = undefined
    this.#body.destroy()
  }

  #start(): void {
    this.#isStarted = true
    this.#body.on('data', this.#take)
    this.#body.on('end', () => {
      this.#hasEnded = true
      if (this.#stream !== undefined) this.#end(this.#stream)
    })
    this.#body.on('error', () => {
      if (!this.#isStopped) this.#events.failed(this.#body.fault ?? 'client-left')
    })
  }

  readonly #take = (part: Buffer): void => {
    this.#keep(part)
    if (this.#stream?.write(part) === false) this.#body.pause()
  }

  #keep(part: Buffer): void {
    if (this.#kept === undefined) return
    this.#keptBytes += part.length
    if (this.#keptBytes > maxKeptBytes) this.#kept = undefined
    else this.#kept.push(part)
  }

  readonly #onDrain = (): void => {
    this.#events.moved()
    if (!this.#hasEnded && this.#stream !== undefined) this.#body.resume()
  }

  #end(stream: ClientHttp2Stream): void {
    stream.end()
    this.#events.done()
  }

  #sendTrailers(stream: ClientHttp2Stream): void {
    // One that is closed meanwhile waits for none.
    if (stream.closed || stream.destroyed) return
    try {
      stream.sendTrailers(requestTrailers(this.#rules, this.#exchange.request.rawTrailers))
    } catch {
      // What HTTP/2 does not allow: the request is complete without it.
      stream.sendTrailers({})
    }
  }
}
