import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { encodeBase64, randomBytes } from '../../bytes/index.ts'
import { whyNotConnected } from '../adapter/index.ts'
import type { WebSocketOptions } from './web-socket.ts'
import { WebSocketPeer } from './web-socket.ts'

const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const keepAliveMs = 30_000
const connectMs = 10_000

const tooLate = 'it could not be reached in time'

/** Why a connection was not made, for people; repeats nothing that a peer said. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** The answer that proves to a client that its handshake was read (RFC 6455 section 4.2.2). */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${keySuffix}`).digest('base64')
}

/**
 * Opens a connection. Redirects are not followed, and no proxy of the environment is used.
 *
 * @param url - `wss://…` or `ws://…`
 * @throws {NotConnected}
 */
export async function openWebSocket(
  url: string,
  options: Omit<WebSocketOptions, 'role'>,
  signal: AbortSignal,
): Promise<WebSocketPeer> {
  const target = new URL(url)
  const isTls = target.protocol === 'wss:'
  target.protocol = isTls ? 'https:' : 'http:'
  const key = encodeBase64(randomBytes(16))
  const outgoing = (isTls ? httpsRequest : httpRequest)(target, {
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
    },
  })
  // Not by `signal` of the request: that would end the connection later on as well.
  const leave = (): void => {
    outgoing.destroy(new NotConnected(tooLate))
  }
  const timer = setTimeout(leave, connectMs)
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    return await new Promise((resolve, reject) => {
      outgoing.once('upgrade', (message: IncomingMessage, socket: Socket, head: Buffer) => {
        if (message.headers['sec-websocket-accept'] !== acceptKey(key)) {
          socket.destroy()
          reject(new NotConnected('it speaks no WebSocket there'))
          return
        }
        socket.setKeepAlive(true, keepAliveMs)
        socket.setNoDelay(true)
        resolve(new WebSocketPeer(socket, head, { ...options, role: 'client' }))
      })
      outgoing.once('response', (message: IncomingMessage) => {
        message.on('error', () => undefined)
        outgoing.destroy()
        reject(new NotConnected(`it answered ${message.statusCode ?? 0} instead of a WebSocket`))
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => reject(asNotConnected(error)))
      outgoing.end()
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}

function asNotConnected(error: NodeJS.ErrnoException): NotConnected {
  if (error instanceof NotConnected) return error
  const why = whyNotConnected(error, false)
  // A relay has no certificate of its own that anybody could name.
  return new NotConnected(/certificate/.test(why) ? 'its certificate is not trusted here' : why)
}
