import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder } from './sync-folder.ts'
import { systemCode, unavailable, unusable } from './unusable.ts'

const keyBytes = 32
/** 44 characters of base64, and a line break of either kind. */
const maxFileBytes = 46

/**
 * Reads a key file: 32 bytes as base64, in a file that belongs to nobody but us.
 *
 * @returns `undefined` when there is no such file.
 * @throws {L402Error} JOURNAL_UNUSABLE when others may read or change it, when it belongs to
 *   somebody else, is a symbolic link or no file at all, or is not of that form.
 */
export function readKeyFile(file: string): Uint8Array | undefined {
  const descriptor = openToRead(file)
  if (descriptor === undefined) return undefined
  try {
    const { size } = checkOwner(file, descriptor)
    if (size > maxFileBytes) throw malformed(file)
    const bytes = Buffer.alloc(size)
    const length = readSync(descriptor, bytes, 0, size, 0)
    return parseKey(file, bytes.toString('latin1', 0, length))
  } catch (error) {
    if (systemCode(error) === '') throw error
    throw unreadable(file, error)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Makes a key file with a random key, mode 0600, whole or not at all, and never over another one.
 *
 * @returns The key in the file: of several processes that make it at once, all get the same.
 * @throws {L402Error} STORE_UNAVAILABLE when it cannot be written, JOURNAL_UNUSABLE as
 *   {@link readKeyFile}.
 */
export function createKeyFile(file: string): Uint8Array {
  const key = randomBytes(keyBytes)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    publish(file, `${key.toString('base64')}\n`)
  } catch (error) {
    const details = { system: systemCode(error) }
    throw unavailable('key-file', `make it possible to write ${file}`, details, error)
  }
  const kept = readKeyFile(file)
  if (kept === undefined) throw unusable('key-missing', `restore ${file} from your backup`)
  return kept
}

/** Under another name first, and then linked: a reader sees the whole file, or none. */
function publish(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    fchmodSync(descriptor, 0o600) // whatever the umask takes away
    writeSync(descriptor, text)
    fsyncSync(descriptor)
    link(draft, file)
    syncFolder(dirname(file))
  } finally {
    closeSync(descriptor)
    rmSync(draft, { force: true })
  }
}

/** Unlike a rename, a link never replaces the file that another process made meanwhile. */
function link(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

function openToRead(file: string): number | undefined {
  try {
    if (lstatSync(file).isSymbolicLink()) throw notOurs(file, 'is a symbolic link')
    // O_NOFOLLOW for what came between; O_NONBLOCK so that a pipe is refused and not waited for.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    return openSync(file, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0))
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw notOurs(file, 'is a symbolic link')
    if (code === '') throw error
    throw unreadable(file, error)
  }
}

function checkOwner(file: string, descriptor: number): { readonly size: number } {
  const found = fstatSync(descriptor)
  if (!found.isFile()) throw notOurs(file, 'is not an ordinary file')
  if (process.platform === 'win32') return found // it keeps neither such owners nor such bits
  if (found.uid !== process.geteuid?.()) throw notOurs(file, 'belongs to another user')
  if ((found.mode & 0o077) !== 0) {
    throw unusable('key-file', `others may read ${file}; make it yours alone: chmod 600 ${file}`)
  }
  return found
}

function parseKey(file: string, text: string): Uint8Array {
  const digits = text.replace(/\r?\n$/, '')
  if (!/^[A-Za-z0-9+/]{43}=$/.test(digits)) throw malformed(file)
  const key = Buffer.from(digits, 'base64')
  if (key.toString('base64') !== digits) throw malformed(file)
  return new Uint8Array(key)
}

function notOurs(file: string, what: string): Error {
  return unusable('key-file', `${file} ${what}; put the key file itself back`)
}

function malformed(file: string): Error {
  return unusable('key-file', `${file} is not a key of 32 bytes; restore it from your backup`)
}

function unreadable(file: string, error: unknown): Error {
  const details = { system: systemCode(error) }
  return unusable('key-file', `make it possible to read ${file}`, details, error)
}
