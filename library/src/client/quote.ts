import type { Msat } from '../amount/index.ts'
import { msat, printable } from '../amount/index.ts'
import type { L402Error } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import { expiresAtSeconds } from '../invoice/index.ts'
import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import { chooseChallenge } from './check-challenge.ts'
import { chooseBeforeBuying } from './choose-token.ts'
import { readDemand } from './demand.ts'
import { follow } from './follow.ts'
import { bareHostname, plainUrl } from './host.ts'
import { refusesCredential, refusesPayment, refusesWhileOwed } from './may-pay.ts'
import { overBudget } from './over-budget.ts'
import type { Parts } from './parts.ts'
import { storing } from './payments.ts'
import { sendBare } from './present.ts'
import { cut } from './refusal.ts'
import { targetOf } from './stored-token.ts'

/** What a server asks for one request, checked. */
export type QuotedPrice = {
  /** After redirects; without fragment. */
  readonly url: string
  readonly amountMsat: Msat
  /** The most that the route may take on top. */
  readonly maxFeeMsat: Msat
  /** The public key that signed the invoice, 66 hex digits. */
  readonly payee: string
  /** 64 hex digits. */
  readonly paymentHash: string
  /** Seconds since 1970: the first second at which the invoice is no longer valid. */
  readonly expiresAtSeconds: number
  /** The payee's words, at most 64 characters: untrusted text. */
  readonly description: string
  /** As the token says, unverified. */
  readonly service: string | undefined
  readonly capability: string | undefined
}

/** What a call would do. `JSON.stringify` takes it; amounts become digits. */
export type Quote =
  /** The server wanted no payment: the request was carried out. */
  | { readonly status: 'free'; readonly httpStatus: number }
  /** There is a token for this already. */
  | { readonly status: 'covered'; readonly paymentHash: string }
  /** `fetch` would pay this, if `approve`, where there is one, says yes. */
  | { readonly status: 'payable'; readonly price: QuotedPrice }
  /** `fetch` would throw this; `price` where the challenge itself is in order. */
  | {
      readonly status: 'refused'
      readonly error: L402Error
      readonly price: QuotedPrice | undefined
    }

/**
 * Goes as far as the payment, and says what it would be.
 *
 * @spec client.md R-PAY-71
 */
export async function quote(parts: Parts, call: Call): Promise<Quote> {
  const path = { presented: false, downgraded: false }
  const { response, hop } = await follow(parts, call, path, (next) => sendBare(parts, call, next))
  const demand = await readDemand(response)
  if (demand === undefined) {
    await discard(response)
    return { status: 'free', httpStatus: response.status }
  }

  const refusal = refusesCredential(parts, call, hop, path.downgraded)
  if (refusal !== undefined) return { status: 'refused', error: refusal, price: undefined }
  const tokens = await storing(() => parts.tokens.usable(hop.url.origin, parts.now()))
  const aim = { target: targetOf(hop), coverage: demand.coverage }
  const tries = { tried: new Set<string>(), usesInFlight: parts.uses.count }
  const stored = chooseBeforeBuying(tokens, aim, tries)
  if (stored !== undefined) return { status: 'covered', paymentHash: stored.paymentHash }

  const { policy, payer } = parts
  const rules = { policy, limits: call.limits, network: payer?.network, nowSeconds: parts.now() }
  let checked: CheckedChallenge
  try {
    checked = chooseChallenge(demand.readings, rules)
  } catch (error) {
    if (!isL402Error(error)) throw error
    return { status: 'refused', error, price: undefined }
  }
  const price = priceOf(checked, hop)
  const error =
    refusesPayment(parts, call, hop) ??
    refusesWhileOwed(tokens, hop, aim, 0) ??
    (await exceeds(parts, checked, hop))
  return error === undefined ? { status: 'payable', price } : { status: 'refused', error, price }
}

async function exceeds(
  { ledger, policy, now }: Parts,
  checked: CheckedChallenge,
  hop: Hop,
): Promise<L402Error | undefined> {
  const costMsat = msat(checked.amountMsat + checked.maxFeeMsat)
  const payment = { host: bareHostname(hop.url), costMsat, nowSeconds: now() }
  const exceeded = await storing(() => ledger.limitReached(payment, policy))
  return exceeded === undefined ? undefined : overBudget(exceeded, policy, checked)
}

function priceOf(checked: CheckedChallenge, hop: Hop): QuotedPrice {
  const { amountMsat, maxFeeMsat, payee, paymentHash, invoice, facts } = checked
  return printable({
    url: plainUrl(hop.url),
    amountMsat,
    maxFeeMsat,
    payee,
    paymentHash,
    expiresAtSeconds: expiresAtSeconds(invoice),
    description: cut(invoice.description ?? ''),
    service: facts?.service,
    capability: facts?.capability,
  })
}
