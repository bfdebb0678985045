import type { Stats } from 'node:fs'
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode, unusable } from './unusable.ts'

/** Has neither owners nor permission bits of this kind. */
export const isWindows: boolean = process.platform === 'win32'

/**
 * Makes the folder of a file where there is none, and sees to it that nobody else can look into it.
 *
 * @returns Where the file really is: two names of one folder must not be two journals.
 * @throws {L402Error} JOURNAL_UNUSABLE when other users can look into it, or it is theirs.
 */
export function realFolder(file: string): string {
  const named = dirname(file)
  try {
    mkdirSync(named, { recursive: true, mode: 0o700 })
  } catch (error) {
    // A link to a folder, or a file in the place of one: the look below tells.
    if (systemCode(error) !== 'EEXIST') throw error
  }
  const folder = realpathSync(named)
  const stats = statSync(folder)
  if (!stats.isDirectory()) throw unusable('not-a-folder', `${folder} is not a folder`)
  checkPrivate(folder, stats, 'chmod 700')
  return join(folder, basename(file))
}

/**
 * Whether the file is there, looking at names, owners and sizes only. A file that SQLite has open in
 * this process must not be opened beside it: closing the second handle would drop the locks of the
 * first (POSIX).
 *
 * @throws {L402Error} JOURNAL_UNUSABLE for a link, a folder, an empty file, one that other users can
 *   read or write or that is theirs, and one without its log.
 */
export async function findFile(file: string): Promise<boolean> {
  const log = `${file}-wal`
  const found = look(file)
  if (found === undefined) {
    if (look(log) === undefined) return false
    // Another process may have made both between the two looks.
    if (look(file) !== undefined) return true
    throw unusable('file-missing', `${file} is gone, but its log ${log} is there; put it back`)
  }
  if (found.size === 0) {
    const hint = `${file} is empty, and a journal never is; put a copy back, or delete it to start anew`
    throw unusable('empty', hint)
  }
  look(log)
  if (await isLogMissing(file)) {
    const hint = `${file} was not closed, and its log ${log} is gone, with the last payments; put it back`
    throw unusable('log-missing', hint)
  }
  return true
}

function look(file: string): Stats | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (stats.isSymbolicLink()) {
    throw unusable('link', `${file} is a symbolic link; name the file that it leads to`)
  }
  if (!stats.isFile()) throw unusable('not-a-file', `${file} is not an ordinary file`)
  checkPrivate(file, stats, 'chmod 600')
  return stats
}

function checkPrivate(path: string, stats: Stats, command: string): void {
  if (isWindows) return
  if (stats.uid !== process.geteuid?.()) {
    throw unusable('owner', `${path} belongs to another user; run this as that user`)
  }
  if ((stats.mode & 0o077) === 0) return
  throw unusable('mode', `others can get at ${path}; run: ${command} ${path}`)
}

/** SQLite makes the log before its index (`-shm`), and deletes the index before the log. */
async function isLogMissing(file: string): Promise<boolean> {
  const looks = 3
  for (let i = 0; i < looks; i++) {
    if (look(`${file}-shm`) === undefined || look(`${file}-wal`) !== undefined) return false
    // Another process may be opening or closing it between the two looks.
    await pause(20)
  }
  return true
}
