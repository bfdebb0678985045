import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import type { ClientOptions, RawData } from 'ws'
import { WebSocket, WebSocketServer } from 'ws'

export type SocketServer = {
  readonly port: number
  /** Every upgrade, as it came. */
  readonly seen: IncomingMessage[]
  /** How each connection was closed: code and reason. */
  readonly closed: (readonly [number, string])[]
  /** The server's ends of the connections, in order. */
  readonly sockets: WebSocket[]
  close(): Promise<void>
}

/** A WebSocket server as an application has it: it echoes, and closes when it is told a code. */
export async function openSocketServer(): Promise<SocketServer> {
  const seen: IncomingMessage[] = []
  const closed: (readonly [number, string])[] = []
  const sockets: WebSocket[] = []
  const http = createServer((_request, response) => {
    response.writeHead(403, { 'content-type': 'text/plain' })
    response.end('no upgrade')
  })
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024 * 1024,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  })
  http.on('upgrade', (request, socket, head) => {
    seen.push(request)
    if (request.url?.startsWith('/forbidden') === true) {
      const body = 'not for you'
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\nX-Why: x\r\n\r\n${body}`,
      )
      return
    }
    server.handleUpgrade(request, socket, head, (socket) => {
      sockets.push(socket)
      socket.on('message', (data, isBinary) => echo(socket, data, isBinary))
      socket.on('close', (code, reason) => closed.push([code, String(reason)]))
      socket.on('error', () => undefined)
    })
  })
  const open = new Set<Socket>()
  http.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    seen,
    closed,
    sockets,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function echo(socket: WebSocket, data: RawData, isBinary: boolean): void {
  const code = isBinary ? undefined : /^close (\d+)$/.exec(String(data))?.[1]
  if (code === undefined) socket.send(data, { binary: isBinary })
  else socket.close(Number(code), 'as told')
}

export type SocketClient = {
  readonly socket: WebSocket
  /** The next message that nobody has asked for yet. */
  next(): Promise<Buffer>
  /** Code and reason of its end. */
  readonly closed: Promise<readonly [number, string]>
}

/** A WebSocket client as an application has it, connected. */
export async function openSocketClient(
  port: number,
  path = '/',
  options: ClientOptions & { readonly protocols?: string[] } = {},
): Promise<SocketClient> {
  const { protocols = [], ...rest } = options
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, rest)
  const messages: Buffer[] = []
  const waiting: ((message: Buffer) => void)[] = []
  socket.on('message', (data) => {
    const message = data as Buffer
    const waiter = waiting.shift()
    if (waiter === undefined) messages.push(message)
    else waiter(message)
  })
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]))
  })
  await once(socket, 'open')
  socket.on('error', () => undefined)
  return {
    socket,
    closed,
    next: () => {
      const message = messages.shift()
      if (message !== undefined) return Promise.resolve(message)
      return new Promise((resolve) => waiting.push(resolve))
    },
  }
}

export const upgradeLines: readonly string[] = [
  'Host: shop.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

/** What a server answers to {@link upgradeLines}. */
export const acceptOfZeros = 'ICX+Yqv66kxgM0FcWaLWlFLwTAI='

/** The text of a request for a WebSocket. */
export function upgradeText(path = '/', lines: readonly string[] = upgradeLines): string {
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

export type RawClient = {
  readonly socket: Socket
  /** All that came, as latin1. */
  text(): string
  /** Resolves with it when the server has closed. */
  readonly ended: Promise<string>
}

/** A client that sends bytes as they are. */
export function openRawClient(port: number, text: string): RawClient {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (part) => {
    received += part
  })
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => {
      socket.end()
    })
    socket.on('close', () => resolve(received))
  })
  return { socket, text: () => received, ended }
}
