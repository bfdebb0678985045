import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Database } from '../../library/src/journal/database.ts'
import { openDatabase } from '../../library/src/journal/database.ts'

/** A folder of its own, removed by `remove`. */
export function scratchFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'satway-journal-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export type ScratchDatabase = Database & {
  /** A connection beside it, for looking into the tables and for harming them. */
  readonly raw: DatabaseSync
}

/** The database of a journal, at `journal.db` in the folder. */
export async function scratchDatabase(folder: string): Promise<ScratchDatabase> {
  const file = join(folder, 'journal.db')
  const database = await openDatabase(file)
  const raw = new DatabaseSync(file, { timeout: 20_000 })
  return {
    ...database,
    raw,
    async close() {
      raw.close()
      await database.close()
    },
  }
}
