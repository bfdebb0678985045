import type { Step } from './buy.ts'
import { buy, debtOf } from './buy.ts'
import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import { policyToPayBy } from './decide.ts'
import type { Trail } from './deliver.ts'
import { deliver } from './deliver.ts'
import type { Demand } from './demand.ts'
import { readDemand } from './demand.ts'
import { settleEarlier } from './earlier.ts'
import { bareHostname } from './host.ts'
import { orAborted } from './locks.ts'
import { holdFirst, lookFor } from './look-for.ts'
import { hasRoom, refusesCredential, refusesPayment, refusesWhileOwed } from './may-pay.ts'
import { describePurchase, notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import { present, sendBare } from './present.ts'
import { refuse } from './refusal.ts'
import { routeOf, targetOf } from './stored-token.ts'
import type { StoredToken } from './token-store.ts'
import { seeToItsEnd } from './whole-answer.ts'

/**
 * Gets the answer to one request: with a stored token, with none, or with one that is bought.
 *
 * @throws {L402Error} as `Client.fetch`.
 */
export async function exchange(
  parts: Parts,
  call: Call,
  hop: Hop,
  trail: Trail,
): Promise<Response> {
  trail.opened = undefined
  const refusal = refusesCredential(parts, call, hop, trail.downgraded)
  if (refusal !== undefined) {
    const response = await sendBare(parts, call, hop)
    if ((await readDemand(response)) === undefined) return response
    throw refusal
  }

  const tried = new Set<string>()
  const held = await holdFirst(parts, hop)
  if (held === undefined) {
    return meetDemand(parts, call, hop, trail, tried, await sendBare(parts, call, hop))
  }
  trail.presented = true
  tried.add(held.stored.id)
  const answer = await present(parts, call, hop, held, false)
  const { response, verdict } = answer
  if (verdict === 'accepted') trail.opened = held.stored
  if (verdict !== 'refused') return seeToItsEnd(parts, call, trail, held.stored, answer, false)
  if (response.status === 402) return meetDemand(parts, call, hop, trail, tried, response)

  // 401, or 403 where the token was only a guess: without it the server says what it wants.
  if ((await hop.body?.isReplayable()) === false) return response
  await discard(response)
  return meetDemand(parts, call, hop, trail, tried, await sendBare(parts, call, hop))
}

/** Does what a 402 asks for, until the server gives something else. */
async function meetDemand(
  parts: Parts,
  call: Call,
  hop: Hop,
  trail: Trail,
  tried: Set<string>,
  first: Response,
): Promise<Response> {
  let response = first
  let demand = await readDemand(response)
  while (demand !== undefined) {
    const wanted = demand
    if ((await hop.body?.isReplayable()) === false) {
      throw refuse('body', { origin: hop.url.origin })
    }
    const key = `${hop.url.origin} ${wanted.coverage ?? routeOf(hop)}`
    const step = await parts.locks.run(key, call.signal, () =>
      decideStep(parts, call, hop, trail, tried, wanted),
    )
    if (step.kind === 'answered') return step.response
    trail.presented = true
    if (step.kind === 'bought') return deliver(parts, call, hop, trail, step.held, false)

    const { stored } = step.held
    tried.add(stored.id)
    const answer = await present(parts, call, hop, step.held, true)
    const isAccepted = answer.verdict === 'accepted'
    if (isAccepted) trail.opened = stored
    if (answer.verdict !== 'refused' && step.resumed) noteResumed(trail, stored, isAccepted)
    const isNoted = step.resumed || stored.standing === 'owed'
    response = await seeToItsEnd(parts, call, trail, stored, answer, isNoted)
    if (answer.verdict !== 'refused') return response
    if (response.status === 402) demand = await readDemand(response)
    else await discard(response)
  }
  return response
}

/** One at a time for each thing that can be bought: a token that somebody has, or a new one. */
async function decideStep(
  parts: Parts,
  call: Call,
  hop: Hop,
  trail: Trail,
  tried: ReadonlySet<string>,
  demand: Demand,
): Promise<Step> {
  const { origin } = hop.url
  const { signal } = call
  const host = bareHostname(hop.url)
  const aim = { target: targetOf(hop), coverage: demand.coverage }
  const resumed = new Set<string>()
  for (;;) {
    const ended = parts.purchases.ended(host)
    const { maxUndelivered } = parts.policy().policy
    const earlier = await settleEarlier(parts, hop, aim, maxUndelivered, signal)
    for (const id of earlier.settled) resumed.add(id)
    const { held, tokens } = await lookFor(parts, call, origin, aim, tried)
    if (held !== undefined) return { kind: 'try', held, resumed: resumed.has(held.stored.id) }

    if (earlier.stillOpen !== undefined) throw earlier.stillOpen
    const policy = policyToPayBy(parts, origin)
    const debt = await debtOf(parts, policy, hop, earlier.unknown)
    const refusal =
      refusesPayment(parts, policy, call, hop) ?? refusesWhileOwed(tokens, hop, aim, debt)
    if (refusal !== undefined) throw refusal
    if (trail.purchase !== undefined) throw notDelivered(trail.purchase, 402)

    // What was read is old when a purchase ended meanwhile.
    if (parts.purchases.ended(host) !== ended) continue
    if (hasRoom(tokens, parts.purchases.count(host), debt)) {
      return buy(parts, call, hop, demand, tried)
    }
    await orAborted(parts.purchases.nextEnd(host), signal)
  }
}

function noteResumed(trail: Trail, stored: StoredToken, accepted: boolean): void {
  trail.purchase = describePurchase(
    stored,
    accepted ? 'paid_delivered' : 'paid_not_delivered',
    true,
  )
}
