import type { Socket } from 'node:net'
import { encodeUtf8 } from '../../bytes/index.ts'
import { FrameReader } from '../adapter/index.ts'
import { encodeFrame, opcodes } from './web-socket-frame.ts'

export type WebSocketOptions = {
  readonly role: 'client' | 'server'
  /** Longer messages end the connection before they are held in memory. */
  readonly maxMessageBytes: number
  readonly onText: (text: string) => void
  /** Once, however it ended. */
  readonly onEnd: () => void
}

/** How long a peer has for its part of the farewell, in ms. */
const farewellMs = 1000

type SocketEvent = ReturnType<FrameReader['push']>[number]

/**
 * Text messages over one connection whose handshake is done (RFC 6455), without extensions.
 *
 * The platform's WebSocket is not used: it cannot be ended while the other side keeps silent, keeps a
 * process running that only listens, holds messages of any length, and does not say why it failed.
 */
export class WebSocketPeer {
  readonly #socket: Socket
  readonly #options: WebSocketOptions
  readonly #isClient: boolean
  readonly #reader: FrameReader
  #isOver = false

  /** @param head - What came after the handshake, with it. */
  constructor(socket: Socket, head: Uint8Array, options: WebSocketOptions) {
    this.#socket = socket
    this.#options = options
    this.#isClient = options.role === 'client'
    this.#reader = new FrameReader(options.maxMessageBytes, !this.#isClient)
    socket.on('data', (chunk: Uint8Array) => this.#take(chunk))
    socket.on('error', () => this.#end())
    socket.on('close', () => this.#end())
    socket.on('end', () => this.close())
    // Not before whoever made this has it in hand.
    if (head.length > 0) setImmediate(() => this.#take(head))
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

  /** Says farewell and ends it, whether or not the other side answers. */
  close(): void {
    if (this.#isOver) return
    this.#write(opcodes.close, Uint8Array.of(3, 232))
    this.#socket.end()
    this.#socket.unref()
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
    this.#end()
  }

  /** Ends it at once. */
  destroy(): void {
    this.#socket.destroy()
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.onEnd()
  }

  #write(opcode: number, payload: Uint8Array): void {
    this.#socket.write(encodeFrame(opcode, payload, this.#isClient))
  }

  #take(chunk: Uint8Array): void {
    if (this.#isOver) return
    try {
      for (const event of this.#reader.push(chunk)) this.#handle(event)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.destroy()
    }
  }

  #handle(event: SocketEvent): void {
    if (this.#isOver) return
    if (event.kind === 'text') this.#options.onText(event.text)
    else if (event.kind === 'ping') this.#write(opcodes.pong, event.bytes)
    else this.close()
  }
}
