import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { UpstreamConfig } from '../config/index.ts'
import type { UpgradeExchange } from './exchange.ts'
import type { Forward, ForwardEnd } from './forward.ts'
import { lineOf } from './header-line.ts'
import type { RequestRules } from './headers.ts'
import { requestHeaders, requestRules, responseHeaders } from './headers.ts'
import { endGently, UpgradeClient } from './upgrade-client.ts'
import { joinSockets } from './upgrade-join.ts'
import type { UpgradeAnswer } from './upgrade-request.ts'
import { askToUpgrade, upgradeMistake } from './upgrade-request.ts'
import { connectUpstream, isConnectTimeout } from './upstream-socket.ts'

type Refused = Extract<ForwardEnd, { kind: 'refused' }>

/**
 * Asks the upstream for a WebSocket, and joins both connections when it agrees. What it answers
 * instead goes to the client, whose connection ends with it. Resolves when both are over; never
 * rejects. A `refused` end leaves the client's socket open, for the caller's answer.
 *
 * @param signal - Ends it at any time: with an L402Error as its reason the client is told that the
 *   token is over (1008), otherwise that the server goes (1001).
 * @spec gateway.md R-WS-1 to R-WS-8
 */
export async function joinUpgrade(
  config: UpstreamConfig,
  exchange: UpgradeExchange,
  forward: Forward,
  signal: AbortSignal,
  rules: RequestRules = requestRules(config),
): Promise<ForwardEnd> {
  const { request } = exchange
  const mistake = upgradeMistake(request)
  if (mistake !== undefined) return ambiguous(mistake)
  if (config.protocol !== 'http/1.1') {
    return unavailable(new Error('an upstream of HTTP/2 takes no upgrades'), false)
  }
  const client = new UpgradeClient(exchange)
  const limit = new AbortController()
  const over = AbortSignal.any([client.left, limit.signal, signal])
  let timer: NodeJS.Timeout | undefined
  let wasSent = false
  try {
    const socket = await connectUpstream(config, 'http/1.1', over)
    timer = setTimeout(() => limit.abort(new Error('no answer in time')), forward.headMs)
    const headers = requestHeaders(rules, exchange, forward)
    const key = request.headers['sec-websocket-key'] ?? ''
    wasSent = true
    const answer = await askToUpgrade(socket, forward.target, headers, key, over)
    clearTimeout(timer)
    return await pass(exchange, forward, signal, client, answer)
  } catch (error) {
    clearTimeout(timer)
    if (client.left.aborted) {
      // It may have ended its side only, and wait for ours.
      exchange.socket.destroy()
      return { kind: 'client-left', status: undefined }
    }
    client.discard()
    const isLate = limit.signal.aborted || isConnectTimeout(error)
    return isLate ? timedOut(error, wasSent) : unavailable(error, wasSent)
  }
}

/** Passes the answer on, and what follows it. @throws {Error} while nothing was sent to the client. */
async function pass(
  exchange: UpgradeExchange,
  forward: Forward,
  signal: AbortSignal,
  client: UpgradeClient,
  answer: UpgradeAnswer,
): Promise<ForwardEnd> {
  const { response } = answer
  const upstream = answer.kind === 'switched' ? answer.socket : response.socket
  // It may fail while we wait; what is read later tells.
  upstream.on('error', ignore)
  const status = response.statusCode ?? 0
  try {
    const added = await forward.started(status, (name) => lineOf(response.headers, name))
    const headers = responseHeaders(response.rawHeaders, status, added)
    if (answer.kind === 'answered') {
      client.discard()
      return await relay(exchange, response, headers, forward)
    }
    const { socket } = exchange
    socket.write(switchingHead(headers), 'latin1')
    const end = await joinSockets({
      client: socket,
      upstream,
      fromClient: client.release(),
      fromUpstream: answer.head.length > 0 ? [answer.head] : [],
      idleMs: forward.idleMs,
      signal,
      traffic: forward.traffic,
    })
    return { ...end, status }
  } finally {
    upstream.destroy()
  }
}

/**
 * The head of a 101, as text.
 *
 * @throws {TypeError} for a line that would become two.
 */
function switchingHead(headers: readonly string[]): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let i = 0; i < headers.length; i += 2) {
    const line = `${headers[i]}: ${headers[i + 1]}`
    if (/[\r\n\0]/.test(line)) throw new TypeError('a header that must not be sent')
    // There is no body whose length it could be.
    if (!/^content-length:/i.test(line)) head += `${line}\r\n`
  }
  return `${head}\r\n`
}

/** Passes on what the upstream answered instead, and ends the client's connection with it. */
async function relay(
  { request, socket }: UpgradeExchange,
  response: IncomingMessage,
  headers: readonly string[],
  { idleMs, traffic }: Forward,
): Promise<ForwardEnd> {
  const status = response.statusCode ?? 0
  const answer = new ServerResponse(request)
  answer.shouldKeepAlive = false
  // The socket of an upgrade is one of the system's, or of TLS above it.
  answer.assignSocket(socket as Socket)
  answer.writeHead(status, [...headers])
  const timer = setTimeout(() => response.destroy(new Error('the answer stalled')), idleMs)
  response.on('data', (part: Buffer) => {
    timer.refresh()
    if (traffic !== undefined) traffic.responseBytes += part.length
  })
  const { promise, resolve } = Promise.withResolvers<ForwardEnd>()
  const hasLeft = (): boolean => socket.destroyed && !response.errored
  pipeline(response, answer, (error) => {
    clearTimeout(timer)
    if (error == null) {
      endGently(socket)
      resolve({ kind: 'done', status })
      return
    }
    const kind = hasLeft() ? 'client-left' : 'cut'
    socket.destroy()
    resolve(kind === 'cut' ? { kind, status, error } : { kind, status })
  })
  return promise
}

function ambiguous(mistake: string): Refused {
  return {
    kind: 'refused',
    status: 400,
    code: 'REQUEST_AMBIGUOUS',
    wasSent: false,
    error: new Error(mistake),
  }
}

function unavailable(error: unknown, wasSent: boolean): Refused {
  return { kind: 'refused', status: 502, code: 'UPSTREAM_UNAVAILABLE', wasSent, error }
}

function timedOut(error: unknown, wasSent: boolean): Refused {
  return { kind: 'refused', status: 504, code: 'UPSTREAM_TIMEOUT', wasSent, error }
}

function ignore(): void {
  // Whoever reads or writes it is told.
}
