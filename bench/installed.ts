import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const library = fileURLToPath(new URL('../library', import.meta.url))

type Manifest = {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

export type InstalledPackage = { readonly folder: string; readonly manifest: Manifest }

/** The library and all that it needs at run time, each version once: what an install brings. */
export function installedPackages(): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>()
  const open = [library]
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    const id = `${manifest.name}@${manifest.version}`
    if (found.has(id)) continue
    found.set(id, { folder, manifest })
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      open.push(resolvePackage(name, folder))
    }
  }
  return [...found.values()]
}

/**
 * Lays the packages out as npm does for a user: side by side. In this repository some of them are
 * there twice, because test oracles want other versions, and would be loaded twice.
 *
 * @returns The folder that has them in `node_modules`; the caller removes it.
 */
export function installInNewFolder(): string {
  const user = mkdtempSync(join(tmpdir(), 'satway-bench-'))
  for (const { folder, manifest } of installedPackages()) {
    cpSync(folder, join(user, 'node_modules', manifest.name), {
      recursive: true,
      filter: (path) => path === folder || !path.slice(folder.length).includes('node_modules'),
    })
  }
  return user
}

/** Where Node finds a package from a folder: in the nearest `node_modules` above it. */
function resolvePackage(name: string, from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return candidate
  }
  throw new Error(`${name} is not installed`)
}
