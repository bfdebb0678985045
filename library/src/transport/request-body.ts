import type { ClientRequest } from 'node:http'
import { encodeForm } from './multipart.ts'

/** What is sent after the head. */
export type RequestBody = {
  /** In bytes; `undefined` for a stream, which is sent in chunks. */
  readonly length: number | undefined
  /** What it is when the caller does not say. */
  readonly type: string | undefined
  /** All of it, or where it is read from. */
  readonly content: Uint8Array | ReadableStream
}

/** A body on its way. */
export type Upload = {
  /** Reads no more of the body. Total. */
  cancel(reason: unknown): void
}

/**
 * Takes everything that `fetch` takes.
 *
 * @returns `undefined`: there is none.
 * @throws {TypeError} for a stream that somebody read from or holds, or without `duplex: 'half'`, and
 *   for a body with GET or HEAD.
 */
export function readBody(init: RequestInit, method: string): RequestBody | undefined {
  const source: unknown = init.body
  if (source === undefined || source === null) return undefined
  if (method === 'GET' || method === 'HEAD') {
    throw new TypeError(`fetch: a request with method ${method} cannot have a body`)
  }
  if (source instanceof URLSearchParams) {
    return ofText(source.toString(), 'application/x-www-form-urlencoded;charset=UTF-8')
  }
  if (source instanceof FormData) return ofBlob(encodeForm(source))
  if (source instanceof Blob) return ofBlob(source)
  // Copied: the caller may go on writing to them.
  if (source instanceof ArrayBuffer) return ofBytes(new Uint8Array(source.slice(0)), undefined)
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source
    return ofBytes(new Uint8Array(buffer, byteOffset, byteLength).slice(), undefined)
  }
  if (!isStream(source)) return ofText(String(source), 'text/plain;charset=UTF-8')
  if (init.duplex !== 'half') throw new TypeError("fetch: a stream is sent with duplex: 'half'")
  // The platform says whether it was read from, and wraps what is no web stream.
  const { body } = new Response(source)
  return { length: undefined, type: undefined, content: body! }
}

/**
 * Sends a body.
 *
 * @param fail - Is told when it cannot be read, or is not made of bytes.
 */
export function startUpload(
  outgoing: ClientRequest,
  body: RequestBody | undefined,
  fail: (cause: unknown) => void,
): Upload {
  if (!(body?.content instanceof ReadableStream)) {
    outgoing.end(body?.content)
    return { cancel: () => undefined }
  }
  const reader = body.content.getReader()
  // The server may have something to say before the first byte of the body is there.
  outgoing.flushHeaders()
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value }: { done: boolean; value?: unknown } = await reader.read()
      if (outgoing.destroyed) return
      if (done) break
      if (!(value instanceof Uint8Array)) throw new TypeError('body: expected a stream of bytes')
      if (value.length > 0 && !outgoing.write(value)) await drained(outgoing)
    }
    outgoing.end()
  }
  pump().catch(fail)
  return {
    cancel: (reason) => {
      reader.cancel(reason).catch(() => undefined)
    },
  }
}

async function drained(outgoing: ClientRequest): Promise<void> {
  if (outgoing.destroyed) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })
}

function isStream(source: unknown): source is ReadableStream {
  if (typeof source !== 'object' || source === null) return false
  return source instanceof ReadableStream || Symbol.asyncIterator in source
}

function ofText(text: string, type: string): RequestBody {
  return ofBytes(new TextEncoder().encode(text), type)
}

function ofBytes(content: Uint8Array, type: string | undefined): RequestBody {
  return { length: content.length, type, content }
}

function ofBlob(blob: Blob): RequestBody {
  const type = blob.type === '' ? undefined : blob.type
  return { length: blob.size, type, content: blob.stream() }
}
