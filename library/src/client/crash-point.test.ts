import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterEach, expect, test } from 'vitest'
import { crashPoint, crashPoints } from './crash-point.ts'

const hook = Symbol.for('satway.crash-point')

afterEach(() => {
  Reflect.deleteProperty(globalThis, hook)
})

test('a crash point tells its name to whoever asked for it, and to nobody else', () => {
  const passed: unknown[] = []
  crashPoint('before-intent')
  Reflect.set(globalThis, hook, 'no function')
  crashPoint('before-intent')
  Reflect.set(globalThis, hook, (name: unknown) => passed.push(name))
  for (const point of crashPoints) crashPoint(point)
  expect(passed).toEqual(crashPoints)
  expect(new Set(crashPoints).size).toBe(14)
})

test('a published build has no crash points in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'satway-crash-point-'))
  const entry = join(folder, 'entry.ts')
  const source = join(import.meta.dirname, 'index.ts')
  writeFileSync(entry, `export { createClient } from ${JSON.stringify(source)}\n`)
  try {
    const build = await rolldown({ input: entry, platform: 'node' })
    const { output } = await build.generate({ format: 'esm' })
    const code = output.map((chunk) => ('code' in chunk ? chunk.code : '')).join('')
    await build.close()
    expect(code).toContain('noteTokenStored')
    expect(code).not.toMatch(/crash-?point/i)
    for (const point of crashPoints) expect(code).not.toContain(`'${point}'`)
    for (const point of crashPoints) expect(code).not.toContain(`"${point}"`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
