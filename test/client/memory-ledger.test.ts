import { expect, test } from 'vitest'
import { createMemoryLedger } from '../../library/src/client/index.ts'
import { describeLedger, hashOf } from './ledger-contract.ts'

describeLedger('in memory', createMemoryLedger)

test('R-PAY-26 a clock that gives no number lets nothing begin', async () => {
  const ledger = createMemoryLedger()
  await expect(ledger.spending(Number.NaN)).rejects.toThrow(RangeError)
  await expect(ledger.record(hashOf(1), { state: 'unknown' }, 1, 1)).rejects.toThrow(RangeError)
})
