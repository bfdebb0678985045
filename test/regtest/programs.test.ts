import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { buildPrograms } from './programs.ts'
import { until } from './until.ts'

/** Stands for Go: what it does with `build` is the argument of this function. */
function fakeGo(version: string, build: string): string {
  return `#!/bin/sh
if [ "$1" = version ]; then ${version}; exit; fi
while [ "$1" != -o ]; do shift; done
${build}
`
}
const works = 'echo go version go1.99'
const programs = `for name in btcd lnd; do printf '#!/bin/sh\\necho version 1\\n' >"$2$name"; chmod 755 "$2$name"; done`

describe.skipIf(process.platform === 'win32')('the programs of the network', () => {
  let folder: string
  let cache: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'satway-programs-'))
    cache = join(folder, 'satway/regtest')
    vi.stubEnv('XDG_CACHE_HOME', folder)
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })
  const install = (version: string, build: string): void => {
    writeFileSync(join(folder, 'go'), fakeGo(version, build))
    chmodSync(join(folder, 'go'), 0o755)
  }
  const silent = (): void => undefined

  test('are built once, and anew when one of them is gone or broken', async () => {
    install(works, `echo built >>'${folder}/builds'\n${programs}`)
    const builds = () => readFileSync(join(folder, 'builds'), 'utf8').split('\n').length - 1
    const built = await buildPrograms(silent)
    if ('lack' in built) throw new Error(built.lack)
    expect(builds()).toBe(1)
    expect(await buildPrograms(silent)).toEqual(built)
    expect(builds()).toBe(1)
    rmSync(built.lnd)
    expect(await buildPrograms(silent)).toEqual(built)
    expect(builds()).toBe(2)
    writeFileSync(built.btcd, '')
    expect(await buildPrograms(silent)).toEqual(built)
    expect(builds()).toBe(3)
    expect(readdirSync(cache)).toHaveLength(1)
  })

  test('of two runs at once both have them', async () => {
    install(works, `sleep 0.3\n${programs}`)
    const [first, second] = await Promise.all([buildPrograms(silent), buildPrograms(silent)])
    expect(first).toEqual(second)
    expect(first).not.toHaveProperty('lack')
    expect(readdirSync(cache)).toHaveLength(1)
  })

  test('lack what Go says: it is too old, cannot fetch a module, or comes to no end', async () => {
    install('echo "go.mod requires go >= 1.25" >&2; exit 1', '')
    expect(await buildPrograms(silent)).toEqual({
      lack: expect.stringContaining('go.mod requires go >= 1.25'),
    })
    install(works, 'echo "dial tcp: connection refused" >&2; exit 1')
    expect(await buildPrograms(silent)).toEqual({
      lack: 'lnd and btcd could not be built: dial tcp: connection refused',
    })
    install(works, 'sleep 600')
    expect(await buildPrograms(silent, 500)).toEqual({
      lack: expect.stringContaining('it took more than 0.5 s'),
    })
    expect(readdirSync(cache)).toEqual([])
  })

  test('leave nothing half built, nor Go running, when their builder is ended', async () => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      install(works, `sleep 600 &\necho $! >'${folder}/pid'\nwait`)
      const source = `
        import { buildPrograms } from ${JSON.stringify(join(import.meta.dirname, 'programs.ts'))}
        await buildPrograms(console.log)`
      const builder = spawn(
        process.execPath,
        ['--no-warnings', '--input-type=module', '-e', source],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      await once(createInterface({ input: builder.stdout }), 'line')
      const pid = await until('Go to build', async () => {
        return Number(readFileSync(join(folder, 'pid'), 'utf8'))
      })
      builder.kill(signal)
      await until('everything to go', async () => readdirSync(cache).length === 0 && !isAlive(pid))
      rmSync(join(folder, 'pid'))
    }
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
