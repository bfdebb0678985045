import type { Msat } from '../amount/index.ts'
import { maxMsat, msat, nearestMsat } from '../amount/index.ts'
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
 * twice. It does not know what became of tokens: a host at which something settled is never crowded.
 */
export function createMemoryLedger(): Ledger {
  const book = new Book()
  return {
    begin: async (intent, limits) => book.begin(intent, limits),
    send: async (paymentHash, attempt) => book.send(paymentHash, attempt),
    record: async (paymentHash, record, nowSeconds, attempt) =>
      book.record(paymentHash, record, nowSeconds, attempt),
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
  /** Payments of which a wallet has said that they failed. */
  readonly #ordered = new Set<string>()
  /** Settled within a day of the latest time noted, in the order in which they were recorded. */
  #recent: Spent[] = []
  #heldMsat = 0n
  #settledMsat = 0n
  readonly #byHostMsat = new Map<string, bigint>()
  readonly #paidHosts = new Set<string>()
  #latestSeconds = 0

  begin(intent: PaymentIntent, limits: BudgetLimits): Begun {
    const known = this.#entries.get(intent.paymentHash)
    if (known !== undefined && !this.#mayBeginAgain(known, intent)) {
      return { status: 'known', entry: known }
    }
    const open = this.unfinished(intent.origin).find((entry) => blocks(entry, intent))
    if (open !== undefined) return { status: 'open', entry: open }
    const costMsat = ceilingOf(intent)
    const exceeded = this.limitReached(intent.host, costMsat, intent.createdAtSeconds, limits)
    if (exceeded !== undefined) return { status: 'exceeded', ...exceeded }
    if (intent.token !== undefined && !this.#hasRoom(intent.host, limits.maxUndelivered)) {
      return { status: 'crowded', passes: this.#isUnderWay(intent.host, limits.maxUndelivered) }
    }

    this.#note(intent.createdAtSeconds)
    const attempt = (known?.attempt ?? 0) + 1
    this.#hold(intent.host, costMsat)
    this.#put({
      ...intent,
      attempt,
      state: 'intent',
      preimage: undefined,
      feeMsat: undefined,
      failure: undefined,
      endedAtSeconds: undefined,
      tokenStored: false,
      abandoned: false,
    })
    return { status: 'begun', attempt }
  }

  send(paymentHash: string, attempt: number): boolean {
    const entry = this.#entries.get(paymentHash)
    if (entry?.state !== 'intent' || entry.attempt !== attempt) return false
    this.#put({ ...entry, state: 'sending' })
    return true
  }

  record(paymentHash: string, record: PaymentRecord, nowSeconds: number, attempt: number): void {
    const entry = this.#get(paymentHash)
    if (entry.state === 'settled') return
    const wasOpen = isOpen(entry)
    if (record.state !== 'settled' && (!wasOpen || entry.attempt !== attempt)) return
    if (record.state === 'unknown') {
      this.#put({ ...entry, state: 'unknown' })
      return
    }

    const endedAtSeconds = this.#note(nowSeconds)
    if (wasOpen) this.#hold(entry.host, -ceilingOf(entry))
    if (record.state === 'failed') {
      if (record.failure !== 'never-sent') this.#ordered.add(paymentHash)
      this.#put({ ...entry, ...record, endedAtSeconds })
      return
    }

    const { state, preimage } = record
    const takenMsat = this.#settledMsat + this.#heldMsat + entry.amountMsat
    const feeMsat = nearestMsat(record.feeMsat, maxMsat - takenMsat)
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
    let hourMsat = this.#heldMsat
    let dayMsat = this.#heldMsat
    for (const { endedAtSeconds, costMsat } of this.#recent) {
      if (endedAtSeconds > now - daySeconds) dayMsat += costMsat
      if (endedAtSeconds > now - hourSeconds) hourMsat += costMsat
    }
    return {
      hourMsat: nearestMsat(hourMsat),
      dayMsat: nearestMsat(dayMsat),
      totalMsat: nearestMsat(this.#settledMsat + this.#heldMsat),
      heldMsat: nearestMsat(this.#heldMsat),
    }
  }

  paidBefore(host: string): boolean {
    return this.#paidHosts.has(host)
  }

  /** What was ordered at one origin stays there: its preimage may yet be worth something. */
  #mayBeginAgain(known: PaymentEntry, { origin, paymentHash }: PaymentIntent): boolean {
    if (known.state !== 'failed') return false
    return known.origin === origin || !this.#ordered.has(paymentHash)
  }

  #hasRoom(host: string, most: number | undefined): boolean {
    return most === undefined || this.#paidHosts.has(host) || this.#openAt(host).length < most
  }

  #isUnderWay(host: string, most = 0): boolean {
    return this.#openAt(host).filter(({ state }) => state === 'unknown').length < most
  }

  #openAt(host: string): readonly PaymentEntry[] {
    return this.unfinished(undefined).filter(
      (entry) => entry.host === host && isOpen(entry) && !entry.abandoned,
    )
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
    return Math.max(this.#latestSeconds, nowSeconds)
  }

  /** Remembers the time at which a payment began or ended. */
  #note(nowSeconds: number): number {
    const now = this.#later(nowSeconds)
    this.#latestSeconds = now
    this.#recent = this.#recent.filter(({ endedAtSeconds }) => endedAtSeconds > now - daySeconds)
    return now
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
