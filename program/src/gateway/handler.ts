import type { ServerResponse } from 'node:http'
import { canonicalTarget, isL402Error } from 'satway'
import { sendRefusal } from 'satway/node-http'
import type { Receipt, RefusalCode, RefusalResponse } from 'satway/server'
import { clientGone } from 'satway/server'
import type { ActiveStreams } from './active-streams.ts'
import { clientAddress, watchAnswer } from './edge/index.ts'
import { GatewayRequest, headerLines } from './incoming.ts'
import type { Observer } from './operations/index.ts'
import type { Admission, Facts, Verdict } from './passage.ts'
import { decide, refuse } from './passage.ts'
import type { Exchange, Forward, ForwardEnd, Peer } from './proxy/index.ts'
import {
  cutResponse,
  endBody,
  isClientGone,
  isGrpc,
  rewriteTarget,
  sendGrpcRefusal,
} from './proxy/index.ts'
import type { Snapshot } from './snapshot.ts'
import type { State } from './state/index.ts'

export type HandlerOptions = {
  /** What is in force now. Read once for each request. */
  readonly current: () => Snapshot
  readonly state: State
  readonly observer: Observer
  /** Paid streams that are cut when what paid for them ends. */
  readonly streams: ActiveStreams
  /** Seconds since 1970. */
  readonly now: () => number
  /** Told of a fault of the gateway itself. */
  readonly failed: (error: unknown) => void
}

/** How long a refused client may go on sending a body that nobody reads. */
const refusedBodyMs = 5000

/** Serves one request: decides it, forwards it or answers it, and tells of it at its end. */
export async function serve(exchange: Exchange, options: HandlerOptions): Promise<void> {
  const snapshot = options.current()
  const { request } = exchange
  const incoming = readRequest(exchange, snapshot)
  const facts = openFacts(request, incoming.clientAddress, exchange.peer)
  if (isGrpc(request)) facts.protocol = 'grpc'
  // Until it is known better: what throws below is a fault of ours, and is told of like any end.
  facts.end = 'cut'
  let isServed = false
  try {
    const verdict = await decide(arrivalOf(snapshot, exchange.peer, facts, incoming), facts)
    facts.end = isAdmitted(verdict)
      ? await forward(exchange, incoming, verdict, facts, options)
      : answer(exchange, verdict.response, facts, snapshot)
    isServed = true
  } finally {
    if (!isServed) facts.outcome = 'failed'
    facts.durationMs = performance.now() - facts.durationMs
    options.observer.exchange(facts)
  }
}

/** Answers a request that the listener found fault with. */
export function refuseFault(
  exchange: Exchange,
  code: RefusalCode,
  { current, observer, failed }: Pick<HandlerOptions, 'current' | 'observer' | 'failed'>,
): void {
  const snapshot = current()
  const facts = openFacts(exchange.request, '', exchange.peer)
  const { response } = refuse(facts, snapshot, code)
  try {
    facts.end = answer(exchange, response, facts, snapshot)
  } catch (error) {
    // A listener calls this, and what it throws there would end the process.
    facts.end = 'cut'
    facts.outcome = 'failed'
    failed(error)
    cut(exchange)
  }
  facts.durationMs = performance.now() - facts.durationMs
  observer.exchange(facts)
}

function readRequest(exchange: Exchange, snapshot: Snapshot): GatewayRequest {
  const { request, peer } = exchange
  const { rawHeaders } = request
  const forwardedFor = headerLines(rawHeaders, 'x-forwarded-for')
  const address =
    forwardedFor.length === 0
      ? peer.address
      : clientAddress(peer.address, forwardedFor, snapshot.isTrusted)
  const head = { method: request.method ?? '', target: request.url ?? '', clientAddress: address }
  return new GatewayRequest(head, rawHeaders, exchange, snapshot.config.limits.bodyIdleMs)
}

export function openFacts(request: Exchange['request'], address: string, peer: Peer): Facts {
  const host = request.headers[':authority'] ?? request.headers.host ?? ''
  return {
    startedAtMs: Date.now(),
    // Until the end: when it began, by the clock that nobody sets.
    durationMs: performance.now(),
    method: request.method ?? '',
    path: '',
    host: String(host),
    protocol: request.httpVersionMajor === 2 ? 'http/2' : 'http/1.1',
    status: 0,
    code: undefined,
    cause: undefined,
    clientAddress: address === '' ? peer.address : address,
    service: undefined,
    route: undefined,
    tokenId: undefined,
    paymentHash: undefined,
    amountMsat: undefined,
    outcome: 'refused',
    end: 'refused',
    requestBytes: 0,
    responseBytes: 0,
    wouldBe: undefined,
  }
}

export function arrivalOf(
  snapshot: Snapshot,
  peer: Peer,
  facts: Facts,
  incoming: GatewayRequest,
): Parameters<typeof decide>[0] {
  return {
    snapshot,
    peer,
    host: facts.host,
    incoming,
    path: () => pathOf(incoming.target),
  }
}

/** The canonical path, or `undefined` where the target has none. */
export function pathOf(target: string): string | undefined {
  try {
    return canonicalTarget(target).path
  } catch (error) {
    if (isL402Error(error)) return undefined
    throw error
  }
}

export function isAdmitted(verdict: Verdict): verdict is Admission {
  return 'decision' in verdict
}

async function forward(
  exchange: Exchange,
  incoming: GatewayRequest,
  admission: Admission,
  facts: Facts,
  { state, streams, current, observer }: HandlerOptions,
): Promise<Facts['end']> {
  const { service, route, decision } = admission
  const noteUse = (): void => noteServed(state, decision.receipt)
  const stream = streams.add(decision.receipt, () => cut(exchange))
  let end: ForwardEnd
  try {
    const asked = forwardOf(admission, exchange, incoming, facts, noteUse)
    end = await service.upstream!.forward(exchange, asked)
  } finally {
    streams.remove(stream)
    route.concurrency?.leave()
  }
  if ('error' in end && !isClientFault(end)) {
    observer.failure('upstream', service.config.name, end.error)
  }
  if (end.kind === 'refused') {
    const isUsed = isClientFault(end) && end.wasSent
    await decision.finish(isUsed ? clientGone : undefined)
    if (isUsed) noteUse()
    facts.cause = end.code
    const snapshot = current()
    const { response } = refuse(facts, snapshot, end.code)
    return answer(exchange, response, facts, snapshot)
  }
  if (end.status === undefined) {
    await decision.finish(clientGone)
    noteUse()
  }
  facts.status = end.status ?? clientGone
  if (end.status !== undefined && end.status >= 500) facts.outcome = 'failed'
  return end.kind
}

/** Whether it was the client's body that there was too much or too little of. */
export function isClientFault(end: ForwardEnd): boolean {
  return end.kind === 'refused' && !end.code.startsWith('UPSTREAM_')
}

/** Writes a use that counts to the ledger; what was free is not in it. */
export function noteServed(state: State, receipt: Receipt | undefined): void {
  if (receipt === undefined) return
  const { tokenId, paymentHash, amountMsat, service, capability, soldUntilSeconds } = receipt
  const validUntilSeconds = soldUntilSeconds
  state.noteToken({ tokenId, paymentHash, amountMsat, service, capability, validUntilSeconds })
}

/** Ends an exchange so that its client can tell that something is missing. */
export function cut({ request, response }: Exchange): void {
  if (!isClientGone(response)) cutResponse(response, request.httpVersion === '1.0')
}

/**
 * What an upstream is asked for an admitted request.
 *
 * @param noteUse - Called when the answer begins in a way that counts.
 */
export function forwardOf(
  { service, route, decision }: Admission,
  exchange: Pick<Exchange, 'request' | 'peer'>,
  incoming: GatewayRequest,
  facts: Facts,
  noteUse: () => void,
): Forward {
  const { upstream } = service.config
  const { config } = route
  const { target } = decision
  const { rawHeaders } = exchange.request
  return {
    method: incoming.method,
    target: rewriteTarget(target.path + target.query, config.rewrite, upstream!.url.pathname),
    clientAddress: incoming.clientAddress,
    host: facts.host,
    scheme: exchange.peer.isEncrypted ? 'https' : 'http',
    forwardedFor:
      incoming.clientAddress === exchange.peer.address
        ? []
        : headerLines(rawHeaders, 'x-forwarded-for'),
    receipt: decision.receipt,
    maxBodyBytes: config.maxBodyBytes,
    headMs: config.headMs ?? upstream!.headMs,
    idleMs: config.idleMs ?? upstream!.idleMs,
    // Calls of gRPC are silent for as long as their application has nothing to say.
    bodyIdleMs: facts.protocol === 'grpc' ? undefined : incoming.bodyIdleMs,
    bodyStart: incoming.bodyStart,
    traffic: facts,
    // The use is durable before the client sees anything of what it bought.
    started: decision.isCounted
      ? async (status, header) => {
          await decision.finish(status)
          if (status < 500) noteUse()
          return decision.responseHeaders(header)
        }
      : (status, header) => {
          if (status < 500) noteUse()
          return decision.responseHeaders(header)
        },
  }
}

/** Sends an answer of the gateway's own. */
function answer(
  exchange: Exchange,
  refusal: RefusalResponse,
  facts: Facts,
  { config }: Snapshot,
): Facts['end'] {
  const { request, response } = exchange
  facts.status = refusal.status
  if (isClientGone(response) || response.writableEnded) return 'client-left'
  // Both kinds of response have what is used of them.
  if (facts.protocol === 'grpc') sendGrpcRefusal(exchange, refusal)
  else sendRefusal(response as ServerResponse, refusal)
  watchAnswer(exchange, config.limits.bodyIdleMs)
  if (!request.complete) dropBody(exchange)
  return 'refused'
}

/** Reads away what is left of a body, for a while: closing at once would lose the answer. */
function dropBody(exchange: Exchange): void {
  const { request } = exchange
  request.resume()
  const timer = setTimeout(() => endBody(exchange), refusedBodyMs)
  timer.unref()
  request.once('close', () => clearTimeout(timer))
}
