import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { applicationId, expectedSchema, migrate, newestVersion, schemaOf } from './schema.ts'
import { isSound } from './soundness.ts'
import { isBusy, isDamage } from './sqlite-errors.ts'
import { StateFileError } from './state-file-error.ts'
import { transact } from './transact.ts'

/** How long a statement waits for another process, in ms. Transactions take a few at most. */
export const patienceMs = 2000
/** A file up to this size is read through when it is opened. */
const maxCheckedBytes = 8 * 1024 * 1024

/**
 * Opens a state file, makes it where there is none, and brings it to the newest version.
 *
 * What is wrong with a file is said, and nothing is mended: a file that was reset would let
 * everything work again that was used up.
 *
 * @param file - Absolute.
 * @throws {StateFileError} for a file that is not ours, damaged, without its log, or of a newer
 *   version, and where it cannot be read and written.
 * @spec gateway.md R-STATE-2 to R-STATE-5
 */
export function openFile(file: string): DatabaseSync {
  if (!isThere(file)) create(file)
  let database: DatabaseSync | undefined
  try {
    // The umask may have been wider when it was copied here. SQLite gives its log the same mode.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    database = connect(file, patienceMs)
    check(database, file)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof StateFileError) throw error
    if (isDamage(error)) throw damaged(file, error)
    throw new StateFileError(file, `cannot be opened: ${reasonOf(error)}.`, error)
  }
}

/**
 * One connection to a file that {@link openFile} has seen.
 *
 * `synchronous = NORMAL`: a commit is written to the log and not awaited on the disk. What was
 * committed survives the end of the process in any form, because the pages are the operating
 * system's by then. Only a power cut may lose the last commits (never the file); `FULL` would
 * close that gap for one flush of the disk a commit, thirty times slower. The log is flushed once a
 * second beside the requests instead (see disk-flush.ts).
 */
export function connect(file: string, timeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(file, {
    timeout: timeoutMs,
    enableForeignKeyConstraints: true,
    allowExtension: false,
  })
  try {
    database.exec(`
      PRAGMA synchronous = NORMAL;
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
      PRAGMA cache_size = -8000;
    `)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Looks at names and sizes only. A file that SQLite has open in this process must not be opened
 * beside it: closing the second handle would drop the locks of the first (POSIX).
 */
function isThere(file: string): boolean {
  const log = `${file}-wal`
  if (!existsSync(file)) {
    if (!existsSync(log)) return false
    throw new StateFileError(file, `is missing, but its log ${log} is there. Put it back.`)
  }
  const stats = statSync(file)
  if (!stats.isFile()) throw new StateFileError(file, 'is not a file.')
  if (stats.size === 0) {
    throw new StateFileError(
      file,
      'is empty, and a state file never is. Put a copy back, or delete it to start anew.',
    )
  }
  if (isLogMissing(file)) {
    throw new StateFileError(
      file,
      `was not closed, and its log ${log} is missing: what was counted last would be lost. Put it back, or delete ${file}-shm to go on without it.`,
    )
  }
  return true
}

/** SQLite makes the log before its index (`-shm`), and deletes the index before the log. */
function isLogMissing(file: string): boolean {
  const looks = 3
  for (let look = 0; look < looks; look++) {
    if (!existsSync(`${file}-shm`) || existsSync(`${file}-wal`)) return false
    // Another process may be opening or closing it between the two looks.
    sleep(20)
  }
  return true
}

/** Makes the file under another name first: a crash leaves a whole state file or none. */
function create(file: string): void {
  const draft = `${file}.new-${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    closeSync(openSync(draft, 'wx', 0o600))
    const database = new DatabaseSync(draft)
    try {
      transact(database, () => migrate(database, 0))
      database.exec('PRAGMA journal_mode = WAL')
    } finally {
      database.close()
    }
    publish(draft, file)
  } catch (error) {
    throw new StateFileError(file, `cannot be made: ${reasonOf(error)}.`, error)
  } finally {
    clear(draft)
  }
}

/** Unlike a rename, a link never replaces the file that another process made meanwhile. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** What cannot be cleared away does no harm, and is not the news. */
function clear(draft: string): void {
  for (const part of ['', '-journal', '-wal', '-shm']) {
    try {
      rmSync(draft + part, { force: true })
    } catch {
      return
    }
  }
}

function check(database: DatabaseSync, file: string): void {
  if (pragma(database, 'application_id') !== applicationId) {
    throw new StateFileError(file, 'is not a state file of Satway. It is left as it is.')
  }
  const version = pragma(database, 'user_version')
  if (version > newestVersion) {
    throw new StateFileError(
      file,
      `was written by a newer Satway (version ${version}; this one knows ${newestVersion}). Update this one.`,
    )
  }
  if (version < 1) throw damaged(file)
  switchToLog(database)
  if (version < newestVersion) {
    transact(database, () => migrate(database, pragma(database, 'user_version')))
  }
  if (schemaOf(database) !== expectedSchema()) throw damaged(file)
  if (isSmall(database) && !isSound(database)) throw damaged(file)
}

/** A small file is read through when it is opened; a large one as it is used. */
function isSmall(database: DatabaseSync): boolean {
  return pragma(database, 'page_count') * pragma(database, 'page_size') <= maxCheckedBytes
}

/** A copy that was made with SQLite's own tools has no log yet. */
function switchToLog(database: DatabaseSync): void {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      // SQLite does not wait here by itself when several processes switch at once.
      if (!isBusy(error) || performance.now() > until) throw error
      sleep(10)
    }
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}

function damaged(file: string, cause?: unknown): StateFileError {
  return new StateFileError(
    file,
    'is damaged, or not a state file of Satway. It is left as it is: put a copy back, or move it away to start anew.',
    cause,
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}

/** Only while a gateway starts, before it serves anything. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
