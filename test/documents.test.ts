import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { codes } from '../library/src/errors.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))

describe('the error table', () => {
  const document = readFileSync(join(root, 'spec/errors.md'), 'utf8')
  const rows = [...document.matchAll(/^\| `([A-Z0-9_]+)` \| (.+?) \|/gm)].map((row) => [
    row[1],
    row[2],
  ])

  test('in spec/errors.md says what errors.ts says, and nothing else', () => {
    expect(rows).toEqual(Object.entries(codes))
  })

  test('has no code that nobody throws', () => {
    const source = tracked
      .filter((path) => /^(library|program)\/src\/.*\.ts$/.test(path) && !/\.test\.ts$/.test(path))
      .filter((path) => path !== 'library/src/errors.ts')
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .join('\n')
    const unused = Object.keys(codes).filter((code) => !source.includes(`'${code}'`))
    expect(unused).toEqual([])
  })
})

describe('the rules of spec/', () => {
  const rule = /\bR-[A-Z]+-\d+\b/g
  const stated = new Set<string>()
  const statedTwice: string[] = []
  for (const path of tracked.filter((path) => /^spec\/.*\.md$/.test(path))) {
    for (const match of readFileSync(join(root, path), 'utf8').matchAll(
      /^(?:[-*] |#+ )?\*\*(R-[A-Z]+-\d+)\*\*/gm,
    )) {
      if (stated.has(match[1]!)) statedTwice.push(match[1]!)
      stated.add(match[1]!)
    }
  }
  const cited = new Set<string>()
  const citedByTests = new Set<string>()
  for (const path of tracked.filter((path) => /\.ts$/.test(path))) {
    for (const [id] of readFileSync(join(root, path), 'utf8').matchAll(rule)) {
      cited.add(id)
      // The tests on real nodes share one network: they are called by one file, and stand in many.
      if (/\.test\.ts$|^test\/regtest\//.test(path)) citedByTests.add(id)
    }
  }

  test('are many, and each is stated once', () => {
    expect(stated.size).toBeGreaterThan(50)
    expect(statedTwice).toEqual([])
  })

  test('are each cited by a test', () => {
    expect([...stated].filter((id) => !citedByTests.has(id)).sort()).toEqual([])
  })

  test('exist wherever they are cited', () => {
    expect([...cited].filter((id) => !stated.has(id)).sort()).toEqual([])
  })
})

describe('the documents', () => {
  const pages = tracked.filter((path) => /\.md$/.test(path))

  test('link only to files that exist', () => {
    const broken: string[] = []
    for (const page of pages) {
      for (const match of readFileSync(join(root, page), 'utf8').matchAll(
        /\]\((?!https?:|#)([^)#\s]+)/g,
      )) {
        if (!existsSync(join(root, dirname(page), match[1]!))) broken.push(`${page}: ${match[1]}`)
      }
    }
    expect(broken).toEqual([])
  })

  test('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const missing: string[] = []
    for (const page of pages) {
      for (const match of readFileSync(join(root, page), 'utf8').matchAll(/npm run ([a-z:]+)/g)) {
        if (!(match[1]! in scripts)) missing.push(`${page}: npm run ${match[1]}`)
      }
    }
    expect(missing).toEqual([])
  })
})
