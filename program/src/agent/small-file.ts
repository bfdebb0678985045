import type { BigIntStats } from 'node:fs'
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A text file as it was found, or in one sentence why it cannot be used. */
export type SmallFile =
  | { readonly text: string; readonly stat: BigIntStats }
  | { readonly problem: string }

/** Longest settings file that is read, in bytes. */
export const maxSettingsBytes = 65_536

/**
 * Reads a settings file that only its owner may change.
 *
 * @returns `undefined` when there is none.
 * @spec agent.md R-POL-6, R-POL-8
 */
export function readSettingsFile(file: string): SmallFile | undefined {
  let descriptor: number
  try {
    // Without waiting: a named pipe in its place would hold us for ever.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    return { problem: `cannot be read (${code})` }
  }
  try {
    const stat = fstatSync(descriptor, { bigint: true })
    const problem = problemOf(file, stat)
    if (problem !== undefined) return { problem }
    const bytes = Buffer.alloc(maxSettingsBytes + 1)
    let length = 0
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null)
      length += read
      if (length > maxSettingsBytes) return { problem: tooLong }
      if (read === 0) break
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
    return { text, stat }
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8 text' }
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code})` }
  } finally {
    closeSync(descriptor)
  }
}

/** Whether group or others may write. Windows keeps no such bits. */
export function isOpenToChanges(mode: number): boolean {
  return process.platform !== 'win32' && (mode & 0o022) !== 0
}

const tooLong = `is longer than ${maxSettingsBytes} bytes`

function problemOf(file: string, stat: BigIntStats): string | undefined {
  if (!stat.isFile()) return 'is no ordinary file'
  if (stat.size > BigInt(maxSettingsBytes)) return tooLong
  if (isOpenToChanges(Number(stat.mode))) {
    return `can be changed by others; make it yours alone: chmod go-w ${file}`
  }
  const folder = dirname(file)
  const { mode } = statSync(folder)
  // Where anybody may put files, a sticky folder at least keeps them from replacing ours.
  if (!isOpenToChanges(mode) || (mode & 0o1000) !== 0) return undefined
  return `lies in a folder that others can change: chmod go-w ${folder}`
}
