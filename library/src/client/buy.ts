import { L402Error } from '../errors.ts'
import type { Call, Hop } from './call.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import { chooseChallenge } from './check-challenge.ts'
import { crashPoint } from './crash-point.ts'
import type { Decision } from './decide.ts'
import { decide } from './decide.ts'
import type { Demand } from './demand.ts'
import { readDemand } from './demand.ts'
import { bareHostname } from './host.ts'
import { orAborted } from './locks.ts'
import { lookFor, nobodyBought } from './look-for.ts'
import type { Debt } from './may-pay.ts'
import { isNamedHost, refusesPayment, refusesWhileOwed } from './may-pay.ts'
import type { Order } from './order.ts'
import { purposeOf } from './order.ts'
import type { Parts } from './parts.ts'
import type { Policy } from './policy.ts'
import type { Held } from './present.ts'
import { sendBare } from './present.ts'
import { tokenIdOf } from './stored-token.ts'
import { storing } from './storing.ts'

/** What to do next about a demand. */
export type Step =
  | { readonly kind: 'try'; readonly held: Held; readonly resumed: boolean }
  | { readonly kind: 'bought'; readonly held: Held }
  /** Asked again, the server wanted no payment any more. */
  | { readonly kind: 'answered'; readonly response: Response }

/** How often a server is asked for another challenge when its invoice is paid already. */
const maxFreshChallenges = 2

/**
 * Buys what a 402 asks for. Counts as a purchase under way until what was bought was answered, or it
 * came to nothing.
 *
 * @param tried - Ids of tokens that this call has tried already.
 * @throws {L402Error} as `Client.fetch`.
 */
export async function buy(
  parts: Parts,
  call: Call,
  hop: Hop,
  demand: Demand,
  tried: ReadonlySet<string>,
): Promise<Step> {
  const end = parts.purchases.take(bareHostname(hop.url))
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
  const { signal } = call
  let demand = first
  let decision: Decision | undefined
  for (let asked = 0; ; ) {
    const wanted = demand
    const orderUnder = (policy: Policy): Order => {
      const refusal = refusesPayment(parts, policy, call, hop)
      if (refusal !== undefined) throw refusal
      return orderFor(parts, policy, call, hop, wanted)
    }
    decision = await decide(parts, origin, orderUnder, decision, signal)
    crashPoint('policy-checked')
    const { checked, purpose } = decision.order
    const tokenId = tokenIdOf(origin, purpose.token ?? '', checked.paymentHash)
    // On its way from the moment that it is kept: nobody else sends it before it was judged.
    const release = parts.uses.take(tokenId)
    const aim = { target: purpose.target, coverage: purpose.coverage }
    const isStillWanted = (): Promise<boolean> => nobodyBought(parts, origin, aim, tried)
    const bought = await parts.payments
      .pay(decision, signal, isStillWanted)
      .catch((error: unknown) => {
        release()
        throw error
      })
    if (typeof bought === 'object' && bought.stored !== undefined) {
      return { kind: 'bought', held: { stored: bought.stored, release } }
    }
    release()
    if (bought === 'look-again') {
      const { held, tokens } = await lookFor(parts, call, origin, aim, tried)
      if (held !== undefined) return { kind: 'try', held, resumed: false }
      const refusal = refusesWhileOwed(tokens, hop, aim, noDebt)
      if (refusal !== undefined) throw refusal
      continue
    }

    if (asked++ === maxFreshChallenges) {
      const { paymentHash } = checked
      throw new L402Error('PAYMENT_FAILED', { reason: 'already-paid', paymentHash, origin })
    }
    // A server may offer a challenge until it sees its token, which may still be on its way.
    await orAborted(parts.uses.idle(tokenId), signal)
    const response = await sendBare(parts, call, hop)
    const fresh = await readDemand(response)
    if (fresh === undefined) return { kind: 'answered', response }
    demand = fresh
  }
}

/** What would be paid for a demand. @throws {L402Error} as {@link chooseChallenge}. */
export function orderFor(
  parts: Parts,
  policy: Policy,
  call: Call,
  hop: Hop,
  { readings, hints }: Demand,
): Order & { readonly checked: CheckedChallenge } {
  const checked = chooseChallenge(readings, {
    policy,
    limits: call.limits,
    network: parts.payer?.network,
    nowSeconds: parts.now(),
    origin: hop.url.origin,
  })
  return {
    checked,
    purpose: purposeOf(checked, hop, hints.enforces),
    isNamed: isNamedHost(policy, hop.url),
    capability: checked.facts?.capability,
    body: hop.body,
  }
}

const noDebt: Debt = { owed: 0, unknown: 0, most: 1 }

/** How much a host owes, under a policy. */
export async function debtOf(
  { tokens, now }: Parts,
  { maxUndelivered }: Policy,
  { url }: Hop,
  unknown: number,
): Promise<Debt> {
  const owed = await storing(() => tokens.countOwed(bareHostname(url), now()))
  return { owed, unknown, most: maxUndelivered }
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
