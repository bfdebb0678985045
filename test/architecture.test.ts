import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { SourceFile } from './architecture.ts'
import { findViolations } from './architecture.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

describe('the house', () => {
  const files = [...sources('library/src'), ...sources('program/src')]

  test('has sources to look at', () => {
    expect(files.length).toBeGreaterThan(50)
  })

  test('keeps its own rules', () => {
    expect(findViolations(files)).toEqual([])
  })

  test('has a door in every folder that holds sources', () => {
    const folders = new Set(
      files
        .filter((file) => file.path.startsWith('library/src/'))
        .map((file) => dirname(file.path)),
    )
    folders.delete('library/src')
    const closed = [...folders].filter((folder) => {
      return !existsSync(join(root, folder, 'index.ts')) && basename(folder) !== 'middleware'
    })
    expect(closed).toEqual([])
  })

  test('has no empty folder kept for later', () => {
    const empty = [
      'library',
      'program',
      'spec',
      'test',
      'bench',
      'examples',
      'tools',
      'docs',
    ].filter(
      (folder) => existsSync(join(root, folder)) && readdirSync(join(root, folder)).length === 0,
    )
    expect(empty).toEqual([])
  })
})

describe('the architecture test notices', () => {
  const seeded: readonly (readonly [string, SourceFile])[] = [
    [
      'upward import',
      { path: 'library/src/bytes/a.ts', text: "import { x } from '../invoice/index.ts'" },
    ],
    [
      'client to server',
      { path: 'library/src/client/a.ts', text: "import { x } from '../server/index.ts'" },
    ],
    [
      'server to client',
      { path: 'library/src/server/a.ts', text: "import type { x } from '../client/index.ts'" },
    ],
    [
      'import of testing',
      { path: 'library/src/server/a.ts', text: "import { x } from '../testing/index.ts'" },
    ],
    [
      'past the door',
      { path: 'library/src/l402/a.ts', text: "import { x } from '../bytes/hex.ts'" },
    ],
    [
      'money in macaroons',
      { path: 'library/src/macaroon/a.ts', text: "import { x } from '../amount/index.ts'" },
    ],
    [
      'relative path into the library',
      { path: 'program/src/cli/a.ts', text: "import { x } from '../../../library/src/errors.ts'" },
    ],
    [
      'deep import of the package',
      { path: 'program/src/cli/a.ts', text: "import { x } from 'satway/dist/errors.js'" },
    ],
    [
      'past the door of a part of the gateway',
      {
        path: 'program/src/gateway/edge/a.ts',
        text: "import type { x } from '../proxy/exchange.ts'",
      },
    ],
    [
      'past the door of a part of the program',
      { path: 'program/src/get/a.ts', text: "import { x } from '../agent/perform.ts'" },
    ],
    [
      'one face of the agent in the other',
      { path: 'program/src/mcp/a.ts', text: "import { x } from '../get/get.ts'" },
    ],
    [
      'the agent that knows who uses it',
      { path: 'program/src/agent/a.ts', text: "const x = await import('../tokens/index.ts')" },
    ],
    ['clock in a pure folder', { path: 'library/src/l402/a.ts', text: 'const t = Date.now()' }],
    [
      'environment in a pure folder',
      { path: 'library/src/invoice/a.ts', text: 'const e = process.env' },
    ],
    ['network in a pure folder', { path: 'library/src/l402/a.ts', text: "await fetch('x')" }],
    [
      'node module in a pure folder',
      { path: 'library/src/l402/a.ts', text: "import { x } from 'node:fs'" },
    ],
    ['chance in a pure folder', { path: 'library/src/macaroon/a.ts', text: 'Math.random()' }],
    [
      'dependency outside the table',
      { path: 'library/src/server/a.ts', text: "import z from 'zod'" },
    ],
    ['export *', { path: 'library/src/server/index.ts', text: "export * from './a.ts'" }],
    ['default export', { path: 'library/src/server/a.ts', text: 'export default 1' }],
    ['a name that says nothing', { path: 'library/src/server/utils.ts', text: '' }],
    ['a folder that says nothing', { path: 'library/src/shared/a.ts', text: '' }],
    ['capital letters in a file name', { path: 'library/src/server/KeyRing.ts', text: '' }],
    ['a folder missing from the table', { path: 'library/src/wallets/a.ts', text: '' }],
    ['a long file', { path: 'library/src/server/a.ts', text: 'x\n'.repeat(401) }],
  ]
  for (const [what, file] of seeded) {
    test(what, () => {
      expect(findViolations([file])).toHaveLength(1)
    })
  }

  test('and lets a lawful file pass', () => {
    const lawful = {
      path: 'library/src/l402/a.ts',
      text: "import { x } from '../bytes/index.ts'\nimport { y } from './b.ts'\n// fetch(\n",
    }
    expect(findViolations([lawful])).toEqual([])
  })
})

function sources(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(entry.name),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(root, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }))
}
