import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratchDatabase, scratchFolder } from '../../../test/journal/scratch-database.ts'
import { createReceiptBook } from './receipt-book.ts'
import { digestOf, noLine, readReceipt } from './receipt-line.ts'
import { writeReceipt } from './receipt-writer.ts'
import { createSeal } from './seal.ts'

const child = join(import.meta.dirname, '../../../test/journal/receipt-child.ts')

let scratch: ReturnType<typeof scratchFolder>
let path = ''
beforeEach(() => {
  scratch = scratchFolder()
  path = join(scratch.folder, 'receipts.jsonl')
})
afterEach(() => scratch.remove())

describe('R-RCT-13 the file is one proper chain, each line once', () => {
  for (const before of [0, 3]) {
    test(`wherever the process dies that adds to ${before} lines`, async () => {
      const pending = 40
      let died = 0
      for (let step = 1; ; step++) {
        scratch.remove()
        scratch = scratchFolder()
        path = join(scratch.folder, 'receipts.jsonl')
        await prepare(before, pending)
        const { signal } = await run('crash', scratch.folder, String(step))
        if (signal === 'SIGKILL') died += 1
        await expectChain(before + pending)
        if (signal === null) break
      }
      // Open, read, write (before and in its middle), flush, close; and of a new file, its folder.
      expect(died).toBeGreaterThanOrEqual(before === 0 ? 8 : 6)
    })
  }

  test('when several processes write receipts and add them at once', async () => {
    await prepare(0, 0)
    const runs = ['a', 'b', 'c'].map((who) => run('write', scratch.folder, '200', who))
    for (const { output } of await Promise.all(runs)) expect(output).toBe('done')
    await expectChain(600)
    const reasons = readFileSync(path, 'utf8').match(/"reason":"[abc] \d+"/g)
    expect(new Set(reasons).size).toBe(600)
  })

  test('when several write at once and are killed at any moment', async () => {
    await prepare(0, 0)
    for (let round = 0; round < 6; round++) {
      const before = sizeOf(path)
      const runs = ['a', 'b'].map((who) => start('write', scratch.folder, '100000', who))
      // However long they take to start: each round ends in the middle of their work.
      while (sizeOf(path) === before) await new Promise((over) => setTimeout(over, 5))
      // Not for exactness: each ends somewhere else in it.
      await new Promise((over) => setTimeout(over, 37 * round))
      for (const { process: writer } of runs) writer.kill('SIGKILL')
      await Promise.all(runs.map(({ ended }) => ended))
    }
    await expectChain(undefined)
  })
})

/** Writes receipts: `before` of them are in the file, and `pending` are not yet. */
async function prepare(before: number, pending: number): Promise<void> {
  const database = await scratchDatabase(scratch.folder)
  const book = createReceiptBook(database, { path, seal: createSeal(new Uint8Array(32)) })
  const write = (count: number): Promise<void> =>
    database.transact(true, (db) => {
      for (let i = 0; i < count; i++)
        writeReceipt(db, { kind: 'refused', atSeconds: i, reason: 'x' })
    })
  await write(before)
  await book.close()
  await write(pending)
  await database.close()
}

async function expectChain(count: number | undefined): Promise<void> {
  const database = await scratchDatabase(scratch.folder)
  const book = createReceiptBook(database, { path, seal: createSeal(new Uint8Array(32)) })
  try {
    const verdict = await book.verify()
    expect(verdict.problems).toEqual([])
    const all = (await book.list()).length
    expect(verdict.lines).toBe(count ?? all)
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
    expect(lines).toHaveLength(all)
    let previous = noLine
    for (const [i, line] of lines.entries()) {
      expect(readReceipt(line)).toMatchObject({ seq: i + 1, previous })
      previous = digestOf(line)
    }
  } finally {
    await book.close()
    await database.close()
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

type Ended = { readonly signal: NodeJS.Signals | null; readonly output: string }

function start(...args: readonly string[]): {
  readonly process: ReturnType<typeof spawn>
  readonly ended: Promise<Ended>
} {
  const started = spawn(process.execPath, [child, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<Ended>((resolve) => {
    let output = ''
    started.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    started.on('close', (_code, signal) => resolve({ signal, output }))
  })
  return { process: started, ended }
}

function run(...args: readonly string[]): Promise<Ended> {
  return start(...args).ended
}
