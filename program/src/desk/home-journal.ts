import { existsSync } from 'node:fs'
import type { Journal } from 'satway/journal'
import { homeOf } from '../agent/index.ts'
import type { Desk } from './desk.ts'

/**
 * Opens the journal of this spender for one piece of work, and closes it.
 *
 * @param without - What is given when nothing was ever bought here: looking makes no journal.
 * @throws {L402Error} JOURNAL_UNUSABLE, STORE_UNAVAILABLE.
 */
export async function withJournal<Result>(
  desk: Desk,
  without: () => Result | Promise<Result>,
  use: (journal: Journal) => Promise<Result>,
): Promise<Result> {
  const home = homeOf(undefined, desk.environment)
  if (!existsSync(home.journalFile)) return await without()
  const { openJournal } = await import('satway/journal')
  const journal = await openJournal({ path: home.journalFile, receiptsPath: home.receiptsFile })
  try {
    return await use(journal)
  } finally {
    await journal.close()
  }
}
