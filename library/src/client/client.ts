import { isL402Error } from '../errors.ts'
import type { Payer } from '../lightning/index.ts'
import { assemble } from './assemble.ts'
import type { Call, FetchInit, Hop } from './call.ts'
import { readCall } from './call.ts'
import type { Trail } from './deliver.ts'
import { deliver, newTrail } from './deliver.ts'
import { describeError, describeResponse } from './describe.ts'
import { exchange } from './exchange.ts'
import { follow } from './follow.ts'
import type { Ledger } from './ledger.ts'
import { noteRefused } from './notes.ts'
import type { CallOutcome, Outcome, Purchase } from './outcome.ts'
import { describePurchase, notDelivered, outcomeOf } from './outcome.ts'
import type { PaidInvoice, PayInvoiceInit } from './pay-invoice.ts'
import { payInvoice } from './pay-invoice.ts'
import type { PolicyOptions } from './policy.ts'
import type { Quote } from './quote.ts'
import { quote } from './quote.ts'
import type { Receipts } from './receipts.ts'
import type { Reconciled } from './reconcile.ts'
import { reconcile } from './reconcile.ts'
import { findPurchase } from './resume.ts'
import { tokenIdOf } from './stored-token.ts'
import { storing } from './storing.ts'
import type { TokenStore } from './token-store.ts'

export type ClientOptions = {
  /**
   * What may be paid. As a function it is asked again before every decision, so that it can change;
   * while it throws, or gives something with mistakes, nothing is paid, and what needs no payment
   * goes on.
   */
  readonly policy: PolicyOptions | (() => PolicyOptions)
  /** What pays. Without one the client uses the tokens it has, and never pays. */
  readonly payer?: Payer
  /** Journal and budget. Default: in memory, for as long as the process lives. */
  readonly ledger?: Ledger
  /** Where tokens are kept. Default: in memory, for as long as the process lives. */
  readonly tokens?: TokenStore
  /** Where decisions are written down that moved no money. Default: nowhere. */
  readonly receipts?: Receipts
  /**
   * Default: the platform's. It must leave redirects alone when told `redirect: 'manual'`. With
   * `publicOnly` it must not connect to this machine or a private network, whatever DNS says:
   * `createTransport` of `satway/transport` does that, the platform's `fetch` does not.
   */
  readonly fetch?: (
    input: string,
    init: RequestInit,
    route: { readonly publicOnly: boolean },
  ) => Promise<Response>
  /** Seconds since 1970; fractions count. Default: the system clock. */
  readonly now?: () => number
  /** How long the wallet is waited for before a payment counts as unknown. Default 60 000. */
  readonly paymentTimeoutMs?: number
}

/** A `fetch` that pays. */
export type Client = {
  /**
   * As the platform's `fetch`, and pays for what answers 402 with an L402 challenge, within the
   * policy. At most one payment is made for one call.
   *
   * @throws {TypeError} as `fetch`; and the reason of `signal`, when nothing was paid.
   * @throws {L402Error} POLICY_REFUSED, BUDGET_EXCEEDED, CHALLENGE_*, INVOICE_*: it was not paid.
   *   PAYMENT_FAILED, NODE_UNAVAILABLE, STORE_UNAVAILABLE: it could not be. PAYMENT_UNKNOWN: nobody
   *   can tell yet. PAYMENT_NOT_DELIVERED: it was paid, and the server did not accept that. The
   *   last two are what {@link Client.resume} takes, and carry `details.paymentHash`.
   * @spec client.md R-PAY-1 to R-PAY-9
   */
  fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>
  /**
   * Everything that {@link Client.fetch} does up to the payment: sends the request as it is, without
   * a credential, and says what would be paid. What is free is carried out.
   *
   * @throws {TypeError} as `fetch`.
   * @spec client.md R-PAY-71
   */
  quote(input: string | URL | Request, init?: FetchInit): Promise<Quote>
  /**
   * Goes on with a purchase whose payment was unknown or whose credential was not accepted, without
   * paying: finds out how the payment ended, and sends the request again with what was bought.
   *
   * @param payment - What `fetch` threw, or the payment hash of it: 64 hex digits.
   * @param init - Headers and body of the request; they were not kept. Method and URL were.
   * @throws {RangeError} for a payment that this client's ledger does not know.
   * @throws {TypeError} without `init.body` when the request had one, and for an error that is not
   *   about a payment.
   * @throws {L402Error} PAYMENT_UNKNOWN, PAYMENT_FAILED, PAYMENT_NOT_DELIVERED, POLICY_REFUSED.
   * @spec client.md R-PAY-72
   * @example
   * const order = () => ({ method: 'POST', body: 'order' })
   * await client.fetch(url, order()).catch((error) => client.resume(error, order()))
   */
  resume(payment: unknown, init?: FetchInit): Promise<Response>
  /**
   * Asks the wallet about every payment that has no end, and keeps the tokens of those that settled.
   * To be called when a process starts.
   *
   * @returns What was without an end, as it is now; and of each, whether the wallet answered.
   * @spec client.md R-PAY-73
   */
  reconcile(): Promise<readonly Reconciled[]>
  /**
   * Writes a purchase off: it no longer keeps the same thing from being bought anew. Its money stays
   * set aside until its payment has ended, and its token is kept. For the operator, not for agents.
   *
   * @throws {RangeError} for a payment that this client's ledger does not know.
   * @spec client.md R-PAY-74
   */
  abandon(paymentHash: string): Promise<void>
  /**
   * Pays a bare invoice under the same policy and journal, for programs that only know how to ask a
   * wallet. One that this client paid before is not paid again: its preimage is given once more.
   * Needs `policy.allowInvoices`. Counts as a host of its own: the public key of the payee.
   *
   * @param invoice - BOLT 11, with or without `lightning:` before it.
   * @throws {L402Error} as {@link Client.fetch}.
   * @spec client.md R-BARE-1 to R-BARE-6
   */
  payInvoice(invoice: string, init?: PayInvoiceInit): Promise<PaidInvoice>
  /**
   * How a call ended, with everything that a program needs to go on: given its response or what it
   * threw. `JSON.stringify` takes it; amounts become digits.
   *
   * @spec client.md R-PAY-70
   */
  describe(result: unknown): CallOutcome
  /**
   * What the call that gave this response bought; `undefined`: nothing. When the body of the response
   * breaks off, it is `paid_not_delivered` from then on.
   */
  purchaseOf(response: Response): Purchase | undefined
  /**
   * How a call ended, given its response or what it threw.
   *
   * @spec client.md R-PAY-70
   */
  outcomeOf(result: unknown): Outcome
}

/**
 * Makes a `fetch` that pays.
 *
 * @throws {L402Error} CONFIG_INVALID for options or a policy with mistakes: all of them, each under
 *   its path.
 * @example
 * const policy = { maxPaymentMsat: '20 sat', maxTotalMsat: '1000 sat' }
 * const client = createClient({ payer, policy })
 * const response = await client.fetch('https://api.example.com/weather')
 * client.purchaseOf(response)?.amountMsat // 10000n
 */
export function createClient(options: ClientOptions): Client {
  const parts = assemble(options)
  /** Of each response how it was got. That may change until its body has ended. */
  const trails = new WeakMap<Response, Trail>()

  const run = async (
    call: Call,
    trail: Trail,
    answer: (hop: Hop) => Promise<Response>,
  ): Promise<Response> => {
    try {
      const { response } = await follow(parts, call, trail, answer)
      if ((trail.purchase ?? trail.opened) !== undefined) trails.set(response, trail)
      return response
    } catch (error) {
      const told = withPurchase(error, trail.purchase)
      const { method, url } = trail.at
      await noteRefused(parts, { method, origin: url.origin, path: url.pathname }, told)
      throw told
    }
  }

  return {
    fetch: async (input, init) => {
      const call = readCall(input, init)
      const trail = newTrail(call)
      return run(call, trail, (hop) => exchange(parts, call, hop, trail))
    },
    quote: async (input, init) => quote(parts, readCall(input, init)),
    resume: async (payment, init = {}) => {
      const { call, stored } = await findPurchase(parts, payment, init)
      const trail = newTrail(call, describePurchase(stored, 'paid_not_delivered', true))
      return run(call, trail, (hop) => {
        if (hop !== call.first) return exchange(parts, call, hop, trail)
        const held = { stored, release: parts.uses.take(stored.id) }
        return deliver(parts, call, hop, trail, held, true)
      })
    },
    reconcile: async () => reconcile(parts),
    abandon: async (paymentHash) => {
      const entry = await storing(() => parts.ledger.find(paymentHash))
      if (entry === undefined) throw new RangeError('abandon: no payment of this hash')
      await storing(() => parts.ledger.abandon(paymentHash))
      const { origin, token } = entry
      if (token === undefined) return
      await storing(() =>
        parts.tokens.mark(tokenIdOf(origin, token, paymentHash), { kind: 'abandoned' }),
      )
    },
    payInvoice: async (invoice, init) => payInvoice(parts, invoice, init),
    describe: (result) =>
      result instanceof Response
        ? describeResponse(result, trails.get(result))
        : describeError(result),
    purchaseOf: (response) => trails.get(response)?.purchase,
    outcomeOf: (result) =>
      result instanceof Response
        ? (trails.get(result)?.purchase?.outcome ?? 'not_paid')
        : outcomeOf(result),
  }
}

/** After a payment, every way to fail says that there was one. */
function withPurchase(error: unknown, purchase: Purchase | undefined): unknown {
  if (purchase === undefined) return error
  if (isL402Error(error, 'PAYMENT_NOT_DELIVERED') || isL402Error(error, 'PAYMENT_UNKNOWN')) {
    return error
  }
  return notDelivered(purchase, undefined, error)
}
