import { encodeHex } from '../../bytes/index.ts'
import type { Invoice, PaymentHash } from '../../invoice/index.ts'
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
  /** On the clock that never jumps, in ms. */
  nextAskMs: number
  everyMs: number
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
/** How long what the wallet tells first is held back, so that what settled before it is told before it. */
const maxHoldMs = 250

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
  /** Whether the last stream broke, and none was read since. */
  #isBroken = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  watch(invoice: Invoice): void {
    this.#add(invoice.paymentHash, expiresAtSeconds(invoice) + graceSeconds)
  }

  watchHash(hash: PaymentHash): void {
    if (this.#waiting.has(encodeHex(hash))) return
    this.#add(hash, this.#options.now() + unknownExpirySeconds)
  }

  /** @spec lightning.md R-LN-5, R-LN-6 */
  read(signal: AbortSignal): AsyncIterableIterator<Settlement> {
    // After a stream that broke, what settled meanwhile is news: nobody was told.
    const older = new Set(this.#isBroken ? [] : this.#waiting.keys())
    this.#isBroken = false
    const { now, tellsTime } = this.#options
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
    this.#run(reader, stop.signal)
    return reader
  }

  #add(hash: PaymentHash, untilSeconds: number): void {
    const { pollMs } = this.#options
    const nextAskMs = performance.now() + pollMs
    this.#waiting.set(encodeHex(hash), { hash, untilSeconds, nextAskMs, everyMs: pollMs })
    if (this.#waiting.size <= maxWaiting) return
    const [oldest] = this.#waiting.keys()
    this.#waiting.delete(oldest!)
  }

  #run(reader: Reader, signal: AbortSignal): void {
    const stands = new AbortController()
    const breakDown = (error: unknown): void => {
      if (signal.aborted) return
      this.#isBroken = true
      reader.fail(error)
    }
    const caughtUp = this.#ask(signal, stands.signal)
    caughtUp.catch(breakDown)
    this.#listen(reader, signal, stands, caughtUp).catch(breakDown)
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
      this.#waiting.delete(encodeHex(settlement.paymentHash))
      reader.tell(settlement)
      if (signal.aborted) return
    }
    if (!signal.aborted) throw unavailable(kind, 'the stream of settlements broke')
  }

  /** Asks about what waits, until the wallet itself tells. */
  async #ask(signal: AbortSignal, stands: AbortSignal): Promise<void> {
    const { pollMs, lookUp, now, tellsTime } = this.#options
    // Where nobody tells when it was, it has to be seen open first, so that it is news later.
    if (!tellsTime) for (const one of this.#waiting.values()) one.nextAskMs = 0
    let isFirst = !tellsTime
    // Once more after it stands: what settled just before was told to nobody.
    let isLast = false
    while (!signal.aborted && !isLast) {
      await pause(isFirst ? 0 : pollMs, AbortSignal.any([signal, stands]))
      isFirst = false
      isLast = stands.aborted
      const nowMs = performance.now()
      const due = [...this.#waiting.values()].filter((one) => isLast || one.nextAskMs <= nowMs)
      for (const one of isLast ? due : due.slice(0, maxAsksARound)) {
        if (signal.aborted) return
        const found = await lookUp(one.hash, signal)
        one.everyMs = Math.min(one.everyMs * 2, maxEveryMs)
        one.nextAskMs = performance.now() + one.everyMs
        if (found.status === 'settled') {
          const { amountMsat, settledAtSeconds } = found
          const settlement = { paymentHash: one.hash, amountMsat, settledAtSeconds }
          for (const each of this.#readers) each.tellFound(settlement)
        } else {
          for (const each of this.#readers) each.sawUnsettled(one.hash)
        }
        const isOver = found.status !== 'open' || now() >= one.untilSeconds
        if (isOver) this.#waiting.delete(encodeHex(one.hash))
      }
    }
  }
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
