import { concatBytes, encodeHex, sha256 } from '../bytes/index.ts'

/** What `fetch` takes as a body. */
export type BodySource = NonNullable<RequestInit['body']>

/** A body that may have to be sent more than once. */
export type Body = {
  /** Whether what {@link Body.take} gives is a stream, for which `fetch` wants `duplex`. */
  readonly isStream: boolean
  /** What to send. Call it again only after {@link Body.isReplayable} said yes. */
  take(): BodySource
  /**
   * Whether all of it can be sent again. A stream is read to its end for that, up to 1 MiB. What was
   * handed out before breaks off, if it has not been sent in full.
   */
  isReplayable(): Promise<boolean>
}

/** The longest stream that is kept in memory to be sent again: 1 MiB. */
export const maxReplayBytes: number = 1 << 20

/**
 * Wraps a body so that it can be sent again after a payment. Text, bytes, `Blob`, `FormData` and
 * `URLSearchParams` can anyway. A stream is passed on as it comes and remembered on the way.
 *
 * @spec client.md R-PAY-7, R-PAY-8
 */
export function createBody(source: BodySource): Body {
  if (source instanceof ReadableStream) return new RecordedStream(source)
  if (isIterable(source)) return new RecordedStream(ReadableStream.from(source))
  return { isStream: false, take: () => source, isReplayable: async () => true }
}

/**
 * Names a body by what is in it, for whoever has to agree to it. A form is written with another
 * boundary each time it is sent, and counts as one and the same.
 *
 * @throws {TypeError} for a stream that cannot be sent again.
 * @spec client.md R-PAY-83
 */
export async function digestBody(
  body: Body,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  if (!(await body.isReplayable())) throw new TypeError('body: it cannot be sent again')
  const source = body.take()
  const plain = source instanceof FormData ? partsOf(source) : source
  const content = new Uint8Array(await new Response(plain).arrayBuffer())
  return { bytes: content.length, sha256: encodeHex(sha256(content)) }
}

/** No two forms are the same in this: each part says how long it is. */
function partsOf(form: FormData): Blob {
  return new Blob(
    [...form].flatMap(([name, value]) => {
      if (typeof value === 'string') return [JSON.stringify([name, value])]
      return [JSON.stringify([name, value.name, value.type, value.size]), value]
    }),
  )
}

function isIterable(source: BodySource): source is AsyncIterable<Uint8Array> {
  if (typeof source !== 'object') return false
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) return false
  if (source instanceof Blob || source instanceof FormData) return false
  if (source instanceof URLSearchParams) return false
  return Symbol.asyncIterator in source || Symbol.iterator in source
}

/** A stream that is read once, and remembered as far as {@link maxReplayBytes}. */
class RecordedStream implements Body {
  readonly #reader: ReadableStreamDefaultReader<unknown>
  #chunks: Uint8Array[] = []
  #length = 0
  #ended = false
  #taken = false
  /** The first send is over: what it still wants to read is ours. */
  #detached = false

  /** @throws {TypeError} when somebody else reads the stream. */
  constructor(source: ReadableStream) {
    this.#reader = source.getReader()
  }

  get isStream(): boolean {
    return !this.#taken || !this.#remembersAll
  }

  take(): BodySource {
    if (this.#taken) return concatBytes(...this.#chunks)
    this.#taken = true
    return new ReadableStream(
      {
        pull: async (controller) => {
          if (this.#detached) throw new TypeError('body: sent again by another request')
          const chunk = await this.#read()
          if (chunk === undefined) controller.close()
          else controller.enqueue(chunk)
        },
        // The connection may close before the body is sent. The source is still wanted then.
        cancel: () => undefined,
      },
      { highWaterMark: 0 },
    )
  }

  async isReplayable(): Promise<boolean> {
    this.#detached = true
    while (!this.#ended && this.#length <= maxReplayBytes) await this.#read()
    return this.#remembersAll
  }

  get #remembersAll(): boolean {
    return this.#ended && this.#length <= maxReplayBytes
  }

  async #read(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#reader.read()
    if (done) {
      this.#ended = true
      return undefined
    }
    if (!(value instanceof Uint8Array)) throw new TypeError('body: expected a stream of bytes')
    this.#length += value.length
    if (this.#length <= maxReplayBytes) this.#chunks.push(value.slice())
    else this.#chunks = []
    return value
  }
}
