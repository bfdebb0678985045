import { basename, dirname, extname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from './database.ts'
import type { Appended, ExpectedEnd, ReceiptLine } from './receipt-file.ts'
import { appendLines } from './receipt-file.ts'
import { watchReceipts } from './receipt-writer.ts'
import { systemCode, unavailable } from './unusable.ts'

/** Copies the receipts to their file, beside the payments and not in their way. */
export type ReceiptMirror = {
  /** Resolves when every receipt that was committed before the call is in the file. */
  sync(): Promise<void>
  /** Writes what waits, and stops. Never rejects: what is not written now is written next time. */
  close(): Promise<void>
}

/** A file of receipts, as the journal knows it. */
export type ReceiptFile = {
  readonly name: string
  readonly firstSeq: number
  readonly lastSeq: number
  readonly bytes: number
  /** Why it was begun, when the file before it did not end as it had to. */
  readonly problem: string | undefined
}

/** How long receipts wait for others before they are written to the file, in ms. */
const delayMs = 200
/** After a failure: the disk may be full for a while. */
const retryMs = 5000
/** What one round writes. It holds the lock of the journal meanwhile: a few ms. */
const maxRoundBytes = 512 * 1024
/** How often another name is tried for a file that cannot be gone on with. */
const maxNames = 20

/** @param path - The file of the first receipt. Later files lie beside it. */
export function createReceiptMirror(database: Database, path: string): ReceiptMirror {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isClosed = false

  const later = (ms: number): void => {
    if (isClosed || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      sync().catch(() => later(retryMs))
    }, ms)
    // A process that has nothing else to do ends: the next one writes what waits.
    timer.unref()
  }
  const sync = async (): Promise<void> => {
    // A run that has begun may not see what was committed since.
    await running?.catch(() => {})
    running ??= copyAll(database, path).finally(() => {
      running = undefined
    })
    await running
  }
  const unwatch = watchReceipts(() => later(delayMs))
  // Another process may have ended before it wrote its last receipts.
  later(delayMs)

  return {
    sync,
    async close() {
      isClosed = true
      unwatch()
      clearTimeout(timer)
      await sync().catch(() => {})
    },
  }
}

/** `failed` is returned and not thrown: it must not look like a failure of the journal's own. */
type Round =
  | { readonly status: 'done' | 'more' }
  | { readonly status: 'failed'; readonly file: string; readonly system: string }

async function copyAll(database: Database, path: string): Promise<void> {
  for (;;) {
    const isBehind = await database.read((db) => currentFile(db).lastSeq < newestSeq(db))
    if (!isBehind) return
    // R-RCT-13: what is in the file must never be missing in the journal, after a power cut either.
    const durableSeq = await database.transact(true, (db) => {
      const seq = newestSeq(db)
      db.prepare('UPDATE receipt_mirror SET durable_seq = ?').run(seq)
      return seq
    })
    const round = await database.transact(false, (db) => copyRound(db, path, durableSeq))
    if (round.status === 'failed') {
      throw unavailable('receipts', `make it possible to write ${round.file}`, {
        system: round.system,
      })
    }
    if (round.status === 'done') return
    await turn()
  }
}

/**
 * Adds one round of lines to the file, under the lock of the journal, which is let go when the
 * process dies. Where the process died between the file and the commit, the file says so.
 */
function copyRound(db: DatabaseSync, path: string, durableSeq: number): Round {
  let file = currentFile(db)
  if (file.firstSeq === 0) file = beginFile(db, basename(path), 1, undefined)
  for (let tries = 0; tries < maxNames; tries++) {
    const following = linesAfter(db, file.lastSeq)
    const whole = join(dirname(path), file.name)
    const appended = tryToAppend(whole, {
      bytes: file.bytes,
      last: file.lastSeq < file.firstSeq ? undefined : lineOf(db, file.lastSeq),
      following,
      count: following.filter(({ seq }) => seq <= durableSeq).length,
    })
    if (appended.status === 'failed') return appended
    if (appended.status === 'appended') {
      const { lastSeq, bytes } = appended
      db.prepare('UPDATE receipt_files SET last_seq = ?, bytes = ? WHERE first_seq = ?').run(
        lastSeq,
        bytes,
        file.firstSeq,
      )
      return { status: lastSeq >= durableSeq ? 'done' : 'more' }
    }
    // R-RCT-14: what is there stays as it is, and the chain goes on in a file of its own.
    const next = file.lastSeq + 1
    const problem = file.problem ?? `${file.name} ${appended.what}`
    file = beginFile(db, nextName(path, next, tries), next, problem)
  }
  return { status: 'failed', file: path, system: 'EEXIST' }
}

function tryToAppend(
  file: string,
  expected: ExpectedEnd,
): Appended | { readonly status: 'failed'; readonly file: string; readonly system: string } {
  try {
    return appendLines(file, expected)
  } catch (error) {
    const system = systemCode(error)
    if (system === '') throw error
    return { status: 'failed', file, system }
  }
}

/** The file that is written to; numbers of zero when there is none yet. */
export function currentFile(db: DatabaseSync): ReceiptFile {
  const none = { name: '', firstSeq: 0, lastSeq: 0, bytes: 0, problem: undefined }
  return receiptFiles(db).at(-1) ?? none
}

/** Every file of the chain, in its order. */
export function receiptFiles(db: DatabaseSync): readonly ReceiptFile[] {
  const rows = db.prepare('SELECT * FROM receipt_files ORDER BY first_seq').all()
  return rows.map((row) => ({
    name: String(row['name']),
    firstSeq: Number(row['first_seq']),
    lastSeq: Number(row['last_seq']),
    bytes: Number(row['bytes']),
    problem: row['problem'] === null ? undefined : String(row['problem']),
  }))
}

/** The number of the newest receipt; 0: there is none. */
export function newestSeq(db: DatabaseSync): number {
  return Number(db.prepare('SELECT max(seq) AS seq FROM receipts').get()?.['seq'] ?? 0)
}

/** A file that got no line yet gives way to the one that is begun in its place. */
function beginFile(
  db: DatabaseSync,
  name: string,
  firstSeq: number,
  problem: string | undefined,
): ReceiptFile {
  db.prepare(
    `INSERT OR REPLACE INTO receipt_files (first_seq, name, last_seq, bytes, problem)
      VALUES (?, ?, ?, 0, ?)`,
  ).run(firstSeq, name, firstSeq - 1, problem ?? null)
  return { name, firstSeq, lastSeq: firstSeq - 1, bytes: 0, problem }
}

/** `receipts.21.jsonl`, and where that is taken, `receipts.21-2.jsonl`. */
function nextName(path: string, firstSeq: number, tries: number): string {
  const end = extname(path)
  const again = tries === 0 ? '' : `-${tries + 1}`
  return `${basename(path, end)}.${firstSeq}${again}${end}`
}

function lineOf(db: DatabaseSync, seq: number): ReceiptLine | undefined {
  const row = db.prepare('SELECT line FROM receipts WHERE seq = ?').get(seq)
  return row === undefined ? undefined : { seq, line: String(row['line']) }
}

/** The lines of one round. Which they are depends on `seq` alone, so that every process agrees. */
function linesAfter(db: DatabaseSync, seq: number): readonly ReceiptLine[] {
  const rows = db.prepare('SELECT seq, line FROM receipts WHERE seq > ? ORDER BY seq')
  const lines: ReceiptLine[] = []
  let bytes = 0
  for (const row of rows.iterate(seq)) {
    const line = String(row['line'])
    lines.push({ seq: Number(row['seq']), line })
    bytes += Buffer.byteLength(line, 'utf8') + 1
    if (bytes >= maxRoundBytes) break
  }
  return lines
}
