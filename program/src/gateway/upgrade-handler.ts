import { sendRefusalToSocket } from 'satway/node-http'
import { clientGone, problemResponse } from 'satway/server'
import { clientAddress } from './edge/index.ts'
import type { HandlerOptions } from './handler.ts'
import {
  arrivalOf,
  forwardOf,
  isAdmitted,
  isClientFault,
  noteServed,
  openFacts,
} from './handler.ts'
import { GatewayRequest, headerLines } from './incoming.ts'
import type { Admission, Facts } from './passage.ts'
import { decide, refuse } from './passage.ts'
import type { UpgradeExchange } from './proxy/index.ts'
import { upgradeMistake, watchLongStream } from './proxy/index.ts'

/** How often a connection is asked whether what paid for it still holds. */
const recheckMs = 2000

/** Serves one request to change protocols, through the same decisions as any other request. */
export async function serveUpgrade(
  exchange: UpgradeExchange,
  options: HandlerOptions & { readonly draining: AbortSignal },
): Promise<void> {
  const snapshot = options.current()
  const { request, socket, peer } = exchange
  // Until somebody takes over, nobody else hears of a broken connection.
  const ignore = (): void => undefined
  socket.on('error', ignore)
  const { rawHeaders } = request
  const lines = headerLines(rawHeaders, 'x-forwarded-for')
  const head = {
    method: request.method ?? '',
    target: request.url ?? '',
    clientAddress: clientAddress(peer.address, lines, snapshot.isTrusted),
  }
  const incoming = new GatewayRequest(head, rawHeaders, undefined, 0)
  const facts = openFacts(request, incoming.clientAddress, peer)
  facts.protocol = 'websocket'
  const verdict =
    upgradeMistake(request) === undefined
      ? await decide(arrivalOf(snapshot, peer, facts, incoming), facts)
      : refuse(facts, snapshot, 'REQUEST_AMBIGUOUS')
  if (isAdmitted(verdict)) {
    facts.end = await join(exchange, incoming, verdict, facts, options)
  } else {
    sendRefusalToSocket(socket, verdict.response)
    facts.end = 'refused'
  }
  facts.durationMs = performance.now() - facts.durationMs
  options.observer.exchange(facts)
}

async function join(
  exchange: UpgradeExchange,
  incoming: GatewayRequest,
  admission: Admission,
  facts: Facts,
  options: HandlerOptions & { readonly draining: AbortSignal },
): Promise<Facts['end']> {
  const { service, route, decision } = admission
  const { state, draining, now } = options
  const { receipt } = decision
  const noteUse = (): void => noteServed(state, receipt)
  const watch = watchLongStream({
    validUntilSeconds: receipt?.validUntilSeconds,
    now,
    isDenied: () => receipt !== undefined && isDenied(state, receipt),
    everyMs: recheckMs,
  })
  try {
    const forward = forwardOf(admission, exchange, incoming, facts, noteUse)
    const signal = AbortSignal.any([watch.signal, draining])
    const end = await service.upstream!.upgrade(exchange, forward, signal)
    if ('error' in end && !signal.aborted && !isClientFault(end)) {
      options.observer.failure('upstream', service.config.name, end.error)
    }
    if (end.kind === 'refused') {
      const isUsed = isClientFault(end) && end.wasSent
      await decision.finish(isUsed ? clientGone : undefined)
      if (isUsed) noteUse()
      facts.status = end.status
      facts.code = end.code
      facts.outcome = 'failed'
      const { cors } = options.current().config
      sendRefusalToSocket(exchange.socket, problemResponse(end.code, { cors }))
      return 'refused'
    }
    if (end.status === undefined) {
      await decision.finish(clientGone)
      noteUse()
    }
    facts.status = end.status ?? clientGone
    return end.kind
  } finally {
    watch.stop()
    route.concurrency?.leave()
  }
}

function isDenied(
  { denyList }: HandlerOptions['state'],
  { paymentHash, tokenId }: { readonly paymentHash: string; readonly tokenId: string },
): boolean {
  return denyList.isDenied({ paymentHash, tokenId, delegationIds: [] }) === true
}
