import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createDecoders } from './content-coding.ts'
import { answered, terminated } from './failure.ts'

/** The body of an answer, as its reader gets it. */
export type AnswerBody = {
  readonly stream: ReadableStream<Uint8Array>
  /** Whether its reader waits for bytes now. */
  readonly isAwaited: () => boolean
  /** Breaks it off, for its reader with this reason. */
  fail(reason: unknown): void
}

/** What happens to a body. */
export type BodyWatch = {
  /** Its reader begins to wait. */
  readonly onPull: () => void
  /** Nothing more will be read: it ended, broke, or was cancelled, with this reason. Called once. */
  readonly onEnd: (reason: unknown) => void
}

/**
 * Turns what comes over the wire into the stream that `Response` takes: read only as fast as its
 * reader asks, decoded on the way.
 */
export function createAnswerBody(
  incoming: IncomingMessage,
  codings: readonly string[],
  watch: BodyWatch,
): AnswerBody {
  let isAwaited = false
  let isOver = false
  let source: Readable = incoming
  let chunks: AsyncIterator<Uint8Array> | undefined
  let control: ReadableByteStreamController

  const end = (reason: unknown): void => {
    isOver = true
    watch.onEnd(reason)
  }
  const letGo = (): void => {
    source.destroy()
    incoming.destroy()
  }
  const open = async (): Promise<AsyncIterator<Uint8Array>> => {
    const decoders = await createDecoders(codings, incoming)
    if (decoders.length > 0) {
      const { pipeline } = await import('node:stream')
      // An error arrives at the last of them as well, where it is read.
      source = pipeline([incoming, ...decoders], () => undefined) as unknown as Readable
    }
    return source[Symbol.asyncIterator]()
  }
  const fail = (reason: unknown): void => {
    if (isOver) return
    end(reason)
    letGo()
    control.error(reason)
  }

  const pull = async (): Promise<void> => {
    isAwaited = true
    watch.onPull()
    try {
      chunks ??= await open()
      for (;;) {
        const { done, value } = await chunks.next()
        if (isOver) return
        if (done) break
        if (value.length === 0) continue
        // Copied: a stream of bytes takes the memory of a chunk away, and Node's chunks share theirs.
        control.enqueue(new Uint8Array(value))
        return
      }
      end(answered())
      // What follows the end of a coding is not read.
      if (!incoming.complete) incoming.destroy()
      control.close()
      control.byobRequest?.respond(0)
    } catch (error) {
      fail(terminated(error))
    } finally {
      isAwaited = false
    }
  }

  // What breaks before anybody reads is told to whoever reads.
  incoming.on('error', () => undefined)
  const stream = new ReadableStream({
    type: 'bytes',
    start: (controller) => {
      control = controller
    },
    pull,
    cancel: (reason) => {
      if (isOver) return
      end(reason)
      // All of it is here: read to its end, the connection serves again.
      if (incoming.complete && chunks === undefined) incoming.resume()
      else letGo()
    },
  })
  return { stream, isAwaited: () => isAwaited, fail }
}
