import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StartChild } from './children.ts'
import { buildChild } from './children.ts'
import { intentOf, noLimits, openAt, pay, scratchFolders } from './scratch-journal.ts'

const newFolder = scratchFolders()
let startChild: StartChild
beforeAll(async () => {
  const folder = newFolder()
  // Other users run it as well: see R-JRN-25.
  chmodSync(folder, 0o711)
  startChild = await buildChild(folder)
})

describe('R-JRN-24 a full disk', () => {
  for (const maxFileKib of [90, 150, 400]) {
    test(`files of ${maxFileKib} KiB at most: STORE_UNAVAILABLE, and nothing half written`, async () => {
      const path = join(newFolder(), 'journal.db')
      const first = await openAt(path)
      await pay(first, 1)
      await first.close()

      const child = startChild({ path, kind: 'fill', first: 11, count: 5000 }, { maxFileKib })
      expect(await child.ended).toEqual({ code: 0, errors: '' })
      const news = child.news.map(({ what }) => what)
      expect(news).toContain('STORE_UNAVAILABLE')
      const listed = child.news.find(({ what }) => what === 'listed')?.number

      // There is room again: opening holds all rows and sums against each other.
      const journal = await openAt(path)
      const entries = await journal.ledger.list()
      const states = (state: string): number =>
        entries.filter((entry) => entry.state === state).length
      // R-JRN-30: the one that could not be written was kept in a file.
      const sent = child.news.filter(({ what }) => what === 'sent')
      const settling = sent.filter(({ number = 0 }) => number % 5 !== 0)
      expect(states('settled') - 1).toBe(settling.length)
      expect(states('failed')).toBe(news.filter((what) => what === 'failed').length)
      expect(entries.length - 1).toBe(news.filter((what) => what === 'begun').length)
      expect(listed).toBe(entries.length)
      expect((await journal.tokens.list()).length).toBe(states('settled'))
      expect((await journal.ledger.begin(intentOf(6000), noLimits)).status).toBe('begun')
      await journal.close()
    }, 120_000)
  }

  test('on which not even a new journal fits, leaves none', async () => {
    const path = join(newFolder(), 'journal.db')
    const child = startChild({ path, kind: 'fill', first: 1, count: 1 }, { maxFileKib: 20 })
    const { code, errors } = await child.ended
    expect(code).not.toBe(0)
    expect(errors).toContain('STORE_UNAVAILABLE')
    const journal = await openAt(path)
    expect(await journal.ledger.list()).toEqual([])
    await journal.close()
  })
})

describe('R-JRN-25 what cannot be written', () => {
  // Everything is allowed to root, so that the children are somebody else then.
  const isRoot = process.getuid?.() === 0
  const uid = isRoot ? 65_534 : undefined
  const folderMode = isRoot ? 0o711 : 0o700
  const home = mkdtempSync(join(tmpdir(), 'satway-journal-'))
  chmodSync(home, folderMode)
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  async function made(name: string): Promise<{ readonly folder: string; readonly path: string }> {
    const folder = join(home, name)
    const path = join(folder, 'journal.db')
    const journal = await openAt(path)
    await pay(journal, 1)
    await journal.close()
    if (uid !== undefined) for (const one of [folder, path]) chownSync(one, uid, uid)
    return { folder, path }
  }

  const asUser = uid === undefined ? {} : { uid }

  test('a file: nothing is paid, and what is in it is read', async () => {
    const { path } = await made('file')
    chmodSync(path, 0o400)
    const child = startChild({ path, kind: 'fill', first: 11, count: 1 }, asUser)
    expect(await child.ended).toEqual({ code: 0, errors: '' })
    expect(child.news).toEqual([
      { what: 'ready' },
      { what: 'STORE_UNAVAILABLE', detail: 'read-only' },
      { what: 'listed', number: 1 },
    ])
  })

  test('a folder: STORE_UNAVAILABLE', async () => {
    const { folder, path } = await made('folder')
    chmodSync(folder, 0o500)
    const child = startChild({ path, kind: 'fill', first: 11, count: 1 }, asUser)
    expect((await child.ended).errors).toContain('STORE_UNAVAILABLE')
    const missing = join(folder, 'other.db')
    const other = startChild({ path: missing, kind: 'fill', first: 11, count: 1 }, asUser)
    expect((await other.ended).errors).toContain('STORE_UNAVAILABLE')
    chmodSync(folder, 0o700)
  })
})
