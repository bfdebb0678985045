import { once } from 'node:events'
import { createServer as createHttp1Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { UpstreamConfig } from '../../program/src/gateway/config/config.ts'
import type {
  Exchange,
  Forward,
  ForwardEnd,
  UpgradeExchange,
} from '../../program/src/gateway/proxy/index.ts'
import { isGrpc, sendGrpcRefusal } from '../../program/src/gateway/proxy/index.ts'

/** An upstream's configuration with short words and patient times. */
export function upstreamOf(url: string, more: Partial<UpstreamConfig> = {}): UpstreamConfig {
  return {
    url: new URL(url),
    protocol: 'h2c',
    ca: undefined,
    serverName: undefined,
    headers: [],
    signingKey: undefined,
    keepHost: false,
    connectMs: 5_000,
    headMs: 20_000,
    idleMs: 20_000,
    keepAlive: true,
    healthPath: undefined,
    ...more,
  }
}

/** A free request's way to the upstream. */
export function forwardOf(
  { request, peer }: Pick<Exchange, 'request' | 'peer'>,
  more: Partial<Forward> = {},
): Forward {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    clientAddress: peer.address,
    host: String(request.headers[':authority'] ?? request.headers.host ?? ''),
    scheme: 'http',
    forwardedFor: [],
    receipt: undefined,
    maxBodyBytes: 16 * 1024 * 1024,
    headMs: 20_000,
    idleMs: 20_000,
    bodyStart: undefined,
    started: () => [],
    ...more,
  }
}

/** A gateway's inbound side and nothing more: no price, no routes. */
export type Door = {
  /** For HTTP/2 by prior knowledge. */
  readonly port: number
  readonly http1Port: number
  /** How each exchange ended, in order of their ends. */
  readonly ends: readonly ForwardEnd[]
  /** The next end that nobody has asked for yet. */
  nextEnd(): Promise<ForwardEnd>
  close(): Promise<void>
}

export type DoorOptions = {
  readonly forward?: (exchange: Exchange) => Promise<ForwardEnd>
  readonly upgrade?: (exchange: UpgradeExchange) => Promise<ForwardEnd>
}

/** Opens a door on two free ports of this machine. */
export async function openDoor({ forward, upgrade }: DoorOptions): Promise<Door> {
  const ends: ForwardEnd[] = []
  const waiting: ((end: ForwardEnd) => void)[] = []
  let asked = 0
  const over = (end: ForwardEnd): void => {
    ends.push(end)
    waiting.shift()?.(end)
  }
  const sockets = new Set<Socket>()

  const serve = async (exchange: Exchange): Promise<void> => {
    const end = await forward!(exchange)
    if (end.kind === 'refused') answer(exchange, end)
    over(end)
  }
  const onRequest = (request: Exchange['request'], response: Exchange['response']): void => {
    void serve({ request, response, peer: { address: '192.0.2.7', isEncrypted: false } })
  }
  const http1 = createHttp1Server(onRequest)
  const http2 = createHttp2Server(onRequest)
  http2.on('sessionError', () => undefined)
  http1.on('upgrade', async (request, socket, head) => {
    const peer = { address: '192.0.2.7', isEncrypted: false }
    const end = await upgrade!({ request, socket, head, peer })
    if (end.kind === 'refused') {
      socket.on('error', () => undefined)
      socket.end(`HTTP/1.1 ${end.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    }
    over(end)
  })

  const servers = [http1, http2] as const
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const portOf = (server: Server): number => (server.address() as AddressInfo).port
  return {
    port: portOf(http2),
    http1Port: portOf(http1),
    ends,
    nextEnd: () => {
      asked++
      const known = ends[asked - 1]
      if (known !== undefined) return Promise.resolve(known)
      return new Promise((resolve) => waiting.push(resolve))
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(exchange: Exchange, end: Extract<ForwardEnd, { kind: 'refused' }>): void {
  const { response, request } = exchange
  const body = JSON.stringify({ title: 'It was refused.', code: end.code })
  if (isGrpc(request)) {
    sendGrpcRefusal(exchange, { status: end.status, headers: [], body })
    return
  }
  response.statusCode = end.status
  response.setHeader('x-code', end.code)
  response.end(body)
}
