import { isL402Error } from '../errors.ts'
import { systemCode, unavailable, unusable } from './unusable.ts'

const primary = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

const restore =
  'it is left as it is: put a copy back, or move it away and reconcile with the wallet before anything is paid'

/** Whether somebody else holds the lock: the same again, later, may succeed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === primary.busy || code === primary.locked
}

/** Whether SQLite found the file to be damaged. It may also be a look at a file that is being written. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === primary.corrupt || code === primary.notADatabase || code === primary.error
}

/** Whether the file is none of SQLite's at all. */
export function isNotSqlite(error: unknown): boolean {
  return sqliteCode(error) === primary.notADatabase
}

/** The journal cannot be trusted any more. */
export function damaged(cause?: unknown): Error {
  return unusable('damaged', `the journal is damaged; ${restore}`, {}, cause)
}

/**
 * What an error of SQLite or of the file system means for whoever uses the journal: JOURNAL_UNUSABLE
 * for a damaged file, STORE_UNAVAILABLE for what may pass. Any other error stays what it is.
 */
export function journalError(error: unknown): unknown {
  if (isL402Error(error)) return error
  const code = sqliteCode(error)
  if (code === undefined) return fileError(error)
  if (isDamage(error)) return damaged(error)
  if (isBusy(error)) {
    const hint = 'another program holds the lock of the journal; end it, or try again later'
    return unavailable('locked', hint, {}, error)
  }
  if (code === primary.full) return diskFull(error)
  if (code === primary.readOnly) return readOnly(error)
  if (code === primary.cannotOpen) {
    const hint = 'the journal cannot be opened; look at its folder, and at how many files are open'
    return unavailable('cannot-open', hint, {}, error)
  }
  if (code === primary.ioError) {
    const hint = 'the disk cannot be read or written; look at its space, its quota and its health'
    return unavailable('input-output', hint, {}, error)
  }
  return unavailable('sqlite', 'the journal refused the work', { code }, error)
}

function fileError(error: unknown): unknown {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return diskFull(error)
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return readOnly(error)
  if (!/^E[A-Z0-9]+$/.test(code)) return error
  return unavailable('file', 'the file or folder of the journal cannot be used', { code }, error)
}

function diskFull(cause: unknown): Error {
  return unavailable('disk-full', 'the disk is full; make room', {}, cause)
}

function readOnly(cause: unknown): Error {
  return unavailable(
    'read-only',
    'the file or folder of the journal cannot be written; look at who owns it, and whether the disk is read-only',
    {},
    cause,
  )
}

/** The primary result code: SQLite's extended codes carry it in their lowest byte. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
