import { dirname, join } from 'node:path'
import { isL402Error } from '../errors.ts'
import type { Database } from './database.ts'
import type { Receipt, ReceiptVerdict } from './journal.ts'
import type { ReceiptLine } from './receipt-file.ts'
import { digestOf, noLine, readReceipt } from './receipt-line.ts'
import type { FileLine } from './receipt-lines.ts'
import { readFileLines } from './receipt-lines.ts'
import type { ReceiptFile, ReceiptMirror } from './receipt-mirror.ts'
import { newestSeq, receiptFiles } from './receipt-mirror.ts'
import { checkPayments, checkSettled, settledTotal } from './receipt-payments.ts'
import type { Seal } from './seal.ts'
import { systemCode } from './unusable.ts'

/** More are counted and not told. */
const maxProblems = 50
const rowsAtOnce = 500

/**
 * Follows the chain in the journal, holds it against the payments, and every line of every file
 * against the chain.
 *
 * @spec journal.md R-RCT-15 to R-RCT-17, R-RCT-20
 */
export async function checkReceipts(
  database: Database,
  path: string,
  mirror: Pick<ReceiptMirror, 'sync'>,
  seal: Seal,
): Promise<ReceiptVerdict> {
  const problems = createProblems()
  await mirror.sync().catch((error: unknown) => {
    problems.add(`the file is not complete: ${error instanceof Error ? error.message : 'unknown'}`)
  })
  const { files, newest, totalMsat } = await database.read((db) => ({
    files: receiptFiles(db),
    newest: newestSeq(db),
    totalMsat: settledTotal(db),
  }))
  const { costMsat, ...chain } = await followChain(database, newest, seal, problems)
  if (costMsat !== totalMsat) {
    problems.add(`the receipts tell of ${costMsat} msat in all, and the payments of ${totalMsat}`)
  }
  await checkPayments(database, problems.add)
  let lines = 0
  for (const file of files) {
    const { name, firstSeq, problem } = file
    if (problem !== undefined) problems.add(`${problem}; from ${firstSeq} on they are in ${name}`)
    const isLast = file === files.at(-1)
    lines += await checkFile(database, join(dirname(path), name), file, isLast, problems)
  }
  return { lines, ...chain, problems: problems.list() }
}

type Problems = { add(problem: string): void; list(): readonly string[] }

function createProblems(): Problems {
  const found: string[] = []
  let more = 0
  return {
    add(problem) {
      if (found.length < maxProblems) found.push(problem)
      else more += 1
    },
    list: () => (more === 0 ? found : [...found, `and ${more} more`]),
  }
}

type Chain = {
  readonly settled: number
  readonly proven: number
  readonly costMsat: bigint
  readonly head: string
}

/** What the journal itself says: numbers, digests and links, and each settlement. */
async function followChain(
  database: Database,
  newest: number,
  seal: Seal,
  problems: Problems,
): Promise<Chain> {
  let head = noLine
  let seq = 0
  let count = 0
  let proven = 0
  let costMsat = 0n
  while (seq < newest) {
    const rows = await rowsFrom(database, seq + 1, Math.min(rowsAtOnce, newest - seq))
    if (rows.length === 0) {
      problems.add(`the journal lacks the receipts ${seq + 1} to ${newest}`)
      break
    }
    const settled: Receipt[] = []
    for (const row of rows) {
      if (row.seq > newest) break
      if (row.seq !== seq + 1) problems.add(`the journal lacks receipts before ${row.seq}`)
      const receipt = receiptIn(row)
      if (receipt === undefined) problems.add(`receipt ${row.seq} was changed in the journal`)
      else if (receipt.previous !== head) {
        problems.add(`receipt ${row.seq} of the journal does not follow the one before it`)
      }
      head = digestOf(row.line)
      seq = row.seq
      if (receipt?.kind !== 'settled') continue
      settled.push(receipt)
      costMsat += BigInt(receipt.amountMsat ?? 0) + BigInt(receipt.feeMsat ?? 0)
    }
    count += settled.length
    proven += await checkSettled(database, settled, seal, problems.add)
  }
  return { settled: count, proven, costMsat, head }
}

/**
 * Every line of a file must be the journal's line of that number, in the order of the numbers.
 *
 * @param isLast - Whether it is the file that is written to.
 * @returns How many lines the file has.
 */
async function checkFile(
  database: Database,
  path: string,
  file: ReceiptFile,
  isLast: boolean,
  problems: Problems,
): Promise<number> {
  const { name, firstSeq, lastSeq } = file
  const journal = createCursor(database, isLast ? Number.MAX_SAFE_INTEGER : lastSeq)
  let expected = firstSeq
  let number = 0
  try {
    for await (const line of readFileLines(path)) {
      number += 1
      const own = await journal.next(expected)
      if (line.isWhole && line.text === own) {
        expected += 1
        continue
      }
      // Another process may be in the middle of writing it, or have died there.
      if (!line.isWhole && expected > lastSeq && own?.startsWith(line.text)) break
      const found = await misplaced(journal, line, expected)
      problems.add(`${name} line ${number}: ${found.problem}`)
      expected = found.next
    }
  } catch (error) {
    const code = systemCode(error)
    if (code === '' || isL402Error(error)) throw error
    problems.add(`${name} ${code === 'ENOENT' ? 'is missing' : `cannot be read (${code})`}`)
    return number
  }
  if (expected <= lastSeq) problems.add(`${name} lacks the receipts ${expected} to ${lastSeq}`)
  return number
}

/** What is wrong with a line that is not the expected one, and which is to come next. */
async function misplaced(
  journal: Cursor,
  { text, isWhole }: FileLine,
  expected: number,
): Promise<{ readonly problem: string; readonly next: number }> {
  const seq = seqIn(text)
  if (isWhole && seq !== undefined && text === (await journal.lineAt(seq))) {
    if (seq < expected) return { problem: `receipt ${seq} is not in its place`, next: expected }
    return { problem: `the receipts ${expected} to ${seq - 1} are not before it`, next: seq + 1 }
  }
  const own = await journal.next(expected)
  if (own === undefined) {
    return { problem: 'does not belong in this file', next: expected }
  }
  if (!isWhole) return { problem: `ends in the middle of receipt ${expected}`, next: expected }
  // A line that says nothing of its number was changed; one of another number was put in.
  const next = seq === undefined || seq === expected ? expected + 1 : expected
  return { problem: `is not receipt ${expected} of the journal`, next }
}

type Cursor = {
  /** The line of a number; cheap for one number after the other. */
  next(seq: number): Promise<string | undefined>
  lineAt(seq: number): Promise<string | undefined>
}

function createCursor(database: Database, lastSeq: number): Cursor {
  let rows: readonly ReceiptLine[] = []
  let firstSeq = 0
  return {
    async next(seq) {
      if (seq > lastSeq) return undefined
      if (seq < firstSeq || seq >= firstSeq + rows.length) {
        rows = await linesFrom(database, seq, rowsAtOnce)
        firstSeq = seq
      }
      const row = rows[seq - firstSeq]
      return row?.seq === seq ? row.line : undefined
    },
    async lineAt(seq) {
      if (seq > lastSeq) return undefined
      const [row] = await linesFrom(database, seq, 1)
      return row?.seq === seq ? row.line : undefined
    },
  }
}

/** A receipt in the journal: what it is found by, and its line. */
type ReceiptRow = ReceiptLine & {
  readonly kind: string
  readonly paymentHash: string | null
  readonly origin: string | null
}

async function rowsFrom(
  database: Database,
  seq: number,
  count: number,
): Promise<readonly ReceiptRow[]> {
  const sql = `SELECT seq, kind, payment_hash AS paymentHash, origin, line FROM receipts ${fromThere}`
  const rows = await database.read((db) => db.prepare(sql).all(seq, count))
  return rows as unknown as readonly ReceiptRow[]
}

async function linesFrom(
  database: Database,
  seq: number,
  count: number,
): Promise<readonly ReceiptLine[]> {
  const sql = `SELECT seq, line FROM receipts ${fromThere}`
  const rows = await database.read((db) => db.prepare(sql).all(seq, count))
  return rows as unknown as readonly ReceiptLine[]
}

const fromThere = 'WHERE seq >= ? ORDER BY seq LIMIT ?'

/** `undefined` when it is none, or is not the one that it is found as. */
function receiptIn(row: ReceiptRow): Receipt | undefined {
  try {
    const receipt = readReceipt(row.line)
    const { seq, kind, paymentHash = null, origin = null } = receipt
    const isFound = seq === row.seq && kind === row.kind && paymentHash === row.paymentHash
    return isFound && origin === row.origin ? receipt : undefined
  } catch {
    return undefined
  }
}

/** The number that a line says it has. */
function seqIn(text: string): number | undefined {
  const digits = /^\{"seq":([1-9]\d{0,14}),/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
