const busy = 5
const corrupt = 11
const notADatabase = 26

/** Whether another process holds the lock: the same again, later, may succeed. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === busy
}

/** Whether SQLite found the file to be damaged, or to be no database at all. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error)
  return code === corrupt || code === notADatabase
}

/** The primary result code: SQLite's extended codes carry it in their lowest byte. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
