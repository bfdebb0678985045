import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { realFile } from './real-file.ts'
import { isBusy } from './sqlite-errors.ts'
import { StateFileError } from './state-file-error.ts'

/**
 * Takes a state file for one gateway, for as long as this process lives. The workers of that
 * gateway open the file without it.
 *
 * The lock is an open transaction on `<file>.lock`, an empty SQLite file of its own. So it belongs
 * to the operating system and not to what stands in a file: it is free the moment its process is
 * gone, also by `kill -9`, and there is nothing to clear away.
 *
 * @param file - The state file, absolute. It need not exist.
 * @throws {StateFileError} when another gateway holds it, or the lock file cannot be made.
 * @spec gateway.md R-STATE-1
 */
export function lockState(file: string): { release(): void } {
  let lockFile = `${file}.lock`
  let database: DatabaseSync
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    lockFile = `${realFile(file)}.lock`
    makePrivate(lockFile)
    database = new DatabaseSync(lockFile, { timeout: 0 })
  } catch (error) {
    throw new StateFileError(lockFile, 'cannot be made or opened.', error)
  }
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw new StateFileError(lockFile, 'cannot be locked.', error)
    throw new StateFileError(
      file,
      'is in use by another gateway. Stop that one, or give this one a state file of its own (state, or --state).',
    )
  }
  return {
    release: () => {
      if (database.isOpen) database.close()
    },
  }
}

/** Only where it is not there: to open and close a file that SQLite has open would drop its locks. */
function makePrivate(lockFile: string): void {
  try {
    closeSync(openSync(lockFile, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
