import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Failure } from '../cli/failure.ts'

/** A file with a secret in it, as it was found. */
export type PrivateFile = {
  readonly bytes: Buffer
  /** Permission bits: 0o600. */
  readonly mode: number
}

/**
 * Reads a file that holds a secret.
 *
 * @param maxBytes - A longer file is refused, not cut.
 * @returns `undefined` when there is no such file.
 * @throws {Failure} when it cannot be read, is too long, or is no ordinary file.
 */
export function readSecretFile(file: string, maxBytes: number): PrivateFile | undefined {
  let descriptor: number
  try {
    // Without waiting: a named pipe in its place would hold us until somebody writes.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Failure(`${file} cannot be read (${codeOf(error)}).`)
  }
  try {
    const found = fstatSync(descriptor)
    if (!found.isFile()) throw new Failure(`${file} is not an ordinary file.`)
    if (found.size > maxBytes) throw new Failure(`${file} is longer than ${maxBytes} bytes.`)
    const bytes = Buffer.alloc(found.size)
    const length = readSync(descriptor, bytes, 0, bytes.length, 0)
    return { bytes: bytes.subarray(0, length), mode: found.mode & 0o777 }
  } finally {
    closeSync(descriptor)
  }
}

/** Whether only its owner can read or write it. Windows keeps no such bits. */
export function isPrivateMode(mode: number): boolean {
  return process.platform === 'win32' || (mode & 0o077) === 0
}

/**
 * Reads a file that holds a secret and must be its owner's alone.
 *
 * @throws {Failure} as {@link readSecretFile}, and when group or others may read or write it.
 */
export function readPrivateFile(file: string, maxBytes: number): Buffer | undefined {
  const found = readSecretFile(file, maxBytes)
  if (found === undefined) return undefined
  if (!isPrivateMode(found.mode)) {
    throw new Failure(
      `${file} can be read or changed by others (mode ${formatMode(found.mode)}).`,
      {
        advice: `Make it yours alone: chmod 600 ${file}`,
      },
    )
  }
  return found.bytes
}

/**
 * Makes a file with mode 0600, whole or not at all, and never over another.
 *
 * @returns whether it was made; false when there is one already.
 * @throws {Failure} when it cannot be written.
 */
export function createPrivateFile(file: string, content: Uint8Array | string): boolean {
  return writing(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const draft = writeDraft(file, content)
    try {
      linkSync(draft, file)
      syncFolder(dirname(file))
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    } finally {
      rmSync(draft, { force: true })
    }
  })
}

/**
 * Puts a new content in place of the old one in one step: whoever reads sees one or the other, also
 * after a power cut. Mode 0600. A symbolic link stays; the file behind it changes.
 *
 * @throws {Failure} when it cannot be written; the old content stays.
 */
export function replacePrivateFile(file: string, content: Uint8Array | string): void {
  writing(file, () => {
    const real = realpathSync(file)
    const draft = writeDraft(real, content)
    try {
      renameSync(draft, real)
    } catch (error) {
      rmSync(draft, { force: true })
      throw error
    }
    syncFolder(dirname(real))
  })
}

/** `0600`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** On the same disk as its target, so that it can be moved there in one step. */
function writeDraft(file: string, content: Uint8Array | string): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    fchmodSync(descriptor, 0o600) // whatever the umask takes away
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    fsyncSync(descriptor)
    return draft
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return // folders cannot be opened there
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function writing<T>(file: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof Failure || codeOf(error) === undefined) throw error
    throw new Failure(`${file} cannot be written (${codeOf(error)}).`)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
