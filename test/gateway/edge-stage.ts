import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { connect as connectTls } from 'node:tls'
import type { EdgeLimits, ListenerConfig } from '../../program/src/gateway/config/index.ts'
import type { EdgeOptions, Listeners } from '../../program/src/gateway/edge/index.ts'
import { openListeners } from '../../program/src/gateway/edge/index.ts'
import type {
  Exchange,
  Handler,
  RequestFault,
  UpgradeExchange,
} from '../../program/src/gateway/proxy/exchange.ts'

export const usualLimits: EdgeLimits = {
  headBytes: 16 * 1024,
  headerCount: 100,
  headMs: 10_000,
  bodyIdleMs: 30_000,
  keepAliveMs: 75_000,
  connections: 20_000,
  connectionsPerClient: 20_000,
}

export const plain: ListenerConfig = {
  host: '127.0.0.1',
  port: 0,
  tls: undefined,
  http2: true,
  proxyProtocolFrom: [],
  forwardAuth: undefined,
}

/** Listeners with a handler that answers what it was given, and keeps it. */
export type Stage = {
  readonly port: number
  readonly listeners: Listeners
  /** `GET /path from 127.0.0.1`, in order. */
  readonly served: readonly string[]
  readonly exchanges: readonly Exchange[]
  readonly upgrades: readonly UpgradeExchange[]
  readonly faults: readonly RequestFault[]
  /** Numbers of open connections, as they were told. */
  readonly counts: readonly number[]
  readonly log: readonly string[]
}

export type StageOptions = {
  readonly listen?: Partial<ListenerConfig>
  readonly limits?: Partial<EdgeLimits>
  readonly handler?: Partial<Handler>
  readonly carriesMany?: EdgeOptions['carriesMany']
  /** Lets faults go to the listener's own answer. */
  readonly noRefuse?: boolean
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const served: string[] = []
  const exchanges: Exchange[] = []
  const upgrades: UpgradeExchange[] = []
  const faults: RequestFault[] = []
  const counts: number[] = []
  const log: string[] = []
  const { handler = {} } = options
  const listeners = await openListeners({
    listen: [{ ...plain, ...options.listen }],
    limits: { ...usualLimits, ...options.limits },
    ...(options.carriesMany === undefined ? {} : { carriesMany: options.carriesMany }),
    onConnections: (open) => counts.push(open),
    log: (message) => log.push(message),
    handler: {
      request(exchange) {
        const { method, url } = exchange.request
        served.push(`${method} ${url} from ${exchange.peer.address}`)
        exchanges.push(exchange)
        if (handler.request === undefined) answerSeen(exchange)
        else handler.request(exchange)
      },
      upgrade(exchange) {
        upgrades.push(exchange)
        if (handler.upgrade !== undefined) handler.upgrade(exchange)
        else exchange.socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nswitched')
      },
      ...(options.noRefuse === true
        ? {}
        : {
            refuse(exchange: Exchange, fault: RequestFault) {
              faults.push(fault)
              exchange.response.statusCode = fault.status
              exchange.response.end(fault.reason)
            },
          }),
    },
  })
  const { port } = listeners.addresses[0]!
  return { port, listeners, served, exchanges, upgrades, faults, counts, log }
}

/** Reads the body, then answers with its size and the peer. */
export function answerSeen({ request, response, peer }: Exchange): void {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => {
    response.end(`${request.method} ${request.url} ${bytes} ${peer.address} ${peer.isEncrypted}`)
  })
}

/** Where a test knows that it is HTTP/1.1. */
export function asHttp1(response: Exchange['response']): ServerResponse {
  return response as ServerResponse
}

/** What came back on a connection until it ended. */
export type RawAnswer = {
  readonly text: string
  /** It broke off instead of ending. */
  readonly wasReset: boolean
}

export async function openSocket(port: number, tls?: ConnectionOptions): Promise<Socket> {
  const socket =
    tls === undefined
      ? connect({ port, host: '127.0.0.1' })
      : connectTls({ port, host: '127.0.0.1', ...tls })
  await once(socket, tls === undefined ? 'connect' : 'secureConnect')
  return socket
}

/** Collects all that comes, until the end. */
export function readAll(socket: Socket): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let wasReset = false
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {
      wasReset = true
    })
    socket.once('close', () => {
      resolve({ text: Buffer.concat(chunks).toString('latin1'), wasReset })
    })
  })
}

/** Sends bytes on a connection of their own, and gives what comes until the server ends it. */
export async function sendBytes(
  port: number,
  bytes: string | Buffer,
  tls?: ConnectionOptions,
): Promise<RawAnswer> {
  const socket = await openSocket(port, tls)
  const answer = readAll(socket)
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  return await answer
}

/** A request of these lines, with a Host of its own unless one of them is. */
export function requestText(start: string, ...lines: readonly string[]): string {
  const host = lines.some((line) => /^host/i.test(line)) ? [] : ['Host: api.example']
  return [start, ...host, ...lines, '', ''].join('\r\n')
}

/** The status of each response in a text. */
export function statuses({ text }: RawAnswer): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** The problem document of the last response. */
export function problemOf({ text }: RawAnswer): {
  readonly status: number
  readonly code: string
} {
  return JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n') + 4))
}
