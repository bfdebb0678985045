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
  /** The wallet that is to pay it: `Payer.id`. `undefined`: it has no name. */
  readonly walletId: string | undefined
  /** `Payer.orderLagSeconds` of that wallet. `undefined`: nobody knows; the lease stays as given. */
  readonly orderLagSeconds: number | undefined
}

/** A payment that began: what failed may be begun again under the same hash. */
export type Attempt = PaymentIntent & {
  /** 1, 2, … for each payment hash. */
  readonly attempt: number
}

/** One payment, as the ledger knows it: its latest attempt. */
export type PaymentEntry = Attempt & {
  readonly state: PaymentState
  /** Once settled: 64 hex digits that hash to the payment hash. Secret. */
  readonly preimage: string | undefined
  /** Once settled. */
  readonly feeMsat: Msat | undefined
  /** Once failed. `written-off`: an operator said so, and nobody knows whether it was paid. */
  readonly failure: FailureReason | 'never-sent' | 'written-off' | undefined
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
  | { readonly state: 'failed'; readonly failure: FailureReason | 'never-sent' | 'written-off' }
  | { readonly state: 'unknown' }

/** The limits that need memory. `undefined`, or left out: none. */
export type BudgetLimits = {
  readonly maxTotalMsat: Msat
  readonly perHourMsat: Msat | undefined
  readonly perDayMsat: Msat | undefined
  readonly perHostMsat: Msat | undefined
  /** How much a host that never delivered anything may owe at once, what is under way included. */
  readonly maxUndelivered?: number
}

/** Whether a payment may begin. */
export type Begun =
  | { readonly status: 'begun'; readonly attempt: number }
  /** The payment hash is known: never pay it again unless it failed. */
  | { readonly status: 'known'; readonly entry: PaymentEntry }
  /** Another payment for the same purchase has not ended. */
  | { readonly status: 'open'; readonly entry: PaymentEntry }
  | ({ readonly status: 'exceeded' } & Exceeded)
  /**
   * The host owes too much at once. `passes`: what is under way there may end, and make room; else
   * there is no room for long.
   */
  | { readonly status: 'crowded'; readonly passes: boolean }

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
 * Time never goes back: an earlier time than one at which a payment began or ended counts as that
 * one. A mere look teaches no time: a clock that jumped must not spoil the windows for good.
 *
 * No sum is more than all the bitcoin there can be: a fee that would make it so counts as what is
 * left to it.
 *
 * Every method rejects with STORE_UNAVAILABLE when it cannot do its work.
 *
 * @spec client.md R-PAY-30 to R-PAY-36
 */
export type Ledger = {
  /**
   * Writes the intent and sets amount and fee ceiling aside, or says why not and changes nothing.
   *
   * In this order: `known` unless the payment hash is new, or failed at the same origin, or was never
   * ordered from a wallet and failed so; `open` when a payment at the same origin that
   * {@link buysTheSame} has not ended and is not abandoned; `exceeded`; `crowded`, for what buys a
   * token, when at its host, at all of whose origins no token was ever accepted, as much as
   * `maxUndelivered` says is open and not abandoned, is owed, or was bought within a day and not
   * judged yet. A ledger that does not know the tokens counts what is open, until something at the
   * host has settled.
   */
  begin(intent: PaymentIntent, limits: BudgetLimits): Promise<Begun>
  /**
   * From `intent` to `sending`. False when that attempt is no longer an intent: then do not pay.
   */
  send(paymentHash: string, attempt: number): Promise<boolean>
  /**
   * Writes down how a payment stands, and once it has ended gives back what was not spent. Twice
   * the same is once. `unknown` changes no end, and `failed` no settlement; neither changes another
   * attempt than the one it is about. A settlement counts whichever attempt it is about: money is a
   * fact.
   *
   * @param attempt - Which one the news is about: an answer may come when the next one has begun.
   */
  record(
    paymentHash: string,
    record: PaymentRecord,
    nowSeconds: number,
    attempt: number,
  ): Promise<void>
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
