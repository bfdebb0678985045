import type { ServerResponse } from 'node:http'
import type { ClientResponse } from './client-response.ts'
import { cutResponse, flushHead, writeHead, writeTrailers } from './client-response.ts'
import type { Traffic } from './forward.ts'

/** Longest body that is sent as text, in bytes. */
const maxTextBytes = 16 * 1024

/** One response on its way to the client: its head, then its parts, then its end. */
export class Delivery {
  readonly #response: ClientResponse
  readonly #traffic: Traffic | undefined
  /** What `Content-Length` says; -1 without one. */
  #length = -1
  #isStarted = false
  #hasWritten = false
  #onDrain: (() => void) | undefined

  constructor(response: ClientResponse, traffic: Traffic | undefined) {
    this.#response = response
    this.#traffic = traffic
  }

  /** Whether the head was written: the client can be told nothing else any more. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  /**
   * Writes the head. It goes out with the first part of the body, or at the end of this turn.
   *
   * @param headers - Flat: name, value, …
   * @param length - Of the body, where it is known and there is one; -1 otherwise.
   * @throws {TypeError} for a value that must not be sent; nothing was sent then.
   */
  start(status: number, headers: readonly string[], length: number): void {
    writeHead(this.#response, status, headers)
    this.#isStarted = true
    this.#length = length
  }

  /** Sends the head by itself, unless a part of the body went with it by the end of this turn. */
  flushSoon(): void {
    if (!this.#hasWritten) process.nextTick(flush, this)
  }

  flush(): void {
    if (!this.#hasWritten && !this.#response.destroyed) flushHead(this.#response)
  }

  /** Sends a part. Whether the client is ready for more. */
  write(part: Buffer): boolean {
    // HTTP/2's response takes the same arguments.
    const response = this.#response as ServerResponse
    const isAll = !this.#hasWritten && part.length === this.#length
    this.#hasWritten = true
    if (this.#traffic !== undefined) this.#traffic.responseBytes += part.length
    if (!isAll) return response.write(part)
    // Text goes out in one piece with the head; bytes would be a second piece, and a dearer call.
    if (part.length <= maxTextBytes) response.end(part.toString('latin1'), 'latin1')
    else response.end(part)
    return true
  }

  /** Calls back whenever the client is ready for more. */
  whenReady(ready: () => void): void {
    if (this.#onDrain !== undefined) return
    this.#onDrain = ready
    this.#response.on('drain', ready)
  }

  /** @throws {TypeError} for a trailer that must not be sent. */
  finish(trailers: [string, string][] | undefined): void {
    if (this.#response.writableEnded) return
    if (trailers !== undefined) writeTrailers(this.#response, trailers)
    this.#hasWritten = true
    this.#response.end()
  }

  /** Breaks the response off. It never ends as if it were complete. */
  cut(): void {
    const { httpVersion } = this.#response.req
    cutResponse(this.#response, httpVersion === '1.0' && this.#length < 0)
  }

  /** Lets go of the response. */
  release(): void {
    if (this.#onDrain !== undefined) this.#response.off('drain', this.#onDrain)
  }
}

function flush(delivery: Delivery): void {
  delivery.flush()
}
