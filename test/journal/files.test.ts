import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { isL402Error } from '../../library/src/errors.ts'
import { skipPart } from '../parts.ts'
import { intentOf, noLimits, openAt, pay, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()

/** A closed journal with two payments. */
async function madeJournal(): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = newFolder()
  const path = join(folder, 'journal.db')
  const journal = await openAt(path)
  await pay(journal, 1)
  await journal.ledger.begin(intentOf(2), noLimits)
  await journal.close()
  return { folder, path }
}

async function refusalOf(work: Promise<unknown>): Promise<Record<string, unknown>> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isL402Error(error)) throw error ?? new Error('it was not refused')
  return { code: error.code, ...error.details }
}

describe('R-JRN-1 a new journal', () => {
  test('is made with its folders, and nobody else can get at any of them', async () => {
    const folder = join(newFolder(), 'a', 'b')
    const journal = await openAt(join(folder, 'journal.db'))
    await pay(journal, 1)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const files = readdirSync(folder).filter((name) => name.startsWith('journal.db'))
    expect(files.sort()).toEqual(['journal.db', 'journal.db-shm', 'journal.db-wal'])
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600)
    await journal.close()
  })

  test('holds what was written after it is opened again', async () => {
    const { path } = await madeJournal()
    const journal = await openAt(path)
    const states = (await journal.ledger.list()).map(({ state }) => state)
    expect(states).toEqual(['settled', 'intent'])
    await journal.close()
  })

  test('whose last process died while it brought its log into the file is whole with its log', async () => {
    const { path } = await madeJournal()
    const first = await openAt(path)
    // So many that the file grows: then the log has its first page.
    for (let i = 3; i <= 60; i++) await pay(first, i)
    const folder = join(newFolder(), 'copy')
    mkdirSync(folder, { mode: 0o700 })
    const copy = join(folder, 'journal.db')
    for (const part of ['', '-wal']) copyFileSync(path + part, copy + part)
    for (const name of ['journal.key', 'receipts.jsonl']) {
      const other = join(path, '..', name)
      if (statSync(other, { throwIfNoEntry: false }) !== undefined) {
        copyFileSync(other, join(folder, name))
      }
    }
    await first.close()
    // By itself the file makes no sense: it says that it has more pages than there are.
    const bytes = readFileSync(copy)
    bytes.writeUInt32BE(bytes.readUInt32BE(28) + 40, 28)
    writeFileSync(copy, bytes)
    const journal = await openAt(copy)
    expect(await journal.ledger.list()).toHaveLength(60)
    await journal.close()
  })

  test('may be opened twice by one process', async () => {
    const { path } = await madeJournal()
    const [one, other] = await Promise.all([openAt(path), openAt(path)])
    await one.ledger.begin(intentOf(3), noLimits)
    expect((await other.ledger.list()).length).toBe(3)
    await one.close()
    expect((await other.ledger.begin(intentOf(4), noLimits)).status).toBe('begun')
    await other.close()
    expect(await refusalOf(other.ledger.list())).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      reason: 'closed',
    })
  })
})

type Made = { readonly folder: string; readonly path: string }
const unusable: readonly (readonly [
  what: string,
  spoil: (made: Made) => void,
  reason: string,
  hint: RegExp,
])[] = [
  ['an empty file', ({ path }) => writeFileSync(path, ''), 'empty', /copy back/],
  ['text', ({ path }) => writeFileSync(path, 'hello '.repeat(900)), 'foreign', /left as it is/],
  ['a short text', ({ path }) => writeFileSync(path, 'hello'), 'foreign', /left as it is/],
  [
    'another program’s SQLite file',
    ({ path }) => {
      rmSync(path)
      const db = new DatabaseSync(path)
      db.exec('CREATE TABLE bookmarks (url TEXT); PRAGMA journal_mode = WAL')
      db.close()
      chmodSync(path, 0o600)
    },
    'foreign',
    /left as it is/,
  ],
  [
    'the journal of a newer version',
    ({ path }) => execute(path, 'PRAGMA user_version = 99'),
    'newer',
    /update/,
  ],
  [
    'a journal without a version',
    ({ path }) => execute(path, 'PRAGMA user_version = 0'),
    'damaged',
    /copy back/,
  ],
  [
    'a journal with other tables',
    ({ path }) => execute(path, 'DROP INDEX payments_settled'),
    'damaged',
    /copy back/,
  ],
  [
    'a journal whose sums do not add up',
    ({ path }) => execute(path, 'DELETE FROM payments WHERE id = 2'),
    'damaged',
    /copy back/,
  ],
  [
    'a journal with an amount that was changed',
    ({ path }) => execute(path, 'UPDATE payments SET amount_msat = 1 WHERE id = 2'),
    'damaged',
    /copy back/,
  ],
  [
    'a file that was cut',
    ({ path }) => writeFileSync(path, readFileSync(path).subarray(0, 20_000), { flush: true }),
    'damaged',
    /copy back/,
  ],
  ['a folder', ({ path }) => remade(path, () => mkdirSync(path)), 'not-a-file', /ordinary/],
  [
    'a link to another place',
    ({ folder, path }) => {
      renameSync(path, join(folder, 'other.db'))
      symlinkSync(join(folder, 'other.db'), path)
    },
    'link',
    /name the file/,
  ],
  [
    'a link to nothing',
    ({ folder, path }) => remade(path, () => symlinkSync(join(folder, 'gone.db'), path)),
    'link',
    /name the file/,
  ],
  ['a file that others can read', ({ path }) => chmodSync(path, 0o644), 'mode', /chmod 600/],
  ['a file that its group can write', ({ path }) => chmodSync(path, 0o620), 'mode', /chmod 600/],
  [
    'a folder that others can look into',
    ({ folder }) => chmodSync(folder, 0o755),
    'mode',
    /chmod 700/,
  ],
  [
    'a file without the log that it was left with',
    ({ path }) => writeFileSync(`${path}-shm`, '', { mode: 0o600 }),
    'log-missing',
    /put it back/,
  ],
  [
    'a log without its file',
    ({ path }) => remade(path, () => writeFileSync(`${path}-wal`, 'x', { mode: 0o600 })),
    'file-missing',
    /put it back/,
  ],
]

function execute(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

function remade(path: string, make: () => void): void {
  rmSync(path)
  make()
}

describe('R-JRN-2 JOURNAL_UNUSABLE, with what to do, and nothing is changed, for', () => {
  for (const [what, spoil, reason, hint] of unusable) {
    test(what, async () => {
      const made = await madeJournal()
      spoil(made)
      const before = contentOf(made.folder)
      const refusal = await refusalOf(openAt(made.path))
      expect(refusal).toMatchObject({ code: 'JOURNAL_UNUSABLE', reason })
      expect(String(refusal['hint'])).toMatch(hint)
      expect(contentOf(made.folder)).toEqual(before)
    })
  }

  const isRoot = process.getuid?.() === 0
  const lacksRoot = skipPart('root', isRoot ? undefined : 'the tests do not run as root')
  test.skipIf(lacksRoot)('a file or a folder of another user', async () => {
    const made = await madeJournal()
    spawnSync('chown', ['65534', made.path])
    expect(await refusalOf(openAt(made.path))).toMatchObject({ reason: 'owner' })
    spawnSync('chown', ['0', made.path])
    spawnSync('chown', ['65534', made.folder])
    expect(await refusalOf(openAt(made.path))).toMatchObject({ reason: 'owner' })
  })

  test('a damaged file whose last process was killed: its log stays as well', async () => {
    const { folder, path } = await madeJournal()
    execute(path, 'UPDATE payments SET amount_msat = 1 WHERE id = 2')
    const sql = 'UPDATE totals SET next_position = next_position + 1'
    const code = `const { DatabaseSync } = require('node:sqlite')
      new DatabaseSync(process.argv[1]).exec(process.argv[2])
      process.kill(process.pid, 'SIGKILL')`
    spawnSync(process.execPath, ['-e', code, path, sql])
    const before = contentOf(folder).filter((text) => !text.startsWith('journal.db-shm'))
    expect(before.some((text) => text.startsWith('journal.db-wal'))).toBe(true)
    expect(await refusalOf(openAt(path))).toMatchObject({ reason: 'damaged' })
    expect(contentOf(folder).filter((text) => !text.startsWith('journal.db-shm'))).toEqual(before)
  })

  test('another key', async () => {
    const { path } = await madeJournal()
    const refusal = await refusalOf(openAt(path, { key: new Uint8Array(32).fill(8) }))
    expect(refusal).toMatchObject({ code: 'JOURNAL_UNUSABLE', reason: 'key-wrong' })
  })

  function contentOf(folder: string): readonly string[] {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => {
        const text = entry.isFile() ? readFileSync(join(folder, entry.name), 'latin1') : ''
        return `${entry.name}: ${text}`
      })
      .sort()
  }
})

describe('R-JRN-3 a file that is deleted or replaced under a process', () => {
  for (const [what, replace] of [
    ['deleted', ({ path }) => rmSync(path)],
    ['replaced', ({ path }) => copyOver(path)],
    ['parted from its log', ({ path }) => rmSync(`${path}-wal`)],
    ['parted from the index of its log', ({ path }) => rmSync(`${path}-shm`)],
  ] as const satisfies readonly (readonly [string, (made: Made) => void])[]) {
    test(`${what}: nothing is written any more, and nothing read`, async () => {
      const made = await madeJournal()
      const journal = await openAt(made.path)
      await journal.ledger.send(intentOf(2).paymentHash, 1)
      replace(made)
      const unavailable = { code: 'STORE_UNAVAILABLE', reason: 'replaced' }
      expect(await refusalOf(journal.ledger.begin(intentOf(3), noLimits))).toMatchObject(
        unavailable,
      )
      expect(await refusalOf(journal.ledger.list())).toMatchObject(unavailable)
      expect(await refusalOf(journal.tokens.list())).toMatchObject(unavailable)
      await journal.close()
      if (what !== 'replaced') return
      const again = await openAt(made.path)
      expect((await again.ledger.list()).length).toBe(2)
      await again.close()
    })
  }

  test('is noticed by whoever reads as well, within a moment', async () => {
    const { path } = await madeJournal()
    const journal = await openAt(path)
    rmSync(path)
    await expect
      .poll(() => refusalOf(journal.tokens.list()).catch(() => ({})))
      .toMatchObject({ code: 'STORE_UNAVAILABLE', reason: 'replaced' })
    await journal.close()
  })

  test('moved away and put back, goes on', async () => {
    const { path } = await madeJournal()
    const journal = await openAt(path)
    renameSync(path, `${path}.away`)
    const begun = journal.ledger.begin(intentOf(3), noLimits)
    expect(await refusalOf(begun)).toMatchObject({ reason: 'replaced' })
    renameSync(`${path}.away`, path)
    expect((await journal.ledger.begin(intentOf(3), noLimits)).status).toBe('begun')
    await journal.close()
  })

  function copyOver(path: string): void {
    copyFileSync(path, `${path}.copy`)
    renameSync(`${path}.copy`, path)
  }
})

test('R-JRN-4 a copy that was made with SQLite’s own tools is a journal', async () => {
  const { path } = await madeJournal()
  const copy = join(newFolder(), 'journal.db')
  const db = new DatabaseSync(path)
  db.exec(`VACUUM INTO '${copy}'`)
  db.close()
  chmodSync(copy, 0o600)
  const journal = await openAt(copy)
  expect((await journal.ledger.list()).length).toBe(2)
  await journal.close()
})
