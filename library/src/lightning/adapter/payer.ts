import type { Msat } from '../../amount/index.ts'
import { encodeHex } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import type { Invoice, Network, PaymentHash, Preimage } from '../../invoice/index.ts'
import { expiresAtSeconds, provesPayment } from '../../invoice/index.ts'
import type { FailureReason, Payer, PaymentOutcome } from '../index.ts'
import type { GivenOrder } from './orders.ts'
import { Orders } from './orders.ts'
import { unavailable } from './unavailable.ts'
import { untilAborted } from './until-aborted.ts'

/** One payment that a wallet is asked to make. The adapter need not check any of it again. */
export type Order = {
  readonly invoice: Invoice
  readonly amountMsat: Msat
  /** The most that may be paid on top. What a wallet cannot be told, it must not be trusted with. */
  readonly maxFeeMsat: Msat
}

/** What a wallet said about one payment, as far as it can be relied on. */
export type Told =
  /** Paid. Where no fee is told, the ceiling counts. */
  | {
      readonly status: 'settled'
      readonly preimage: Preimage
      /** Without fee. Left out: that of the invoice. */
      readonly amountMsat?: Msat | undefined
      readonly feeMsat: Msat | undefined
    }
  /** Final: no money moved and none will. When in doubt it is `unknown`. */
  | { readonly status: 'failed'; readonly reason: FailureReason }
  | { readonly status: 'unknown' }

/** The two questions that a paying adapter puts to its wallet. */
export type PayerDriver = {
  /** As in its URI: `lnd`. Begins what errors say. */
  readonly kind: string
  readonly network: Network
  /** As {@link Payer.id}. */
  readonly id: string
  /** As {@link Payer.orderLagSeconds}. */
  readonly orderLagSeconds?: number
  /**
   * Whether the wallet is asked about a hash before the first order of this process: it may have been
   * paid before. Default true, where it can be asked. Not needed of one that pays a hash once.
   *
   * `to-tell-attempts`: of one that may not answer. What it says of an end counts; without one it is
   * ordered, and what a look-up calls failed then is not taken for this order while that may arrive.
   */
  readonly asksFirst?: boolean | 'to-tell-attempts'
  /** Whether what `lookUp` calls failed is certainly the latest order. Default false. */
  readonly tellsAttempts?: boolean
  /**
   * Gives the order, once. What it rejects with is read so: NODE_UNAVAILABLE means that the order was
   * certainly not given; everything else, an abort included, is `unknown`.
   */
  order(order: Order, signal: AbortSignal): Promise<Told>
  /**
   * What became of a payment. `undefined`: the wallet does not know it. Left out: it cannot be asked.
   * Rejects with NODE_UNAVAILABLE when the wallet cannot tell.
   */
  readonly lookUp?: (hash: PaymentHash, signal: AbortSignal) => Promise<Told | undefined>
  /** How long the end of an order is waited for, in ms; then it is unknown. */
  readonly orderTimeoutMs: number
  /** How long an answer to a question is waited for, in ms. Default 10 000. */
  readonly lookUpTimeoutMs?: number
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

const unknown = { status: 'unknown' } as const satisfies PaymentOutcome
/**
 * The port has no word for "not told". Whoever reads an outcome takes an amount that is none for that
 * of the invoice, and a fee that is none for the whole ceiling (client.md R-PAY-36).
 */
const notTold = undefined as unknown as Msat

/**
 * What every payer does alike: it looks at the invoice, gives each order once, lets calls for one hash
 * share it, asks instead of ordering again while nobody knows, and turns what can be in doubt into
 * `unknown`.
 *
 * The abort of a caller ends that caller's waiting, not the order: what comes later is remembered.
 *
 * @spec wallets.md R-ADP-1 to R-ADP-8
 */
export function createPayer(driver: PayerDriver): Payer {
  const { kind, network, id, orderTimeoutMs, lookUpTimeoutMs = 10_000, asksFirst = true } = driver
  const now = driver.now ?? (() => Math.floor(Date.now() / 1000))
  const orders = new Orders()

  /** Whether an order that was lost may still be on its way. Where nobody knows how long: always. */
  const mayArrive = ({ overAtMs }: GivenOrder): boolean => {
    const { orderLagSeconds } = driver
    if (overAtMs === undefined || orderLagSeconds === undefined) return true
    return performance.now() - overAtMs < orderLagSeconds * 1000
  }

  /** Whether what a look-up calls failed may be another attempt than the last order. */
  const mayBeOlder = (order: GivenOrder): boolean => {
    if (order.overAtMs === undefined) return true
    if (driver.tellsAttempts === true || !order.wasLost) return false
    // Where nobody asked before, another process may have tried before.
    const isAsked = asksFirst !== false || driver.orderLagSeconds === undefined
    const isFirst = !order.isRetry && isAsked
    return !isFirst && mayArrive(order)
  }

  /** @throws NODE_UNAVAILABLE when the wallet cannot be asked, or does not answer. */
  const ask = async (
    hash: PaymentHash,
    caller: AbortSignal | undefined,
  ): Promise<PaymentOutcome | undefined> => {
    const hashHex = encodeHex(hash)
    const order = orders.find(hashHex)
    if (driver.lookUp === undefined) return order?.outcome ?? unknown
    // Decided before it is asked: what the wallet tells may be of that moment.
    const wasOver = order?.overAtMs !== undefined
    const mayComeYet = order !== undefined && (!wasOver || mayArrive(order))
    const mayBeAnother = order !== undefined && mayBeOlder(order)
    const limit = AbortSignal.timeout(lookUpTimeoutMs)
    const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
    let told: Told | undefined
    try {
      told = proven(await untilAborted(driver.lookUp(hash, signal), signal), hash)
    } catch (error) {
      throw asUnavailable(kind, error, signal)
    }
    const latest = orders.find(hashHex)
    // An order was given while the wallet was asked: it may have told of before.
    const isOvertaken = latest !== undefined && latest !== order
    if (isOvertaken && told?.status !== 'settled') return latest.outcome ?? unknown
    if (told === undefined) {
      if (order === undefined) return undefined
      // A wallet that has not written an order down yet does not know it either.
      if (order.outcome?.status !== 'unknown' || mayComeYet) return order.outcome ?? unknown
      orders.forget(hashHex, order)
      return undefined
    }
    if (told.status === 'failed' && order !== undefined && mayBeAnother) {
      return order.outcome ?? unknown
    }
    const outcome = outcomeOf(told, latest ?? { amountMsat: notTold, maxFeeMsat: notTold })
    if (latest !== undefined && outcome.status !== 'unknown') orders.end(hashHex, latest, outcome)
    return outcome
  }

  /** Total: what cannot be found out is unknown. */
  const findOut = (hash: PaymentHash): Promise<PaymentOutcome> =>
    ask(hash, undefined).then(
      (outcome) => outcome ?? unknown,
      () => unknown,
    )

  const give = async (order: Order): Promise<PaymentOutcome> => {
    const { paymentHash: hash } = order.invoice
    const signal = AbortSignal.timeout(orderTimeoutMs)
    let told: Told
    try {
      told = proven(await untilAborted(driver.order(order, signal), signal), hash)
    } catch (error) {
      if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
      told = unknown
    }
    orders.over(encodeHex(hash), told.status === 'unknown')
    const isDoubtful =
      told.status === 'unknown' || (told.status === 'failed' && told.reason === 'already-paid')
    if (!isDoubtful) return outcomeOf(told, order)
    const found = await findOut(hash)
    return found.status === 'unknown' ? outcomeOf(told, order) : found
  }

  /** An order of what was never ordered here, or has failed: somebody else may have ordered it. */
  const askThenGive = async (order: Order): Promise<PaymentOutcome> => {
    const { invoice } = order
    const { paymentHash: hash } = invoice
    const isExpired = now() >= expiresAtSeconds(invoice)
    if (driver.lookUp !== undefined && (isExpired || asksFirst !== false)) {
      const signal = AbortSignal.timeout(lookUpTimeoutMs)
      const isGentle = asksFirst === 'to-tell-attempts' && !isExpired
      let told: Told | undefined
      try {
        told = proven(await untilAborted(driver.lookUp(hash, signal), signal), hash)
      } catch (error) {
        if (!isGentle) throw asUnavailable(kind, error, signal)
        told = unknown
      }
      const isOrdered =
        told === undefined || told.status === 'failed' || (isGentle && told.status === 'unknown')
      if (told !== undefined && !isOrdered) return outcomeOf(told, order)
      if (told !== undefined) orders.markRetry(encodeHex(hash))
    }
    if (isExpired) return { status: 'failed', reason: 'expired' }
    return await give(order)
  }

  const pay: Payer['pay'] = async (invoice, { maxFeeMsat, signal }) => {
    const { paymentHash: hash, amountMsat } = invoice
    if (signal?.aborted === true) return unknown
    if (invoice.network !== network) return { status: 'failed', reason: 'wrong-network' }
    if (amountMsat === undefined) return { status: 'failed', reason: 'rejected' }

    const hashHex = encodeHex(hash)
    const before = orders.find(hashHex)
    const known = before?.outcome
    if (known?.status === 'settled') return known
    if (known?.status === 'unknown') return orUnknown(findOut(hash), signal)
    // Under way: joined. Failed, or never ordered: sent.
    if (before !== undefined && known === undefined) return orUnknown(before.ending, signal)
    const order = { invoice, amountMsat, maxFeeMsat }
    const isRetry = before !== undefined
    const given = orders.add(hashHex, { amountMsat, maxFeeMsat, isRetry }, () => askThenGive(order))
    return orUnknown(given.ending, signal)
  }

  const lookupPayment: Payer['lookupPayment'] = async (hash, signal) => {
    if (signal?.aborted === true) throw unavailable(kind, 'aborted')
    const known = orders.find(encodeHex(hash))?.outcome
    if (known?.status === 'settled') return known
    return ask(hash, signal)
  }

  const { orderLagSeconds } = driver
  return {
    network,
    id,
    ...(orderLagSeconds !== undefined && { orderLagSeconds }),
    pay,
    lookupPayment,
  }
}

/** What was told, where the preimage proves it. With another one the money may have moved, or not. */
function proven<What extends Told | undefined>(
  told: What,
  hash: PaymentHash,
): What | typeof unknown {
  return told?.status === 'settled' && !provesPayment(told.preimage, hash) ? unknown : told
}

/** What was told, for an order of these amounts. */
function outcomeOf(
  told: Told,
  order: { readonly amountMsat: Msat; readonly maxFeeMsat: Msat },
): PaymentOutcome {
  if (told.status !== 'settled') return told
  const { preimage, amountMsat = order.amountMsat, feeMsat = order.maxFeeMsat } = told
  return { status: 'settled', preimage, amountMsat, feeMsat }
}

function asUnavailable(kind: string, error: unknown, signal: AbortSignal): Error {
  if (isL402Error(error, 'NODE_UNAVAILABLE')) return error
  return unavailable(kind, signal.aborted ? 'it did not answer in time' : 'it did not answer')
}

async function orUnknown(
  ending: Promise<PaymentOutcome>,
  signal: AbortSignal | undefined,
): Promise<PaymentOutcome> {
  if (signal === undefined) return ending
  try {
    return await untilAborted(ending, signal)
  } catch (error) {
    if (signal.aborted) return unknown
    throw error
  }
}
