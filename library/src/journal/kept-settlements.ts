import type { Ledger, PaymentEntry } from '../client/index.ts'
import { isL402Error } from '../errors.ts'
import type { Salvage, Settlement } from './salvage.ts'
import { unusable } from './unusable.ts'

/** A ledger that throws no settlement away, and how its work is ended. */
export type KeptSettlements = {
  readonly ledger: Ledger
  /**
   * Writes down what earlier processes had to leave in files. What cannot be written at the moment
   * is kept.
   *
   * @throws {L402Error} JOURNAL_UNUSABLE for a settlement of a payment that the journal does not know.
   */
  restore(): Promise<void>
  /** Tries once more. What still cannot be written is in a file then, for whoever opens it next. */
  close(): Promise<void>
}

type Kept = { readonly settlement: Settlement; file: string | undefined }

const retryMs = 1000
/** More than a process can have under way. What is beyond is in a file, and not in memory. */
const maxKept = 10_000

/**
 * Keeps a settlement that cannot be written down: in memory, where it is tried again every second,
 * and at once in a file beside the journal, which the next opening applies. The money is gone, and
 * the preimage is all that there is for it: a wallet may not be able to tell it again.
 *
 * What is kept here is read as settled meanwhile.
 *
 * @spec journal.md R-JRN-30 to R-JRN-33
 */
export function keepSettlements(ledger: Ledger, salvage: Salvage): KeptSettlements {
  const kept = new Map<string, Kept>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const write = async ({ paymentHash, news, atSeconds, attempt }: Settlement): Promise<void> => {
    await ledger.record(paymentHash, news, atSeconds, attempt)
  }

  const keep = (settlement: Settlement, knownFile?: string): void => {
    if (kept.has(settlement.paymentHash)) return
    const file = knownFile ?? salvage.write(settlement)
    if (kept.size >= maxKept) return
    kept.set(settlement.paymentHash, { settlement, file })
    later()
  }

  const later = (): void => {
    if (isClosed || timer !== undefined) return
    timer = setTimeout(() => {
      void writeKept().finally(() => {
        timer = undefined
        if (kept.size > 0) later()
      })
    }, retryMs)
    // A process that has nothing else to do may end: the files are there.
    timer.unref()
  }

  const writeKept = async (): Promise<void> => {
    await Promise.all(
      [...kept].map(async ([paymentHash, one]) => {
        try {
          await write(one.settlement)
          kept.delete(paymentHash)
          if (one.file !== undefined) salvage.remove(one.file)
        } catch {
          one.file ??= salvage.write(one.settlement)
        }
      }),
    )
  }

  const asKept = (entry: PaymentEntry): PaymentEntry => {
    const settlement = kept.get(entry.paymentHash)?.settlement
    if (settlement === undefined || entry.state === 'settled') return entry
    const { state, preimage, feeMsat } = settlement.news
    const endedAtSeconds = settlement.atSeconds
    // Nothing is in the token store yet: whoever goes on with it puts it there.
    return { ...entry, state, preimage, feeMsat, endedAtSeconds, failure: undefined }
  }

  return {
    ledger: {
      ...ledger,
      async begin(intent, limits) {
        // What was bought must be in the journal before the same thing is bought again.
        if (kept.size > 0) await writeKept()
        return await ledger.begin(intent, limits)
      },
      async record(paymentHash, news, nowSeconds, attempt) {
        try {
          await ledger.record(paymentHash, news, nowSeconds, attempt)
        } catch (error) {
          if (news.state === 'settled' && isAboutJournal(error)) {
            keep({ paymentHash, news, atSeconds: nowSeconds, attempt })
          }
          throw error
        }
      },
      async find(paymentHash) {
        const entry = await ledger.find(paymentHash)
        return entry === undefined ? undefined : asKept(entry)
      },
      unfinished: async (origin) => (await ledger.unfinished(origin)).map(asKept),
      list: async () => (await ledger.list()).map(asKept),
    },
    async restore() {
      await Promise.all(
        salvage.read().map(async ({ file, settlement }) => {
          try {
            await write(settlement)
            salvage.remove(file)
          } catch (error) {
            if (error instanceof RangeError) throw isOlder(file, error)
            keep(settlement, file)
          }
        }),
      )
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await writeKept()
    },
  }
}

/** And not about what was asked of it. */
function isAboutJournal(error: unknown): boolean {
  return isL402Error(error, 'STORE_UNAVAILABLE') || isL402Error(error, 'JOURNAL_UNUSABLE')
}

function isOlder(file: string, cause: unknown): Error {
  const hint = `${file} holds a settlement of a payment that the journal does not know: the journal is an older copy; put the newer one back, or, if that is lost, move this file away`
  return unusable('older-than-salvage', hint, {}, cause)
}
