import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Another Node process that answers each message with one message. */
export type Worker = {
  ask<Answer>(message: unknown): Promise<Answer>
  /** The first message that it sends by itself. */
  readonly ready: Promise<unknown>
  stop(): Promise<void>
}

/** Whether processes can be kept on one processor each. */
export const canPin: boolean =
  availableParallelism() >= 2 &&
  spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

/** Starts a script of this folder, on one processor where the machine lets us choose. */
export function startWorker(script: string, argv: readonly string[], cpu: number): Worker {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const command = canPin
    ? ['taskset', '--cpu-list', String(cpu), process.execPath, path, ...argv]
    : [process.execPath, path, ...argv]
  const child = spawn(command[0]!, command.slice(1), {
    // A peer greets on standard output when it is loaded.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return {
    ready: message(child),
    async ask<Answer>(question: unknown) {
      const answer = message(child)
      child.send(question as object)
      return (await answer) as Answer
    },
    async stop() {
      if (child.exitCode !== null) return
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}

/** @throws {Error} when the process ends before it says something. */
async function message(child: ChildProcess): Promise<unknown> {
  const given = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', { signal: given.signal }).then(([value]) => value),
      once(child, 'exit', { signal: given.signal }).then(([code]) => {
        throw new Error(`a process of the benchmark ended with code ${code}`)
      }),
    ])
  } finally {
    given.abort()
  }
}
