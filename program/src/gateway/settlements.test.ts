import type { Payee } from 'satway/lightning'
import { expect, test } from 'vitest'
import type { Observer } from './operations/index.ts'
import { recordSettlements } from './settlements.ts'
import type { State } from './state/index.ts'

const nowSeconds = 1_800_000_000

test('R-GWW-20 a sale is known for an hour at least, also where the clock of the wallet is behind', async () => {
  const known: number[] = []
  const state: Partial<State> = {
    openSales: () => [],
    unreportedPayments: () => [],
    noteSale: ({ untilSeconds }) => void known.push(untilSeconds),
  }
  const payee: Partial<Payee> = {
    settlements: async function* (signal) {
      yield* []
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  }
  const record = recordSettlements({
    payee: payee as Payee,
    state: state as State,
    observer: {} as Observer,
    isAlone: true,
    now: () => nowSeconds,
  })
  const sold = { service: 'shop', capability: 'tea' }
  record.remember('00'.repeat(32), sold, nowSeconds + 600)
  // Three hours behind: its invoice has ended before it was made.
  record.remember('11'.repeat(32), sold, nowSeconds - 3 * 3600 + 600)
  expect(known).toEqual([nowSeconds + 4200, nowSeconds + 3600])
  await record.close()
})
