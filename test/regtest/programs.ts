import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Guard } from './guard.ts'
import { createGuard } from './guard.ts'

/** Where the two programs of the network are. */
export type Programs = { readonly btcd: string; readonly lnd: string }

const source = join(import.meta.dirname, 'programs')
const packages = ['github.com/btcsuite/btcd', 'github.com/lightningnetwork/lnd/cmd/lnd']
/** Said in the key of the cache too: other flags make other programs. */
const buildFlags = ['-trimpath', '-buildvcs=false', '-tags=invoicesrpc routerrpc', '-ldflags=-s -w']
/** A proxy that takes a connection and says nothing would be waited for without end. */
const mostBuildMs = 20 * 60_000

/**
 * The programs, from the cache of the user, or built into it from the Go module proxy: some minutes,
 * once for each set of versions. Nothing is written into this tree. What is unfinished goes when this
 * process does, however it ends.
 *
 * @param progress - Told what takes long.
 * @param limitMs - The longest that a build may take. Default 20 minutes.
 * @returns where they are, or why they could not be built.
 */
export async function buildPrograms(
  progress: (line: string) => void,
  limitMs: number = mostBuildMs,
): Promise<Programs | { readonly lack: string }> {
  if (process.platform === 'win32') return { lack: 'it runs on Linux and macOS' }
  const go = askGo()
  if ('lack' in go) return go

  const cache = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'satway',
    'regtest',
  )
  const folder = join(cache, digest(go.version))
  const programs = { btcd: join(folder, 'btcd'), lnd: join(folder, 'lnd') }
  if (work(programs)) return programs

  mkdirSync(cache, { recursive: true })
  // In the cache itself: from another file system nothing can be put in its place at once.
  const guard = createGuard(cache)
  try {
    progress('Building lnd and btcd with Go: two to ten minutes, once ...')
    const began = performance.now()
    const unfinished = join(guard.folder, 'programs')
    const failure = await build(guard, unfinished, progress, limitMs)
    if (failure !== undefined) return { lack: `lnd and btcd could not be built: ${failure}` }
    putInPlace(unfinished, folder, programs)
    progress(`Built in ${Math.round((performance.now() - began) / 1000)} s.`)
    return programs
  } finally {
    await guard.close()
  }
}

/** Whether both are there and whole: a cache may have been cleaned, or its disk been full. */
function work(programs: Programs): boolean {
  return Object.values(programs).every((program) => {
    // An empty file is run by a shell, without an error: so it has to say something.
    const asked = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 20_000 })
    return asked.status === 0 && asked.stdout.includes('version')
  })
}

/** Another run may have been first: then its programs are as good as these, if they work. */
function putInPlace(unfinished: string, folder: string, programs: Programs): void {
  if (existsSync(folder) && !work(programs)) rmSync(folder, { recursive: true, force: true })
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!work(programs)) throw error
  }
}

/** @returns Why it failed: the last lines that Go wrote. */
async function build(
  guard: Guard,
  folder: string,
  progress: (line: string) => void,
  limitMs: number,
): Promise<string | undefined> {
  mkdirSync(folder)
  // `-mod=readonly` keeps go.mod and go.sum as they are: what they do not name is not built.
  const args = ['build', '-mod=readonly', ...buildFlags, '-o', `${folder}/`, ...packages]
  const child = guard.run('go', 'go', args, {
    cwd: source,
    env: { GOTMPDIR: guard.folder },
    // Not into a file: what it says of a full disk would not fit on it.
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + String(chunk)).slice(-4000)
  })
  const began = performance.now()
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000)
    progress(`Still building: ${seconds} s ...`)
  }, 20_000)
  const limit = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), limitMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(timer)
  clearTimeout(limit)
  if (code === 0) return undefined
  const reason = code === null ? `it took more than ${limitMs / 1000} s ` : ''
  return reason + said.trim().split('\n').slice(-5).join(' | ')
}

function digest(version: string): string {
  const hash = createHash('sha256').update(version).update(buildFlags.join(' '))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(source, file)))
  return hash.digest('hex').slice(0, 32)
}

/** As `go` names itself, with the platform. */
function askGo(): { readonly version: string } | { readonly lack: string } {
  // In the folder of the module: an older `go` fetches the version that go.mod asks for.
  const asked = spawnSync('go', ['version'], { cwd: source, encoding: 'utf8', timeout: 120_000 })
  if (asked.status === 0) return { version: asked.stdout.trim() }
  const isThere = (asked.error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT'
  if (!isThere) return { lack: '`go` is not installed' }
  const said = asked.stderr.trim().split('\n').slice(-2).join(' | ')
  return { lack: `\`go\` is not new enough, or does not run: ${said || String(asked.error)}` }
}
