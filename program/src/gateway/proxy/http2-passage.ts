import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import { constants } from 'node:http2'
import type { BodyFault, BodyShape } from './body.ts'
import { discardBody, inviteBody } from './body.ts'
import {
  cutResponse,
  flushHead,
  isAllSent,
  isClientGone,
  offOver,
  onceOver,
  writeHead,
} from './client-response.ts'
import type { Exchange } from './exchange.ts'
import type { Forward, ForwardEnd } from './forward.ts'
import { isGrpc } from './grpc-refusal.ts'
import { lineOf } from './header-line.ts'
import type { RequestRules } from './headers.ts'
import { requestHeaders, responseHeaders, responseTrailers } from './headers.ts'
import { cutWith, endResponse, writeHeadOnly, writePart } from './http2-response.ts'
import type { Http2Session, OpenStream } from './http2-session.ts'
import { endStream, wasNotProcessed } from './http2-session.ts'
import type { Http2Sessions } from './http2-sessions.ts'
import { Upload } from './http2-upload.ts'
import type { Phase } from './phase.ts'
import { limitMs } from './phase.ts'
import type { Refusal } from './refusals.ts'
import { timedOut, tooLarge, tooSlow, unavailable } from './refusals.ts'
import type { StallWatch, Watched } from './stall-watch.ts'
import { isConnectTimeout } from './upstream-socket.ts'

/** What all passages to one upstream have in common. */
export type Http2Way = {
  readonly scheme: 'http' | 'https'
  readonly sessions: Http2Sessions
  readonly watch: StallWatch
  readonly rules: RequestRules
}

type Added = readonly (readonly [string, string])[]

/** How often a request is sent that was certainly not processed. */
const maxTries = 3

/** One request on its way through HTTP/2 to the upstream, and the response on its way back. */
export class Http2Passage implements Watched {
  movedAt = 0
  patienceTicks: number = Number.POSITIVE_INFINITY
  place = -1
  readonly #way: Http2Way
  readonly #exchange: Exchange
  readonly #forward: Forward
  readonly #shape: BodyShape
  readonly #resolve: (end: ForwardEnd) => void
  readonly #upload: Upload | undefined
  #phase: Phase = 'connection'
  #open: OpenStream | undefined
  #tries = 0
  #wasSent = false
  #error: unknown
  #status: number | undefined
  #raw: readonly string[] = []
  /** The head of the response is all of it. */
  #isHeadOnly = false
  #isGrpc = false
  #isHeadWritten = false
  #hasWritten = false
  #rawTrailers: readonly string[] = []
  /** The response is complete. */
  #isComplete = false
  /** Why the upstream broke off before the response was started. */
  #failure: unknown
  #isOver = false

  constructor(
    way: Http2Way,
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
    if (!shape.isPresent) return
    this.#upload = new Upload(exchange, forward, way.rules, {
      moved: () => this.#move(),
      done: () => this.#onUploaded(),
      failed: (fault) => this.#onFault(fault),
    })
  }

  /** Sends the request. Called once. */
  begin(): void {
    const { request, response } = this.#exchange
    // 'close' follows, and is what counts.
    request.on('error', ignore)
    response.on('error', ignore)
    this.#way.sessions.enter()
    if (isClientGone(response)) {
      this.#settle({ kind: 'client-left', status: undefined })
      return
    }
    onceOver(response, this.#onClose)
    this.#way.watch.add(this)
    this.#connect()
  }

  #connect(): void {
    this.#waitFor('connection')
    this.#tries++
    const { sessions } = this.#way
    sessions.take(this.#tries > 1).then(
      (session) => {
        if (this.#isOver) sessions.giveBack(session)
        else this.#send(session)
      },
      (error: unknown) => this.#refuse(isConnectTimeout(error) ? timedOut : unavailable, error),
    )
  }

  #send(session: Http2Session): void {
    let open: OpenStream
    try {
      open = session.request(this.#headers(), this.#shape.isPresent)
    } catch (error) {
      this.#way.sessions.giveBack(session)
      this.#refuse(unavailable, error)
      return
    }
    this.#open = open
    this.#wasSent = true
    this.#error = undefined
    this.#listen(open, session)
    this.#waitFor(this.#upload === undefined ? 'head' : 'body')
    if (this.#upload === undefined) return
    inviteBody(this.#exchange)
    this.#upload.send(open.stream)
  }

  #headers(): string[] {
    const { method, target } = this.#forward
    const { scheme, rules } = this.#way
    const [, authority = '', ...rest] = requestHeaders(rules, this.#exchange, this.#forward)
    const pseudo = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target]
    const { te } = this.#exchange.request.headers
    const { length } = this.#shape
    const more = length === undefined ? [] : ['content-length', String(length)]
    // The one thing of a connection that goes on: that trailers are understood. gRPC requires it.
    if (/\btrailers\b/i.test(String(te ?? ''))) more.push('te', 'trailers')
    return [...pseudo, ...rest, ...more]
  }

  #listen(open: OpenStream, session: Http2Session): void {
    const { stream } = open
    stream.on('response', (headers, _flags, raw) => {
      session.heard()
      this.#onHead(open, headers, raw)
    })
    stream.on('trailers', (_trailers, _flags, raw) => {
      this.#rawTrailers = raw
    })
    stream.on('end', () => this.#onEnd(open))
    stream.on('error', (error) => {
      this.#error ??= error
    })
    stream.on('close', () => {
      const isUnseen = wasNotProcessed(open, session)
      this.#way.sessions.giveBack(session)
      if (this.#open === open) this.#onStreamClose(open, isUnseen, session.failure)
    })
  }

  // What the request's body does.

  #onUploaded(): void {
    if (this.#phase === 'body') this.#waitFor('head')
  }

  #onFault(fault: BodyFault): void {
    const error = new Error(`the request has more than ${this.#forward.maxBodyBytes} bytes`)
    if (fault === 'client-left') this.#leave()
    else if (this.#isHeadWritten) this.#cut(error)
    else this.#refuse(tooLarge, error)
  }

  // What the upstream does.

  #onHead(
    open: OpenStream,
    headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
    raw: readonly string[],
  ): void {
    if (this.#isOver || this.#open !== open || this.#status !== undefined) return
    const status = headers[':status'] ?? 0
    this.#status = status
    this.#raw = raw
    this.#isHeadOnly = open.isEnded()
    this.#isGrpc = status === 200 && isGrpc({ headers })
    this.#upload?.forget()
    this.#askToStart(status, headers)
  }

  readonly #onData = (part: Buffer): void => {
    if (this.#isOver) return
    this.#move()
    this.#open?.session.heard()
    this.#hasWritten = true
    const { traffic } = this.#forward
    if (traffic !== undefined) traffic.responseBytes += part.length
    if (writePart(this.#exchange.response, part)) return
    this.#open?.stream.pause()
    this.#waitFor('client')
  }

  readonly #onDrain = (): void => {
    if (this.#isOver || this.#phase !== 'client' || this.#isComplete) return
    this.#waitFor('response')
    this.#open?.stream.resume()
  }

  #onEnd(open: OpenStream): void {
    // Node says `end` where a response was broken off, too; then `close` tells why.
    if (this.#isOver || this.#open !== open || !open.isEnded()) return
    // Before the head is written nothing is finished: see #start.
    if (this.#isHeadWritten && !this.#isComplete) this.#finish()
  }

  #onStreamClose(
    { stream, isEnded }: OpenStream,
    isUnseen: boolean,
    failure: Error | undefined,
  ): void {
    if (this.#isOver || this.#isComplete) return
    const reason = new Error(`the upstream broke the stream off, code ${stream.rstCode}`)
    const error = this.#error ?? failure ?? reason
    if (this.#isHeadWritten) {
      this.#cut(error)
      return
    }
    if (this.#phase === 'start') {
      // One without a body may be over, in peace, before the caller lets it start.
      if (!isEnded() || !stream.readableEnded) this.#failure = error
      return
    }
    if (!isUnseen || this.#tries >= maxTries || this.#upload?.canRepeat === false) {
      this.#refuse(unavailable, error)
      return
    }
    this.#upload?.hold()
    this.#connect()
  }

  // The response on its way to the client.

  async #askToStart(status: number, headers: IncomingHttpHeaders): Promise<void> {
    this.#waitFor('start')
    try {
      const answer = this.#forward.started(status, (name) => lineOf(headers, name))
      this.#start(status, answer instanceof Promise ? await answer : answer)
    } catch (error) {
      this.#refuse(unavailable, error)
    }
  }

  /** @throws {TypeError} for a head that must not be sent. */
  #start(status: number, added: Added): void {
    if (this.#isOver) return
    const { response } = this.#exchange
    const headers = responseHeaders(this.#raw, status, added)
    if (this.#isHeadOnly) writeHeadOnly(response, status, headers)
    else writeHead(response, status, headers)
    this.#isHeadWritten = true
    if (this.#failure !== undefined && !this.#isHeadOnly) {
      this.#cut(this.#failure)
      return
    }
    this.#waitFor('response')
    response.on('drain', this.#onDrain)
    this.#open?.stream.on('data', this.#onData)
    if (this.#isHeadOnly || this.#open?.stream.readableEnded === true) this.#finish()
    else if (!('stream' in response)) process.nextTick(() => this.#flushHead())
  }

  #flushHead(): void {
    if (!this.#hasWritten && !this.#isOver) flushHead(this.#exchange.response)
  }

  #finish(): void {
    const { request } = this.#exchange
    // Some servers end a stream before they reset it, and the reset is not seen any more.
    if (this.#isGrpc && !hasGrpcStatus(this.#isHeadOnly ? this.#raw : this.#rawTrailers)) {
      this.#cut(new Error('the response of gRPC ended without a status'))
      return
    }
    this.#isComplete = true
    this.#waitFor('client')
    const isUploadOpen = this.#shape.isPresent && !request.readableEnded
    try {
      endResponse(this.#exchange, responseTrailers(this.#rawTrailers), isUploadOpen)
    } catch (error) {
      this.#cut(error)
      return
    }
    if (this.#upload === undefined || this.#upload.isDone) return
    // The upstream has said all there is to say, and wants no more of the request.
    this.#upload.stop()
    this.#open?.stream.close(constants.NGHTTP2_CANCEL)
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
    this.#settle({ kind: 'refused', ...refusal, wasSent: this.#wasSent, error })
  }

  #cut(error: unknown): void {
    if (this.#isOver) return
    const code = this.#open?.stream.rstCode ?? constants.NGHTTP2_NO_ERROR
    this.#settle({ kind: 'cut', status: this.#status!, error })
    cutWith(this.#exchange, code)
  }

  #settle(end: ForwardEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const { request, response } = this.#exchange
    this.#way.watch.remove(this)
    this.#way.sessions.leave()
    offOver(response, this.#onClose)
    response.off('drain', this.#onDrain)
    this.#upload?.stop()
    if (this.#open !== undefined) endStream(this.#open.stream)
    if (this.#shape.isPresent && !request.readableEnded) discardBody(request)
    this.#resolve(end)
  }

  // Waiting.

  #waitFor(phase: Phase): void {
    const { watch } = this.#way
    this.#phase = phase
    this.movedAt = watch.ticks
    this.patienceTicks = watch.patience(limitMs(phase, this.#forward))
  }

  #move(): void {
    this.movedAt = this.#way.watch.ticks
  }

  onStall(): void {
    const error = new Error(`waited too long: ${this.#phase}`)
    const isClients = this.#phase === 'body' && this.#upload?.isWaiting === true
    // The upstream may take longer over a body than the client.
    const { watch } = this.#way
    if (this.#phase === 'body' && !isClients && !watch.isOver(this, this.#forward.idleMs)) return
    if (this.#phase === 'client') this.#giveUpOnClient()
    else if (this.#isHeadWritten) this.#cut(error)
    else this.#refuse(isClients ? tooSlow : timedOut, error)
  }

  #giveUpOnClient(): void {
    this.#leave()
    cutResponse(this.#exchange.response, false)
  }
}

function hasGrpcStatus(raw: readonly string[]): boolean {
  return raw.some((name, i) => i % 2 === 0 && name === 'grpc-status')
}

function ignore(): void {
  // What follows an error is listened to.
}
