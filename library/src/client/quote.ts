import type { Msat } from '../amount/index.ts'
import { printable } from '../amount/index.ts'
import type { L402Error } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import { expiresAtSeconds } from '../invoice/index.ts'
import { debtOf, orderFor } from './buy.ts'
import type { Call, Hop } from './call.ts'
import { discard } from './challenge-hints.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import { chooseBeforeBuying } from './choose-token.ts'
import { policyToPayBy, questionAbout, requireRoom } from './decide.ts'
import { readDemand } from './demand.ts'
import { follow } from './follow.ts'
import { plainUrl } from './host.ts'
import { unknownPayment } from './intent.ts'
import type { Aim } from './ledger.ts'
import { buysTheSame, isOpen } from './ledger.ts'
import { refusesCredential, refusesPayment, refusesWhileOwed } from './may-pay.ts'
import { outcomeOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import { sendBare } from './present.ts'
import { cut } from './refusal.ts'
import { targetOf } from './stored-token.ts'
import { storing } from './storing.ts'

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
  const path = { at: call.first, presented: false, downgraded: false }
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

  const open = await stillOpen(parts, hop, aim)
  if (open !== undefined) return { status: 'refused', error: open, price: undefined }

  let price: QuotedPrice | undefined
  try {
    const policy = policyToPayBy(parts, hop.url.origin)
    const order = orderFor(parts, policy, call, hop, demand)
    price = priceOf(order.checked, hop)
    const debt = await debtOf(parts, policy, hop, 0)
    const error =
      refusesPayment(parts, policy, call, hop) ?? refusesWhileOwed(tokens, hop, aim, debt)
    if (error !== undefined) return { status: 'refused', error, price }
    await questionAbout(parts, policy, order)
    await requireRoom(parts, policy, order)
    return { status: 'payable', price }
  } catch (error) {
    if (!isL402Error(error) || outcomeOf(error) !== 'refused') throw error
    return { status: 'refused', error, price }
  }
}

/** A payment for this very thing without an end: the call would ask about it, and buy nothing else. */
async function stillOpen(
  { ledger, payer }: Parts,
  { url }: Hop,
  aim: Aim,
): Promise<L402Error | undefined> {
  const unfinished = await storing(() => ledger.unfinished(url.origin))
  const open = unfinished.find(
    (entry) => isOpen(entry) && !entry.abandoned && buysTheSame(entry, aim),
  )
  return open === undefined ? undefined : unknownPayment(open, payer)
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
