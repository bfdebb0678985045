import { Failure } from '../../cli/failure.ts'

/** What the disk says, and not the server. */
const diskCodes: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EROFS',
  'EIO',
  'EISDIR',
])

export function cannotBeWritten(path: string, error: unknown, advice?: string): Failure {
  const { code } = error as NodeJS.ErrnoException
  return new Failure(`${path} cannot be written (${code ?? 'unknown reason'}).`, {
    ...(advice !== undefined && { advice }),
  })
}

/**
 * What broke a body off, in words where it was the place that it was written to.
 *
 * @param path - The place.
 */
export function asDiskError(error: unknown, path: string): unknown {
  const { code = '', syscall } = error as NodeJS.ErrnoException
  return diskCodes.has(code) || syscall === 'rename' ? cannotBeWritten(path, error) : error
}
