import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AnswerBody } from './answer-body.ts'
import { createAnswerBody } from './answer-body.ts'
import { codingsOf } from './content-coding.ts'
import { answered, fetchFailed, problem, terminated, tooLate } from './failure.ts'
import type { RequestBody, Upload } from './request-body.ts'
import { startUpload } from './request-body.ts'

/** One request that is about to be sent. */
export type Order = {
  readonly outgoing: ClientRequest
  readonly url: URL
  readonly body: RequestBody | undefined
  readonly signal: AbortSignal | undefined
  /** Whether it may be sent again when the connection was dead before: it has no body and is safe. */
  readonly mayRepeat: boolean
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
}

/** The most header lines of an answer: ten times what large sites send. */
export const maxHeaderLines = 1000
/** The most 1xx answers before the real one. */
const maxInformational = 32
/** What a connection ends with that the other side has closed. */
const closedCodes: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])
const nullBodyStatuses: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Sends one request and waits for the head of its answer. Whatever ends it early, at any stage, closes
 * the connection: by then nobody can tell what the next bytes on it would belong to.
 *
 * @returns `stale` when an idle connection turned out to be closed, before a byte of an answer.
 */
export function exchange(order: Order): Promise<Response | 'stale'> {
  return new Promise((resolve, reject) => {
    const { outgoing, signal, idleTimeoutMs } = order
    let socket: Socket | undefined
    let body: AnswerBody | undefined
    let upload: Upload | undefined
    let isOver = false
    let bytesBefore = 0
    let informational = 0

    const finish = (reason: unknown): void => {
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket?.off('timeout', onIdle)
      upload?.cancel(reason)
    }
    /** Nothing more of the answer will be read. */
    const finishAnswer = (reason: unknown): void => {
      finish(reason)
      // It did not want the rest. What comes next on this connection would be read as part of it.
      if (!outgoing.writableFinished) outgoing.destroy()
    }
    const failWith = (reason: unknown): void => {
      if (isOver) return
      if (body !== undefined) {
        body.fail(reason)
        return
      }
      finish(reason)
      outgoing.destroy()
      reject(reason)
    }
    const fail = (cause: unknown): void => {
      failWith(body === undefined ? fetchFailed(cause) : terminated(cause))
    }
    const onAbort = (): void => failWith(signal?.reason)
    const onIdle = (): void => {
      const isStuck = !outgoing.writableFinished && (socket?.writableLength ?? 0) > 0
      if (isStuck || body?.isAwaited() === true) {
        fail(tooLate(`not a byte from the server for ${idleTimeoutMs} ms`))
        return
      }
      // A body that waits for its source, or an answer that nobody reads, is not the server's turn.
      if (body === undefined) socket?.setTimeout(idleTimeoutMs)
    }

    let timer = setTimeout(() => {
      const message = `no connection after ${order.connectTimeoutMs} ms`
      fail(tooLate(message, { syscall: 'connect' }))
    }, order.connectTimeoutMs)
    const onConnected = (): void => {
      clearTimeout(timer)
      socket?.setTimeout(idleTimeoutMs)
    }
    /** For the head as a whole: a byte now and then must not keep it open. */
    const awaitHead = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        fail(tooLate(`no whole head of an answer after ${idleTimeoutMs} ms`))
      }, idleTimeoutMs)
    }

    const onResponse = (incoming: IncomingMessage): void => {
      clearTimeout(timer)
      try {
        const answer = readAnswer(order, incoming, {
          onPull: () => socket?.setTimeout(idleTimeoutMs),
          onEnd: finishAnswer,
        })
        body = answer.body
        if (body === undefined) finishAnswer(answered())
        resolve(answer.response)
      } catch (error) {
        fail(error)
        incoming.destroy()
      }
    }

    outgoing.maxHeadersCount = maxHeaderLines + 1
    outgoing.on('socket', (given) => {
      socket = given
      bytesBefore = given.bytesRead
      given.on('timeout', onIdle)
      const ready = order.url.protocol === 'https:' ? 'secureConnect' : 'connect'
      if (given.connecting) given.once(ready, onConnected)
      else onConnected()
    })
    outgoing.on('finish', () => {
      if (body === undefined && !isOver) awaitHead()
    })
    outgoing.on('information', () => {
      informational++
      if (informational > maxInformational) fail(problem('too many answers of 1xx'))
    })
    outgoing.on('response', onResponse)
    outgoing.on('upgrade', (_, upgraded) => {
      upgraded.destroy()
      fail(problem('the server switched protocols'))
    })
    // After the head, what goes wrong is seen by whoever reads the body.
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (body !== undefined || isOver) return
      const isUnheard = outgoing.reusedSocket && socket?.bytesRead === bytesBefore
      if (!isUnheard || !order.mayRepeat || !closedCodes.has(error.code)) {
        fail(error)
        return
      }
      finish(error)
      resolve('stale')
    })
    outgoing.on('close', () => {
      if (body === undefined) fail(problem('the connection was closed'))
    })
    signal?.addEventListener('abort', onAbort)
    upload = startUpload(outgoing, order.body, fail)
  })
}

/** @throws {Error} for an answer that no `Response` can be made of. */
function readAnswer(
  { outgoing, url }: Order,
  incoming: IncomingMessage,
  watch: Parameters<typeof createAnswerBody>[2],
): { readonly response: Response; readonly body: AnswerBody | undefined } {
  const { statusCode: status = 0, rawHeaders } = incoming
  if (status < 200) throw problem('the status is no answer')
  if (rawHeaders.length > 2 * maxHeaderLines) {
    throw problem(`the answer has more than ${maxHeaderLines} header lines`)
  }
  const headers = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!)
  const head = { status: Math.min(status, 599), statusText: reasonOf(incoming), headers }

  const hasBody = outgoing.method !== 'HEAD' && !nullBodyStatuses.has(status)
  if (!hasBody) {
    // 205 may come with a body all the same. Nobody wants to wait for its end.
    if (status === 205 && !incoming.complete) incoming.destroy()
    else incoming.resume()
    return { response: label(new Response(null, head), url, status), body: undefined }
  }
  const body = createAnswerBody(incoming, codingsOf(headers.get('content-encoding')), watch)
  return { response: label(new Response(body.stream, head), url, status), body }
}

/** What only the platform's own `fetch` can give a `Response`. */
function label(response: Response, url: URL, status: number): Response {
  const { clone } = response
  return Object.defineProperties(response, {
    url: { value: url.href.slice(0, url.href.length - url.hash.length) },
    clone: { value: () => label(clone.call(response), url, status) },
    // Beyond 599 there are only servers that do not want to be asked.
    ...(status > 599 && { status: { value: status }, ok: { value: false } }),
  })
}

function reasonOf({ statusMessage = '' }: IncomingMessage): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) ? statusMessage : ''
}
