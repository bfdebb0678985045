import type { Code } from 'satway'
import type { Decision, IncomingRequest, RefusalCode, RefusalResponse } from 'satway/server'
import { problemResponse } from 'satway/server'
import type { ExchangeRecord } from './operations/index.ts'
import type { Peer } from './proxy/index.ts'
import type { Route, Service, Snapshot } from './snapshot.ts'

type Admitted = Extract<Decision, { status: 'admitted' }>

/** A request that may go to its upstream. */
export type Admission = {
  readonly service: Service
  readonly route: Route
  readonly decision: Admitted
}

/** What is decided of a request before anything is forwarded. */
export type Verdict = Admission | { readonly response: RefusalResponse }

export type Facts = {
  -readonly [Name in keyof ExchangeRecord]: ExchangeRecord[Name]
}

/** What is known of a request before it is decided. */
export type Arrival = {
  readonly snapshot: Snapshot
  readonly peer: Peer
  readonly host: string
  readonly incoming: IncomingRequest
  /** The canonical path, or `undefined` where the target has none. */
  readonly path: () => string | undefined
}

/**
 * Decides one request: its host, the gate of its service, its rate and the room on its route. What
 * it finds is noted in `facts`.
 *
 * An admission took a place on its route, which is given back with `concurrency.leave`.
 */
export async function decide(arrival: Arrival, facts: Facts): Promise<Verdict> {
  const { snapshot, host, incoming } = arrival
  if (snapshot.isBlocked(arrival.peer.address) || snapshot.isBlocked(facts.clientAddress)) {
    return refuse(facts, snapshot, 'REQUEST_BLOCKED')
  }
  const service = snapshot.hosts.find(host, arrival.path)
  if (service === 'unknown-host') return refuse(facts, snapshot, 'REQUEST_HOST')
  if (service === 'no-mount') return refuse(facts, snapshot, 'REQUEST_NOT_FOUND')
  facts.service = service.config.name

  const decision = await service.gate(incoming)
  if (decision.status === 'refused') {
    facts.path = arrival.path() ?? ''
    noteRefusal(facts, decision)
    return { response: decision.response }
  }
  noteAdmission(facts, decision)
  const route = service.routes.get(decision.route!)!
  const code = await findRoom(route, decision, facts)
  return code === undefined
    ? { service, route, decision }
    : refuse(facts, snapshot, code.code, code.retryAfterSeconds)
}

/** Takes the route's rate and one of its places; gives the use back where there is none. */
async function findRoom(
  route: Route,
  decision: Admitted,
  facts: Facts,
): Promise<{ readonly code: RefusalCode; readonly retryAfterSeconds?: number } | undefined> {
  const { takeRate, concurrency } = route
  if (takeRate !== undefined) {
    let wait: number
    try {
      wait = takeRate(decision.receipt, facts.clientAddress)
    } catch {
      // What several processes share is away, and nobody can say how often this client was here.
      await decision.finish(undefined)
      return { code: 'STORE_UNAVAILABLE' }
    }
    if (wait > 0) {
      await decision.finish(undefined)
      return { code: 'REQUEST_RATE_LIMITED', retryAfterSeconds: Math.max(1, Math.ceil(wait)) }
    }
  }
  if (concurrency === undefined || concurrency.enter()) return undefined
  await decision.finish(undefined)
  return { code: 'UPSTREAM_OVERLOADED', retryAfterSeconds: 1 }
}

/** Refuses with a code of the gateway's own. */
export function refuse(
  facts: Facts,
  snapshot: Snapshot,
  code: RefusalCode,
  retryAfterSeconds?: number,
): { readonly response: RefusalResponse } {
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  const response = problemResponse(code, { cors: snapshot.config.cors, details })
  facts.code = code
  facts.cause ??= code
  facts.outcome = response.status >= 500 ? 'failed' : 'refused'
  facts.status = response.status
  return { response }
}

function noteRefusal(facts: Facts, decision: Extract<Decision, { status: 'refused' }>): void {
  const { response, refusal } = decision
  facts.status = response.status
  facts.code = refusal?.code
  facts.cause = refusal?.cause
  facts.paymentHash = refusal?.challenge?.paymentHash
  facts.amountMsat = refusal?.challenge?.amountMsat
  facts.outcome = outcomeOf(refusal?.code, response.status)
}

function outcomeOf(code: Code | undefined, status: number): ExchangeRecord['outcome'] {
  if (code === undefined) return 'free'
  if (status === 402) return 'challenged'
  return status >= 500 ? 'failed' : 'refused'
}

function noteAdmission(facts: Facts, { receipt, route, waived, target }: Admitted): void {
  facts.route = route
  facts.path = target.path
  facts.outcome = waived !== undefined ? 'dry-run' : receipt === undefined ? 'free' : 'paid'
  facts.code = waived?.code
  facts.cause = waived?.cause
  facts.wouldBe = waived?.status
  if (receipt === undefined) return
  facts.tokenId = receipt.tokenId
  facts.paymentHash = receipt.paymentHash
  facts.amountMsat = receipt.amountMsat
}
