import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder } from './sync-folder.ts'
import { systemCode } from './unusable.ts'

/** One committed receipt. */
export type ReceiptLine = { readonly seq: number; readonly line: string }

/** What a file has to end with before anything is added to it. */
export type ExpectedEnd = {
  /** How long it was when it was last written. */
  readonly bytes: number
  /** The last line written to it; `undefined`: none was. */
  readonly last: ReceiptLine | undefined
  /** What follows in the chain. The process that wrote last may have come further than it said. */
  readonly following: readonly ReceiptLine[]
  /** How many of them are to be in the file. */
  readonly count: number
}

export type Appended =
  | { readonly status: 'appended'; readonly lastSeq: number; readonly bytes: number }
  /** It does not end as it has to. Nothing was written. `what` says why, for people. */
  | { readonly status: 'unexpected'; readonly what: string }

/** No process is further ahead than one round: see receipt-mirror.ts. */
const maxAheadBytes = 4 * 1024 * 1024

const otherLines = 'goes on with lines that are not of this journal'
const otherJournal = 'holds something that is not of this journal'

/**
 * Adds lines to a file, once: lines that are there already, whole or begun, are not written again.
 * The lines are on the disk when it returns. Nothing that is in the file is changed.
 *
 * Only for whoever holds the lock of the journal.
 *
 * @throws the system's error when the file cannot be read or written. What was written of a line
 *   is completed the next time.
 */
export function appendLines(file: string, expected: ExpectedEnd): Appended {
  const isNew = expected.bytes === 0
  const opened = openToAppend(file, isNew)
  if (typeof opened === 'string') return { status: 'unexpected', what: opened }
  try {
    const ahead = bytesAhead(opened, expected)
    if (typeof ahead === 'string') return { status: 'unexpected', what: ahead }
    const known = Buffer.from(textOf(expected.following), 'utf8')
    if (!known.subarray(0, ahead.length).equals(ahead)) {
      return { status: 'unexpected', what: isNew ? otherJournal : otherLines }
    }
    const text = Buffer.from(textOf(expected.following.slice(0, expected.count)), 'utf8')
    writeAll(opened, text.subarray(Math.min(ahead.length, text.length)))
    fdatasyncSync(opened)
    if (isNew) syncFolder(dirname(file))
    return endAfter(expected, Math.max(ahead.length, text.length))
  } finally {
    closeSync(opened)
  }
}

/** @returns A descriptor, or what is wrong with the file. */
function openToAppend(file: string, isNew: boolean): number | string {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  try {
    // Not blocking, so that a pipe in its place is refused and not waited for.
    const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK
    return openSync(file, isNew ? flags | O_CREAT : flags, 0o600)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' && !isNew) return 'is missing'
    if (code === 'ELOOP') return 'is a symbolic link'
    if (code === 'EISDIR') return 'is a folder'
    throw error
  }
}

/** @returns What the file has after the expected end, or what is wrong with that end. */
function bytesAhead(descriptor: number, { bytes, last }: ExpectedEnd): Buffer | string {
  const found = fstatSync(descriptor)
  if (!found.isFile()) return 'is not an ordinary file'
  if (found.size < bytes) return `was cut: ${found.size} of ${bytes} bytes are left`
  if (found.size - bytes > maxAheadBytes) return bytes === 0 ? otherJournal : otherLines
  const end = Buffer.from(last === undefined ? '' : `${last.line}\n`, 'utf8')
  const tail = readFrom(descriptor, bytes - end.length, found.size)
  if (!tail.subarray(0, end.length).equals(end)) {
    return `was changed: it does not end with receipt ${last?.seq}`
  }
  return tail.subarray(end.length)
}

function readFrom(descriptor: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, to - from))
  let at = 0
  while (at < bytes.length) {
    const length = readSync(descriptor, bytes, at, bytes.length - at, from + at)
    if (length === 0) break
    at += length
  }
  return bytes.subarray(0, at)
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

/** Where the last whole line ends, `length` bytes after the expected end. */
function endAfter(expected: ExpectedEnd, length: number): Appended {
  let bytes = 0
  let lastSeq = expected.last?.seq
  for (const { seq, line } of expected.following) {
    const next = bytes + Buffer.byteLength(line, 'utf8') + 1
    if (next > length) break
    bytes = next
    lastSeq = seq
  }
  if (lastSeq === undefined) lastSeq = (expected.following[0]?.seq ?? 1) - 1
  return { status: 'appended', lastSeq, bytes: expected.bytes + bytes }
}

function textOf(lines: readonly ReceiptLine[]): string {
  return lines.map(({ line }) => `${line}\n`).join('')
}
