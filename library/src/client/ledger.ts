import type { Msat } from '../amount/index.ts'
import type { Scheme } from '../l402/index.ts'
import type { FailureReason } from '../lightning/index.ts'
import type { LimitName } from './refusal.ts'

/**
 * How far a payment is.
 *
 * `intent`: the money is set aside and the wallet has not been called. `sending`: it has been, or is
 * about to be. `unknown`: it was, and nobody can say yet how it ends. `settled` and `failed` are
 * ends; only news of a settlement may still turn `failed` into `settled`, because money is a fact.
 */
export type PaymentState = 'intent' | 'sending' | 'unknown' | 'settled' | 'failed'

/** What is written down before the wallet is called: all that is needed to go on after a crash. */
export type PaymentIntent = {
  /** 64 hex digits. The name of the payment everywhere. */
  readonly paymentHash: string
  /** Scheme, host and port of the server that asked. Its credential goes nowhere else. */
  readonly origin: string
  /** The name of that host, for the limit per host. */
  readonly host: string
  readonly method: string
  /** Without user name, password and fragment. */
  readonly url: string
  /** Method, path and query: `GET /image?size=small`. */
  readonly target: string
  /** What the token opens, where it can be read. */
  readonly coverage: string | undefined
  readonly hasBody: boolean
  readonly scheme: Scheme
  /**
   * As the challenge wrote it. Secret together with the preimage. `undefined`: a bare invoice, which
   * buys nothing here but its preimage.
   */
  readonly token: string | undefined
  readonly invoice: string
  readonly amountMsat: Msat
  readonly maxFeeMsat: Msat
  /** The conditions that the server said it enforces: at most 64 names of at most 64 characters. */
  readonly enforces: readonly string[]
  /** Who allowed it: the limits alone, or somebody who was asked as well. */
  readonly decidedBy: 'policy' | 'approval'
  readonly createdAtSeconds: number
  /**
   * Until then the process that began it may be about to call the wallet. A ledger that knows that
   * this process is gone, and no order of it on its way, tells an earlier moment.
   */
  readonly leaseUntilSeconds: number
}

/** One payment, as the ledger knows it. */
export type PaymentEntry = PaymentIntent & {
  readonly state: PaymentState
  /** Once settled: 64 hex digits that hash to the payment hash. Secret. */
  readonly preimage: string | undefined
  /** Once settled. */
  readonly feeMsat: Msat | undefined
  /** Once failed. */
  readonly failure: FailureReason | 'never-sent' | undefined
  readonly endedAtSeconds: number | undefined
  /** Whether the token store has the token that was bought. */
  readonly tokenStored: boolean
  /** Written off by the operator: blocks nothing any more. Its money stays set aside until proof. */
  readonly abandoned: boolean
}

/** How a payment stands, as it is written down. */
export type PaymentRecord =
  | {
      readonly state: 'settled'
      readonly preimage: string
      readonly feeMsat: Msat
      /** Nobody waited for it any more, or it had expired before it was sold: R-PAY-44. */
      readonly owed: boolean
    }
  | { readonly state: 'failed'; readonly failure: FailureReason | 'never-sent' }
  | { readonly state: 'unknown' }

/** The limits that need memory. `undefined`: none. */
export type BudgetLimits = {
  readonly maxTotalMsat: Msat
  readonly perHourMsat: Msat | undefined
  readonly perDayMsat: Msat | undefined
  readonly perHostMsat: Msat | undefined
}

/** Whether a payment may begin. */
export type Begun =
  | { readonly status: 'begun' }
  /** The payment hash is known: never pay it again unless it failed. */
  | { readonly status: 'known'; readonly entry: PaymentEntry }
  /** Another payment for the same purchase has not ended. */
  | { readonly status: 'open'; readonly entry: PaymentEntry }
  | ({ readonly status: 'exceeded' } & Exceeded)

/** The limit that stopped a payment, and what is left of it. */
export type Exceeded = { readonly limit: LimitName; readonly leftMsat: Msat }

/** What is spent and set aside, together. */
export type Spending = {
  readonly hourMsat: Msat
  readonly dayMsat: Msat
  readonly totalMsat: Msat
  /** The part of the total that belongs to payments which have not ended. */
  readonly heldMsat: Msat
}

/**
 * Journal and budget in one, because they must not disagree: writing the intent and setting the
 * money aside is one step. An implementation on a disk makes each method one transaction, durable
 * when it resolves, so that it holds between processes and through a crash.
 *
 * What counts against a limit: amount and fee of settled payments, amount and fee ceiling of those
 * that have not ended. Windows roll: a payment that ended at second `t` counts until `t` + length.
 * Time never goes back: an earlier `nowSeconds` than one seen before counts as that one.
 *
 * Every method rejects with STORE_UNAVAILABLE when it cannot do its work.
 *
 * @spec client.md R-PAY-30 to R-PAY-36
 */
export type Ledger = {
  /**
   * Writes the intent and sets amount and fee ceiling aside, or says why not and changes nothing.
   *
   * In this order: `known` unless the payment hash is new, or failed at the same origin; `open`
   * when a payment at the same origin that {@link buysTheSame} has not ended and is not abandoned;
   * `exceeded`.
   */
  begin(intent: PaymentIntent, limits: BudgetLimits): Promise<Begun>
  /** From `intent` to `sending`. False when it is no longer an intent: then do not pay. */
  send(paymentHash: string): Promise<boolean>
  /**
   * Writes down how a payment stands, and once it has ended gives back what was not spent. Twice
   * the same is once. `unknown` changes no end, and `failed` no settlement.
   */
  record(paymentHash: string, record: PaymentRecord, nowSeconds: number): Promise<void>
  /** The token store has the token. */
  noteTokenStored(paymentHash: string): Promise<void>
  /** Lets the purchase be made anew. What is set aside stays so until the payment has ended. */
  abandon(paymentHash: string): Promise<void>
  find(paymentHash: string): Promise<PaymentEntry | undefined>
  /** Payments that have not ended, and settled ones whose token is not in the store. */
  unfinished(origin?: string): Promise<readonly PaymentEntry[]>
  /** Every payment, oldest first. */
  list(): Promise<readonly PaymentEntry[]>
  /** The first limit that such a payment would break, now. Sets nothing aside. */
  limitReached(
    payment: { readonly host: string; readonly costMsat: Msat; readonly nowSeconds: number },
    limits: BudgetLimits,
  ): Promise<Exceeded | undefined>
  spending(nowSeconds: number): Promise<Spending>
  /** Whether a payment at this host ever settled. */
  paidBefore(host: string): Promise<boolean>
}

/** What something is bought for. */
export type Aim = {
  /** Method, path and query. */
  readonly target: string
  /** What the token opens, where it can be read. */
  readonly coverage: string | undefined
}

/**
 * Whether two purchases at one origin buy the same thing: for the same target, or of the same
 * coverage, or, where a coverage cannot be read, for the same method and path.
 *
 * @spec client.md R-PAY-31
 */
export function buysTheSame(one: Aim, other: Aim): boolean {
  if (one.target === other.target) return true
  if (one.coverage !== undefined && other.coverage !== undefined) {
    return one.coverage === other.coverage
  }
  return routeOfTarget(one.target) === routeOfTarget(other.target)
}

/** The method and path of a target. */
export function routeOfTarget(target: string): string {
  const [route = ''] = target.split('?', 1)
  return route
}

/** Whether it may still cost money. */
export function isOpen(entry: PaymentEntry): boolean {
  return entry.state !== 'settled' && entry.state !== 'failed'
}
