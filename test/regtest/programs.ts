import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the two programs of the network are. */
export type Programs = { readonly btcd: string; readonly lnd: string }

const source = join(import.meta.dirname, 'programs')
const packages = ['github.com/btcsuite/btcd', 'github.com/lightningnetwork/lnd/cmd/lnd']
/** Said in the key of the cache too: other flags make other programs. */
const buildFlags = ['-trimpath', '-buildvcs=false', '-tags=invoicesrpc routerrpc', '-ldflags=-s -w']

/** What this machine lacks to have the programs, or `undefined`. Builds nothing. */
export function findLack(): string | undefined {
  if (process.platform === 'win32') return 'it runs on Linux and macOS'
  if (goVersion() === undefined) return '`go` is not installed'
  return undefined
}

/**
 * The programs, from the cache of the user, or built into it from the Go module proxy: some minutes,
 * once for each set of versions. Nothing is written into this tree.
 *
 * @param progress - Told what takes long.
 * @returns where they are, or why they could not be built.
 */
export async function buildPrograms(
  progress: (line: string) => void,
): Promise<Programs | { readonly lack: string }> {
  const version = goVersion()
  const lack = findLack()
  if (lack !== undefined || version === undefined) return { lack: lack ?? '' }

  const cache = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'satway',
    'regtest',
  )
  const folder = join(cache, digest(version))
  const programs = { btcd: join(folder, 'btcd'), lnd: join(folder, 'lnd') }
  if (existsSync(folder)) return programs

  mkdirSync(cache, { recursive: true })
  const unfinished = mkdtempSync(join(cache, 'building-'))
  try {
    progress('Building lnd and btcd with Go: two to ten minutes, once ...')
    const began = performance.now()
    const failure = await build(unfinished, (seconds) =>
      progress(`Still building: ${seconds} s ...`),
    )
    if (failure !== undefined) return { lack: `lnd and btcd could not be built: ${failure}` }
    putInPlace(unfinished, folder)
    progress(`Built in ${Math.round((performance.now() - began) / 1000)} s.`)
    return programs
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Another run may have been first: then its programs are as good as these. */
function putInPlace(unfinished: string, folder: string): void {
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

/** @returns Why it failed: the last lines that Go wrote. */
async function build(folder: string, tick: (seconds: number) => void): Promise<string | undefined> {
  // `-mod=readonly` keeps go.mod and go.sum as they are: what they do not name is not built.
  const args = ['build', '-mod=readonly', ...buildFlags, '-o', `${folder}/`, ...packages]
  const child = spawn('go', args, { cwd: source, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + String(chunk)).slice(-4000)
  })
  const began = performance.now()
  const timer = setInterval(() => tick(Math.round((performance.now() - began) / 1000)), 20_000)
  const stop = (): void => void child.kill('SIGTERM')
  process.once('exit', stop)
  const [code] = (await once(child, 'close')) as [number | null]
  process.removeListener('exit', stop)
  clearInterval(timer)
  return code === 0 ? undefined : said.trim().split('\n').slice(-5).join(' | ')
}

function digest(version: string): string {
  const hash = createHash('sha256').update(version).update(buildFlags.join(' '))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(source, file)))
  return hash.digest('hex').slice(0, 32)
}

/** As `go` names itself, with the platform. */
function goVersion(): string | undefined {
  // In the folder of the module: an older `go` fetches the version that go.mod asks for.
  const asked = spawnSync('go', ['version'], { cwd: source, encoding: 'utf8', timeout: 120_000 })
  return asked.status === 0 ? asked.stdout.trim() : undefined
}
