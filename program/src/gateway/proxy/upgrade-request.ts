import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as sendRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What every WebSocket server appends to a key (RFC 6455, 1.3). */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Longest head of an answer, in bytes. */
const maxHeadBytes = 64 * 1024

export type UpgradeAnswer =
  /** It agreed: from here on the connection is the two ends'. */
  | {
      readonly kind: 'switched'
      readonly response: IncomingMessage
      readonly socket: Duplex
      /** What came after the head. */
      readonly head: Buffer
    }
  /** It answered with something else, as to any request. */
  | { readonly kind: 'answered'; readonly response: IncomingMessage }

/**
 * What is wrong with a request to change protocols; `undefined` for a proper one for a WebSocket.
 * Other protocols are not joined: behind `h2c` there would be requests that nobody has looked at.
 *
 * @spec gateway.md R-WS-1
 */
export function upgradeMistake({
  method,
  httpVersion,
  headers,
}: Pick<IncomingMessage, 'method' | 'httpVersion' | 'headers'>): string | undefined {
  if (method !== 'GET' || httpVersion !== '1.1') return 'an upgrade is a GET of HTTP/1.1'
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
    return 'an upgrade has no body'
  }
  if (!/(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.connection ?? '')) {
    return 'Connection does not name Upgrade'
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'the protocol is not websocket'
  const key = headers['sec-websocket-key']
  return /^[\w+/]{22}==$/.test(key ?? '') ? undefined : 'Sec-WebSocket-Key is not 16 bytes'
}

/**
 * Asks the upstream to change protocols, on a connection of its own.
 *
 * @param headers - Flat: name, value, … without `Connection` and `Upgrade`.
 * @param signal - Ends the wait, and the connection.
 * @throws {Error} when there is no answer, or one that is no proper 101.
 */
export function askToUpgrade(
  socket: Socket,
  target: string,
  headers: readonly string[],
  key: string,
  signal: AbortSignal,
): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>()
  const abort = (): void => {
    socket.destroy()
    reject(signal.reason)
  }
  if (signal.aborted) {
    abort()
    return promise
  }
  signal.addEventListener('abort', abort, { once: true })
  const answered = (answer: UpgradeAnswer): void => {
    signal.removeEventListener('abort', abort)
    resolve(answer)
  }
  const fail = (error: unknown): void => {
    signal.removeEventListener('abort', abort)
    socket.destroy()
    reject(error)
  }
  try {
    const request = write(socket, target, headers)
    request.on('error', fail)
    request.on('response', (response) => {
      // Without the headers that go with it, Node takes a 101 for an answer like others.
      if (response.statusCode === 101) fail(new Error('the upstream agreed to no protocol'))
      else answered({ kind: 'answered', response })
    })
    request.on('upgrade', (response, upgraded, head) => {
      // Whoever takes 101 from an upstream that did not mean it opens a tunnel into it.
      if (!isAgreed(response, key)) fail(new Error('the upstream agreed to another connection'))
      else answered({ kind: 'switched', response, socket: upgraded, head })
    })
    request.end()
  } catch (error) {
    fail(error)
  }
  return promise
}

/** @throws {TypeError} for a header that must not be sent. */
function write(socket: Socket, target: string, headers: readonly string[]): ClientRequest {
  return sendRequest({
    method: 'GET',
    path: target,
    headers: [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
    setHost: false,
    createConnection: () => socket,
    maxHeaderSize: maxHeadBytes,
    insecureHTTPParser: false,
  })
}

function isAgreed({ headers }: IncomingMessage, key: string): boolean {
  const accept = createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64')
  return (
    headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-accept'] === accept
  )
}
