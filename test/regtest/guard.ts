import type { ChildProcess, StdioOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs programs that end when this process does, however it ends. */
export type Guard = {
  /** For data. Removed with everything in it. */
  readonly folder: string
  /** Starts a program, whose words go into the file `<name>.out` of the folder. */
  run(name: string, program: string, args: readonly string[], options?: RunOptions): ChildProcess
  /** The last lines that a program wrote, in one. */
  lastWords(name: string): string
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>
}

export type RunOptions = {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Default: what it says goes into its file. */
  readonly stdio?: StdioOptions
}

const prefix = 'satway-regtest-'

/**
 * Its standard input is a pipe from the process that is guarded, which sends nothing. When that is
 * gone, also by SIGKILL, the pipe ends.
 */
const script = `
read -r nothing
for file in "$0"/running/*; do kill -9 -"\${file##*/}" 2>/dev/null; done
rm -rf "$0"
`

/** @param place - Where its folder is made. Default: that for temporary files. */
export function createGuard(place: string = tmpdir()): Guard {
  removeStale(place)
  const folder = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  const running = join(folder, 'running')
  mkdirSync(running)
  const watcher = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  const children = new Set<ChildProcess>()
  const wordsOf = (name: string): string => join(folder, `${name}.out`)

  return {
    folder,
    lastWords: (name) => {
      const said = existsSync(wordsOf(name)) ? readFileSync(wordsOf(name), 'utf8') : ''
      return said.trim().split('\n').slice(-5).join(' | ').slice(-2000)
    },
    run: (name, program, args, options = {}) => {
      const out = openSync(wordsOf(name), 'a')
      const child = spawn(program, args, {
        // Ctrl-C is for the program that runs the network, which then ends it in order. What a child
        // starts is of its group, and ends with it.
        detached: true,
        stdio: ['ignore', out, out],
        ...options,
        env: { ...process.env, ...options.env },
      })
      closeSync(out)
      child.once('error', () => undefined) // said by its lack of a pid
      if (child.pid === undefined) throw new Error(`${program} cannot be started`)
      const file = join(running, String(child.pid))
      writeFileSync(file, '')
      children.add(child)
      child.once('exit', () => {
        children.delete(child)
        rmSync(file, { force: true })
      })
      return child
    },
    close: async () => {
      const ended = [...children].map((child) => once(child, 'exit'))
      for (const { pid } of children) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
      await Promise.all(ended)
      watcher.ref()
      const gone = once(watcher, 'exit')
      watcher.stdin.end()
      await gone
    },
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Folders of processes that are gone, whose guard was killed too. */
function removeStale(place: string): void {
  for (const name of readdirSync(place)) {
    const [, pid] = /^satway-regtest-(\d+)-/.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    try {
      rmSync(join(place, name), { recursive: true, force: true })
    } catch {
      // Another user's, or another run removes it at this moment.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
