import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// The public surface, as a literal. Changing it is a decision: it shows up here.
const library = resolve(dirname(fileURLToPath(import.meta.url)), '../library')
const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  scripts?: Record<string, string>
}

const surface: Readonly<Record<string, readonly string[]>> = {
  '.': [],
}

describe('the surface of satway', () => {
  test('has these subpaths', () => {
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(surface), './package.json'])
  })

  for (const [subpath, names] of Object.entries(surface)) {
    test(`${subpath} gives these names`, async () => {
      const module = (await import(`satway${subpath.slice(1)}`)) as object
      expect(Object.keys(module).sort()).toEqual([...names].sort())
    })
  }

  test('depends on these packages, and runs nothing at install', () => {
    expect(Object.keys(manifest.dependencies)).toEqual([
      '@noble/ciphers',
      '@noble/curves',
      '@noble/hashes',
    ])
    expect(manifest.scripts).toBeUndefined()
  })
})
