import type { Socket } from 'node:net'
import { connect } from 'node:net'

/** A response as it came over the wire. */
export type RawResponse = {
  /** 0 when the connection was closed without one. */
  readonly status: number
  /** Every header line, in order. */
  readonly lines: readonly (readonly [string, string])[]
  readonly body: string
}

/** How long a test server may keep a connection open without a word. */
const patienceMs = 10_000

/**
 * Sends bytes as they are and reads until the server closes. No client library tidies up what is
 * sent, so that a server sees every spelling an attacker can write.
 */
export async function sendRaw(port: number, text: string): Promise<RawResponse> {
  const socket = openRaw(port)
  socket.write(text, 'latin1')
  let received = ''
  for await (const chunk of socket) received += String(chunk)
  return parse(received)
}

/** A connection of one's own. */
export function openRaw(port: number): Socket {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('the server said nothing')))
  // Some servers reset the connection of a malformed request: that is an answer too. And a reader
  // that has seen enough stops.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (!['ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(error.code ?? '')) throw error
  })
  return socket
}

export type RawParts = {
  readonly method?: string
  readonly target?: string
  readonly lines?: readonly string[]
  readonly body?: string
}

/** The text of one request, after which the connection is closed. */
export function rawRequest({
  method = 'GET',
  target = '/premium',
  lines = [],
  body = '',
}: RawParts): string {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`]
  const host = lines.some((line) => line.startsWith('Host:')) ? [] : ['Host: shop.example']
  const head = [`${method} ${target} HTTP/1.1`, ...host, ...lines, ...length, 'Connection: close']
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

export function linesOf({ lines }: RawResponse, name: string): readonly string[] {
  return lines
    .filter(([other]) => other.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
}

function parse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return { status: 0, lines: [], body: text }
  const [start = '', ...rest] = text.slice(0, end).split('\r\n')
  const lines = rest.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const raw = text.slice(end + 4)
  const chunked = lines.some(
    ([name, value]) => /^transfer-encoding$/i.test(name) && value === 'chunked',
  )
  return { status: Number(start.split(' ')[1]), lines, body: chunked ? unchunk(raw) : raw }
}

function unchunk(text: string): string {
  let body = ''
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, line), 16)
    if (!(length > 0)) break
    body += text.slice(line + 2, line + 2 + length)
    at = line + 2 + length + 2
  }
  return body
}
