import { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import { chooseChallenge } from './check-challenge.ts'
import { awaitedFor, chooseBeforeBuying, chooseFirst } from './choose-token.ts'
import type { Demand } from './demand.ts'
import { readDemand } from './demand.ts'
import type { Aim } from './ledger.ts'
import { buysTheSame, isOpen } from './ledger.ts'
import { orAborted } from './locks.ts'
import { hasRoom, maxOwed, refusesCredential, refusesPayment, refusesWhileOwed } from './may-pay.ts'
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
  const resumed = new Set<string>()
  for (;;) {
    const ended = parts.purchases.ended(origin)
    const earlier = await orAborted(settleEarlier(parts, origin, aim), call.signal)
    const { stillOpen, openElsewhere } = earlier
    for (const id of earlier.settled) resumed.add(id)
    const { held, tokens } = await lookFor(parts, call, origin, aim, tried)
    if (held !== undefined) return { kind: 'try', held, resumed: resumed.has(held.stored.id) }

    if (stillOpen !== undefined) throw stillOpen
    const refusal =
      refusesPayment(parts, call, hop) ?? refusesWhileOwed(tokens, hop, aim, openElsewhere)
    if (refusal !== undefined) throw refusal
    if (trail.purchase !== undefined) throw notDelivered(trail.purchase, 402)

    // What was read is old when a purchase ended meanwhile.
    if (parts.purchases.ended(origin) !== ended) continue
    if (hasRoom(tokens, parts.purchases.count(origin), openElsewhere)) {
      return buy(parts, call, hop, demand, tried)
    }
    await orAborted(parts.purchases.nextEnd(origin), call.signal)
  }
}

/** A token to try before anything is bought, taken; and the tokens that the origin has. */
async function lookFor(
  parts: Parts,
  call: Call,
  origin: string,
  aim: Aim,
  tried: ReadonlySet<string>,
): Promise<{ readonly held: Held | undefined; readonly tokens: readonly StoredToken[] }> {
  const tries = { tried, usesInFlight: parts.uses.count }
  for (;;) {
    const tokens = await storing(() => parts.tokens.usable(origin, parts.now()))
    const awaited = awaitedFor(tokens, aim, tries)
    if (awaited === undefined) {
      const stored = chooseBeforeBuying(tokens, aim, tries)
      return { held: stored === undefined ? undefined : hold(parts, stored), tokens }
    }
    await orAborted(parts.uses.idle(awaited.id), call.signal)
  }
}

/** Counts the purchase as under way until what it bought was answered, or it came to nothing. */
async function buy(
  parts: Parts,
  call: Call,
  hop: Hop,
  demand: Demand,
  tried: ReadonlySet<string>,
): Promise<Step> {
  const end = parts.purchases.take(hop.url.origin)
  try {
    const step = await buyUncounted(parts, call, hop, demand, tried)
    if (step.kind === 'bought') return { ...step, held: alsoReleasing(step.held, end) }
    end()
    return step
  } catch (error) {
    end()
    throw error
  }
}

/** Pays; asks for a fresh challenge when the invoice turns out to be paid already. */
async function buyUncounted(
  parts: Parts,
  call: Call,
  hop: Hop,
  first: Demand,
  tried: ReadonlySet<string>,
): Promise<Step> {
  const { origin } = hop.url
  const target = targetOf(hop)
  let demand = first
  for (let asked = 0; ; asked++) {
    const checked = chooseChallenge(demand.readings, {
      policy: parts.policy,
      limits: call.limits,
      network: parts.payer?.network,
      nowSeconds: parts.now(),
    })
    const { paymentHash, facts } = checked
    const { attenuates } = demand.hints
    const aim = { target, coverage: facts?.coverage }
    const tokenId = tokenIdOf(origin, checked.challenge.token)
    // On its way from the moment that it is kept: nobody else sends it before it was judged.
    const release = parts.uses.take(tokenId)
    let bought: StoredToken | Held | 'already-paid' = 'already-paid'
    try {
      bought = await parts.payments.pay(checked, hop, {
        attenuates: attenuates && facts !== undefined,
        signal: call.signal,
        lookAgain: async () => {
          const { held, tokens } = await lookFor(parts, call, origin, aim, tried)
          const refusal = held === undefined ? refusesWhileOwed(tokens, hop, aim, 0) : undefined
          if (refusal !== undefined) throw refusal
          return held
        },
      })
    } finally {
      if (bought === 'already-paid' || 'release' in bought) release()
    }
    if (bought !== 'already-paid') {
      if ('release' in bought) return { kind: 'try', held: bought, resumed: false }
      return { kind: 'bought', held: { stored: bought, release } }
    }
    if (asked === maxFreshChallenges) {
      throw new L402Error('PAYMENT_FAILED', { reason: 'already-paid', paymentHash, origin })
    }

    // A server may offer a challenge until it sees its token, which may still be on its way.
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
): Promise<{
  readonly stillOpen: L402Error | undefined
  readonly settled: ReadonlySet<string>
  /** How many payments of this origin for other things nobody knows the end of. */
  readonly openElsewhere: number
}> {
  let stillOpen: L402Error | undefined
  const settled = new Set<string>()
  const unfinished = await storing(() => parts.ledger.unfinished(origin))
  const unknown = unfinished.filter((entry) => entry.state === 'unknown' && !entry.abandoned)
  // Where they would keep anything else from being bought, they are asked about, too.
  const areMany = unknown.length >= maxOwed
  let openElsewhere = 0
  for (const entry of unfinished) {
    const isWanted = buysTheSame(entry, aim)
    const isUnknown = entry.state === 'unknown' && !entry.abandoned
    if (isOpen(entry) && !isWanted && !(areMany && isUnknown)) {
      if (isUnknown) openElsewhere++
      continue
    }
    const now = await parts.payments.resolve(entry)
    if (now.state === 'settled') settled.add(tokenIdOf(origin, now.token))
    if (!isOpen(now) || now.abandoned) continue
    if (isWanted) stillOpen ??= unknownPayment(now)
    else openElsewhere++
  }
  return { stillOpen, settled, openElsewhere }
}

async function holdFirst(parts: Parts, hop: Hop): Promise<Held | undefined> {
  // What is free stays free without a store. What is not will ask for it again.
  const tokens = await parts.tokens.usable(hop.url.origin, parts.now()).catch(() => [])
  const tries = { tried: new Set<string>(), usesInFlight: parts.uses.count }
  const stored = chooseFirst(tokens, targetOf(hop), tries)
  return stored === undefined ? undefined : hold(parts, stored)
}

function alsoReleasing({ stored, release }: Held, end: () => void): Held {
  return {
    stored,
    release: () => {
      release()
      end()
    },
  }
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
