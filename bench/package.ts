import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Chapter } from './figures.ts'
import { ours } from './peers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

type Manifest = {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

/** What `npm install satway` brings. The tests install it for real (test/packed.test.ts). */
export const packageChapter: Chapter = {
  name: 'package',
  title: 'The packed library',
  async run(_pace, progress) {
    progress('npm pack --dry-run')
    const installed = closure(join(root, 'library'))
    const scripted = installed.filter(({ scripts = {} }) =>
      ['preinstall', 'install', 'postinstall'].some((name) => name in scripts),
    )
    const { size, unpackedSize } = pack()
    return [
      {
        what: 'packages that an install brings',
        who: ours,
        value: installed.length,
        unit: 'count',
        target: { atMost: 4 },
      },
      {
        what: 'of them with an install script',
        who: ours,
        value: scripted.length,
        unit: 'count',
        target: { atMost: 0 },
      },
      { what: 'size of the package', who: ours, value: size, unit: 'bytes' },
      { what: 'size when unpacked', who: ours, value: unpackedSize, unit: 'bytes' },
    ]
  },
}

/** The library and everything it needs at run time, each package once. */
function closure(library: string): readonly Manifest[] {
  const found = new Map<string, Manifest>()
  const open = [library]
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    if (found.has(folder)) continue
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    found.set(folder, manifest)
    for (const name of Object.keys(manifest.dependencies ?? {}))
      open.push(resolvePackage(name, folder))
  }
  return [...found.values()]
}

/** Where Node finds a package from a folder: the nearest `node_modules` above it. */
function resolvePackage(name: string, from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return candidate
  }
  throw new Error(`${name} is not installed`)
}

function pack(): { readonly size: number; readonly unpackedSize: number } {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent', './library'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  const [facts] = JSON.parse(output) as { size: number; unpackedSize: number }[]
  if (facts === undefined) throw new Error('npm pack reported nothing')
  return facts
}
