import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeHome, satway } from './satway.ts'

const home = makeHome()
afterAll(() => home.remove())

test('R-AGT-3 compiled code is looked for in no folder that the environment names', async () => {
  const named = join(home.path, 'named')
  const own = join(home.path, '.satway')
  for (const folder of [named, own]) mkdirSync(folder, { mode: 0o700 })
  for (const env of [{ SATWAY_HOME: named }, { HOME: home.path }]) {
    expect((await satway(home.path, ['--version'], { env })).code).toBe(0)
  }
  for (const folder of [named, own]) expect(existsSync(join(folder, 'cache'))).toBe(false)
})
