import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Chapter } from './figures.ts'
import { installedPackages } from './installed.ts'
import { ours } from './peers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What `npm install satway` brings. The tests install it for real (test/packed.test.ts). */
export const packageChapter: Chapter = {
  name: 'package',
  title: 'The packed library',
  async run(_pace, progress) {
    progress('npm pack --dry-run')
    const installed = installedPackages()
    const scripted = installed.filter(({ manifest: { scripts = {} } }) =>
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
