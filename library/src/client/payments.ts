import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import { decodeHex, encodeHex } from '../bytes/index.ts'
import { isL402Error, L402Error } from '../errors.ts'
import type { PaymentHash } from '../invoice/index.ts'
import { paymentHash as toPaymentHash } from '../invoice/index.ts'
import type { FailureReason, Payer, PaymentOutcome } from '../lightning/index.ts'
import { askApproval } from './approval.ts'
import type { Hop } from './call.ts'
import type { CheckedChallenge } from './check-challenge.ts'
import { checkValidity } from './check-challenge.ts'
import { bareHostname, plainUrl } from './host.ts'
import type { Begun, Ledger, PaymentEntry, PaymentIntent } from './ledger.ts'
import { isOpen } from './ledger.ts'
import { orAborted } from './locks.ts'
import { overBudget } from './over-budget.ts'
import type { Policy } from './policy.ts'
import type { Held } from './present.ts'
import { readOutcome } from './read-outcome.ts'
import { refuse } from './refusal.ts'
import { targetOf, tokenOf } from './stored-token.ts'
import type { StoredToken, TokenStore } from './token-store.ts'
import { mayOpen } from './token-store.ts'

/** What payments are made with. */
export type PaymentMeans = {
  readonly payer: Payer | undefined
  readonly policy: Policy
  readonly ledger: Ledger
  readonly tokens: TokenStore
  /** Seconds since 1970. */
  readonly now: () => number
  /** How long the wallet is waited for. */
  readonly paymentTimeoutMs: number
}

/** How an order to pay ended. */
type Ended =
  | { readonly status: 'settled'; readonly stored: StoredToken }
  | { readonly status: 'failed'; readonly reason: FailureReason | 'never-sent' }
  | { readonly status: 'unknown' }

/** Makes payments and finds out what became of them. */
export type Payments = {
  /**
   * Pays a challenge, once.
   *
   * @param options - `lookAgain` is asked after every wait for another payment: what that bought may
   *   be what is wanted here.
   * @returns The token that was bought; what `lookAgain` found; or `already-paid` when the invoice
   *   was paid before and not by this call: nothing was spent, and a fresh challenge may be asked for.
   * @throws {L402Error} POLICY_REFUSED, BUDGET_EXCEEDED, INVOICE_EXPIRED, PAYMENT_FAILED,
   *   NODE_UNAVAILABLE, STORE_UNAVAILABLE: nothing was paid. PAYMENT_UNKNOWN: see `resume`.
   */
  pay(
    checked: CheckedChallenge,
    hop: Hop,
    options: {
      readonly attenuates: boolean
      readonly signal: AbortSignal | undefined
      readonly lookAgain: () => Promise<Held | undefined>
    },
  ): Promise<StoredToken | Held | 'already-paid'>
  /**
   * Finds out how a payment stands, by asking the wallet where need be, and keeps the token of one
   * that settled.
   *
   * @returns The entry as it is now. Still open: nobody can tell.
   */
  resolve(entry: PaymentEntry): Promise<PaymentEntry>
}

/** The lease outlives the waiting for the wallet by this much. */
const leaseMarginSeconds = 30

const neverSent = { state: 'failed', failure: 'never-sent' } as const

/**
 * The order of things is the point: asked, written down, ordered, written down again.
 *
 * @spec client.md R-PAY-30 to R-PAY-39
 */
export function createPayments(means: PaymentMeans): Payments {
  const { ledger, tokens, policy, now } = means
  /** Orders of this process that the wallet has not answered, or answered with `unknown`. */
  const orders = new Map<string, 'given' | 'answered'>()
  /** The waiting for an answer, which may end before there is one. */
  const waitedFor = new Map<string, Promise<unknown>>()

  const pay: Payments['pay'] = async (checked, hop, { attenuates, signal, lookAgain }) => {
    const { payer } = means
    if (payer === undefined) throw refuse('no-payer')
    const decidedBy = await askApproval(policy, checked, hop, signal)
    const first = await begin(checked, hop, { attenuates, decidedBy }, lookAgain, signal)
    if ('release' in first) return first
    const { intent, begun } = first
    if (begun.status === 'exceeded') {
      throw overBudget(begun, policy, intent)
    }
    if (begun.status === 'open') throw unknownPayment(begun.entry)
    if (begun.status === 'known') {
      if (begun.entry.origin !== intent.origin) throw refuse('other-origin')
      if (isOpen(begun.entry)) throw unknownPayment(begun.entry)
      return 'already-paid'
    }
    if (!(await storing(() => ledger.send(intent.paymentHash)))) throw failed(intent, 'never-sent')
    if (signal?.aborted === true) {
      await quietly(ledger.record(intent.paymentHash, neverSent, now()))
      throw signal.reason
    }

    const waiting = order(payer, checked, intent, signal)
    waitedFor.set(
      intent.paymentHash,
      waiting.catch(() => undefined),
    )
    const ended = await waiting.finally(() => waitedFor.delete(intent.paymentHash))
    if (ended.status === 'settled') return ended.stored
    if (ended.status === 'unknown') throw unknownPayment(intent, signal?.reason)
    if (ended.reason === 'already-paid') return 'already-paid'
    throw failed(intent, ended.reason)
  }

  /** Writes the intent down, after whatever this process is paying for the same thing has ended. */
  const begin = async (
    checked: CheckedChallenge,
    hop: Hop,
    circumstances: Pick<PaymentIntent, 'attenuates' | 'decidedBy'>,
    lookAgain: () => Promise<Held | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly intent: PaymentIntent; readonly begun: Begun } | Held> => {
    for (;;) {
      checkValidity(checked.invoice, now())
      const intent = intentOf(checked, hop, circumstances, means)
      signal?.throwIfAborted()
      const begun = await storing(() => ledger.begin(intent, policy))
      const other = 'entry' in begun ? waitedFor.get(begun.entry.paymentHash) : undefined
      if (other === undefined) return { intent, begun }
      await orAborted(other, signal)
      const held = await lookAgain()
      if (held !== undefined) return held
    }
  }

  /** Gives the order, and waits for its end, the time limit or the caller's patience. */
  const order = async (
    payer: Payer,
    checked: CheckedChallenge,
    intent: PaymentIntent,
    callerSignal: AbortSignal | undefined,
  ): Promise<Ended> => {
    const limit = AbortSignal.timeout(means.paymentTimeoutMs)
    const signal = callerSignal === undefined ? limit : AbortSignal.any([callerSignal, limit])
    const { maxFeeMsat } = intent
    orders.set(intent.paymentHash, 'given')
    const ended = settle(intent, () => payer.pay(checked.invoice, { maxFeeMsat, signal }))
    try {
      return await orAborted(ended, signal)
    } catch (error) {
      // An answer that comes after all is still written down: `settle` goes on.
      if (!signal.aborted) throw error
      await quietly(ledger.record(intent.paymentHash, { state: 'unknown' }, now()))
      return { status: 'unknown' }
    }
  }

  /** Hears how a payment ended, and writes it down. Rejects only with what the wallet said. */
  const settle = async (intent: PaymentIntent, hear: () => Promise<unknown>): Promise<Ended> => {
    const { paymentHash } = intent
    let outcome: PaymentOutcome
    try {
      outcome = readOutcome(await hear(), hashOf(intent), intent)
    } catch (error) {
      // NODE_UNAVAILABLE means that the order was certainly not given. Anything else means nothing.
      if (!isL402Error(error, 'NODE_UNAVAILABLE')) outcome = { status: 'unknown' }
      else {
        orders.delete(paymentHash)
        await quietly(ledger.record(paymentHash, neverSent, now()))
        throw error
      }
    }
    orders.set(paymentHash, 'answered')
    // A wallet that forgot its own payment says `already-paid`, too.
    if (outcome.status === 'failed' && outcome.reason === 'already-paid') {
      outcome = (await lookUp(intent)) ?? outcome
    }
    return writeDown(intent, outcome)
  }

  const lookUp = async (intent: PaymentIntent): Promise<PaymentOutcome | undefined> => {
    const { payer } = means
    if (payer === undefined) return { status: 'unknown' }
    try {
      const signal = AbortSignal.timeout(means.paymentTimeoutMs)
      const hash = hashOf(intent)
      const answer: unknown = await orAborted(payer.lookupPayment(hash, signal), signal)
      return answer === undefined ? undefined : readOutcome(answer, hash, intent)
    } catch {
      return { status: 'unknown' }
    }
  }

  const writeDown = async (intent: PaymentIntent, outcome: PaymentOutcome): Promise<Ended> => {
    const { paymentHash } = intent
    if (outcome.status === 'failed') {
      const { reason } = outcome
      orders.delete(paymentHash)
      await quietly(ledger.record(paymentHash, { state: 'failed', failure: reason }, now()))
      return { status: 'failed', reason }
    }
    if (outcome.status === 'unknown') {
      await quietly(ledger.record(paymentHash, { state: 'unknown' }, now()))
      return { status: 'unknown' }
    }

    orders.delete(paymentHash)
    const feeMsat = beyondInvoice(outcome, intent)
    const preimage = encodeHex(outcome.preimage)
    const bought = tokenOf(intent, { preimage, feeMsat, boughtAtSeconds: now() })
    // R-PAY-44: money for nothing so far, where nobody waits for it any more, or it says that it had
    // expired before it was sold.
    const isTimely = mayOpen(bought, now()) && waitedFor.has(paymentHash)
    const stored: StoredToken = isTimely ? bought : { ...bought, standing: 'owed' }
    // The money is gone. A store that fails now does not take away what it bought: the wallet can
    // be asked again by hash, and the open entry sees to it that it is.
    await quietly(ledger.record(paymentHash, { state: 'settled', preimage, feeMsat }, now()))
    await quietly(keep(stored))
    return { status: 'settled', stored }
  }

  const keep = async (stored: StoredToken): Promise<void> => {
    await tokens.put(stored)
    await ledger.noteTokenStored(stored.paymentHash)
  }

  const resolve: Payments['resolve'] = async (entry) => {
    const { paymentHash, preimage, feeMsat } = entry
    if (entry.state === 'failed') return entry
    if (preimage !== undefined && feeMsat !== undefined) {
      const boughtAtSeconds = entry.endedAtSeconds ?? now()
      await storing(() => keep(tokenOf(entry, { preimage, feeMsat, boughtAtSeconds })))
      return { ...entry, tokenStored: true }
    }
    const waiting = waitedFor.get(paymentHash)
    if (waiting !== undefined) {
      await waiting
      return (await storing(() => ledger.find(paymentHash))) ?? entry
    }
    const outcome = await lookUp(entry)
    if (outcome === undefined && mayEnd(entry)) {
      await storing(() => ledger.record(paymentHash, neverSent, now()))
    }
    if (outcome !== undefined && (outcome.status !== 'failed' || mayEnd(entry))) {
      await writeDown(entry, outcome)
    }
    return (await storing(() => ledger.find(paymentHash))) ?? entry
  }

  /**
   * Whether a payment that the wallet does not know, or knows as failed, is over: not while somebody
   * may still be about to order it, for the first time or again.
   */
  const mayEnd = ({ paymentHash, leaseUntilSeconds }: PaymentEntry): boolean => {
    const order = orders.get(paymentHash)
    return order === 'answered' || (order === undefined && now() >= leaseUntilSeconds)
  }

  return { pay, resolve }
}

/** A payment of which nobody can say yet how it ends. The handle for `resume` is its hash. */
export function unknownPayment(
  { paymentHash, origin, amountMsat }: PaymentIntent,
  cause?: unknown,
): L402Error {
  return new L402Error(
    'PAYMENT_UNKNOWN',
    { paymentHash, origin, amountMsat: String(amountMsat) },
    cause,
  )
}

/**
 * Does something with a store. Without it nothing can be decided, so nothing is paid.
 *
 * @throws {L402Error} STORE_UNAVAILABLE
 */
export async function storing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (isL402Error(cause)) throw cause
    throw new L402Error('STORE_UNAVAILABLE', {}, cause)
  }
}

/** Does what must not fail the call that already has what it wanted. */
export async function quietly(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined)
}

function intentOf(
  checked: CheckedChallenge,
  hop: Hop,
  circumstances: Pick<PaymentIntent, 'attenuates' | 'decidedBy'>,
  means: PaymentMeans,
): PaymentIntent {
  const createdAtSeconds = means.now()
  return {
    paymentHash: checked.paymentHash,
    origin: hop.url.origin,
    host: bareHostname(hop.url),
    method: hop.method,
    url: plainUrl(hop.url),
    target: targetOf(hop),
    coverage: checked.facts?.coverage,
    hasBody: hop.body !== undefined,
    scheme: checked.challenge.scheme,
    token: checked.challenge.token,
    invoice: checked.invoice.text,
    amountMsat: checked.amountMsat,
    maxFeeMsat: checked.maxFeeMsat,
    ...circumstances,
    createdAtSeconds,
    leaseUntilSeconds: createdAtSeconds + means.paymentTimeoutMs / 1000 + leaseMarginSeconds,
  }
}

function hashOf({ paymentHash }: PaymentIntent): PaymentHash {
  return toPaymentHash(decodeHex(paymentHash))
}

/** What a payment cost on top of its invoice, whatever the wallet calls it. */
function beyondInvoice(
  paid: { readonly amountMsat: Msat; readonly feeMsat: Msat },
  { amountMsat }: PaymentIntent,
): Msat {
  const surplusMsat = paid.amountMsat > amountMsat ? paid.amountMsat - amountMsat : 0n
  return msat(paid.feeMsat + surplusMsat)
}

function failed(intent: PaymentIntent, reason: FailureReason | 'never-sent'): L402Error {
  const { paymentHash, origin } = intent
  return new L402Error('PAYMENT_FAILED', { reason, paymentHash, origin })
}
