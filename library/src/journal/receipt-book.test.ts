import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ScratchDatabase } from '../../../test/journal/scratch-database.ts'
import { scratchDatabase, scratchFolder } from '../../../test/journal/scratch-database.ts'
import { intentOf } from '../../../test/journal/scratch-journal.ts'
import { msat } from '../amount/index.ts'
import type { Database } from './database.ts'
import { paymentTable, preimageContext, rowOf } from './payment-row.ts'
import { createReceiptBook } from './receipt-book.ts'
import { checkReceipts } from './receipt-check.ts'
import { digestOf, noLine, readReceipt } from './receipt-line.ts'
import { createReceiptMirror } from './receipt-mirror.ts'
import type { ReceiptRow } from './receipt-writer.ts'
import { writeReceipt } from './receipt-writer.ts'
import { createSeal } from './seal.ts'
import { readTotals, writeTotals } from './totals.ts'

let scratch: ReturnType<typeof scratchFolder>
let path = ''
let open: { close(): Promise<void> }[] = []
beforeEach(() => {
  scratch = scratchFolder()
  path = join(scratch.folder, 'receipts.jsonl')
  open = []
})
afterEach(async () => {
  for (const each of open.reverse()) await each.close()
  scratch.remove()
})

const preimage = (n: number): string => n.toString(16).padStart(64, '0')
const numberOf = new Map<string, number>()
function hashOf(n: number): string {
  const hash = createHash('sha256').update(preimage(n), 'hex').digest('hex')
  numberOf.set(hash, n)
  return hash
}
const seal = createSeal(new Uint8Array(32).fill(9))

type Scene = {
  readonly database: ScratchDatabase
  readonly book: ReturnType<typeof createReceiptBook>
  write(...rows: ReceiptRow[]): Promise<void>
}

async function scene(): Promise<Scene> {
  const database = await scratchDatabase(scratch.folder)
  const book = createReceiptBook(database, { path, seal })
  open.push(database, book)
  return {
    database,
    book,
    async write(...rows) {
      await database.transact(true, (db) => {
        for (const row of rows) writeBoth(db, row)
      })
    },
  }
}

/** A receipt, and the payment of one that settled, as the ledger writes them. */
function writeBoth(db: DatabaseSync, row: ReceiptRow): void {
  writeReceipt(db, row)
  const { kind, paymentHash, origin, amountMsat, feeMsat } = row
  if (kind !== 'settled') return
  const n = numberOf.get(paymentHash!)!
  const intent = {
    ...intentOf(n),
    paymentHash: paymentHash!,
    origin: origin!,
    amountMsat: msat(amountMsat!),
  }
  paymentTable.insert(db, {
    ...rowOf(intent, { owner: '-', position: n, seal, known: undefined }),
    state: 'settled',
    position: null,
    fee_msat: feeMsat!,
    ended_at: row.atSeconds,
    preimage: seal.seal(preimage(n), preimageContext(paymentHash)),
  })
  const totals = readTotals(db, row.atSeconds)
  const costMsat = amountMsat! + feeMsat!
  totals.settledMsat += costMsat
  totals.hourMsat += costMsat
  totals.dayMsat += costMsat
  writeTotals(db, totals)
}

/** A payment that went well. */
function bought(n: number, atSeconds = 1_772_323_200 + n): ReceiptRow[] {
  const paymentHash = hashOf(n)
  const origin = `https://${n % 2 === 0 ? 'a' : 'b'}.example`
  const url = `${origin}/v1/${n}?key=top-secret#part`
  return [
    {
      kind: 'intent',
      atSeconds,
      paymentHash,
      origin,
      method: 'GET',
      url,
      amountMsat: msat(10_000n),
      maxFeeMsat: msat(5000n),
      decidedBy: 'policy',
    },
    { kind: 'sending', atSeconds, paymentHash, origin },
    {
      kind: 'settled',
      atSeconds: atSeconds + 0.5,
      paymentHash,
      origin,
      amountMsat: msat(10_000n),
      feeMsat: msat(3n),
    },
  ]
}

const linesOf = (file = path): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)

describe('R-RCT-10 receipts are one chain', () => {
  test('numbered without gaps, each naming the digest of the one before', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await write(...bought(2))
    const receipts = await book.list()
    expect(receipts.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    await book.close()
    const lines = linesOf()
    expect(lines.map(readReceipt)).toEqual(receipts)
    expect(receipts[0]!.previous).toBe(noLine)
    for (const [i, line] of lines.slice(0, -1).entries()) {
      expect(receipts[i + 1]!.previous).toBe(createHash('sha256').update(line).digest('hex'))
    }
    expect((await book.verify()).head).toBe(digestOf(lines.at(-1)!))
  })

  test('written with what it tells, or not at all', async () => {
    const { database, book, write } = await scene()
    await write(...bought(1))
    const failing = database.transact(true, (db) => {
      writeReceipt(db, { kind: 'intent', atSeconds: 1 })
      throw new Error('the payment could not be written down')
    })
    await expect(failing).rejects.toThrow('could not be written down')
    expect(await book.list()).toHaveLength(3)
    await write({ kind: 'abandoned', atSeconds: 2, paymentHash: hashOf(1) })
    expect((await book.list()).map(({ seq, kind }) => [seq, kind]).at(-1)).toEqual([4, 'abandoned'])
    expect((await book.verify()).problems).toEqual([])
  })

  test('of a note as well as of a payment', async () => {
    const { book } = await scene()
    await book.note({
      kind: 'refused',
      atSeconds: 1_772_323_200,
      method: 'POST',
      origin: 'https://a.example',
      path: '/x',
      code: 'BUDGET_EXCEEDED',
      reason: 'per-hour',
      amountMsat: msat(77n),
      paymentHash: undefined,
    })
    await book.note({
      kind: 'not-delivered',
      atSeconds: 1_772_323_201,
      origin: 'https://a.example',
      paymentHash: hashOf(1),
      status: undefined,
    })
    await book.note({
      kind: 'delivered',
      atSeconds: 1_772_323_202.25,
      origin: 'https://a.example',
      paymentHash: hashOf(1),
      status: 200,
    })
    const [refused, undelivered, delivered] = await book.list()
    expect(refused).toEqual({
      seq: 1,
      time: '2026-03-01T00:00:00.000Z',
      kind: 'refused',
      origin: 'https://a.example',
      method: 'POST',
      path: '/x',
      amountMsat: '77',
      code: 'BUDGET_EXCEEDED',
      reason: 'per-hour',
      previous: noLine,
    })
    expect(undelivered).not.toHaveProperty('status')
    expect(delivered).toMatchObject({ status: 200, time: '2026-03-01T00:00:02.250Z' })
  })
})

describe('R-RCT-12 no receipt carries a secret, or more of a stranger’s text than a name', () => {
  test('the query of a URL is left out, and its fragment', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await write({ kind: 'refused', atSeconds: 1, path: '/x?token=top-secret' })
    await write({ kind: 'refused', atSeconds: 1, path: '/y#top-secret' })
    await write({ kind: 'intent', atSeconds: 1, url: 'lightning:02ab', method: 'PAY' })
    await book.close()
    expect(readFileSync(path, 'utf8')).not.toContain('top-secret')
    const paths = (await book.list()).map((receipt) => receipt.path)
    expect(paths).toEqual(['/v1/1', undefined, undefined, '/x', '/y', '02ab'])
  })

  test('long and invisible text is cut, and a line stays a line', async () => {
    const { book, write } = await scene()
    const nasty = `a\nb\r\u2028\u202ec\u0000\ud800${'😀"\\'.repeat(5000)}`
    await write({
      kind: 'refused',
      atSeconds: 1,
      origin: nasty,
      method: nasty,
      path: nasty,
      code: nasty,
      reason: nasty,
      paymentHash: nasty,
    })
    await book.close()
    const [line, ...rest] = linesOf()
    expect(rest).toEqual([])
    expect(Buffer.byteLength(line!)).toBeLessThan(8192)
    const receipt = readReceipt(line!)
    expect(receipt.reason).toBe(`abc${'😀"\\'.repeat(100)}`.match(/^.{64}/u)![0])
    expect(receipt.paymentHash).toBeUndefined()
    expect((await book.verify()).problems).toEqual([])
  })
})

describe('R-RCT-13 the file follows the journal', () => {
  test('soon after, by itself, and belongs to its owner alone', async () => {
    const { write } = await scene()
    await write(...bought(1))
    await expect.poll(() => existsSync(path) && linesOf().length, { timeout: 20_000 }).toBe(3)
    await write(...bought(2))
    await expect.poll(() => linesOf().length, { timeout: 20_000 }).toBe(6)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('at close at the latest', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.close()
    expect(linesOf()).toHaveLength(3)
  })

  test('by the next process, where one ended before it wrote', async () => {
    const database = await scratchDatabase(scratch.folder)
    await database.transact(true, (db) => {
      for (const row of bought(1)) writeReceipt(db, row)
    })
    await database.close()
    expect(existsSync(path)).toBe(false)
    await scene()
    await expect.poll(() => existsSync(path) && linesOf().length, { timeout: 20_000 }).toBe(3)
  })

  test('in rounds, when there is much to write', async () => {
    const { book, database } = await scene()
    for (let i = 0; i < 10; i++) {
      await database.transact(true, (db) => {
        for (let j = 0; j < 500; j++) for (const row of bought(500 * i + j)) writeBoth(db, row)
      })
    }
    await book.close()
    expect(linesOf()).toHaveLength(15_000)
    const verdict = await book.verify()
    expect(verdict).toMatchObject({ lines: 15_000, settled: 5000, proven: 5000, problems: [] })
  })

  test('a few at a time, so that nobody waits long for the lock', async () => {
    const database = await scratchDatabase(scratch.folder)
    open.push(database)
    await database.transact(true, (db) => {
      for (let i = 0; i < 3000; i++) writeReceipt(db, bought(i % 100)[0]!)
    })
    let rounds = 0
    const counted: Database = {
      ...database,
      transact(durable, work) {
        if (!durable) rounds += 1
        return database.transact(durable, work)
      },
    }
    const mirror = createReceiptMirror(counted, path)
    await mirror.sync()
    await mirror.close()
    expect(linesOf()).toHaveLength(3000)
    expect(rounds).toBeGreaterThan(1)
  })

  test('and has nothing that is not in the journal, though a transaction fails', async () => {
    const database = await scratchDatabase(scratch.folder)
    open.push(database)
    await database.transact(true, (db) => {
      for (const row of bought(1)) writeBoth(db, row)
    })
    // A payment that shares the transaction of the copy, which then cannot be committed.
    const failing: Database = {
      ...database,
      transact(durable, work) {
        if (durable) return database.transact(durable, work)
        return database.transact(durable, (db) => {
          writeReceipt(db, { kind: 'intent', atSeconds: 1 })
          work(db)
          throw new Error('disk full')
        })
      },
    }
    const mirror = createReceiptMirror(failing, path)
    await expect(mirror.sync()).rejects.toThrow('disk full')
    await mirror.close()
    expect(linesOf()).toHaveLength(3)
    const book = createReceiptBook(database, { path, seal })
    open.push(book)
    await book.note({
      kind: 'delivered',
      atSeconds: 2,
      origin: 'https://a.example',
      paymentHash: hashOf(1),
      status: 200,
    })
    expect(await book.verify()).toMatchObject({ lines: 4, problems: [] })
  })

  test('and is nothing when there is nothing', async () => {
    const { book } = await scene()
    expect(await book.verify()).toEqual({
      lines: 0,
      settled: 0,
      proven: 0,
      head: noLine,
      problems: [],
    })
    await book.close()
    expect(existsSync(path)).toBe(false)
  })

  test('where it cannot be written, payments go on and the check says so', async () => {
    mkdirSync(path)
    const { book, write } = await scene()
    await write(...bought(1))
    const { problems } = await book.verify()
    expect(problems.join()).toContain('is a folder')
    rmSync(path, { recursive: true })
    chmodSync(scratch.folder, 0o700)
  })

  test('where its folder is gone, payments go on and the check says so', async () => {
    path = join(scratch.folder, 'away', 'receipts.jsonl')
    const { book, write } = await scene()
    await write(...bought(1))
    const { problems } = await book.verify()
    expect(problems.join()).toMatch(/make it possible to write .*receipts\.jsonl/)
    expect(problems.join()).toContain('ENOENT')
    mkdirSync(join(scratch.folder, 'away'))
    expect((await book.verify()).problems).toEqual([])
    await write(...bought(2))
    expect((await book.verify()).problems).toEqual([])
  })
})

describe('R-RCT-14 a file that does not end as it has to is left as it is', () => {
  for (const [what, harm, problem] of [
    ['missing', () => renameSync(path, `${path}.away`), 'is missing'],
    ['cut within a line', () => truncateSync(path, statSync(path).size - 20), 'was cut'],
    [
      'cut after a line',
      () => writeFileSync(path, `${linesOf().slice(0, 4).join('\n')}\n`),
      'was cut',
    ],
    ['empty', () => truncateSync(path, 0), 'was cut'],
    ['longer', () => appendFileSync(path, 'a line of somebody else\n'), 'goes on with lines'],
    ['much longer', () => appendFileSync(path, Buffer.alloc(5_000_000, 'a')), 'goes on with lines'],
    ['another one', () => writeFileSync(path, 'x'.repeat(statSync(path).size)), 'was changed'],
    ['a link', () => moveAwayAnd(() => symlinkSync(`${path}.away`, path)), 'link'],
    ['a folder', () => moveAwayAnd(() => mkdirSync(path)), 'is a folder'],
  ] as const) {
    test(`${what}: the chain goes on in a file of its own`, async () => {
      const { book, write } = await scene()
      await write(...bought(1), ...bought(2))
      expect((await book.verify()).problems).toEqual([])
      harm()
      const left = contentOf(path)
      await write(...bought(3))
      const { problems, head } = await book.verify()
      expect(problems.join('\n')).toContain(problem)
      expect(problems.join('\n')).toContain('from 7 on they are in receipts.7.jsonl')
      expect(contentOf(path), 'not a byte of it is changed').toBe(left)
      const next = join(scratch.folder, 'receipts.7.jsonl')
      expect(linesOf(next).map((line) => readReceipt(line).seq)).toEqual([7, 8, 9])
      expect(statSync(next).mode & 0o777).toBe(0o600)
      expect(head).toBe(digestOf(linesOf(next).at(-1)!))

      await write(...bought(4))
      await book.verify()
      expect(linesOf(next), 'and stays there').toHaveLength(6)
      expect(await book.list(), 'the journal has all').toHaveLength(12)
    })
  }

  test('one that was there before the journal is not touched', async () => {
    writeFileSync(path, 'receipts of an older journal\n')
    const { book, write } = await scene()
    await write(...bought(1))
    const { problems, lines } = await book.verify()
    expect(problems).toEqual([
      'receipts.jsonl holds something that is not of this journal; from 1 on they are in receipts.1.jsonl',
    ])
    expect(lines).toBe(3)
    expect(readFileSync(path, 'utf8')).toBe('receipts of an older journal\n')
  })

  test('nor is one that is in the way of the next', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.verify()
    rmSync(path)
    writeFileSync(join(scratch.folder, 'receipts.4.jsonl'), 'mine')
    await write(...bought(2))
    await book.verify()
    expect(readFileSync(join(scratch.folder, 'receipts.4.jsonl'), 'utf8')).toBe('mine')
    expect(linesOf(join(scratch.folder, 'receipts.4-2.jsonl'))).toHaveLength(3)
  })

  for (let missing = 1; missing < 30; missing += 7) {
    test(`a last line that lacks its last ${missing} bytes, and was never said to be whole, is completed`, async () => {
      const { book, write, database } = await scene()
      await write(...bought(1))
      await book.verify()
      const before = { ...database.raw.prepare('SELECT * FROM receipt_files').get() }
      await write(...bought(2))
      await book.verify()
      const whole = readFileSync(path)
      // As after a crash: the file was being written, and the journal does not know yet.
      database.raw
        .prepare('UPDATE receipt_files SET last_seq = ?, bytes = ?')
        .run(before['last_seq']!, before['bytes']!)
      truncateSync(path, whole.length - missing)
      expect((await book.verify()).problems).toEqual([])
      expect(readFileSync(path)).toEqual(whole)
    })
  }
})

describe('R-RCT-15 the check follows the chain of the file and of the journal', () => {
  test('and finds nothing in any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(history(), { maxLength: 12 }), async (steps) => {
        const own = scratchFolder()
        const database = await scratchDatabase(own.folder)
        const file = join(own.folder, 'receipts.jsonl')
        let book = createReceiptBook(database, { path: file, seal })
        try {
          let written = 0
          let payments = 0
          for (const step of steps) {
            if (step.kind === 'restart') {
              await book.close()
              book = createReceiptBook(database, { path: file, seal })
            }
            if (step.kind === 'verify') expect((await book.verify()).problems).toEqual([])
            if (step.kind !== 'write') continue
            await database.transact(true, (db) => {
              for (const row of step.rows) writeReceipt(db, row)
              if (step.buys) for (const row of bought(payments++)) writeBoth(db, row)
            })
            written += step.rows.length + (step.buys ? 3 : 0)
          }
          expect(await book.verify()).toMatchObject({ lines: written, problems: [] })
        } finally {
          await book.close()
          await database.close()
          own.remove()
        }
      }),
      { numRuns: 40 },
    )
  })

  test('and finds any byte that was changed, and says in which line', async () => {
    const { book, write } = await scene()
    await write(...bought(1), ...bought(2))
    await book.verify()
    const whole = readFileSync(path)
    const lineAt = (at: number): number =>
      whole.subarray(0, at).filter((byte) => byte === 10).length + 1
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 1 + (at % 255)
      writeFileSync(path, changed)
      const { problems } = await book.verify()
      expect(problems[0], `byte ${at}`).toContain(`receipts.jsonl line ${lineAt(at)}: `)
    }
    writeFileSync(path, whole)
    expect((await book.verify()).problems).toEqual([])
  })

  test('and finds any byte that was removed or put in', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.verify()
    const whole = readFileSync(path)
    for (let at = 0; at <= whole.length; at++) {
      writeFileSync(path, Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)]))
      if (at < whole.length) expect((await book.verify()).problems, `without ${at}`).not.toEqual([])
      writeFileSync(
        path,
        Buffer.concat([whole.subarray(0, at), Buffer.from('\n'), whole.subarray(at)]),
      )
      expect((await book.verify()).problems, `with one at ${at}`).not.toEqual([])
    }
  })

  test('and finds lines that were removed, swapped, doubled or put in', async () => {
    const { book, write } = await scene()
    for (let n = 0; n < 4; n++) await write(...bought(n))
    await book.verify()
    const lines = linesOf()
    const count = lines.length
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('remove', 'swap', 'double', 'insert', 'forge'),
        fc.nat(count - 1),
        fc.nat(count - 1),
        async (harm, one, other) => {
          fc.pre(harm !== 'swap' || one !== other)
          const changed = [...lines]
          if (harm === 'remove') changed.splice(one, 1)
          if (harm === 'swap') [changed[one], changed[other]] = [lines[other]!, lines[one]!]
          if (harm === 'double') changed.splice(other, 0, lines[one]!)
          if (harm === 'insert') changed.splice(one, 0, '{"seq":1}')
          if (harm === 'forge') changed.splice(one, 0, forged(lines[one]!))
          writeFileSync(path, `${changed.join('\n')}\n`)
          const { problems } = await book.verify()
          expect(problems).not.toEqual([])
          if (harm !== 'remove') expect(problems[0]).toMatch(/^receipts\.jsonl line \d+: /)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('and says what is wrong in a few words', async () => {
    const { book, write } = await scene()
    await write(...bought(1), ...bought(2))
    await book.verify()
    const lines = linesOf()
    const say = async (changed: readonly string[], end = '\n'): Promise<readonly string[]> => {
      writeFileSync(path, changed.join('\n') + end)
      return (await book.verify()).problems
    }
    expect(await say(lines.with(1, lines[1]!.replace('sending', 'unknown')))).toEqual([
      'receipts.jsonl line 2: is not receipt 2 of the journal',
    ])
    expect(await say(lines.toSpliced(1, 2))).toEqual([
      'receipts.jsonl line 2: the receipts 2 to 3 are not before it',
    ])
    expect(await say(lines.slice(0, 4))).toEqual(['receipts.jsonl lacks the receipts 5 to 6'])
    expect(await say([...lines, lines[0]!])).toEqual([
      'receipts.jsonl line 7: receipt 1 is not in its place',
    ])
    expect(await say([...lines, 'hello'])).toEqual([
      'receipts.jsonl line 7: does not belong in this file',
    ])
    expect(await say(lines, '')).toEqual([
      'receipts.jsonl line 6: ends in the middle of receipt 6',
      'receipts.jsonl lacks the receipts 6 to 6',
    ])
    rmSync(path)
    expect((await book.verify()).problems).toEqual(['receipts.jsonl is missing'])
  })

  test('and does not take a line of the journal’s past end for one of it', async () => {
    const { book, write, database } = await scene()
    await write(...bought(1), ...bought(2))
    await book.verify()
    database.raw.exec('DELETE FROM receipts WHERE seq > 4')
    const { problems } = await book.verify()
    expect(problems).toContain('receipts.jsonl line 5: does not belong in this file')
  })

  test('and finds what was changed in the journal itself', async () => {
    const { book, write, database } = await scene()
    await write(...bought(1), ...bought(2))
    await book.verify()
    const { raw } = database
    const line = String(raw.prepare('SELECT line FROM receipts WHERE seq = 2').get()?.['line'])
    const change = raw.prepare('UPDATE receipts SET line = ? WHERE seq = 2')
    change.run(line.replace('sending', 'unknown'))
    expect((await book.verify()).problems).toEqual([
      'receipt 2 was changed in the journal',
      'receipt 3 of the journal does not follow the one before it',
      'receipts.jsonl line 2: is not receipt 2 of the journal',
    ])
    change.run('nonsense')
    expect((await book.verify()).problems[0]).toBe('receipt 2 was changed in the journal')
    change.run(line)
    raw.exec('DELETE FROM receipts WHERE seq = 3')
    expect((await book.verify()).problems[0]).toBe('the journal lacks receipts before 4')
  })

  test('and finds bytes that are no text where the text is a sign for that', async () => {
    const { book, write } = await scene()
    await write({ kind: 'refused', atSeconds: 1, reason: '\ufffd' })
    await book.verify()
    const [before, after] = readFileSync(path, 'latin1').split('\xef\xbf\xbd')
    writeFileSync(path, `${before}\xff${after}`, 'latin1')
    expect((await book.verify()).problems).toEqual([
      'receipts.jsonl line 1: is not receipt 1 of the journal',
    ])
  })

  test('and finds a line of another file of the chain', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.verify()
    const whole = readFileSync(path)
    rmSync(path)
    await write(...bought(2))
    await book.verify()
    writeFileSync(path, whole)
    expect((await book.verify()).problems).toHaveLength(1)
    const [next] = linesOf(join(scratch.folder, 'receipts.4.jsonl'))
    appendFileSync(path, `${next}\n`)
    expect((await book.verify()).problems).toContain(
      'receipts.jsonl line 4: does not belong in this file',
    )
  })

  test('and calls a line that is being written no problem', async () => {
    const { write, book, database } = await scene()
    await write(...bought(1))
    await book.close()
    await write(...bought(2))
    const line = String(
      database.raw.prepare('SELECT line FROM receipts WHERE seq = 4').get()?.['line'],
    )
    const check = (): Promise<readonly string[]> =>
      checkReceipts(database, path, { sync: async () => {} }, seal).then(({ problems }) =>
        problems.filter((problem) => problem.startsWith('receipts.jsonl')),
      )
    appendFileSync(path, line.slice(0, 50))
    expect(await check()).toEqual([])
    appendFileSync(path, 'x')
    expect(await check()).toEqual(['receipts.jsonl line 4: ends in the middle of receipt 4'])
  })

  test('and tells at most fifty problems', async () => {
    const { book, write } = await scene()
    for (let n = 0; n < 40; n++) await write(...bought(n))
    await book.verify()
    writeFileSync(path, 'x\n'.repeat(120))
    const { problems } = await book.verify()
    expect(problems).toHaveLength(51)
    expect(problems.at(-1)).toMatch(/^and \d+ more$/)
  })

  test('in little memory, also of a line without an end', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.verify()
    // A hole in the file, of which nothing is on the disk.
    truncateSync(path, 512 * 1024 * 1024)
    const before = process.memoryUsage().rss
    const { problems } = await book.verify()
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024)
    expect(problems[0]).toContain('line 4: ')
  })
})

describe('R-RCT-16 the check proves each settled payment', () => {
  const context = preimageContext(hashOf(2))
  for (const [what, sealed] of [
    ['another', seal.seal(preimage(7), context)],
    ['one that is no preimage', seal.seal('xyz', context)],
    ['an empty one', seal.seal('', context)],
    ['one that does not open', seal.seal(preimage(2), preimageContext(hashOf(1)))],
    ['one of another key', createSeal(new Uint8Array(32)).seal(preimage(2), context)],
  ] as const) {
    test(`with the preimage in the journal; ${what} is a problem`, async () => {
      const { book, write, database } = await scene()
      await write(...bought(1), ...bought(2), ...bought(3))
      await database.transact(true, (db) => {
        const row = paymentTable.selectOne(db, 'WHERE payment_hash = ?', hashOf(2))!
        paymentTable.update(db, row, { preimage: sealed })
      })
      expect(await book.verify()).toMatchObject({
        settled: 3,
        proven: 2,
        problems: ['receipt 6: no preimage in the journal proves this payment'],
      })
    })
  }

  test('and does not call a journal that cannot be read a missing proof', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    const file = join(scratch.folder, 'journal.db')
    renameSync(file, `${file}.away`)
    await expect(book.verify()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    renameSync(`${file}.away`, file)
  })
})

describe('R-RCT-20 the check holds receipts and payments against each other', () => {
  for (const [what, sql, problems] of [
    [
      'a payment of another amount',
      'UPDATE payments SET amount_msat = 1',
      [
        'receipt 3: the journal has no such payment',
        'receipt 3: no preimage in the journal proves this payment',
      ],
    ],
    [
      'no payment',
      'DELETE FROM payments',
      [
        'receipt 3: the journal has no such payment',
        'receipt 3: no preimage in the journal proves this payment',
      ],
    ],
    ['no receipt', 'DELETE FROM receipts', [/^the journal lacks|in all/, /no receipt of its/]],
    [
      'a receipt that is found as another',
      "UPDATE receipts SET payment_hash = 'x' WHERE kind = 'settled'",
      [
        'receipt 3 was changed in the journal',
        'the receipts tell of 0 msat in all, and the payments of 10003',
        `payment ${hashOf(1)}: no receipt of its settlement`,
      ],
    ],
  ] as const) {
    test(`${what}`, async () => {
      const { book, write, database } = await scene()
      await write(...bought(1))
      await book.verify()
      database.raw.exec(sql)
      const found = (await book.verify()).problems
      for (const problem of problems) {
        expect(found).toContainEqual(
          typeof problem === 'string' ? problem : expect.stringMatching(problem),
        )
      }
    })
  }

  for (const [what, change, problems] of [
    ['amount', { amount_msat: 9n }, ['receipt 6: the payment was of another amount']],
    ['fee', { fee_msat: 9n }, ['receipt 6: the payment had another fee']],
    ['origin', { origin: 'https://c.example' }, ['receipt 6: the payment went to another origin']],
    [
      'state',
      { state: 'unknown' },
      [
        'receipt 6: the journal has no such payment',
        'receipt 6: no preimage in the journal proves this payment',
      ],
    ],
  ] as const) {
    test(`a payment of another ${what}, whose row is sound`, async () => {
      const { book, write, database } = await scene()
      await write(...bought(1), ...bought(2), ...bought(3))
      await database.transact(true, (db) => {
        const row = paymentTable.selectOne(db, 'WHERE payment_hash = ?', hashOf(2))!
        paymentTable.update(db, row, change)
      })
      expect((await book.verify()).problems).toEqual(problems)
    })
  }

  test('a sum that is not that of the receipts', async () => {
    const { book, write, database } = await scene()
    await write(...bought(1), ...bought(2))
    await database.transact(true, (db) => {
      writeTotals(db, { ...readTotals(db, 0), settledMsat: 7n })
    })
    expect((await book.verify()).problems).toEqual([
      'the receipts tell of 20006 msat in all, and the payments of 7',
    ])
  })

  test('a settlement that is told twice, in place of another', async () => {
    const { book, write, database } = await scene()
    await write(...bought(1))
    await database.transact(true, (db) => {
      writeReceipt(db, bought(1)[2]!)
    })
    expect((await book.verify()).problems).toEqual([
      'the receipts tell of 20006 msat in all, and the payments of 10003',
      `payment ${hashOf(1)}: 2 receipts of its settlement`,
    ])
  })

  test('also when chain, file and sums agree with each other', async () => {
    const { book, write, database } = await scene()
    await write(...bought(1), ...bought(2))
    await book.close()
    // The last purchase is taken out of the chain, its file, and all that is known of both.
    const lines = linesOf().slice(0, 3)
    writeFileSync(path, `${lines.join('\n')}\n`)
    database.raw.exec(`DELETE FROM receipts WHERE seq > 3;
      UPDATE receipt_files SET last_seq = 3, bytes = ${statSync(path).size}`)
    expect((await book.verify()).problems).toEqual([
      'the receipts tell of 10003 msat in all, and the payments of 20006',
      `payment ${hashOf(2)}: no receipt of its settlement`,
    ])
  })
})

describe('R-RCT-17 the check fails until the operator moved the files away', () => {
  test('and had the whole chain written anew', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.verify()
    appendFileSync(path, 'mine\n')
    await write(...bought(2))
    expect((await book.verify()).problems).not.toEqual([])
    await expect(book.restore()).rejects.toThrow(RangeError)
    expect((await book.verify()).problems).not.toEqual([])

    renameSync(path, `${path}.looked-at`)
    await book.restore()
    expect((await book.verify()).problems).toEqual([])
    expect(linesOf()).toHaveLength(6)
    expect(basename(book.path)).toBe('receipts.jsonl')
    await write(...bought(3))
    expect(await book.verify()).toMatchObject({ lines: 9, problems: [] })
  })
})

describe('R-RCT-19 the list', () => {
  test('is oldest first, and of what was asked for', async () => {
    const { book, write } = await scene()
    for (let n = 0; n < 6; n++) await write(...bought(n))
    const seqs = async (filter?: Parameters<typeof book.list>[0]): Promise<number[]> =>
      (await book.list(filter)).map(({ seq }) => seq)
    expect(await seqs()).toEqual(Array.from({ length: 18 }, (_, i) => i + 1))
    expect(await seqs({ kinds: ['settled'] })).toEqual([3, 6, 9, 12, 15, 18])
    expect(await seqs({ kinds: ['settled'], limit: 2 })).toEqual([15, 18])
    expect(await seqs({ kinds: [] })).toEqual([])
    expect(await seqs({ paymentHash: hashOf(2) })).toEqual([7, 8, 9])
    expect(await seqs({ origin: 'https://b.example', kinds: ['intent'] })).toEqual([4, 10, 16])
    expect(await seqs({ sinceSeconds: 1_772_323_205, kinds: ['intent', 'settled'] })).toEqual([
      16, 18,
    ])
    expect(await seqs({ origin: "' OR 1 --" })).toEqual([])
    expect(await seqs({ limit: 0 })).toEqual([])
    for (const limit of [-1, 1.5, Number.NaN]) {
      await expect(book.list({ limit })).rejects.toThrow(RangeError)
    }
  })

  test('R-RCT-18 and the table for a spreadsheet are of the same receipts', async () => {
    const { book, write } = await scene()
    await write(...bought(1))
    await book.note({
      kind: 'delivered',
      atSeconds: 1_772_323_300,
      origin: 'https://b.example',
      paymentHash: hashOf(1),
      status: 200,
    })
    expect(await book.exportCsv()).toBe(
      'time,origin,method,path,amount_msat,fee_msat,payment_hash,decided_by,delivery\r\n' +
        `2026-03-01T00:00:01.500Z,https://b.example,GET,/v1/1,10000,3,${hashOf(1)},policy,delivered\r\n`,
    )
  })
})

type Step =
  | { readonly kind: 'write'; readonly rows: readonly ReceiptRow[]; readonly buys: boolean }
  | { readonly kind: 'verify' | 'restart' }

function history(): fc.Arbitrary<Step> {
  const row: fc.Arbitrary<ReceiptRow> = fc.record(
    {
      kind: fc.constantFrom('intent', 'sending', 'failed', 'unknown', 'refused', 'approval'),
      atSeconds: fc.integer({ min: 0, max: 4_000_000_000 }),
      paymentHash: fc.nat(99).map(hashOf),
      origin: fc.string({ unit: 'binary' }),
      path: fc.string({ unit: 'grapheme' }),
      reason: fc.string({ unit: 'binary', maxLength: 200 }),
      amountMsat: fc.bigInt({ min: 0n, max: 2_100_000_000_000_000_000n }),
      status: fc.integer({ min: 100, max: 599 }),
    },
    { requiredKeys: ['kind', 'atSeconds', 'paymentHash'] },
  )
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        rows: fc.array(row, { maxLength: 5 }),
        buys: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('verify' as const, 'restart' as const) }),
    },
  )
}

/** Another payment in its place, with the same number and link. */
function forged(line: string): string {
  return line.replace(/"paymentHash":"[0-9a-f]{64}"/, `"paymentHash":"${'00'.repeat(32)}"`)
}

function moveAwayAnd(act: () => void): void {
  renameSync(path, `${path}.away`)
  act()
}

function contentOf(file: string): string | undefined {
  if (!existsSync(file) || !statSync(file).isFile()) return undefined
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
