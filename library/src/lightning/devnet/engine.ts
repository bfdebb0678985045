import type { Msat } from '../../amount/index.ts'
import { msat } from '../../amount/index.ts'
import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { Invoice, PaymentHash, Preimage } from '../../invoice/index.ts'
import { encodeInvoice, hashPreimage, preimage } from '../../invoice/index.ts'
import type { FailureReason, InvoiceStatus, PaymentOutcome } from '../index.ts'
import { Agenda } from './agenda.ts'
import type { Fault } from './fault.ts'
import { FaultScript } from './fault.ts'
import type { Account, Lock } from './ledger.ts'
import { Ledger } from './ledger.ts'
import { SettlementLog } from './settlement-log.ts'

/** One node as the engine sees it. */
export type Member = {
  readonly name: string
  readonly privateKey: Uint8Array
  readonly nodeIdHex: string
  readonly account: Account
  readonly faults: FaultScript
  readonly settlements: SettlementLog
  /** What became of each payment it made, by payment hash; the last attempt counts. */
  readonly payments: Map<string, Payment | Failure>
}

/** An invoice that a node of this network issued. */
type Issued = {
  readonly payee: Member
  readonly text: string
  readonly paymentHash: PaymentHash
  readonly amountMsat: Msat
  readonly expiresAtMs: number
  /** `undefined`: a hold invoice, whose preimage is not known yet. */
  preimage: Preimage | undefined
  settledAtSeconds: number | undefined
  cancelled: boolean
  /** The one payment that is under way or has settled. */
  payment: Payment | undefined
}

/** A payment for which money was locked. */
type Payment = {
  readonly issued: Issued
  readonly lock: Lock
  /** What the payer is told in the place of the preimage. */
  readonly wrongPreimage: boolean
  phase: 'on-the-way' | 'held' | 'settled' | 'failed'
  /** Set when the phase is `failed`. */
  reason: FailureReason | undefined
}

/** A payment that ended before any money was locked. */
type Failure = { readonly phase: 'failed'; readonly reason: FailureReason }

export type EngineOptions = {
  /** Seconds since 1970; fractions count. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly feeBaseMsat: Msat
  readonly feeProportionalMillionths: number
}

/** What a node is asked to invoice. With `paymentHash` it is a hold invoice. */
export type InvoiceOrder = {
  readonly amountMsat: Msat
  readonly description: string
  readonly expirySeconds: number
  readonly paymentHash?: PaymentHash
}

const maxExpirySeconds = 31_536_000
const maxDescriptionBytes = 639

/**
 * Invoices, payments, and the money that moves between them. Synchronous throughout: no other
 * payment comes between a check and the change it allows.
 *
 * What is due happens when somebody looks: {@link tick} runs first in every call.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #ledger = new Ledger()
  readonly #agenda = new Agenda()
  readonly #members = new Map<string, Member>()
  readonly #issued = new Map<string, Issued>()

  constructor(options: EngineOptions) {
    this.#options = options
  }

  /** @throws {RangeError} for a key that is already in use, and for more money than there can be. */
  join(name: string, privateKey: Uint8Array, nodeIdHex: string, balanceMsat: Msat): Member {
    if (this.#members.has(nodeIdHex)) throw new RangeError('random: gave the same key twice')
    const member: Member = {
      name,
      privateKey,
      nodeIdHex,
      account: this.#ledger.open(balanceMsat),
      faults: new FaultScript(),
      settlements: new SettlementLog(),
      payments: new Map(),
    }
    this.#members.set(nodeIdHex, member)
    return member
  }

  /** Does what the clock has made due. */
  tick(): void {
    this.#agenda.runDue(this.#nowMs())
  }

  totalMsat(): Msat {
    return this.#ledger.totalMsat()
  }

  balanceMsat(member: Member): Msat {
    this.tick()
    return this.#ledger.balanceMsat(member.account)
  }

  /**
   * @throws {RangeError} for an amount of zero, a description that is too long, an expiry outside
   *   its range, and a payment hash that is in use.
   */
  issue(payee: Member, order: InvoiceOrder): string {
    const { amountMsat, description, expirySeconds } = order
    if (amountMsat <= 0n) throw new RangeError('amountMsat: expected more than zero')
    if (encodeUtf8(description).length > maxDescriptionBytes) {
      throw new RangeError(`description: at most ${maxDescriptionBytes} bytes`)
    }
    if (!Number.isInteger(expirySeconds) || expirySeconds < 1 || expirySeconds > maxExpirySeconds) {
      throw new RangeError(`expirySeconds: expected 1 to ${maxExpirySeconds}`)
    }

    this.tick()
    const secret = order.paymentHash === undefined ? preimage(this.#random32()) : undefined
    const paymentHash = order.paymentHash ?? hashPreimage(secret!)
    const hashHex = encodeHex(paymentHash)
    if (this.#issued.has(hashHex)) throw new RangeError('payment hash: used before')

    const timestampSeconds = Math.floor(this.#nowMs() / 1000)
    const text = encodeInvoice(
      {
        network: 'regtest',
        amountMsat,
        timestampSeconds,
        paymentHash,
        paymentSecret: this.#random32(),
        description,
        expirySeconds,
      },
      payee.privateKey,
    )
    this.#issued.set(hashHex, {
      payee,
      text,
      paymentHash,
      amountMsat,
      expiresAtMs: (timestampSeconds + expirySeconds) * 1000,
      preimage: secret,
      settledAtSeconds: undefined,
      cancelled: false,
      payment: undefined,
    })
    return text
  }

  lookupInvoice(payee: Member, hash: PaymentHash): InvoiceStatus {
    this.tick()
    const issued = this.#issued.get(encodeHex(hash))
    if (issued === undefined || issued.payee !== payee) return { status: 'not-found' }
    if (issued.settledAtSeconds !== undefined) {
      const { amountMsat, settledAtSeconds } = issued
      return { status: 'settled', amountMsat, settledAtSeconds }
    }
    if (issued.payment !== undefined) return { status: 'open' }
    return { status: this.#isClosed(issued, this.#nowMs()) ? 'closed' : 'open' }
  }

  lookupPayment(payer: Member, hash: PaymentHash): PaymentOutcome | undefined {
    this.tick()
    const payment = payer.payments.get(encodeHex(hash))
    return payment === undefined ? undefined : outcomeOf(payment)
  }

  /**
   * Pays at most once for each payment hash. `hang`: carried out, but the caller is not to hear.
   *
   * @throws {L402Error} NODE_UNAVAILABLE when that is the next fault.
   */
  pay(payer: Member, invoice: Invoice, maxFeeMsat: Msat): PaymentOutcome | 'hang' {
    this.tick()
    const hashHex = encodeHex(invoice.paymentHash)
    payer.faults.takeUnavailable(hashHex)
    const earlier = payer.payments.get(hashHex)
    if (earlier !== undefined && earlier.phase !== 'failed') return outcomeOf(earlier)

    const issued = this.#issued.get(hashHex)
    const refusal = this.#refusal(payer, invoice, issued)
    if (refusal !== undefined) return fail(payer, hashHex, refusal)
    const started = this.#start(payer, issued!, maxFeeMsat)
    if (typeof started === 'string') return fail(payer, hashHex, started)
    const { payment, fault } = started

    switch (fault?.kind) {
      case 'fail':
        return this.#giveBack(payment, fault.reason)
      case 'timeout':
        this.#arriveLater(payment, fault.settleAfterMs)
        return { status: 'unknown' }
      case 'in-flight':
        return { status: 'unknown' }
      case 'hang':
        this.#arrive(payment, this.#nowMs())
        return 'hang'
      case 'duplicate':
        this.#arrive(payment, this.#nowMs())
        return { status: 'failed', reason: 'already-paid' }
      default:
        this.#arrive(payment, this.#nowMs())
        return outcomeOf(payment)
    }
  }

  /** @throws {RangeError} when no payment of this hash is on its way. */
  resolvePayment(payer: Member, hash: PaymentHash, end: 'settle' | 'fail'): void {
    this.tick()
    const payment = payer.payments.get(encodeHex(hash))
    if (payment?.phase !== 'on-the-way') throw new RangeError('payment: not on its way')
    if (end === 'fail') this.#giveBack(payment, 'no-route')
    else this.#arrive(payment, this.#nowMs())
  }

  /** @throws {RangeError} when no payment is held for this preimage. */
  settleHold(payee: Member, secret: Preimage): void {
    this.tick()
    const issued = this.#issued.get(encodeHex(hashPreimage(secret)))
    const payment = issued?.payment
    if (issued?.payee !== payee || payment?.phase !== 'held') {
      throw new RangeError('hold: no payment is held for this preimage')
    }
    issued.preimage = secret
    this.#settle(payment, this.#nowMs())
  }

  /** @throws {RangeError} when there is no such hold invoice, or it has settled. */
  cancelHold(payee: Member, hash: PaymentHash): void {
    this.tick()
    const issued = this.#issued.get(encodeHex(hash))
    if (issued?.payee !== payee || issued.preimage !== undefined) {
      throw new RangeError('hold: no invoice that could be cancelled')
    }
    issued.cancelled = true
    if (issued.payment?.phase === 'held') this.#giveBack(issued.payment, 'rejected')
  }

  /** Why a payment cannot even be tried. Final answers first: an expired invoice may be paid. */
  #refusal(payer: Member, invoice: Invoice, issued: Issued | undefined): FailureReason | undefined {
    if (invoice.network !== 'regtest') return 'wrong-network'
    if (invoice.amountMsat === undefined) return 'rejected'
    if (!this.#members.has(encodeHex(invoice.payee))) return 'no-route'
    // The payee knows its invoices by every letter: no other amount, secret or expiry passes for one.
    if (issued === undefined || issued.text !== invoice.text) return 'rejected'
    if (issued.payee === payer) return 'rejected'
    if (issued.settledAtSeconds !== undefined) return 'already-paid'
    if (issued.payment !== undefined) return 'rejected'
    if (issued.cancelled) return 'rejected'
    return this.#isClosed(issued, this.#nowMs()) ? 'expired' : undefined
  }

  /** Locks the money, unless fee or balance forbid it. From here on a payment exists. */
  #start(
    payer: Member,
    issued: Issued,
    maxFeeMsat: Msat,
  ): { readonly payment: Payment; readonly fault: Fault | undefined } | FailureReason {
    const { feeBaseMsat, feeProportionalMillionths } = this.#options
    const proportional = (issued.amountMsat * BigInt(feeProportionalMillionths)) / 1_000_000n
    const feeMsat = feeBaseMsat + proportional
    if (feeMsat > maxFeeMsat) return 'fee-limit'
    const lock = this.#ledger.lock(payer.account, issued.amountMsat, msat(feeMsat))
    if (lock === undefined) return 'insufficient-balance'

    const hashHex = encodeHex(issued.paymentHash)
    const fault = payer.faults.take(hashHex)
    const wrongPreimage = fault?.kind === 'wrong-preimage'
    const payment: Payment = {
      issued,
      lock,
      wrongPreimage,
      phase: 'on-the-way',
      reason: undefined,
    }
    issued.payment = payment
    payer.payments.set(hashHex, payment)
    return { payment, fault }
  }

  #arriveLater(payment: Payment, afterMs: number): void {
    this.#agenda.add(this.#nowMs() + afterMs, (atMs) => {
      if (payment.phase === 'on-the-way') this.#arrive(payment, atMs)
    })
    this.tick() // for a delay of zero
  }

  /** The payment is at its payee. A plain invoice settles; a hold invoice waits for its payee. */
  #arrive(payment: Payment, atMs: number): void {
    const { issued } = payment
    if (issued.preimage !== undefined) {
      this.#settle(payment, atMs)
      return
    }
    if (this.#isClosed(issued, atMs)) {
      this.#giveBack(payment, 'rejected')
      return
    }
    payment.phase = 'held'
    this.#agenda.add(issued.expiresAtMs, () => {
      if (payment.phase === 'held') this.#giveBack(payment, 'expired')
    })
  }

  #settle(payment: Payment, atMs: number): void {
    const { issued, lock } = payment
    const settledAtSeconds = Math.floor(atMs / 1000)
    this.#ledger.settle(lock, issued.payee.account)
    payment.phase = 'settled'
    issued.settledAtSeconds = settledAtSeconds
    const { paymentHash, amountMsat } = issued
    issued.payee.settlements.add({ paymentHash, amountMsat, settledAtSeconds })
  }

  /** Ends a payment without money moving. */
  #giveBack(payment: Payment, reason: FailureReason): PaymentOutcome {
    this.#ledger.release(payment.lock)
    payment.phase = 'failed'
    payment.reason = reason
    payment.issued.payment = undefined
    return { status: 'failed', reason }
  }

  #isClosed(issued: Issued, atMs: number): boolean {
    return issued.cancelled || atMs >= issued.expiresAtMs
  }

  /** A copy: the generator may hand out the same buffer again. */
  #random32(): Uint8Array {
    return Uint8Array.from(this.#options.random(32))
  }

  #nowMs(): number {
    const seconds = this.#options.now()
    // A clock that gives no number would let nothing ever expire.
    if (!Number.isFinite(seconds)) throw new RangeError('now: expected seconds since 1970')
    return Math.round(seconds * 1000)
  }
}

function fail(payer: Member, hashHex: string, reason: FailureReason): PaymentOutcome {
  payer.payments.set(hashHex, { phase: 'failed', reason })
  return { status: 'failed', reason }
}

function outcomeOf(payment: Payment | Failure): PaymentOutcome {
  if (payment.phase === 'failed') return { status: 'failed', reason: payment.reason! }
  if (payment.phase !== 'settled') return { status: 'unknown' }
  const { issued, lock } = payment
  const { amountMsat, feeMsat } = lock
  const secret = payment.wrongPreimage ? sha256(issued.paymentHash) : issued.preimage!
  // A copy: callers may wipe the preimage that they were given.
  return { status: 'settled', preimage: preimage(secret.slice()), amountMsat, feeMsat }
}
