import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { encodeBase64, randomBytes } from '../../bytes/index.ts'

/** What every server appends to the key of a handshake (RFC 6455, section 1.3). */
const suffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The headers with which a client asks for a WebSocket, and what proves that they were read. */
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
    accept: acceptKey(key),
  }
}

/** Whether a server has answered a handshake, and agreed to nothing that was not asked for. */
export function isAccepted(
  { statusCode, headers }: IncomingMessage,
  handshake: Handshake,
): boolean {
  return (
    statusCode === 101 &&
    headers['sec-websocket-accept'] === handshake.accept &&
    headers['sec-websocket-extensions'] === undefined
  )
}

/** How a server answers the key of a handshake. */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${suffix}`).digest('base64')
}
