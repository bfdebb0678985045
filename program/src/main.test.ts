import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const program = new URL('..', import.meta.url)

/** What is loaded whatever the command line says. */
function loadedBy(file: URL, seen: Set<string> = new Set()): ReadonlySet<string> {
  const source = readFileSync(file, 'utf8')
  for (const [, name = ''] of source.matchAll(/^import (?!type\b)[^']*'([^']+)'/gm)) {
    if (!name.startsWith('.')) seen.add(name)
    else if (!seen.has(new URL(name, file).href)) {
      seen.add(new URL(name, file).href)
      loadedBy(new URL(name, file), seen)
    }
  }
  return seen
}

test('the program starts light: nothing of a command is loaded before it is asked for', () => {
  const source = new URL('src/', program).href
  const loaded = [...loadedBy(new URL('src/main.ts', program))]
  expect(loaded.map((name) => name.replace(source, '')).sort()).toEqual([
    'cli/commands.ts',
    'cli/exit-codes.ts',
    'cli/run.ts',
    'node:fs',
  ])
})

test('the package carries code and documents, and nothing that only the build needs', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], {
    cwd: program,
    encoding: 'utf8',
  })
  const [{ files }] = JSON.parse(packed) as [{ readonly files: readonly { path: string }[] }]
  const names = files.map(({ path }) => path)
  expect(names).toContain('bin/satway.js')
  expect(names).toContain('bundle/main.js')
  const strangers = names.filter(
    (path) =>
      !/^(package\.json|README\.md|LICENSE|bin\/satway\.js)$/.test(path) &&
      !/^bundle\/.+\.js$/.test(path),
  )
  expect(strangers).toEqual([])
})
