import { randomBytes } from 'node:crypto'
import { closeSync, linkSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { findFile, realFolder } from './found-file.ts'
import { patiently } from './patience.ts'
import { applicationId, hasOwnSchema, migrate, newestVersion } from './schema.ts'
import { isSound } from './soundness.ts'
import { damaged, isDamage, isNotSqlite, journalError } from './sqlite-errors.ts'
import { syncFolder } from './sync-folder.ts'
import { unusable } from './unusable.ts'

export type OpenedFile = {
  readonly db: DatabaseSync
  readonly isSame: IsSame
}

/**
 * Whether the names in the folder still lead to the files that are open.
 *
 * @param now - Whether they are looked at now. Else a look of the last 20 ms will do.
 */
export type IsSame = (now: boolean) => boolean

const maxLookAgeMs = 20

/**
 * Opens the file of a journal, makes it where there is none, and brings it to the newest version.
 *
 * What is wrong with a file is said, and nothing is mended: a journal that was reset would pay again
 * what was paid.
 *
 * @param path - Absolute.
 * @throws {L402Error} JOURNAL_UNUSABLE for a file that is not ours, damaged, without its log, open to
 *   other users or of a newer version; STORE_UNAVAILABLE where it cannot be read and written now.
 */
export async function openFile(path: string): Promise<OpenedFile> {
  let db: DatabaseSync | undefined
  try {
    const file = realFolder(path)
    while (!(await findFile(file))) create(file)
    await checkOwn(file)
    const isChecked = hasLog(file)
    if (isChecked) await checkWithLog(file)
    // `mode=rw`: a file that was deleted since is not made anew here.
    db = new DatabaseSync(`${pathToFileURL(file).href}?mode=rw`, settings)
    await prepare(db)
    if (!isChecked) await patiently(() => checkWhole(db!))
    return { db, isSame: watch(file) }
  } catch (error) {
    if (db?.isOpen === true) db.close()
    throw journalError(error)
  }
}

const settings = { timeout: 0, allowExtension: false } as const

async function prepare(db: DatabaseSync): Promise<void> {
  await setUp(db)
  await patiently(() => checkVersion(db))
  // A copy that was made with SQLite's own tools has no log yet.
  await patiently(() => db.exec('PRAGMA journal_mode = WAL'))
  if (pragma(db, 'user_version') < newestVersion) await patiently(() => upgrade(db))
}

/**
 * Checks a file that was not closed, or is open elsewhere. Whoever closes it last writes its log into
 * it and deletes the log, unless it was opened to be read: what is damaged must stay as it is.
 */
async function checkWithLog(file: string): Promise<void> {
  const db = new DatabaseSync(file, { ...settings, readOnly: true })
  try {
    await setUp(db)
    await patiently(() => checkVersion(db))
    if (pragma(db, 'user_version') === newestVersion) await patiently(() => checkWhole(db))
  } finally {
    db.close()
  }
}

async function setUp(db: DatabaseSync): Promise<void> {
  // Even these look at the file, and the first look may have to bring the log of a process that died
  // back into use. `fullfsync`: macOS flushes to the disk itself only when it is told to.
  await patiently(() =>
    db.exec(`
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -16000;
      PRAGMA fullfsync = ON;
    `),
  )
}

function checkWhole(db: DatabaseSync): void {
  if (!hasOwnSchema(db) || !isSound(db)) throw damaged()
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}

/**
 * Looks at the first page, and at nothing beside it: to open a file in the usual way may change it,
 * and this one may be somebody else's. Unlike a look with `node:fs`, it lets go of no lock that this
 * process has on the file.
 */
async function checkOwn(file: string): Promise<void> {
  for (let look = 1; ; look++) {
    try {
      await patiently(() => lookAtOwn(file))
      return
    } catch (error) {
      // A process that died while it brought its log into the file leaves a file that makes sense only
      // together with that log: the next look has both.
      if (isDamage(error) && !isNotSqlite(error) && hasLog(file)) return
      // Another process may be at that at this moment.
      if (!isDamage(error) || look === looksAtFile) {
        throw isNotSqlite(error) ? foreign(error) : error
      }
      await pause(looksApartMs)
    }
  }
}

const looksAtFile = 20
const looksApartMs = 50

function lookAtOwn(file: string): void {
  const db = new DatabaseSync(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true })
  try {
    if (pragma(db, 'application_id') !== applicationId) throw foreign()
  } finally {
    db.close()
  }
}

function checkVersion(db: DatabaseSync): void {
  if (pragma(db, 'application_id') !== applicationId) throw foreign()
  const version = pragma(db, 'user_version')
  if (version > newestVersion) {
    const hint = 'the journal was written by a newer Satway; update this one'
    throw unusable('newer', hint, { version, known: newestVersion })
  }
  if (version < 1) throw damaged()
}

function upgrade(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    migrate(db, pragma(db, 'user_version'))
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Makes the file under another name first: a crash leaves a whole journal or none. */
function create(file: string): void {
  const draft = `${file}.new-${randomBytes(6).toString('hex')}`
  try {
    closeSync(openSync(draft, 'wx', 0o600))
    const db = new DatabaseSync(draft)
    try {
      db.exec('BEGIN')
      migrate(db, 0)
      db.exec('COMMIT; PRAGMA journal_mode = WAL')
    } finally {
      db.close()
    }
    publish(draft, file)
  } finally {
    // What cannot be cleared away does no harm, and is not the news.
    for (const part of ['', '-journal', '-wal', '-shm']) quietly(() => rmSync(draft + part))
  }
  syncFolder(dirname(file))
}

/** Unlike a rename, a link never replaces the file that another process made meanwhile. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * The log and its index count as well: a process that opens the journal without them would know
 * nothing of what is in these.
 */
function watch(file: string): IsSame {
  const files = [file, `${file}-wal`, `${file}-shm`]
  const before = files.map(identityOf)
  let lookedAtMs = Number.NEGATIVE_INFINITY
  return (now) => {
    const nowMs = performance.now()
    if (!now && nowMs - lookedAtMs < maxLookAgeMs) return true
    const isSame = files.every((one, i) => identityOf(one) === before[i])
    lookedAtMs = isSame ? nowMs : Number.NEGATIVE_INFINITY
    return isSame
  }
}

function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {}
}

function foreign(cause?: unknown): Error {
  const hint =
    'the file is damaged, or not a journal of Satway; it is left as it is: name another one'
  return unusable('foreign', hint, {}, cause)
}
