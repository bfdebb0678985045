import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { acceptKey, WebSocketPeer } from '../../lightning/web-socket/index.ts'

const maxBytes = 1024 * 1024

/** An answer to a request that would like to become something else than HTTP. */
export function answerUpgrade(message: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(message)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.on('finish', () => socket.end())
  return response
}

/** Agrees to become a WebSocket. */
export function acceptWebSocket(
  message: IncomingMessage,
  socket: Socket,
  head: Uint8Array = new Uint8Array(),
): WebSocketPeer {
  const key = String(message.headers['sec-websocket-key'])
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
  )
  return new WebSocketPeer(socket, head, { role: 'server', maxBytes })
}

/** Sends texts as the messages of a WebSocket, and closes it after the last. */
export async function sendMessages(
  { req, socket }: ServerResponse,
  texts: string | AsyncIterable<string>,
): Promise<void> {
  if (socket === null) return
  const peer = acceptWebSocket(req, socket)
  const gone = readOver(peer)
  for await (const text of typeof texts === 'string' ? [texts] : texts) {
    if (!peer.send(text)) return
  }
  peer.close()
  await gone
}

async function readOver(peer: WebSocketPeer): Promise<void> {
  try {
    for await (const _ of peer.messages);
  } catch {
    // The client went away.
  }
}
