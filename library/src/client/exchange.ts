import { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import { chooseChallenge } from './check-challenge.ts'
import { chooseBeforeBuying, chooseFirst } from './choose-token.ts'
import type { Demand } from './demand.ts'
import { readDemand } from './demand.ts'
import type { Aim } from './ledger.ts'
import { buysTheSame, isOpen } from './ledger.ts'
import { orAborted } from './locks.ts'
import { refusesCredential, refusesPayment, refusesWhileOwed } from './may-pay.ts'
import type { Purchase } from './outcome.ts'
import { describePurchase, notDelivered } from './outcome.ts'
import type { Parts } from './parts.ts'
import { storing, unknownPayment } from './payments.ts'
import type { Held } from './present.ts'
import { present, sendBare } from './present.ts'
import { refuse } from './refusal.ts'
import { routeOf, targetOf, tokenIdOf } from './stored-token.ts'
import type { StoredToken } from './token-store.ts'

/** What happened on the way of one call, over all its hops. */
export type Trail = {
  /** What the call bought. At most one thing. */
  purchase: Purchase | undefined
  /** Whether a credential was sent on the way. */
  presented: boolean
  /** Whether a redirect led from https to http. */
  downgraded: boolean
}

/** What to do next about a demand. */
type Step =
  | { readonly kind: 'try'; readonly held: Held; readonly resumed: boolean }
  | { readonly kind: 'bought'; readonly held: Held }
  /** Asked again, the server wanted no payment any more. */
  | { readonly kind: 'answered'; readonly response: Response }

/** How often a server is asked for another challenge when its invoice is paid already. */
const maxFreshChallenges = 2

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
  const { response, verdict } = await present(parts, call, hop, held)
  if (verdict !== 'refused') return response
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

    tried.add(step.held.stored.id)
    const answer = await present(parts, call, hop, step.held)
    response = answer.response
    if (answer.verdict !== 'refused') {
      if (step.resumed) noteResumed(trail, step.held.stored, answer.verdict === 'accepted')
      return response
    }
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
  const aim = { target: targetOf(hop), coverage: demand.coverage }
  const { stillOpen, settled } = await orAborted(settleEarlier(parts, origin, aim), call.signal)
  const tokens = await storing(() => parts.tokens.usable(origin, parts.now()))
  const stored = chooseBeforeBuying(tokens, aim, { tried, usesInFlight: parts.uses.count })
  if (stored !== undefined) {
    return { kind: 'try', held: hold(parts, stored), resumed: settled.has(stored.id) }
  }

  if (stillOpen !== undefined) throw stillOpen
  const refusal = refusesPayment(parts, call, hop) ?? refusesWhileOwed(tokens, hop, aim)
  if (refusal !== undefined) throw refusal
  if (trail.purchase !== undefined) throw notDelivered(trail.purchase, 402)
  return buy(parts, call, hop, demand)
}

/** Pays; asks for a fresh challenge when the invoice turns out to be paid already. */
async function buy(parts: Parts, call: Call, hop: Hop, first: Demand): Promise<Step> {
  const { origin } = hop.url
  let demand = first
  for (let asked = 0; ; asked++) {
    const checked = chooseChallenge(demand.readings, {
      policy: parts.policy,
      limits: call.limits,
      network: parts.payer?.network,
      nowSeconds: parts.now(),
    })
    const { paymentHash, facts } = checked
    const bought = await parts.payments.pay(checked, hop, {
      attenuates: demand.hints.attenuates && facts !== undefined,
      signal: call.signal,
    })
    if (bought !== 'already-paid') return { kind: 'bought', held: hold(parts, bought) }
    if (asked === maxFreshChallenges) {
      throw new L402Error('PAYMENT_FAILED', { reason: 'already-paid', paymentHash, origin })
    }

    // A server may offer a challenge until it sees its token, which may still be on its way.
    const tokenId = tokenIdOf(origin, checked.challenge.token)
    await orAborted(parts.uses.idle(tokenId), call.signal)
    const response = await sendBare(parts, call, hop)
    const fresh = await readDemand(response)
    if (fresh === undefined) return { kind: 'answered', response }
    demand = fresh
  }
}

/**
 * Sends what was bought, once.
 *
 * @param resumed - Whether an earlier call began the payment.
 * @throws {L402Error} PAYMENT_NOT_DELIVERED when the server refuses it or cannot be reached.
 */
export async function deliver(
  parts: Parts,
  call: Call,
  hop: Hop,
  trail: Trail,
  held: Held,
  resumed: boolean,
): Promise<Response> {
  const { stored } = held
  trail.presented = true
  trail.purchase = describePurchase(stored, 'paid_not_delivered', resumed)
  let answer: Awaited<ReturnType<typeof present>>
  try {
    answer = await present(parts, call, hop, held)
  } catch (cause) {
    throw notDelivered(stored, undefined, cause)
  }
  if (answer.verdict === 'refused') {
    await discard(answer.response)
    throw notDelivered(stored, answer.response.status)
  }
  if (answer.verdict === 'accepted') {
    trail.purchase = describePurchase(stored, 'paid_delivered', resumed)
  }
  return answer.response
}

/**
 * Finds out about payments that an earlier call, or an earlier life of the process, left without an
 * end, as far as they bought what is wanted now.
 */
async function settleEarlier(
  parts: Parts,
  origin: string,
  aim: Aim,
): Promise<{ readonly stillOpen: L402Error | undefined; readonly settled: ReadonlySet<string> }> {
  let stillOpen: L402Error | undefined
  const settled = new Set<string>()
  for (const entry of await storing(() => parts.ledger.unfinished(origin))) {
    if (isOpen(entry) && !buysTheSame(entry, aim)) continue
    const now = await parts.payments.resolve(entry)
    if (now.state === 'settled') settled.add(tokenIdOf(origin, now.token))
    if (isOpen(now) && !now.abandoned) stillOpen ??= unknownPayment(now)
  }
  return { stillOpen, settled }
}

async function holdFirst(parts: Parts, hop: Hop): Promise<Held | undefined> {
  // What is free stays free without a store. What is not will ask for it again.
  const tokens = await parts.tokens.usable(hop.url.origin, parts.now()).catch(() => [])
  const tries = { tried: new Set<string>(), usesInFlight: parts.uses.count }
  const stored = chooseFirst(tokens, targetOf(hop), tries)
  return stored === undefined ? undefined : hold(parts, stored)
}

function hold(parts: Parts, stored: StoredToken): Held {
  return { stored, release: parts.uses.take(stored.id) }
}

function noteResumed(trail: Trail, stored: StoredToken, accepted: boolean): void {
  trail.purchase = describePurchase(
    stored,
    accepted ? 'paid_delivered' : 'paid_not_delivered',
    true,
  )
}
