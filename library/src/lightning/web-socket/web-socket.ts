import type { Socket } from 'node:net'
import { encodeUtf8 } from '../../bytes/index.ts'
import { encodeFrame, opcodes } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

export type WebSocketOptions = {
  readonly role: 'client' | 'server'
  /** Longer messages end the connection before they are held in memory. */
  readonly maxBytes: number
  /** So long nothing may come, in ms. Default: for ever. */
  readonly idleMs?: number | undefined
}

/** How long the other side has for its part of the farewell, in ms. */
const farewellMs = 1000
const farewell = Uint8Array.of(3, 232)

/**
 * Text messages over one connection whose handshake is done (RFC 6455), without extensions.
 *
 * The platform's WebSocket is not used: it cannot be ended while the other side keeps silent, keeps a
 * process running that only listens, holds messages of any length, and does not say why it failed.
 */
export class WebSocketPeer {
  /** What comes, until the other side closes it. Rejects when it breaks. To be read once. */
  readonly messages: AsyncIterable<string>
  readonly #socket: Socket
  readonly #isClient: boolean
  readonly #reader: FrameReader
  #isOver = false

  /** @param head - What came after the handshake, with it. */
  constructor(socket: Socket, head: Uint8Array, options: WebSocketOptions) {
    this.#socket = socket
    this.#isClient = options.role === 'client'
    this.#reader = new FrameReader(options.maxBytes, !this.#isClient)
    this.messages = this.#read(head)
    // Whoever reads is told; nobody has to.
    socket.on('error', () => undefined)
    if (options.idleMs !== undefined) {
      socket.setTimeout(options.idleMs, () =>
        socket.destroy(new Error('nothing came for too long')),
      )
    }
  }

  /** @returns whether it was handed to the connection; what becomes of it nobody knows. */
  send(text: string): boolean {
    if (this.#isOver || !this.#socket.writable) return false
    this.#write(opcodes.text, encodeUtf8(text))
    return true
  }

  /** Whether the connection keeps the process running. */
  setHolding(isHolding: boolean): void {
    if (isHolding) this.#socket.ref()
    else this.#socket.unref()
  }

  /** Says farewell and ends it, whether or not the other side answers. Nothing is read any more. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#write(opcodes.close, farewell)
    this.#socket.end()
    this.#socket.unref()
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  /** Ends it at once. */
  destroy(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  async *#read(head: Uint8Array): AsyncGenerator<string> {
    try {
      yield* this.#take(head)
      if (this.#isOver) return
      for await (const chunk of this.#socket as AsyncIterable<Uint8Array>) {
        yield* this.#take(chunk)
        if (this.#isOver) return
      }
    } finally {
      this.#isOver = true
      this.#socket.destroy()
    }
  }

  *#take(chunk: Uint8Array): Generator<string> {
    for (const event of this.#reader.push(chunk)) {
      if (this.#isOver) return
      if (event.kind === 'text') yield event.text
      else if (event.kind === 'ping') this.#write(opcodes.pong, event.bytes)
      else this.close()
    }
  }

  #write(opcode: number, payload: Uint8Array): void {
    this.#socket.write(encodeFrame(opcode, payload, this.#isClient))
  }
}
