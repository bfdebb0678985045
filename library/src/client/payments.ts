import type { Msat } from '../amount/index.ts'
import { encodeHex } from '../bytes/index.ts'
import { isL402Error } from '../errors.ts'
import type { FailureReason, Payer, PaymentOutcome } from '../lightning/index.ts'
import type { CheckedInvoice } from './check-invoice.ts'
import { checkValidity } from './check-invoice.ts'
import { crashPoint } from './crash-point.ts'
import type { Decision } from './decide.ts'
import {
  beyondInvoice,
  failedPayment,
  hashOf,
  intentOf,
  isOfOtherWallet,
  tokenIn,
  unknownPayment,
} from './intent.ts'
import type {
  Attempt,
  Begun,
  Ledger,
  PaymentEntry,
  PaymentIntent,
  PaymentRecord,
} from './ledger.ts'
import { isOpen } from './ledger.ts'
import { orAborted } from './locks.ts'
import { aboutOrder } from './order.ts'
import { waitForOther, waitForRoom } from './other-process.ts'
import { overBudget } from './over-budget.ts'
import { createOwnOrders } from './own-orders.ts'
import { readOutcome } from './read-outcome.ts'
import { refuse } from './refusal.ts'
import { quietly, storing } from './storing.ts'
import type { StoredToken, TokenStore } from './token-store.ts'
import { mayOpen } from './token-store.ts'

/** What payments are made with. */
export type PaymentMeans = {
  readonly payer: Payer | undefined
  readonly ledger: Ledger
  readonly tokens: TokenStore
  /** Seconds since 1970. */
  readonly now: () => number
  /** How long the wallet is waited for. */
  readonly paymentTimeoutMs: number
}

/** What a payment bought. */
export type Bought = {
  readonly status: 'settled'
  /** 64 hex digits. */
  readonly preimage: string
  readonly feeMsat: Msat
  /** `undefined`: it was a bare invoice. */
  readonly stored: StoredToken | undefined
}

/** How an order to pay ended. */
type Ended =
  | Bought
  | { readonly status: 'failed'; readonly reason: FailureReason | 'never-sent' }
  | { readonly status: 'unknown' }

/** A payment as it was found. */
export type Found = {
  readonly entry: PaymentEntry
  /** Whether the wallet, if it was asked, said something. */
  readonly answered: boolean
  /** Whether another process ended it, and kept what it bought. */
  readonly byOther: boolean
}

/** Makes payments and finds out what became of them. */
export type Payments = {
  /**
   * Pays what was decided on, once.
   *
   * @param isStillWanted - Asked once the intent is written and nobody else can buy the same thing any
   *   more: somebody may have done so until then.
   * @returns What was bought; `look-again` where another payment may have bought what is wanted; or `already-paid` when the invoice was paid before and not by this call:
   *   nothing was spent, and a fresh challenge may be asked for.
   * @throws {L402Error} POLICY_REFUSED, BUDGET_EXCEEDED, INVOICE_EXPIRED, PAYMENT_FAILED,
   *   NODE_UNAVAILABLE, STORE_UNAVAILABLE: nothing was paid. PAYMENT_UNKNOWN: see `resume`.
   */
  pay(
    decision: Decision,
    signal: AbortSignal | undefined,
    isStillWanted?: () => Promise<boolean>,
  ): Promise<Bought | 'already-paid' | 'look-again'>
  /**
   * Finds out how a payment stands, by asking the wallet where need be, and keeps the token of one
   * that settled. One that this process is making is left alone.
   *
   * @returns The entry as it is now. Still open: nobody can tell.
   */
  resolve(entry: PaymentEntry): Promise<Found>
  /** As `resolve`, once nobody can be at work on the payment any more, here or elsewhere. */
  settle(entry: PaymentEntry, signal: AbortSignal | undefined): Promise<Found>
}

const neverSent = { state: 'failed', failure: 'never-sent' } as const
/** Nobody is helped by waiting longer for an answer to a question about a payment. */
const maxLookupMs = 15_000

/**
 * The order of things is the point: decided, written down, ordered, written down again.
 *
 * @spec client.md R-PAY-30 to R-PAY-39, R-PAY-87, R-PAY-88
 */
export function createPayments(means: PaymentMeans): Payments {
  const { ledger, tokens, now, paymentTimeoutMs } = means
  const orders = createOwnOrders()
  /** The making of each payment, which may give up before there is an end. */
  const underWay = new Map<string, Promise<unknown>>()

  const pay: Payments['pay'] = async (decision, signal, isStillWanted) => {
    const { payer } = means
    const { order, limits } = decision
    if (payer === undefined) throw refuse('no-payer', aboutOrder(order))
    const begin = async (): Promise<{ readonly intent: PaymentIntent; readonly begun: Begun }> => {
      checkValidity(order.checked.invoice, now())
      const intent = intentOf(decision, payer, now(), paymentTimeoutMs)
      signal?.throwIfAborted()
      crashPoint('before-intent')
      return { intent, begun: await storing(() => ledger.begin(intent, limits)) }
    }
    const { intent, begun } = await waitForRoom(begin, paymentTimeoutMs, signal)
    if (begun.status === 'crowded') throw refuse('owed', aboutOrder(order))
    if (begun.status === 'exceeded') throw overBudget(begun, limits, order)
    if (begun.status !== 'begun') return standBehind(begun.entry, intent, signal)
    crashPoint('after-intent')

    const { paymentHash } = intent
    const own = { ...intent, attempt: begun.attempt }
    orders.add(own)
    const working = carryOut(payer, order.checked, own, signal, isStillWanted)
    const waiting = working.catch(() => undefined)
    underWay.set(paymentHash, waiting)
    return working.finally(() => {
      if (underWay.get(paymentHash) === waiting) underWay.delete(paymentHash)
    })
  }

  /** What to do when the thing, or the invoice itself, is being paid for or was. */
  const standBehind = async (
    entry: PaymentEntry,
    intent: PaymentIntent,
    signal: AbortSignal | undefined,
  ): Promise<'already-paid' | 'look-again'> => {
    if (entry.origin !== intent.origin) {
      const { origin, paymentHash, amountMsat } = intent
      throw refuse('other-origin', { origin, paymentHash, amountMsat: String(amountMsat) })
    }
    if (!isOpen(entry)) return 'already-paid'
    const waiting = underWay.get(entry.paymentHash)
    if (waiting !== undefined) {
      await orAborted(waiting, signal)
      return 'look-again'
    }
    if (!isAtWorkElsewhere(entry)) throw unknownPayment(entry, means.payer)
    const found = await settle(entry, signal)
    if (isOpen(found.entry)) throw unknownPayment(found.entry, means.payer)
    return 'look-again'
  }

  const carryOut = async (
    payer: Payer,
    checked: CheckedInvoice,
    intent: Attempt,
    signal: AbortSignal | undefined,
    isStillWanted: (() => Promise<boolean>) | undefined,
  ): Promise<Bought | 'already-paid' | 'look-again'> => {
    const { paymentHash, attempt } = intent
    try {
      if (isStillWanted !== undefined && !(await isStillWanted())) {
        await storing(() => note(intent, neverSent))
        orders.forget(intent)
        return 'look-again'
      }
      crashPoint('before-send')
      if (!(await storing(() => ledger.send(paymentHash, attempt))))
        throw failedPayment(intent, 'never-sent')
      // R-PAY-34: what is not ordered by now could still be on its way when the lease is over.
      const isTimely = now() < intent.leaseUntilSeconds - paymentTimeoutMs / 1000
      if (signal?.aborted === true || !isTimely) {
        await quietly(note(intent, neverSent))
        throw signal?.reason ?? failedPayment(intent, 'never-sent')
      }
    } catch (error) {
      orders.over(intent)
      throw error
    }
    crashPoint('after-send')
    const ended = await give(payer, checked, intent, signal)
    if (ended.status === 'settled') return ended
    if (ended.status === 'unknown') throw unknownPayment(intent, payer, signal?.reason)
    if (ended.reason === 'already-paid') return 'already-paid'
    throw failedPayment(intent, ended.reason)
  }

  /** Gives the order, and waits for its end, the time limit or the caller's patience. */
  const give = async (
    payer: Payer,
    checked: CheckedInvoice,
    intent: Attempt,
    callerSignal: AbortSignal | undefined,
  ): Promise<Ended> => {
    const limit = AbortSignal.timeout(paymentTimeoutMs)
    const signal = callerSignal === undefined ? limit : AbortSignal.any([callerSignal, limit])
    const { maxFeeMsat } = intent
    const ended = hearOf(intent, () => payer.pay(checked.invoice, { maxFeeMsat, signal }))
    try {
      return await orAborted(ended, signal)
    } catch (error) {
      // An answer that comes after all is still written down: `hearOf` goes on.
      if (!signal.aborted) throw error
      await quietly(note(intent, { state: 'unknown' }))
      return { status: 'unknown' }
    }
  }

  /** Hears how a payment ended, and writes it down. Rejects only with what the wallet said. */
  const hearOf = async (intent: Attempt, hear: () => Promise<unknown>): Promise<Ended> => {
    let outcome: PaymentOutcome
    try {
      outcome = readOutcome(await hear(), hashOf(intent), intent)
    } catch (error) {
      // NODE_UNAVAILABLE means that the order was certainly not given. Anything else means nothing.
      if (!isL402Error(error, 'NODE_UNAVAILABLE')) outcome = { status: 'unknown' }
      else {
        orders.forget(intent)
        await quietly(note(intent, neverSent))
        throw error
      }
    }
    crashPoint('after-order')
    orders.over(intent)
    // A wallet that forgot its own payment says `already-paid`, too.
    if (outcome.status === 'failed' && outcome.reason === 'already-paid') {
      outcome = (await lookUp(intent)).outcome ?? outcome
    }
    return writeDown(intent, outcome, underWay.has(intent.paymentHash))
  }

  /** Asks the wallet by hash. Without an outcome: it never saw the payment. */
  const lookUp = async (
    intent: PaymentIntent,
  ): Promise<{ readonly outcome: PaymentOutcome | undefined; readonly answered: boolean }> => {
    const { payer } = means
    if (payer === undefined) return { outcome: { status: 'unknown' }, answered: false }
    try {
      const signal = AbortSignal.timeout(Math.min(paymentTimeoutMs, maxLookupMs))
      const hash = hashOf(intent)
      const said: unknown = await orAborted(payer.lookupPayment(hash, signal), signal)
      const outcome = said === undefined ? undefined : readOutcome(said, hash, intent)
      const counts = outcome?.status === 'settled' || !isOfOtherWallet(intent, payer)
      return { outcome: counts ? outcome : { status: 'unknown' }, answered: true }
    } catch {
      return { outcome: { status: 'unknown' }, answered: false }
    }
  }

  /** @param isAwaited - Whether somebody waits for what is bought, here or elsewhere. */
  const writeDown = async (
    intent: Attempt,
    outcome: PaymentOutcome,
    isAwaited: boolean,
  ): Promise<Ended> => {
    if (outcome.status === 'failed') {
      const { reason } = outcome
      orders.forget(intent)
      await quietly(note(intent, { state: 'failed', failure: reason }))
      return { status: 'failed', reason }
    }
    if (outcome.status === 'unknown') {
      await quietly(note(intent, { state: 'unknown' }))
      return { status: 'unknown' }
    }

    orders.forget(intent)
    const feeMsat = beyondInvoice(outcome, intent)
    const preimage = encodeHex(outcome.preimage)
    const bought = tokenIn(intent, { preimage, feeMsat, boughtAtSeconds: now() })
    // R-PAY-44: money for nothing so far, where nobody waits for it any more, or it says that it had
    // expired before it was sold.
    const owed = bought !== undefined && !(mayOpen(bought, now()) && isAwaited)
    const stored: StoredToken | undefined = owed ? { ...bought, standing: 'owed' } : bought
    // The money is gone. A store that fails now does not take away what it bought: the wallet can
    // be asked again by hash, and the open entry sees to it that it is.
    crashPoint('before-settled')
    await quietly(note(intent, { state: 'settled', preimage, feeMsat, owed }))
    crashPoint('after-settled')
    if (stored !== undefined) await quietly(keep(stored))
    return { status: 'settled', preimage, feeMsat, stored }
  }

  const keep = async (stored: StoredToken): Promise<void> => {
    crashPoint('before-token')
    await tokens.put(stored)
    // R-PAY-74: whoever wrote it off did so before there was a token.
    const entry = await ledger.find(stored.paymentHash)
    if (entry?.abandoned === true) await tokens.mark(stored.id, { kind: 'abandoned' })
    crashPoint('after-token')
    await ledger.noteTokenStored(stored.paymentHash)
  }

  const resolve: Payments['resolve'] = async (entry) => {
    const { paymentHash, preimage, feeMsat } = entry
    if (entry.state === 'failed') return found(entry)
    if (preimage !== undefined && feeMsat !== undefined) {
      const boughtAtSeconds = entry.endedAtSeconds ?? now()
      const bought = tokenIn(entry, { preimage, feeMsat, boughtAtSeconds })
      if (bought !== undefined) await storing(() => keep(bought))
      return found({ ...entry, tokenStored: true })
    }
    if (underWay.has(paymentHash)) return found(entry)
    // What was asked before an order was given says nothing about it, however late the answer comes.
    const couldEnd = mayEnd(entry)
    const { outcome, answered } = await lookUp(entry)
    if (outcome === undefined && couldEnd) {
      await storing(() => note(entry, neverSent))
      orders.forget(entry)
    }
    if (outcome !== undefined && isNews(entry, outcome, couldEnd)) {
      await writeDown(entry, outcome, isAtWorkElsewhere(entry))
    }
    return found(await current(entry), answered)
  }

  const settle: Payments['settle'] = async (entry, signal) => {
    const waiting = underWay.get(entry.paymentHash)
    if (waiting !== undefined) {
      await orAborted(waiting, signal)
      return found(await current(entry))
    }
    if (!isAtWorkElsewhere(entry)) return orAborted(resolve(entry), signal)
    let isOurs = false
    const after = await waitForOther(
      {
        find: () => current(entry),
        isAtWork: isAtWorkElsewhere,
        askWallet: async (one) => {
          isOurs = (await resolve(one)).entry.state === 'settled'
        },
        mostMs: (entry.leaseUntilSeconds - now()) * 1000,
      },
      signal,
    )
    if (!isOpen(after) && after.tokenStored) return { ...found(after), byOther: !isOurs }
    return orAborted(resolve(after), signal)
  }

  const current = async (entry: PaymentEntry): Promise<PaymentEntry> =>
    (await storing(() => ledger.find(entry.paymentHash))) ?? entry

  /** Whether what the wallet says about a payment tells how it stands. */
  const isNews = (entry: PaymentEntry, { status }: PaymentOutcome, couldEnd: boolean): boolean => {
    if (status === 'settled') return true
    return status === 'failed' ? couldEnd : !isAtWorkElsewhere(entry)
  }

  /**
   * Whether a payment that the wallet does not know, or knows as failed, is over: not while somebody
   * may still be about to order it, for the first time or again. A wallet that never answers an order
   * of this process gets the time limit on top.
   */
  const mayEnd = (entry: PaymentEntry): boolean => {
    const own = orders.find(entry)
    if (own?.isOver === true) return true
    const extraSeconds = own === undefined ? 0 : paymentTimeoutMs / 1000
    return now() >= entry.leaseUntilSeconds + extraSeconds
  }

  /** Whether another process may be about to order a payment, or waits for its end. */
  const isAtWorkElsewhere = (entry: PaymentEntry): boolean =>
    (entry.state === 'intent' || entry.state === 'sending') &&
    !entry.abandoned &&
    orders.find(entry) === undefined &&
    now() < entry.leaseUntilSeconds

  const note = ({ paymentHash, attempt }: Attempt, news: PaymentRecord): Promise<void> =>
    ledger.record(paymentHash, news, now(), attempt)

  return { pay, resolve, settle }
}

function found(entry: PaymentEntry, answered = true): Found {
  return { entry, answered, byOther: false }
}
