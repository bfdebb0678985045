import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { digestOf, maxLineBytes, readReceipt } from './receipt-line.ts'
import { systemCode, unusable } from './unusable.ts'

/** The newest receipt that is in a file. */
export type ReceiptEnd = { readonly file: string; readonly seq: number }

/** Enough for the last lines, however long they are. */
const tailBytes = 4 * (maxLineBytes + 1)

/**
 * The newest receipt of all files of a chain: `receipts.jsonl`, and those after which it went on.
 * Reads their ends only.
 *
 * A line counts when it follows the one before it, or stands alone: what was changed or put in is
 * for `verify` to tell.
 *
 * @param path - The file of the first receipt.
 * @returns `undefined` when there is none.
 */
export function findReceiptEnd(path: string): ReceiptEnd | undefined {
  let newest: ReceiptEnd | undefined
  for (const file of filesOf(path)) {
    const seq = newestIn(file)
    if (seq !== undefined && seq > (newest?.seq ?? 0)) newest = { file, seq }
  }
  return newest
}

/**
 * A journal that knows less than its receipts is an older copy: with it, what was paid since would
 * be paid again, and count in no limit. What is in a file is on the disk in the journal first
 * (R-RCT-13), so that nothing else, and no power cut, ends like this.
 *
 * @param newestSeq - The newest receipt of the journal, looked at after the files.
 * @throws {L402Error} JOURNAL_UNUSABLE
 * @spec journal.md R-JRN-34
 */
export function refuseOlder(end: ReceiptEnd | undefined, newestSeq: number): void {
  if (end === undefined || end.seq <= newestSeq) return
  const what =
    newestSeq === 0 ? 'the journal is gone or empty' : `the journal ends with receipt ${newestSeq}`
  const hint = `${what}, and ${end.file} with receipt ${end.seq}: put the newer journal back; if it is lost, move the receipts away, and know that what was paid since then is not counted`
  throw unusable('older-than-receipts', hint, { journal: newestSeq, receipts: end.seq })
}

function filesOf(path: string): readonly string[] {
  const folder = dirname(path)
  const end = extname(path)
  const stem = basename(path, end)
  const isOfChain = (name: string): boolean => {
    if (name === basename(path)) return true
    const isNamed = name.startsWith(`${stem}.`) && name.endsWith(end)
    return isNamed && /^\d+(?:-\d+)?$/.test(name.slice(stem.length + 1, name.length - end.length))
  }
  try {
    const names = readdirSync(folder).filter(isOfChain)
    return names.map((name) => join(folder, name))
  } catch (error) {
    return nothingOf(error, [])
  }
}

function newestIn(file: string): number | undefined {
  const { lines, isWhole } = lastLines(file)
  for (let i = lines.length - 1; i >= 0; i--) {
    const seq = seqOf(lines[i]!)
    if (seq === undefined) continue
    const before = lines[i - 1]
    if (before === undefined) return isWhole && lines.length === 1 ? seq : undefined
    if (seqOf(before) === seq - 1 && readReceipt(lines[i]!).previous === digestOf(before))
      return seq
  }
  return undefined
}

function seqOf(line: string): number | undefined {
  try {
    return readReceipt(line).seq
  } catch {
    return undefined
  }
}

/** Whole lines at the end of a file. `isWhole`: they are all of it. */
function lastLines(file: string): { readonly lines: readonly string[]; readonly isWhole: boolean } {
  const none = { lines: [], isWhole: true }
  try {
    const stats = lstatSync(file)
    // Neither a link nor a pipe is ever written to, or waited for.
    if (!stats.isFile()) return none
    const from = Math.max(0, stats.size - tailBytes)
    const lines = readEnd(file, from, stats.size - from)
      .toString('utf8')
      .split('\n')
    // What follows the last line break is no whole line, nor is what a cut begins with.
    return { lines: lines.slice(from === 0 ? 0 : 1, -1), isWhole: from === 0 }
  } catch (error) {
    return nothingOf(error, none)
  }
}

function readEnd(file: string, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const descriptor = openSync(file, 'r')
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, from))
  } finally {
    closeSync(descriptor)
  }
}

/** A file that cannot be read holds up no payment: R-RCT-13. */
function nothingOf<Nothing>(error: unknown, nothing: Nothing): Nothing {
  if (systemCode(error) === '') throw error
  return nothing
}
