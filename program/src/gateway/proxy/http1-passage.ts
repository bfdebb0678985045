import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { BodyShape } from './body.ts'
import { discardBody, inviteBody, RequestBody } from './body.ts'
import { isAllSent, isClientGone, offOver, onceOver } from './client-response.ts'
import type { Connection, Connections } from './connections.ts'
import { Delivery } from './delivery.ts'
import type { Exchange } from './exchange.ts'
import type { Forward, ForwardEnd } from './forward.ts'
import { lineOf } from './header-line.ts'
import type { RequestRules } from './headers.ts'
import { requestHeaders, responseHeaders, responseTrailers } from './headers.ts'
import type { Phase } from './phase.ts'
import { limitMs } from './phase.ts'
import type { Refusal } from './refusals.ts'
import { timedOut, tooLarge, tooSlow, unavailable } from './refusals.ts'
import type { StallWatch, Watched } from './stall-watch.ts'

/** What all passages to one upstream have in common. */
export type Way = {
  readonly connections: Connections
  readonly watch: StallWatch
  readonly rules: RequestRules
}

type Added = readonly (readonly [string, string])[]

/** How much of a response is held while its start is waited for, in bytes; then it is paused. */
const maxHeldBytes = 64 * 1024

/** Any name, always the same: the connector knows the right one. See `createConnector`. */
const servername = 'upstream'

/** One request on its way to the upstream, and the response on its way back. */
export class Http1Passage implements Dispatcher.DispatchHandler, Watched {
  movedAt = 0
  patienceTicks = Number.POSITIVE_INFINITY
  place = -1
  readonly #way: Way
  readonly #exchange: Exchange
  readonly #forward: Forward
  readonly #shape: BodyShape
  readonly #resolve: (end: ForwardEnd) => void
  readonly #delivery: Delivery
  #phase: Phase = 'connection'
  #connection: Connection | undefined
  #body: RequestBody | undefined
  #controller: Dispatcher.DispatchController | undefined
  #hasRetried = false
  /** A connection was there, and the request was begun on it. */
  #isBegun = false
  /** Something of a response has come. */
  #hasAnswer = false
  #status: number | undefined
  #raw: readonly (string | Buffer)[] = []
  /** What `Content-Length` of the response says; -1 without one. */
  #length = -1
  /** What came of the body before the caller let the response start. */
  #held: Buffer[] | undefined
  #heldBytes = 0
  /** The response is complete. */
  #isComplete = false
  #rawTrailers: readonly (string | Buffer)[] | null | undefined
  /** The upstream broke off before the response was started. */
  #failure: Error | undefined
  #isOver = false

  constructor(
    way: Way,
    exchange: Exchange,
    forward: Forward,
    shape: BodyShape,
    resolve: (end: ForwardEnd) => void,
  ) {
    this.#way = way
    this.#exchange = exchange
    this.#forward = forward
    this.#shape = shape
    this.#resolve = resolve
    this.#delivery = new Delivery(exchange.response, forward.traffic)
  }

  /** Sends the request. Called once. */
  begin(): void {
    const { response } = this.#exchange
    if (isClientGone(response)) {
      this.#settle({ kind: 'client-left', status: undefined })
      return
    }
    onceOver(response, this.#onClose)
    this.#way.watch.add(this)
    this.#dispatch(this.#way.connections.take())
  }

  #dispatch(connection: Connection): void {
    this.#connection = connection
    const { method, target } = this.#forward
    const headers = requestHeaders(this.#way.rules, this.#exchange, this.#forward)
    const body = this.#prepareBody(headers)
    const request = { path: target, method, headers, body, servername }
    connection.dispatch(request as Dispatcher.DispatchOptions, this)
  }

  #prepareBody(headers: string[]): Buffer | RequestBody | null {
    if (!this.#shape.isPresent) return null
    const { request } = this.#exchange
    const { bodyStart, maxBodyBytes, traffic } = this.#forward
    if (bodyStart !== undefined && request.readableEnded) {
      if (traffic !== undefined) traffic.requestBytes = bodyStart.length
      return bodyStart
    }
    if (this.#shape.length !== undefined) {
      headers.push('content-length', String(this.#shape.length))
    }
    this.#body = new RequestBody(request, bodyStart, maxBodyBytes, this.#onMove, traffic)
    return this.#body
  }

  // What undici calls.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#isBegun = true
    if (this.#body === undefined) return
    this.#waitFor('body')
    inviteBody(this.#exchange)
  }

  onRequestSent(): void {
    if (this.#phase === 'connection' || this.#phase === 'body') this.#waitFor('head')
  }

  onResponseStarted(): void {
    this.#hasAnswer = true
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.#isOver) return
    this.#onMove()
    if (status < 200) return
    const coding = headers['transfer-encoding']
    if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
      this.#refuse(unavailable, new Error('a transfer coding that cannot be passed on'))
      return
    }
    this.#status = status
    this.#raw = controller.rawHeaders as Buffer[]
    const length = headers['content-length']
    if (length !== undefined) this.#length = Number(length)
    this.#askToStart(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, part: Buffer): void {
    if (this.#isOver) return
    this.#onMove()
    if (this.#delivery.isStarted) {
      if (!this.#delivery.write(part)) this.#pause()
      return
    }
    this.#held ??= []
    this.#held.push(part)
    this.#heldBytes += part.length
    if (this.#heldBytes >= maxHeldBytes) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const connection = this.#connection
    if (connection === undefined) return
    // A body that ends with the connection is complete only if the connection ended in peace.
    if (connection.isBroken) {
      this.onResponseError(controller, new Error('the connection was reset'))
      return
    }
    this.#connection = undefined
    this.#way.connections.giveBack(connection)
    this.#isComplete = true
    this.#rawTrailers = controller.rawTrailers as Buffer[] | null
    if (this.#delivery.isStarted) this.#finish()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return
    if (this.#mayRetry()) {
      this.#retry()
      return
    }
    this.#breakOff()
    const fault = this.#body?.fault
    if (fault === 'client-left') this.#leave()
    else if (this.#delivery.isStarted) this.#cut(error)
    else if (this.#phase === 'start') this.#failure = error
    else if (fault === 'too-long') this.#refuse(tooLarge, error)
    else this.#refuse(isLate(error) ? timedOut : unavailable, error)
  }

  // The response on its way to the client.

  #askToStart(status: number, headers: IncomingHttpHeaders): void {
    this.#waitFor('start')
    let answer: ReturnType<Forward['started']>
    try {
      answer = this.#forward.started(status, (name) => lineOf(headers, name))
    } catch (error) {
      this.#refuse(unavailable, error)
      return
    }
    if (!(answer instanceof Promise)) {
      this.#start(status, answer)
      return
    }
    answer.then(
      (added) => this.#start(status, added),
      (error: unknown) => this.#refuse(unavailable, error),
    )
  }

  #start(status: number, added: Added): void {
    if (this.#isOver) return
    const length = this.#forward.method === 'HEAD' ? -1 : this.#length
    try {
      this.#delivery.start(status, responseHeaders(this.#raw, status, added), length)
    } catch (error) {
      this.#refuse(unavailable, error)
      return
    }
    this.#waitFor('response')
    if (this.#failure !== undefined) {
      this.#cut(this.#failure)
      return
    }
    if (this.#held !== undefined) this.#writeHeld(this.#held)
    if (this.#isComplete) this.#finish()
    else this.#delivery.flushSoon()
  }

  #writeHeld(held: readonly Buffer[]): void {
    let isReady = true
    for (const part of held) isReady = this.#delivery.write(part)
    if (isReady) this.#controller?.resume()
    else this.#pause()
  }

  #pause(): void {
    this.#controller?.pause()
    this.#waitFor('client')
    this.#delivery.whenReady(this.#onReady)
  }

  readonly #onReady = (): void => {
    if (this.#isOver || this.#isComplete) return
    this.#waitFor('response')
    this.#controller?.resume()
  }

  #finish(): void {
    this.#waitFor('client')
    const raw = this.#rawTrailers
    try {
      this.#delivery.finish(raw && raw.length > 0 ? responseTrailers(raw) : undefined)
    } catch (error) {
      this.#cut(error)
    }
  }

  // Ends.

  readonly #onClose = (): void => {
    if (this.#isComplete && isAllSent(this.#exchange.response)) {
      this.#settle({ kind: 'done', status: this.#status! })
    } else {
      this.#leave()
    }
  }

  #leave(): void {
    this.#settle({ kind: 'client-left', status: this.#status })
  }

  #refuse(refusal: Refusal, error: unknown): void {
    // The head goes out with the first part of the body.
    const wasSent = this.#isBegun && this.#body?.hasBegun !== false
    this.#settle({ kind: 'refused', ...refusal, wasSent, error })
  }

  #cut(error: unknown): void {
    this.#settle({ kind: 'cut', status: this.#status!, error })
    this.#delivery.cut()
  }

  #settle(end: ForwardEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const { request, response } = this.#exchange
    this.#way.watch.remove(this)
    this.#breakOff()
    offOver(response, this.#onClose)
    this.#delivery.release()
    if (this.#shape.isPresent) discardBody(request)
    this.#resolve(end)
  }

  /** Ends what is under way upstream, at once. */
  #breakOff(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    this.#way.connections.drop(connection)
  }

  /** A kept connection that was closed as we wrote to it: nobody has answered, and nobody minds. */
  #mayRetry(): boolean {
    if (this.#hasRetried || this.#hasAnswer || this.#shape.isPresent) return false
    const { method } = this.#forward
    return (method === 'GET' || method === 'HEAD') && (this.#connection?.served ?? 0) > 0
  }

  #retry(): void {
    this.#hasRetried = true
    this.#breakOff()
    this.#waitFor('connection')
    this.#dispatch(this.#way.connections.takeNew())
  }

  // Waiting.

  #waitFor(phase: Phase): void {
    const { watch } = this.#way
    this.#phase = phase
    this.movedAt = watch.ticks
    this.patienceTicks = watch.patience(limitMs(phase, this.#forward))
  }

  readonly #onMove = (): void => {
    this.movedAt = this.#way.watch.ticks
  }

  onStall(): void {
    const error = new Error(`nothing moved, waiting for: ${this.#phase}`)
    if (this.#phase === 'client') {
      this.#leave()
      this.#delivery.cut()
      return
    }
    if (this.#delivery.isStarted) {
      this.#cut(error)
      return
    }
    const isClientSlow = this.#phase === 'body' && this.#body?.isWaiting === true
    // The upstream may take longer over a body than the client.
    const { watch } = this.#way
    if (this.#phase === 'body' && !isClientSlow && !watch.isOver(this, this.#forward.idleMs)) return
    this.#refuse(isClientSlow ? tooSlow : timedOut, error)
  }
}

function isLate(error: Error): boolean {
  return 'code' in error && error.code === 'UND_ERR_CONNECT_TIMEOUT'
}
