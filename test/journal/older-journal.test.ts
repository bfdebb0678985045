import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openAt, pay, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()

type Scene = { readonly path: string; readonly receipts: string; readonly old: string }

/** A journal with three payments, and a copy of when it had one. */
async function scene(): Promise<Scene> {
  const folder = newFolder()
  const path = join(folder, 'journal.db')
  const old = join(newFolder(), 'old.db')
  await paid(path, 1)
  copyFileSync(path, old)
  await paid(path, 2, 3)
  return { path, receipts: join(folder, 'receipts.jsonl'), old }
}

async function paid(path: string, ...numbers: readonly number[]): Promise<void> {
  const journal = await openAt(path)
  for (const number of numbers) await pay(journal, number)
  await journal.close()
}

async function expectOlder(path: string, journal: number, receipts: number): Promise<void> {
  await expect(openAt(path)).rejects.toMatchObject({
    code: 'JOURNAL_UNUSABLE',
    details: {
      reason: 'older-than-receipts',
      journal,
      receipts,
      hint: expect.stringContaining('put the newer journal back'),
    },
  })
}

describe('R-JRN-34 a journal that knows less than its receipts is unusable', () => {
  test('an older copy that was put back, until the newer one is there again', async () => {
    const { path, receipts, old } = await scene()
    const newer = join(newFolder(), 'newer.db')
    copyFileSync(path, newer)
    const text = readFileSync(receipts, 'utf8')
    copyFileSync(old, path)
    await expectOlder(path, 3, 9)
    await expectOlder(path, 3, 9)
    expect(readFileSync(receipts, 'utf8')).toBe(text)
    copyFileSync(newer, path)
    await paid(path, 4)
  })

  test('or once the receipts were moved away', async () => {
    const { path, receipts, old } = await scene()
    copyFileSync(old, path)
    renameSync(receipts, `${receipts}.moved`)
    await paid(path, 4)
    await paid(path, 5)
  })

  test('a new one beside the receipts of one that is gone is not made', async () => {
    const { path } = await scene()
    rmSync(path)
    await expectOlder(path, 0, 9)
    expect(existsSync(path)).toBe(false)
  })

  test('also where the receipts went on in another file', async () => {
    const { path, receipts, old } = await scene()
    truncateSync(receipts, 10)
    await paid(path, 4)
    copyFileSync(old, path)
    await expectOlder(path, 3, 12)
    rmSync(receipts)
    await expectOlder(path, 3, 12)
  })

  test('also when the end of the file was lost, or spoilt', async () => {
    for (const spoil of [
      (file: string): void => truncateSync(file, readFileSync(file).length - 5),
      (file: string): void => appendFileSync(file, '{"seq":'),
      (file: string): void => appendFileSync(file, 'no receipt\n\n\n'),
      (file: string): void => appendFileSync(file, 'x'.repeat(5000)),
    ]) {
      const { path, receipts, old } = await scene()
      spoil(receipts)
      copyFileSync(old, path)
      await expect(openAt(path)).rejects.toMatchObject({
        details: { reason: 'older-than-receipts' },
      })
    }
  })
})

describe('R-JRN-34 what is no proof of an older journal stops nothing', () => {
  const lastOf = (file: string): string => readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)!
  for (const [what, spoil] of [
    [
      'a line of another number that was put in',
      (file: string): void => {
        appendFileSync(file, `${lastOf(file).replace(/"seq":\d+/, '"seq":99')}\n`)
      },
    ],
    [
      'a number that flipped',
      (file: string): void => {
        const text = readFileSync(file, 'utf8')
        writeFileSync(file, text.replace('{"seq":9,', '{"seq":90,'))
      },
    ],
    ['lines that are none', (file: string): void => appendFileSync(file, '{"seq":99}\n[]\n')],
    ['an empty file', (file: string): void => truncateSync(file, 0)],
    ['no file', (file: string): void => rmSync(file)],
    [
      'a folder',
      (file: string): void => {
        rmSync(file)
        mkdirSync(file)
      },
    ],
    [
      'a link',
      (file: string): void => {
        renameSync(file, `${file}.moved`)
        symlinkSync(`${file}.moved`, file)
      },
    ],
    [
      'a file of another name',
      (file: string): void => {
        const text = readFileSync(file, 'utf8').replaceAll('"seq":9', '"seq":1000')
        for (const name of ['receipts.old.jsonl', 'receipts.jsonl.1', 'my-receipts.jsonl']) {
          writeFileSync(join(dirname(file), name), text)
        }
      },
    ],
  ] as const) {
    test(what, async () => {
      const { path, receipts } = await scene()
      spoil(receipts)
      await paid(path, 4)
    })
  }

  test('what was just committed and is not in the file yet', async () => {
    const { path, receipts } = await scene()
    const journal = await openAt(path)
    await pay(journal, 4)
    const other = await openAt(path)
    expect((await other.ledger.list()).length).toBe(4)
    await other.close()
    await journal.close()
    expect(readFileSync(receipts, 'utf8').trimEnd().split('\n')).toHaveLength(12)
  })
})
