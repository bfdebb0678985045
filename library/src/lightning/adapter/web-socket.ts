import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { encodeBase64, randomBytes } from '../../bytes/index.ts'
import { FrameReader, pongFrame } from './web-socket-frames.ts'

/** What every server appends to the key of a handshake (RFC 6455, section 1.3). */
const handshakeText = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The headers of one handshake, and what proves that it was read as one. */
export type Handshake = {
  readonly headers: Readonly<Record<string, string>>
  readonly accept: string
}

export function createHandshake(): Handshake {
  const key = encodeBase64(randomBytes(16))
  return {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
    },
    accept: createHash('sha1')
      .update(key + handshakeText)
      .digest('base64'),
  }
}

/** A connection that has become something else than HTTP. */
export type Upgraded = {
  readonly message: IncomingMessage
  readonly socket: Duplex & {
    setTimeout(ms: number, whenIdle: () => void): unknown
    unref(): unknown
  }
  /** What came after the head. */
  readonly head: Uint8Array
}

/** Calls back when a request becomes a WebSocket. */
export function onUpgrade(outgoing: ClientRequest, take: (upgraded: Upgraded) => void): void {
  outgoing.once('upgrade', (message, socket, head) => take({ message, socket, head }))
}

export function isAccepted({ message }: Upgraded, { accept }: Handshake): boolean {
  return (
    message.statusCode === 101 &&
    message.headers['sec-websocket-accept'] === accept &&
    message.headers['sec-websocket-extensions'] === undefined
  )
}

/**
 * The texts that come over a WebSocket, until the server closes it. Rejects when the connection breaks,
 * when nothing comes for `idleMs` (a server pings), and at what is no WebSocket.
 */
export async function* readMessages(
  { socket, head }: Upgraded,
  options: { readonly maxBytes: number; readonly idleMs: number; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const { maxBytes, idleMs, signal } = options
  const reader = new FrameReader(maxBytes)
  const onAbort = (): void => void socket.destroy()
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  socket.setTimeout(idleMs, () => socket.destroy(new Error('nothing came for too long')))
  try {
    yield* answerPings(socket, reader.push(head))
    for await (const chunk of socket as AsyncIterable<Uint8Array>) {
      const events = reader.push(chunk)
      yield* answerPings(socket, events)
      if (events.some(({ kind }) => kind === 'close')) return
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.on('error', () => undefined).destroy()
  }
}

function* answerPings(
  socket: Duplex,
  events: ReturnType<FrameReader['push']>,
): Generator<string, void> {
  for (const event of events) {
    if (event.kind === 'text') yield event.text
    else if (event.kind === 'ping') socket.write(pongFrame(event.bytes, randomBytes(4)))
  }
}
