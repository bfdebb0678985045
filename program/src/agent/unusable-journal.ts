import type { Journal } from 'satway/journal'

/**
 * What stands in for a journal that cannot be used: nothing can be written, and therefore nothing is
 * paid. No token is known either. What is free goes on.
 *
 * @param error - Why. Every use rejects with it.
 * @spec agent.md R-AGT-14
 */
export function unusableJournal(
  error: unknown,
  places: { readonly path: string; readonly receiptsPath: string },
): Journal {
  const reject = async (): Promise<never> => {
    throw error
  }
  return {
    path: places.path,
    keyPlace: 'none: the journal cannot be used',
    ledger: {
      begin: reject,
      send: reject,
      record: reject,
      noteTokenStored: reject,
      abandon: reject,
      find: reject,
      unfinished: reject,
      list: reject,
      limitReached: reject,
      spending: reject,
      paidBefore: reject,
      summary: reject,
      named: reject,
    },
    tokens: {
      put: reject,
      mark: reject,
      find: reject,
      // Before every request: with none the request goes out bare, as that of a new spender.
      usable: async () => [],
      countOwed: reject,
      list: reject,
      latest: reject,
      named: reject,
    },
    receipts: {
      path: places.receiptsPath,
      note: reject,
      list: reject,
      verify: reject,
      exportCsv: reject,
      restore: reject,
    },
    approvals: { ask: reject, decide: reject, find: reject, list: reject },
    close: async () => undefined,
  }
}
