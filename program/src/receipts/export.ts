import { writeFileSync } from 'node:fs'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, withJournal } from '../desk/index.ts'
import { nothingBought } from '../tokens/index.ts'

/** Runs `satway receipts export`. */
export async function runReceiptsExport(given: Given, desk: Desk = openDesk()): Promise<number> {
  const csv = await withJournal(desk, nothingBought, async (journal) => {
    return await journal.receipts.exportCsv()
  })
  const file = given.text('output')
  if (file === undefined || file === '-') {
    desk.screen.write(csv)
    return exitCodes.ok
  }
  try {
    writeFileSync(file, csv, { mode: 0o600 })
  } catch (error) {
    throw new Failure(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`)
  }
  desk.notes.write(`Written to ${file}.\n`)
  return exitCodes.ok
}
