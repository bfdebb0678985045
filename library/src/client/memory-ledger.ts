import type { Msat } from '../amount/index.ts'
import { msat } from '../amount/index.ts'
import type {
  Begun,
  BudgetLimits,
  Exceeded,
  Ledger,
  PaymentEntry,
  PaymentIntent,
  PaymentRecord,
  Spending,
} from './ledger.ts'
import { buysTheSame, isOpen } from './ledger.ts'

const hourSeconds = 3600
const daySeconds = 86_400

/**
 * A ledger that lives as long as the process. It keeps every payment: what it forgot, it could pay
 * twice.
 */
export function createMemoryLedger(): Ledger {
  const book = new Book()
  return {
    begin: async (intent, limits) => book.begin(intent, limits),
    send: async (paymentHash) => book.send(paymentHash),
    record: async (paymentHash, record, nowSeconds) => book.record(paymentHash, record, nowSeconds),
    noteTokenStored: async (paymentHash) => book.change(paymentHash, { tokenStored: true }),
    abandon: async (paymentHash) => book.change(paymentHash, { abandoned: true }),
    find: async (paymentHash) => book.find(paymentHash),
    unfinished: async (origin) => book.unfinished(origin),
    list: async () => book.list(),
    limitReached: async ({ host, costMsat, nowSeconds }, limits) =>
      book.limitReached(host, costMsat, nowSeconds, limits),
    spending: async (nowSeconds) => book.spending(nowSeconds),
    paidBefore: async (host) => book.paidBefore(host),
  }
}

type Spent = { readonly endedAtSeconds: number; readonly costMsat: bigint }

/**
 * The entries and the sums over them, changed together and without a pause in between: with one,
 * two payments at once could both take the last of a budget.
 */
class Book {
  readonly #entries = new Map<string, PaymentEntry>()
  readonly #unfinished = new Set<string>()
  /** Settled within a day of the latest time seen, in the order in which they were recorded. */
  #recent: Spent[] = []
  #heldMsat = 0n
  #settledMsat = 0n
  readonly #byHostMsat = new Map<string, bigint>()
  readonly #paidHosts = new Set<string>()
  #latestSeconds = 0

  begin(intent: PaymentIntent, limits: BudgetLimits): Begun {
    const known = this.#entries.get(intent.paymentHash)
    if (known !== undefined && (known.state !== 'failed' || known.origin !== intent.origin)) {
      return { status: 'known', entry: known }
    }
    const open = this.unfinished(intent.origin).find((entry) => blocks(entry, intent))
    if (open !== undefined) return { status: 'open', entry: open }
    const costMsat = ceilingOf(intent)
    const exceeded = this.limitReached(intent.host, costMsat, intent.createdAtSeconds, limits)
    if (exceeded !== undefined) return { status: 'exceeded', ...exceeded }

    this.#hold(intent.host, costMsat)
    this.#put({
      ...intent,
      state: 'intent',
      preimage: undefined,
      feeMsat: undefined,
      failure: undefined,
      endedAtSeconds: undefined,
      tokenStored: false,
      abandoned: false,
    })
    return { status: 'begun' }
  }

  send(paymentHash: string): boolean {
    const entry = this.#entries.get(paymentHash)
    if (entry?.state !== 'intent') return false
    this.#put({ ...entry, state: 'sending' })
    return true
  }

  record(paymentHash: string, record: PaymentRecord, nowSeconds: number): void {
    const entry = this.#get(paymentHash)
    if (entry.state === 'settled') return
    const wasOpen = isOpen(entry)
    if (!wasOpen && record.state !== 'settled') return
    if (record.state === 'unknown') {
      this.#put({ ...entry, state: 'unknown' })
      return
    }

    const endedAtSeconds = this.#later(nowSeconds)
    if (wasOpen) this.#hold(entry.host, -ceilingOf(entry))
    if (record.state === 'failed') {
      this.#put({ ...entry, ...record, endedAtSeconds })
      return
    }

    const { state, preimage, feeMsat } = record
    // A bare invoice buys no token: there is none to keep.
    const tokenStored = entry.token === undefined
    this.#put({ ...entry, state, preimage, feeMsat, endedAtSeconds, tokenStored })
    this.#paidHosts.add(entry.host)

    const costMsat = entry.amountMsat + feeMsat
    this.#settledMsat += costMsat
    this.#addToHost(entry.host, costMsat)
    this.#recent.push({ endedAtSeconds, costMsat })
  }

  change(paymentHash: string, change: Partial<PaymentEntry>): void {
    this.#put({ ...this.#get(paymentHash), ...change })
  }

  find(paymentHash: string): PaymentEntry | undefined {
    return this.#entries.get(paymentHash)
  }

  unfinished(origin: string | undefined): readonly PaymentEntry[] {
    const entries = [...this.#unfinished].map((paymentHash) => this.#get(paymentHash))
    return origin === undefined ? entries : entries.filter((entry) => entry.origin === origin)
  }

  list(): readonly PaymentEntry[] {
    return [...this.#entries.values()]
  }

  limitReached(
    host: string,
    costMsat: bigint,
    nowSeconds: number,
    limits: BudgetLimits,
  ): Exceeded | undefined {
    const { hourMsat, dayMsat, totalMsat } = this.spending(nowSeconds)
    const hostMsat = this.#byHostMsat.get(host) ?? 0n
    return (
      exceeds('total', totalMsat, costMsat, limits.maxTotalMsat) ??
      exceeds('per-host', hostMsat, costMsat, limits.perHostMsat) ??
      exceeds('per-day', dayMsat, costMsat, limits.perDayMsat) ??
      exceeds('per-hour', hourMsat, costMsat, limits.perHourMsat)
    )
  }

  spending(nowSeconds: number): Spending {
    const now = this.#later(nowSeconds)
    this.#recent = this.#recent.filter(({ endedAtSeconds }) => endedAtSeconds > now - daySeconds)
    let hourMsat = this.#heldMsat
    let dayMsat = this.#heldMsat
    for (const { endedAtSeconds, costMsat } of this.#recent) {
      dayMsat += costMsat
      if (endedAtSeconds > now - hourSeconds) hourMsat += costMsat
    }
    return {
      hourMsat: msat(hourMsat),
      dayMsat: msat(dayMsat),
      totalMsat: msat(this.#settledMsat + this.#heldMsat),
      heldMsat: msat(this.#heldMsat),
    }
  }

  paidBefore(host: string): boolean {
    return this.#paidHosts.has(host)
  }

  #get(paymentHash: string): PaymentEntry {
    const entry = this.#entries.get(paymentHash)
    if (entry === undefined) throw new RangeError('ledger: no payment of this hash')
    return entry
  }

  #put(entry: PaymentEntry): void {
    this.#entries.set(entry.paymentHash, entry)
    if (isOpen(entry) || (entry.state === 'settled' && !entry.tokenStored)) {
      this.#unfinished.add(entry.paymentHash)
    } else {
      this.#unfinished.delete(entry.paymentHash)
    }
  }

  #hold(host: string, changeMsat: bigint): void {
    this.#heldMsat += changeMsat
    this.#addToHost(host, changeMsat)
  }

  #addToHost(host: string, changeMsat: bigint): void {
    this.#byHostMsat.set(host, (this.#byHostMsat.get(host) ?? 0n) + changeMsat)
  }

  /** A clock that was set back must not bring an old window back. */
  #later(nowSeconds: number): number {
    if (!Number.isFinite(nowSeconds)) throw new RangeError('nowSeconds: expected a number')
    this.#latestSeconds = Math.max(this.#latestSeconds, nowSeconds)
    return this.#latestSeconds
  }
}

function blocks(entry: PaymentEntry, intent: PaymentIntent): boolean {
  return isOpen(entry) && !entry.abandoned && buysTheSame(entry, intent)
}

function ceilingOf(intent: PaymentIntent): Msat {
  return msat(intent.amountMsat + intent.maxFeeMsat)
}

function exceeds(
  limit: Exceeded['limit'],
  takenMsat: bigint,
  costMsat: bigint,
  limitMsat: Msat | undefined,
): Exceeded | undefined {
  if (limitMsat === undefined || takenMsat + costMsat <= limitMsat) return undefined
  return { limit, leftMsat: msat(takenMsat < limitMsat ? limitMsat - takenMsat : 0n) }
}
