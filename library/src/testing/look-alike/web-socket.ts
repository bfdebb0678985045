import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What every server appends to the key of a handshake (RFC 6455, section 1.3). */
const handshakeText = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** An answer to a request that would like to become something else than HTTP. */
export function answerUpgrade(message: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(message)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.on('finish', () => socket.end())
  return response
}

/** Sends texts as the messages of a WebSocket, and closes it after the last. */
export async function sendMessages(
  { req, socket }: ServerResponse,
  texts: string | AsyncIterable<string>,
): Promise<void> {
  if (socket === null) return
  const accept = createHash('sha1')
    .update(`${req.headers['sec-websocket-key']}${handshakeText}`)
    .digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  // Pongs are read over.
  socket.resume()
  for await (const text of typeof texts === 'string' ? [texts] : texts) {
    if (socket.destroyed) return
    socket.write(textFrame(text))
  }
  socket.end(Uint8Array.of(0x88, 0))
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length < 126) return Buffer.concat([Buffer.of(0x81, bytes.length), bytes])
  const head = Buffer.alloc(10)
  head[0] = 0x81
  head[1] = 127
  head.writeBigUInt64BE(BigInt(bytes.length), 2)
  return Buffer.concat([head, bytes])
}
