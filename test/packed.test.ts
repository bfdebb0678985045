import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// What a user gets: the library is packed and installed in an empty folder.
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const folder = mkdtempSync(join(tmpdir(), 'satway-packed-'))
const installed = join(folder, 'node_modules', 'satway')
const frameworks = ['express', 'hono']

type Lock = { readonly packages: Record<string, { readonly hasInstallScript?: boolean }> }

beforeAll(() => {
  const quiet = { cwd: folder, stdio: 'pipe', encoding: 'utf8' } as const
  const packed = execFileSync('npm', ['pack', join(root, 'library'), '--json', '--silent'], quiet)
  const { filename } = (JSON.parse(packed) as { filename: string }[])[0]!
  writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}')
  execFileSync(
    'npm',
    ['install', `./${filename}`, '--prefer-offline', '--no-audit', '--no-fund'],
    quiet,
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed library', () => {
  test('installs at most 4 packages, none with an install script', () => {
    const lock = JSON.parse(
      readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'),
    ) as Lock
    const packages = Object.entries(lock.packages)
    expect(packages.map(([path]) => path).sort()).toEqual([
      'node_modules/@noble/ciphers',
      'node_modules/@noble/curves',
      'node_modules/@noble/hashes',
      'node_modules/satway',
    ])
    expect(packages.filter(([, facts]) => facts.hasInstallScript === true)).toEqual([])
  })

  test('carries code, types and documents, and nothing else', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1))
    const strangers = files.filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE)$/.test(file) &&
        !/^(dist\/.+\.d\.ts|bundle\/.+\.js)$/.test(file),
    )
    expect(strangers).toEqual([])
    expect(files.filter((file) => /\.test\./.test(file))).toEqual([])
    const bytes = files.reduce((sum, file) => sum + statSync(join(installed, file)).size, 0)
    // Docstrings are most of it: they are what an editor shows.
    expect(bytes).toBeLessThan(1_500_000)
  })

  test('gives every subpath without a framework installed', () => {
    const script = `
      import { readFileSync } from 'node:fs'
      const { exports } = JSON.parse(readFileSync('node_modules/satway/package.json', 'utf8'))
      for (const subpath of Object.keys(exports)) {
        if (subpath !== './package.json') await import('satway' + subpath.slice(1))
      }
      console.log('all')`
    writeFileSync(join(folder, 'all.mjs'), script)
    expect(execFileSync(process.execPath, ['all.mjs'], { cwd: folder, encoding: 'utf8' })).toBe(
      'all\n',
    )
  })

  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    test(`type-checks for a user under ${moduleResolution}, declarations included`, () => {
      const project = join(folder, String(moduleResolution))
      mkdirSync(project)
      const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
        exports: Record<string, unknown>
      }
      const subpaths = Object.keys(exports).filter(
        (subpath) => subpath !== './package.json' && !frameworks.includes(subpath.slice(2)),
      )
      const uses = subpaths.map(
        (subpath, i) => `import * as m${i} from 'satway${subpath.slice(1)}'\nvoid m${i}`,
      )
      writeFileSync(join(project, 'use.ts'), uses.join('\n'))
      const options = {
        module,
        moduleResolution,
        target: 'es2023',
        lib: ['es2024', 'dom', 'dom.iterable'],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      }
      writeFileSync(
        join(project, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, files: ['use.ts'] }),
      )
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      expect(execFileSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' })).toBe('')
    })
  }
})
