import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs programs that end when this process does, however it ends. */
export type Guard = {
  /** For data. Removed with everything in it. */
  readonly folder: string
  /** Starts a program, whose words go into the file `<name>.out` of the folder. */
  run(name: string, program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>
}

const prefix = 'satway-regtest-'

/**
 * Its standard input is a pipe from the process that is guarded, which sends nothing. When that is
 * gone, also by SIGKILL, the pipe ends.
 */
const script = `
read -r nothing
for file in "$0"/running/*; do kill -9 "\${file##*/}" 2>/dev/null; done
rm -rf "$0"
`

export function createGuard(): Guard {
  removeStale()
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const running = join(folder, 'running')
  mkdirSync(running)
  const watcher = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  const children = new Set<ChildProcess>()

  return {
    folder,
    run: (name, program, args, env = {}) => {
      const out = openSync(join(folder, `${name}.out`), 'a')
      const child = spawn(program, args, {
        // Ctrl-C is for the program that runs the network, which then ends it in order.
        detached: true,
        stdio: ['ignore', out, out],
        env: { ...process.env, ...env },
      })
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
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(ended)
      watcher.ref()
      const gone = once(watcher, 'exit')
      watcher.stdin.end()
      await gone
    },
  }
}

/** Folders of processes that are gone, whose guard was killed too. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^satway-regtest-(\d+)-/.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
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
