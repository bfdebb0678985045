import { isL402Error, L402Error } from '../errors.ts'
import type { Payer } from '../lightning/index.ts'
import type { Call, FetchInit, Hop } from './call.ts'
import { readCall } from './call.ts'
import { readOptions } from './configuration.ts'
import type { Trail } from './exchange.ts'
import { deliver, exchange } from './exchange.ts'
import { follow } from './follow.ts'
import type { Ledger, PaymentEntry } from './ledger.ts'
import { isOpen } from './ledger.ts'
import { createLocks } from './locks.ts'
import { refusesCredential } from './may-pay.ts'
import { createMemoryLedger } from './memory-ledger.ts'
import { createMemoryTokenStore } from './memory-token-store.ts'
import type { Outcome, Purchase } from './outcome.ts'
import { describePurchase, notDelivered, outcomeOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import { createPayments, storing, unknownPayment } from './payments.ts'
import type { PolicyOptions } from './policy.ts'
import { createPurchasesUnderWay } from './purchases-under-way.ts'
import type { Quote } from './quote.ts'
import { quote } from './quote.ts'
import { createServerClocks } from './server-clock.ts'
import { tokenIdOf } from './stored-token.ts'
import type { StoredToken, TokenStore } from './token-store.ts'
import { createUsesInFlight } from './uses-in-flight.ts'

export type ClientOptions = {
  readonly policy: PolicyOptions
  /** What pays. Without one the client uses the tokens it has, and never pays. */
  readonly payer?: Payer
  /** Journal and budget. Default: in memory, for as long as the process lives. */
  readonly ledger?: Ledger
  /** Where tokens are kept. Default: in memory, for as long as the process lives. */
  readonly tokens?: TokenStore
  /** Default: the platform's. It must leave redirects alone when told `redirect: 'manual'`. */
  readonly fetch?: (input: string, init: RequestInit) => Promise<Response>
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
   * @returns What was without an end, as it is now.
   * @spec client.md R-PAY-73
   */
  reconcile(): Promise<readonly PaymentEntry[]>
  /**
   * Writes a purchase off: it no longer keeps the same thing from being bought anew. Its money stays
   * set aside until its payment has ended, and its token is kept. For the operator, not for agents.
   *
   * @throws {RangeError} for a payment that this client's ledger does not know.
   * @spec client.md R-PAY-74
   */
  abandon(paymentHash: string): Promise<void>
  /** What the call that gave this response bought; `undefined`: nothing. */
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
  const parts = createParts(options)
  const purchases = new WeakMap<Response, Purchase>()

  const run = async (
    call: Call,
    trail: Trail,
    answer: (hop: Hop) => Promise<Response>,
  ): Promise<Response> => {
    try {
      const { response } = await follow(parts, call, trail, answer)
      if (trail.purchase !== undefined) purchases.set(response, trail.purchase)
      return response
    } catch (error) {
      throw withPurchase(error, trail.purchase)
    }
  }

  const fetch = async (input: string | URL | Request, init?: FetchInit): Promise<Response> => {
    const call = readCall(input, init)
    const trail = newTrail(undefined)
    return run(call, trail, (hop) => exchange(parts, call, hop, trail))
  }

  const resume = async (payment: unknown, init: FetchInit = {}): Promise<Response> => {
    const paymentHash = hashOf(payment)
    const entry = await storing(() => parts.ledger.find(paymentHash))
    if (entry === undefined) throw new RangeError('resume: no payment of this hash')
    const { url, method, hasBody } = entry
    if (init.method !== undefined && init.method.toUpperCase() !== method) {
      throw new TypeError(`resume: the request was a ${method}`)
    }
    const call = readCall(url, { ...init, method })
    if (hasBody && call.first.body === undefined) {
      throw new TypeError('resume: the body of the request was not kept; give it again')
    }
    const refusal = refusesCredential(parts, call, call.first, false)
    if (refusal !== undefined) throw refusal
    const stored = await boughtBy(parts, entry)
    const trail = newTrail(describePurchase(stored, 'paid_not_delivered', true))
    return run(call, trail, (hop) => {
      if (hop !== call.first) return exchange(parts, call, hop, trail)
      const held = { stored, release: parts.uses.take(stored.id) }
      return deliver(parts, call, hop, trail, held, true)
    })
  }

  return {
    fetch,
    quote: async (input, init) => quote(parts, readCall(input, init)),
    resume,
    reconcile: async () => {
      const entries: PaymentEntry[] = []
      for (const entry of await storing(() => parts.ledger.unfinished())) {
        entries.push(await parts.payments.resolve(entry))
      }
      return entries
    },
    abandon: async (paymentHash) => {
      const entry = await storing(() => parts.ledger.find(paymentHash))
      if (entry === undefined) throw new RangeError('abandon: no payment of this hash')
      await storing(() => parts.ledger.abandon(paymentHash))
      const id = tokenIdOf(entry.origin, entry.token)
      await storing(() => parts.tokens.mark(id, { kind: 'abandoned' }))
    },
    purchaseOf: (response) => purchases.get(response),
    outcomeOf: (result) =>
      result instanceof Response
        ? (purchases.get(result)?.outcome ?? 'not_paid')
        : outcomeOf(result),
  }
}

function createParts(options: ClientOptions): Parts {
  const { policy, paymentTimeoutMs } = readOptions(options)
  const now = options.now ?? (() => Date.now() / 1000)
  const means = {
    payer: options.payer,
    policy,
    ledger: options.ledger ?? createMemoryLedger(),
    tokens: options.tokens ?? createMemoryTokenStore(),
    now,
    paymentTimeoutMs,
  }
  return {
    ...means,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    payments: createPayments(means),
    locks: createLocks(),
    clocks: createServerClocks(now),
    uses: createUsesInFlight(),
    purchases: createPurchasesUnderWay(),
  }
}

/** The token that a payment bought, once it is certain that it did. */
async function boughtBy(parts: Parts, entry: PaymentEntry): Promise<StoredToken> {
  const { paymentHash, origin } = entry
  const now = await parts.payments.resolve(entry)
  if (isOpen(now)) throw unknownPayment(now)
  if (now.state === 'failed') {
    const reason = now.failure ?? 'rejected'
    throw new L402Error('PAYMENT_FAILED', { reason, paymentHash, origin })
  }
  const id = tokenIdOf(origin, now.token)
  const stored = await storing(() => parts.tokens.find(id))
  if (stored !== undefined) return stored
  throw new L402Error('STORE_UNAVAILABLE', { reason: 'the token store lost a token' })
}

/** After a payment, every way to fail says that there was one. */
function withPurchase(error: unknown, purchase: Purchase | undefined): unknown {
  if (purchase === undefined) return error
  if (isL402Error(error, 'PAYMENT_NOT_DELIVERED') || isL402Error(error, 'PAYMENT_UNKNOWN')) {
    return error
  }
  return notDelivered(purchase, undefined, error)
}

/** @throws {TypeError} */
function hashOf(payment: unknown): string {
  const hash = isL402Error(payment) ? payment.details['paymentHash'] : payment
  if (typeof hash === 'string') return hash
  throw new TypeError('resume: expected a payment hash, or an error that carries one')
}

function newTrail(purchase: Purchase | undefined): Trail {
  return { purchase, presented: false, downgraded: false }
}
