import { encodeHex } from '../../bytes/index.ts'
import type { InvoiceFields, PaymentHash } from '../../invoice/index.ts'
import { expiresAtSeconds } from '../../invoice/index.ts'
import type { InvoiceStatus, Settlement } from '../index.ts'
import { unavailable } from './unavailable.ts'

type FeedOptions = {
  readonly kind: string
  readonly lookUp: (hash: PaymentHash, signal: AbortSignal) => Promise<InvoiceStatus>
  readonly follow:
    | ((signal: AbortSignal, opened: () => void) => AsyncIterable<Settlement>)
    | undefined
  readonly pollMs: number
  /** Whether `settledAtSeconds` of a look-up is when it settled, and not when it was asked. */
  readonly tellsTime: boolean
  readonly now: () => number
}

/** An invoice that may still be paid. */
type Waiting = {
  readonly hash: PaymentHash
  readonly untilSeconds: number
  /** When it was asked about last, or came: on the clock that never jumps, in ms. */
  askedMs: number
  everyMs: number
}

/** What is kept for whoever read a stream that broke, until he reads the next one. */
type Gap = {
  readonly signal: AbortSignal
  /** By payment hash in hex. */
  readonly missed: Map<string, Settlement>
}

/** How long after its expiry an invoice is asked about: a payment may be held, or be on its way. */
const graceSeconds = 3600
/** Of an invoice of which only the hash is known. */
const unknownExpirySeconds = 86_400
const maxEveryMs = 30_000
/** The most that are asked about in one round, so that many that wait do not flood the wallet. */
const maxAsksARound = 20
/** The most that are remembered; the oldest go first. */
const maxWaiting = 10_000
const maxTold = 10_000
/** Of readers who do not come back, the oldest are given up. */
const maxGaps = 16
/** How long what the wallet tells first is held back, so that what settled before it is told before it. */
const maxHoldMs = 250
/** How long the end of a stream waits for answers about what waits. */
const maxFarewellMs = 2000

/**
 * The settlements of one wallet, as streams.
 *
 * A stream listens to what the wallet tells. Until that stands, and where the wallet tells nothing,
 * the invoices that were made or asked about here are looked up. Nothing is told twice.
 */
export class SettlementFeed {
  readonly #options: FeedOptions
  /** By payment hash in hex, oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  /** Everyone who reads. */
  readonly #readers = new Set<Reader>()
  /** Of streams that broke and were not followed by another yet, oldest first. */
  #gaps: readonly Gap[] = []

  constructor(options: FeedOptions) {
    this.#options = options
  }

  watch(invoice: InvoiceFields): void {
    // It was made just now: a wallet whose clock is behind ours would have it end at once.
    const endSeconds = this.#options.now() + invoice.expirySeconds
    this.#add(invoice.paymentHash, Math.max(expiresAtSeconds(invoice), endSeconds) + graceSeconds)
  }

  watchHash(hash: PaymentHash): void {
    if (this.#waiting.has(encodeHex(hash))) return
    this.#add(hash, this.#options.now() + unknownExpirySeconds)
  }

  /** @spec lightning.md R-LN-5, R-LN-6 */
  read(signal: AbortSignal): AsyncIterableIterator<Settlement> {
    const { now, tellsTime } = this.#options
    // After a stream that broke, what settled meanwhile is news: its reader was not told.
    const gap = signal.aborted ? undefined : this.#takeGap(signal)
    const older = new Set(gap === undefined ? this.#waiting.keys() : [])
    const reader = new Reader({ sinceSeconds: now(), older, tellsTime }, () => {
      stop.abort()
      this.#readers.delete(reader)
      signal.removeEventListener('abort', onAbort)
    })
    const stop = new AbortController()
    const onAbort = (): void => reader.end()
    if (signal.aborted) {
      reader.end()
      return reader
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#readers.add(reader)
    for (const settlement of gap?.missed.values() ?? []) reader.tell(settlement)
    this.#run(reader, { signal: stop.signal, broke: () => this.#openGap(signal) })
    return reader
  }

  /** The gap of this reader, whom his signal names; else the oldest: he may bring a new signal each time. */
  #takeGap(signal: AbortSignal): Gap | undefined {
    const gap = this.#gaps.find((one) => one.signal === signal) ?? this.#gaps[0]
    this.#gaps = this.#gaps.filter((one) => one !== gap)
    return gap
  }

  #openGap(signal: AbortSignal): void {
    const live = this.#gaps.filter((one) => !one.signal.aborted)
    this.#gaps = [...live, { signal, missed: new Map() }].slice(-maxGaps)
  }

  /** Keeps a settlement for the readers whose streams are broken. */
  #keep(settlement: Settlement): void {
    for (const { missed } of this.#gaps) {
      missed.set(encodeHex(settlement.paymentHash), settlement)
      if (missed.size <= maxTold) continue
      const [oldest] = missed.keys()
      missed.delete(oldest!)
    }
  }

  #add(hash: PaymentHash, untilSeconds: number): void {
    const { pollMs } = this.#options
    const askedMs = performance.now()
    this.#waiting.set(encodeHex(hash), { hash, untilSeconds, askedMs, everyMs: pollMs })
    if (this.#waiting.size <= maxWaiting) return
    const [oldest] = this.#waiting.keys()
    this.#waiting.delete(oldest!)
  }

  #run(
    reader: Reader,
    { signal, broke }: { readonly signal: AbortSignal; readonly broke: () => void },
  ): void {
    const stands = new AbortController()
    const breakDown = (error: unknown): void => {
      if (signal.aborted) return
      broke()
      reader.fail(error)
    }
    const caughtUp = this.#ask(signal, stands.signal)
    caughtUp.catch(breakDown)
    this.#listen(reader, signal, stands, caughtUp).catch(async (error: unknown) => {
      // Where it breaks at once each time, what waits would never be asked about.
      const asked = this.#askAbout(this.#due(this.#waiting.values()), signal)
      await Promise.race([asked.catch(() => undefined), pause(maxFarewellMs, signal)])
      breakDown(error)
    })
  }

  async #listen(
    reader: Reader,
    signal: AbortSignal,
    stands: AbortController,
    caughtUp: Promise<void>,
  ): Promise<void> {
    const { follow, kind } = this.#options
    if (follow === undefined) return
    let isHeld = true
    for await (const settlement of follow(signal, () => stands.abort())) {
      // What settled before this stood is told first, unless it takes too long to find out.
      if (isHeld && stands.signal.aborted) {
        await Promise.race([caughtUp.catch(() => undefined), pause(maxHoldMs, signal)])
        isHeld = false
      }
      reader.tell(settlement)
      this.#keep(settlement)
      // Nobody asks about it any more: who does not listen yet is told here.
      const wasWaiting = this.#waiting.delete(encodeHex(settlement.paymentHash))
      if (wasWaiting) for (const each of this.#readers) each.tellFound(settlement)
      if (signal.aborted) return
    }
    if (!signal.aborted) throw unavailable(kind, 'the stream of settlements broke')
  }

  /** Asks about what waits, until the wallet itself tells. */
  async #ask(signal: AbortSignal, stands: AbortSignal): Promise<void> {
    const { pollMs, tellsTime } = this.#options
    // Where nobody tells when it was, it has to be seen open first, so that it is news later.
    if (!tellsTime) {
      for (const one of this.#waiting.values()) one.askedMs = performance.now() - one.everyMs
    }
    let isFirst = !tellsTime
    while (!signal.aborted && !stands.aborted) {
      await pause(isFirst ? 0 : pollMs, AbortSignal.any([signal, stands]))
      isFirst = false
      if (!stands.aborted) await this.#askAbout(this.#due(this.#waiting.values()), signal)
    }
    // Once more after it stands: what settled just before was told to nobody.
    let left = await this.#askAbout(byUrgency(this.#waiting.values()), signal)
    while (!signal.aborted && left.size > 0) {
      await pause(pollMs, signal)
      const due = this.#due(left)
      const failed = await this.#askAbout(due, signal)
      left = new Set([...left].filter((one) => !due.includes(one) || failed.has(one)))
    }
  }

  #due(those: Iterable<Waiting>): readonly Waiting[] {
    const nowMs = performance.now()
    return byUrgency(those)
      .filter(({ askedMs, everyMs }) => nowMs - askedMs >= everyMs)
      .slice(0, maxAsksARound)
  }

  /**
   * @returns those that the wallet did not tell about: they are asked about again, and still wait.
   * @throws NODE_UNAVAILABLE where it tells about none. That it cannot tell about a single one, while it
   *   tells about others, is no reason to lose all.
   */
  async #askAbout(those: readonly Waiting[], signal: AbortSignal): Promise<ReadonlySet<Waiting>> {
    const { lookUp, now } = this.#options
    const failed = new Set<Waiting>()
    let answers = 0
    let failures = 0
    for (const one of those) {
      if (signal.aborted) break
      one.askedMs = performance.now()
      one.everyMs = Math.min(one.everyMs * 2, maxEveryMs)
      const mayStillBePaid = now() < one.untilSeconds
      try {
        const found = await lookUp(one.hash, signal)
        answers++
        this.#tellFound(one.hash, found)
        const isOver = found.status !== 'open' || !mayStillBePaid
        if (isOver) this.#waiting.delete(encodeHex(one.hash))
      } catch (error) {
        failures++
        if (mayStillBePaid) failed.add(one)
        else this.#waiting.delete(encodeHex(one.hash))
        if (failures > answers + 1 || (answers === 0 && one === those.at(-1))) throw error
      }
    }
    return failed
  }

  #tellFound(paymentHash: PaymentHash, found: InvoiceStatus): void {
    if (found.status !== 'settled') {
      for (const each of this.#readers) each.sawUnsettled(paymentHash)
      return
    }
    const { amountMsat, settledAtSeconds } = found
    const settlement = { paymentHash, amountMsat, settledAtSeconds }
    for (const each of this.#readers) each.tellFound(settlement)
    this.#keep(settlement)
  }
}

/** Those first whose turn is due for the longest, by their own measure: what is new is soon asked about. */
function byUrgency(those: Iterable<Waiting>): readonly Waiting[] {
  const nowMs = performance.now()
  const urgency = ({ askedMs, everyMs }: Waiting): number => (nowMs - askedMs) / everyMs
  return [...those].sort((a, b) => urgency(b) - urgency(a))
}

/** One stream. */
class Reader implements AsyncIterableIterator<Settlement> {
  readonly #queue: Settlement[] = []
  /** Hashes that were told, oldest first: a wallet may tell twice. */
  readonly #told = new Set<string>()
  readonly #sinceSeconds: number
  /** Hashes that waited already when this reader came, and were not seen unsettled since. */
  readonly #older: Set<string>
  readonly #tellsTime: boolean
  readonly #close: () => void
  readonly #waiters = new Set<() => void>()
  #isOver = false
  #error: unknown

  constructor(
    start: {
      readonly sinceSeconds: number
      readonly older: Set<string>
      readonly tellsTime: boolean
    },
    close: () => void,
  ) {
    this.#sinceSeconds = start.sinceSeconds
    this.#older = start.older
    this.#tellsTime = start.tellsTime
    this.#close = close
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** What a look-up found: it may have settled before this reader came, and is then no news. */
  tellFound(settlement: Settlement): void {
    const isOld = this.#older.has(encodeHex(settlement.paymentHash))
    const isNews = this.#tellsTime && settlement.settledAtSeconds > this.#sinceSeconds
    if (!isOld || isNews) this.tell(settlement)
  }

  /** Whatever settles after this is news. */
  sawUnsettled(hash: PaymentHash): void {
    this.#older.delete(encodeHex(hash))
  }

  tell(settlement: Settlement): void {
    const hash = encodeHex(settlement.paymentHash)
    if (this.#isOver || this.#told.has(hash)) return
    this.#told.add(hash)
    if (this.#told.size > maxTold) {
      const [oldest] = this.#told
      this.#told.delete(oldest!)
    }
    this.#queue.push(settlement)
    this.#wake()
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#error = error
    this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#close()
    this.#wake()
  }

  async next(): Promise<IteratorResult<Settlement>> {
    for (;;) {
      const settlement = this.#isOver && this.#error === undefined ? undefined : this.#queue.shift()
      if (settlement !== undefined) return { done: false, value: settlement }
      if (this.#isOver) return this.#finish()
      await new Promise<void>((resolve) => this.#waiters.add(resolve))
    }
  }

  async return(): Promise<IteratorResult<Settlement>> {
    this.end()
    return { done: true, value: undefined }
  }

  #wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const look of waiters) look()
  }

  #finish(): IteratorResult<Settlement> {
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }
}

/** Ends at once when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms === 0) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    // Whoever only listens must not keep a program running that has nothing else to do.
    timer.unref()
    signal.addEventListener('abort', done)
  })
}
