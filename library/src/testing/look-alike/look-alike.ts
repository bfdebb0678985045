import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { answerUpgrade, sendMessages } from './web-socket.ts'
import type { WireFault } from './wire-fault.ts'
import { spoilAnswer } from './wire-fault.ts'

/** What a request is for. Faults are scripted for one role. */
export type WireRole = 'order' | 'look-up' | 'invoice' | 'invoice-look-up' | 'settlements' | 'other'

export type WireRequest = {
  readonly method: string
  /** Without query, as it was sent. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
}

export type WireAnswer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Text, or texts that are sent as they come, each at once: of status 101 as the messages of a
   * WebSocket.
   */
  readonly body: string | AsyncIterable<string>
}

/** What a wallet does with a request. A fault may come before `carryOut`, after it, or instead of it. */
export type WireRoute = {
  readonly role: WireRole
  readonly carryOut: () => Promise<WireAnswer>
}

/** A server that speaks as one wallet does. */
export type LookAlike = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Every request so far, oldest first. */
  readonly seen: readonly {
    readonly role: WireRole
    readonly method: string
    readonly path: string
  }[]
  /** Scripts the next request of a role. Oldest first; used up by one request each. */
  inject(role: WireRole, fault: WireFault): void
  /** While false nothing listens, and what was connected is cut off. */
  setReachable(reachable: boolean): Promise<void>
  close(): Promise<void>
}

/**
 * Serves a look-alike on the loopback address.
 *
 * @param route - Finds what a request asks for, the credential included; total.
 */
export async function serveLookAlike(
  route: (request: WireRequest) => WireRoute,
): Promise<LookAlike> {
  const faults = new Map<WireRole, WireFault[]>()
  const seen: { role: WireRole; method: string; path: string }[] = []
  const sockets = new Set<Socket>()

  const respond = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(message, response)
    const { role, carryOut } = route(request)
    seen.push({ role, method: request.method, path: request.path })
    const fault = faults.get(role)?.shift()
    if (fault === undefined) return send(response, await carryOut())
    const answer = fault.executed ? await carryOut() : undefined
    await spoilAnswer(response, fault, answer)
  }

  const listen = async (port: number): Promise<Server> => {
    const server = createServer()
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    })
    server.on('request', (message, response) => {
      respond(message, response).catch(() => response.destroy())
    })
    server.on('upgrade', (message, socket) => {
      respond(message, answerUpgrade(message, socket)).catch(() => socket.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    return server
  }
  const shut = async (server: Server): Promise<void> => {
    // Also those that the system has accepted and nobody has seen yet.
    server.on('connection', (socket) => socket.resetAndDestroy())
    for (const socket of sockets) socket.resetAndDestroy()
    await new Promise((resolve) => server.close(resolve))
  }

  let server: Server | undefined = await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    inject: (role, fault) => {
      const waiting = faults.get(role) ?? []
      waiting.push(fault)
      faults.set(role, waiting)
    },
    setReachable: async (reachable) => {
      if (reachable) server ??= await listen(port)
      else if (server !== undefined) {
        const old = server
        server = undefined
        await shut(old)
      }
    },
    close: async () => {
      if (server !== undefined) await shut(server)
      server = undefined
    },
  }
}

async function readRequest(
  message: IncomingMessage,
  response: ServerResponse,
): Promise<WireRequest> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const chunks: Buffer[] = []
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
  const url = new URL(message.url ?? '/', 'http://look-alike')
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    signal: gone.signal,
  }
}

/** Sends an answer as a wallet does when nothing goes wrong. */
async function send(
  response: ServerResponse,
  { status, headers, body }: WireAnswer,
): Promise<void> {
  if (status === 101) return sendMessages(response, body)
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  if (typeof body === 'string') {
    response.end(body)
    return
  }
  response.flushHeaders()
  for await (const part of body) {
    if (response.destroyed) return
    response.write(part)
  }
  response.end()
}
