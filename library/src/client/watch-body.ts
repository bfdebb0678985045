/** What is done about the end of a body. Neither may throw. */
export type BodyEnd = {
  /** All of it was read. The reader hears of it afterwards. */
  readonly whole: () => Promise<void>
  /** It broke off. The reader hears of it afterwards. Not when the reader itself had enough of it. */
  readonly broken: () => Promise<void>
}

/**
 * The same response, with somebody who learns how its body ends. Nothing is read that the reader does
 * not ask for, and nothing is copied. A body that nobody reads has no end.
 *
 * @spec client.md R-PAY-49
 */
export function watchBody(response: Response, end: BodyEnd): Response {
  if (!hasBody(response)) return response
  const { status, statusText, headers } = response
  return labelled(new Response(watched(response, end), { status, statusText, headers }), response)
}

type WithBody = Response & { readonly body: ReadableStream<Uint8Array> }
type Controller = ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController

function hasBody(response: Response): response is WithBody {
  return response.body !== null
}

function watched(response: WithBody, end: BodyEnd): ReadableStream {
  // Holds the response: the platform cancels the body of one that nobody has any more.
  const source = (): ReadableStream<Uint8Array> => response.body
  const isOfBytes = readsBytes(source())
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let isCancelled = false

  const next = async (): Promise<Uint8Array | undefined> => {
    reader ??= source().getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return undefined
        // A stream of bytes has no chunks without any.
        if (!isOfBytes || value.byteLength > 0) return value
      }
    } catch (error) {
      if (!isCancelled) await end.broken()
      throw error
    }
  }
  const pull = async (controller: Controller): Promise<void> => {
    const chunk = await next()
    if (isCancelled) return
    if (chunk !== undefined) {
      controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
      return
    }
    await end.whole()
    if (isCancelled) return
    controller.close()
    if ('byobRequest' in controller) controller.byobRequest?.respond(0)
  }
  const cancel = async (reason: unknown): Promise<void> => {
    isCancelled = true
    await (reader ?? source()).cancel(reason)
  }
  if (isOfBytes) return new ReadableStream({ type: 'bytes', pull, cancel })
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

function readsBytes(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** What only `fetch` can give a response. */
function labelled(response: Response, { url, redirected, type }: Response): Response {
  const { clone } = response
  return Object.defineProperties(response, {
    url: { value: url },
    type: { value: type },
    // A redirect that led here is written down later.
    redirected: { value: redirected, configurable: true },
    clone: { value: () => labelled(clone.call(response), response) },
  })
}
