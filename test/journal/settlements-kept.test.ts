import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Journal } from '../../library/src/journal/index.ts'
import {
  intentOf,
  noLimits,
  openAt,
  pay,
  proofOf,
  scratchFolders,
  settledBy,
} from './scratch-journal.ts'

const newFolder = scratchFolders()
const newPath = (): string => join(newFolder(), 'journal.db')

const salvaged = (path: string): readonly string[] =>
  readdirSync(dirname(path)).filter((name) => name.includes('.salvage'))

/** Another program that has the lock, until it is let go. */
function lock(path: string): () => void {
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  return () => {
    other.exec('ROLLBACK')
    other.close()
  }
}

async function order(journal: Journal, number: number): Promise<void> {
  const intent = intentOf(number)
  await journal.ledger.begin(intent, noLimits)
  await journal.ledger.send(intent.paymentHash, 1)
}

const settle = (journal: Journal, number: number): Promise<void> =>
  journal.ledger.record(proofOf(number).hash, settledBy(number), 1001, 1)

/** As if the disk were gone, until it is back. */
function hide(path: string): () => void {
  renameSync(path, `${path}.hidden`)
  return () => renameSync(`${path}.hidden`, path)
}

/** A journal whose second payment settled while nothing could be written. */
async function unwritten(
  path: string,
  block: (path: string) => () => void,
): Promise<{ readonly journal: Journal; readonly unblock: () => void }> {
  const journal = await openAt(path)
  await pay(journal, 1)
  await order(journal, 2)
  const unblock = block(path)
  await expect(settle(journal, 2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  return { journal, unblock }
}

async function stateOf(journal: Journal, number: number): Promise<string | undefined> {
  return (await journal.ledger.find(proofOf(number).hash))?.state
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!isSo() && performance.now() < end) await new Promise((over) => setTimeout(over, 20))
  expect(isSo()).toBe(true)
}

describe('R-JRN-30 a settlement that cannot be written is kept', () => {
  test('read as settled meanwhile, tried again, and its file is removed once it is written', async () => {
    const path = newPath()
    const { journal, unblock } = await unwritten(path, lock)
    const { hash, preimage } = proofOf(2)
    const entry = { state: 'settled', preimage, feeMsat: 1n, endedAtSeconds: 1001 }
    expect(await journal.ledger.find(hash)).toMatchObject(entry)
    expect(await journal.ledger.unfinished()).toMatchObject([entry])
    expect((await journal.ledger.list()).map(({ state }) => state)).toEqual(['settled', 'settled'])
    const [file = ''] = salvaged(path)
    const mode = statSync(join(dirname(path), file)).mode & 0o777
    expect([salvaged(path).length, mode]).toEqual([1, 0o600])
    const text = readFileSync(join(dirname(path), file), 'utf8')
    expect(text).toMatch(/^[A-Za-z0-9+/=]{50,1000}\n$/)
    expect(Buffer.from(text, 'base64').toString('latin1')).not.toContain(preimage)

    unblock()
    await until(() => salvaged(path).length === 0)
    expect((await journal.ledger.spending(1001)).heldMsat).toBe(0n)
    expect((await journal.tokens.list()).map(({ paymentHash }) => paymentHash)).toContain(hash)
    await journal.close()
    expect(salvaged(path)).toEqual([])
  }, 60_000)

  test('it is written before anything else is bought', async () => {
    const path = newPath()
    const { journal, unblock } = await unwritten(path, hide)
    unblock()
    const again = intentOf(3, { target: intentOf(2).target, coverage: intentOf(2).coverage })
    expect((await journal.ledger.begin(again, noLimits)).status).toBe('begun')
    expect((await journal.tokens.list()).length).toBe(2)
    await journal.close()
  }, 60_000)

  test('news that is wrong is refused, and kept nowhere', async () => {
    const path = newPath()
    const journal = await openAt(path)
    await expect(settle(journal, 9)).rejects.toThrow(RangeError)
    await order(journal, 2)
    await expect(
      journal.ledger.record(proofOf(2).hash, settledBy(2), Number.NaN, 1),
    ).rejects.toThrow(RangeError)
    expect([salvaged(path), await stateOf(journal, 2)]).toEqual([[], 'sending'])
    await journal.close()
  })
})

describe('R-JRN-31 what is left in a file is written by the next opening', () => {
  test('after an end without a warning', async () => {
    const path = newPath()
    const { unblock } = await unwritten(path, hide)
    unblock()
    // Neither closed nor tried again: as if it had been killed.
    const next = await openAt(path)
    expect(await next.ledger.find(proofOf(2).hash)).toMatchObject({
      state: 'settled',
      preimage: proofOf(2).preimage,
    })
    expect((await next.receipts.list({ kinds: ['settled'] })).length).toBe(2)
    expect(salvaged(path)).toEqual([])
    await next.close()
  }, 60_000)

  test('after what settled when the journal was closed already; any number of times', async () => {
    const path = newPath()
    const journal = await openAt(path)
    for (const number of [1, 2, 3]) await order(journal, number)
    await journal.close()
    for (const number of [1, 2, 3]) {
      await expect(settle(journal, number)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    }
    const files = salvaged(path)
    expect(files).toHaveLength(3)
    const copies = files.map((name) => readFileSync(join(dirname(path), name)))
    for (let round = 0; round < 2; round++) {
      const next = await openAt(path)
      for (const number of [1, 2, 3]) expect(await stateOf(next, number)).toBe('settled')
      expect((await next.ledger.spending(1001)).totalMsat).toBe(3003n)
      expect((await next.receipts.verify()).problems).toEqual([])
      await next.close()
      expect(salvaged(path)).toEqual([])
      for (const [i, name] of files.entries()) writeFileSync(join(dirname(path), name), copies[i]!)
    }
  })

  test('several that open it at once write it once', async () => {
    const path = newPath()
    const first = await openAt(path)
    await order(first, 1)
    await first.close()
    await expect(settle(first, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const journals = await Promise.all([openAt(path), openAt(path), openAt(path)])
    expect((await journals[0]!.receipts.list({ kinds: ['settled'] })).length).toBe(1)
    for (const journal of journals) await journal.close()
    expect(salvaged(path)).toEqual([])
  })

  test('a journal that cannot be written opens all the same, and keeps it', async () => {
    const path = newPath()
    const first = await openAt(path)
    await order(first, 2)
    await first.close()
    await expect(settle(first, 2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const unlock = lock(path)
    const journal = await openAt(path)
    expect(await stateOf(journal, 2)).toBe('settled')
    expect(salvaged(path)).toHaveLength(1)
    unlock()
    await until(() => salvaged(path).length === 0)
    await journal.close()
  }, 60_000)
})

describe('R-JRN-32 a file that cannot be read is left as it is, and stops nothing', () => {
  for (const [what, spoil] of [
    ['empty', (): Uint8Array => new Uint8Array()],
    ['of another journal', (): Uint8Array => Buffer.from('bm90IG91cnM=\n')],
    ['changed', (bytes: Uint8Array): Uint8Array => bytes.with(40, bytes[40]! ^ 1)],
    ['cut', (bytes: Uint8Array): Uint8Array => bytes.slice(0, -20)],
    ['huge', (): Uint8Array => Buffer.alloc(100_000, 'A')],
  ] as const) {
    test(what, async () => {
      const path = newPath()
      const first = await openAt(path)
      await order(first, 1)
      await first.close()
      await expect(settle(first, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      const file = join(dirname(path), salvaged(path)[0]!)
      const spoilt = spoil(readFileSync(file))
      writeFileSync(file, spoilt)
      const next = await openAt(path)
      expect(await stateOf(next, 1)).toBe('sending')
      // What it was for stays set aside, and is not bought anew.
      expect((await next.ledger.spending(1001)).heldMsat).toBe(1010n)
      await next.close()
      expect(readFileSync(file).equals(spoilt)).toBe(true)
    })
  }
})

test('R-JRN-33 a journal that does not know the payment is an older copy', async () => {
  const path = newPath()
  const first = await openAt(path)
  await first.close()
  const copy = join(newFolder(), 'copy.db')
  copyFileSync(path, copy)
  const second = await openAt(path, { receiptsPath: join(newFolder(), 'elsewhere.jsonl') })
  await order(second, 1)
  await second.close()
  await expect(settle(second, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  copyFileSync(copy, path)
  const files = salvaged(path)
  await expect(openAt(path)).rejects.toMatchObject({
    code: 'JOURNAL_UNUSABLE',
    details: { reason: 'older-than-salvage', hint: expect.stringContaining(files[0]!) },
  })
  expect(salvaged(path)).toEqual(files)
})
