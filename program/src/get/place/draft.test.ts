import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDraft, removeDraft, writeState } from './draft.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-draft-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const state = { version: 1, url: 'a'.repeat(64), validator: '"v1"', size: 3 } as const

test('R-GET-3 nothing is written through a link that others put in the way', async () => {
  const precious = join(folder, 'precious')
  writeFileSync(precious, 'precious')
  const own = `${join(folder, 'file')}.${process.pid}.part`
  for (const name of [own, `${own}.json`, `${own}.json.new`]) symlinkSync(precious, name)
  const draft = await createDraft(join(folder, 'file'))
  await writeState(draft.path, state)
  expect(readFileSync(precious, 'utf8')).toBe('precious')
  expect(lstatSync(`${draft.path}.json`).isFile()).toBe(true)
  expect(JSON.parse(readFileSync(`${draft.path}.json`, 'utf8'))).toEqual(state)
  await removeDraft(draft)
  expect(readdirSync(folder).sort()).toEqual([`file.${process.pid}.part.json.new`, 'precious'])
})
