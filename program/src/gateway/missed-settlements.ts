import { decodeHex, paymentHash } from 'satway'
import type { Payee, Settlement } from 'satway/lightning'
import { pause } from './pause.ts'
import type { OpenSale, State } from './state/index.ts'

export type MissedOptions = {
  readonly payee: Payee
  readonly state: Pick<State, 'openSales' | 'unreportedPayments' | 'forgetSale'>
  /** Told of what was paid, perhaps once more. Must not throw. */
  readonly settled: (settlement: Settlement, sale: OpenSale) => void
  /** Told when the wallet could not be asked. Must not throw. */
  readonly failed: (error: unknown) => void
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
  /** The first wait before a wallet that could not be asked is asked again, in ms. Default 2000. */
  readonly firstDelayMs?: number
}

/** After a gap: what several processes sold just before it is in the ledger by then. */
const settlingMs = 1500
/** Questions under way at a time: many that wait must not flood the wallet. */
const maxAtOnce = 4
const longestDelayMs = 60_000

/**
 * Asks the wallet about what was sold and of whose payment nobody told: after a start about all that
 * is open in the ledger, after a stream that broke about what could be paid meanwhile. In the
 * background, a few at a time, until every question was answered.
 *
 * @spec gateway.md R-GWW-21, R-GWW-22
 */
export class MissedSettlements {
  readonly #options: Required<MissedOptions>
  readonly #closing = new AbortController()
  /** From when on there may be a gap; `undefined`: there is none. */
  #gapSince: number | undefined = 0
  #isAsking = false
  /** Changes with every gap: a pass that began before one has not seen it. */
  #gaps = 0
  /** How long the last pass took that was whole. */
  #askedForMs = 0

  constructor(options: MissedOptions) {
    this.#options = {
      now: () => Math.floor(Date.now() / 1000),
      firstDelayMs: 2000,
      ...options,
    }
  }

  /** The stream of settlements broke: what settles from now on may not be told. */
  lost(): void {
    this.#gaps++
    this.#gapSince ??= this.#options.now()
  }

  /** The stream of settlements stands: what settled before is asked about. */
  ask(): void {
    if (this.#isAsking || this.#gapSince === undefined || this.#closing.signal.aborted) return
    this.#isAsking = true
    this.#askUntilDone().catch(() => undefined) // closed
  }

  close(): void {
    this.#closing.abort()
  }

  async #askUntilDone(): Promise<void> {
    let delayMs = this.#options.firstDelayMs
    try {
      // Whoever told that the stream stands is at work on it.
      await Promise.resolve()
      if (this.#gaps > 0) await pause(this.#restMs(), this.#closing.signal)
      let pass = new Pass(this.#gaps)
      while (this.#gapSince !== undefined) {
        if (pass.gaps !== this.#gaps) pass = new Pass(this.#gaps)
        if (await this.#run(pass, this.#gapSince)) {
          if (pass.gaps === this.#gaps) this.#gapSince = undefined
          delayMs = this.#options.firstDelayMs
        } else {
          await pause(delayMs, this.#closing.signal)
          delayMs = Math.min(delayMs * 2, longestDelayMs)
        }
      }
    } finally {
      this.#isAsking = false
    }
  }

  /** A wallet that comes and goes is not asked about everything all the time: a tenth of it. */
  #restMs(): number {
    return Math.min(Math.max(settlingMs, this.#askedForMs * 9), longestDelayMs)
  }

  /** @returns whether every question was answered. */
  async #run(pass: Pass, sinceSeconds: number): Promise<boolean> {
    const { state } = this.#options
    const beganMs = performance.now()
    const unreported = sinceSeconds === 0 ? state.unreportedPayments() : []
    const questions = pass.questions([...state.openSales(sinceSeconds), ...unreported])
    let failuresInARow = 0
    let isWhole = true
    const work = async (): Promise<void> => {
      for (let sale = questions.shift(); sale !== undefined; sale = questions.shift()) {
        if (this.#closing.signal.aborted) throw this.#closing.signal.reason
        const isAnswered = await this.#askAbout(sale)
        pass.note(sale, isAnswered)
        failuresInARow = isAnswered ? 0 : failuresInARow + 1
        if (!isAnswered) isWhole = false
        // The others would find the same.
        if (failuresInARow >= maxAtOnce) questions.length = 0
      }
    }
    await Promise.all(Array.from({ length: maxAtOnce }, work))
    // What an outage took says nothing.
    if (isWhole) this.#askedForMs = performance.now() - beganMs
    return isWhole
  }

  /** @returns whether the wallet answered. */
  async #askAbout(sale: OpenSale): Promise<boolean> {
    const { payee, state, settled, failed } = this.#options
    const hash = paymentHash(decodeHex(sale.paymentHash))
    try {
      const found = await payee.lookupInvoice(hash, this.#closing.signal)
      if (found.status === 'settled') {
        const { amountMsat, settledAtSeconds } = found
        settled({ paymentHash: hash, amountMsat, settledAtSeconds }, sale)
      }
      if (found.status === 'closed') state.forgetSale(sale.paymentHash)
      return true
    } catch (error) {
      if (!this.#closing.signal.aborted) failed(error)
      return false
    }
  }
}

/** What was answered and what was not, since one gap. */
class Pass {
  readonly gaps: number
  readonly #answered = new Set<string>()
  readonly #failed = new Set<string>()

  constructor(gaps: number) {
    this.gaps = gaps
  }

  /** What is still to be asked. What the wallet could not tell comes last: it may never tell. */
  questions(sales: readonly OpenSale[]): OpenSale[] {
    const left = sales.filter(({ paymentHash: hash }) => !this.#answered.has(hash))
    const hasFailed = ({ paymentHash: hash }: OpenSale): boolean => this.#failed.has(hash)
    return [...left.filter((sale) => !hasFailed(sale)), ...left.filter(hasFailed)]
  }

  note({ paymentHash: hash }: OpenSale, isAnswered: boolean): void {
    if (isAnswered) this.#answered.add(hash)
    else this.#failed.add(hash)
  }
}
