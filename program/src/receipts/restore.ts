import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { thousands } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, requireOperator, withJournal } from '../desk/index.ts'
import { nothingBought } from '../tokens/index.ts'

/** Runs `satway receipts restore`. */
export async function runReceiptsRestore(_given: Given, desk: Desk = openDesk()): Promise<number> {
  // It ends what `verify` complains about, which is for the operator to have seen.
  requireOperator(desk, 'write the receipts anew')
  return await withJournal(desk, nothingBought, async ({ receipts }) => {
    try {
      await receipts.restore()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new Failure(`${receipts.path} is there, and is not overwritten.`, {
        advice: 'Look at it, move it away and keep it. Then run this again.',
      })
    }
    const [last] = await receipts.list({ limit: 1 })
    const lines = thousands(`${last?.seq ?? 0}`)
    desk.screen.write(`Written: ${receipts.path}, ${lines} lines.\n`)
    desk.notes.write('Whether all is in order now: satway receipts verify\n')
    return exitCodes.ok
  })
}
